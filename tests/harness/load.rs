//! A load of HTTP requests with a fixed concurrency, every answer counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::http::{client, send};

/// Sends `requests` requests, `concurrency` at a time; panics on the first answer that is not `status`.
pub async fn run(
    method: reqwest::Method,
    url: &str,
    requests: usize,
    concurrency: usize,
    status: u16,
) {
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..concurrency).map(|_| {
        let (next, url, method) = (Arc::clone(&next), url.to_owned(), method.clone());
        tokio::spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < requests {
                let answer = send(
                    client()
                        .request(method.clone(), &url)
                        .header("User-Agent", "load/1.0"),
                )
                .await;
                assert_eq!(answer.status, status, "{}", answer.text());
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}
