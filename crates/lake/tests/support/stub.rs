//! Servers that misbehave on request: one that answers by a script, and one that cuts connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A server on a port of its own, gone when dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    /// Requests that were read whole.
    pub(crate) requests: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// An answer of S3's with an error's code.
pub(crate) fn error(status: u16, code: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>words</Message></Error>"
    );
    answer(status, &body)
}

/// An answer.
pub(crate) fn answer(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Answers the requests one after the other as `answers` say, the last one again and again; after an answer that is not
/// whole the connection ends, and an empty one never comes.
pub(crate) async fn scripted(answers: Vec<String>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = requests.clone();
    let answers = Arc::new(answers);
    let task = tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(converse(client, answers.clone(), seen.clone()));
        }
    });
    Server {
        address,
        requests,
        task: task.abort_handle(),
    }
}

async fn converse(mut client: TcpStream, answers: Arc<Vec<String>>, seen: Arc<AtomicUsize>) {
    while read_request(&mut client).await.is_some() {
        let number = seen.fetch_add(1, Ordering::SeqCst);
        let answer = &answers[number.min(answers.len() - 1)];
        if answer.is_empty() {
            std::future::pending::<()>().await;
        }
        if client.write_all(answer.as_bytes()).await.is_err() || !is_whole(answer) {
            return;
        }
    }
}

fn is_whole(answer: &str) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    content_length(head) == body.len()
}

/// Reads a request with its body; nothing when the connection ends.
async fn read_request(client: &mut TcpStream) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let head = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let length = content_length(&String::from_utf8_lossy(&read[..head]));
            if read.len() >= head + 4 + length {
                return Some(());
            }
        }
        if client.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap())
}

/// Passes everything on to `upstream`, but of PUTs every `every`th connection is cut when its answer comes: it took
/// effect, and nobody hears of it. `requests` counts the cuts.
pub(crate) async fn cutting(upstream: String, every: u64) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let cuts = Arc::new(AtomicUsize::new(0));
    let (counted, puts) = (cuts.clone(), Arc::new(AtomicU64::new(0)));
    let task = tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&upstream).await.unwrap();
            tokio::spawn(pass_on(
                client,
                server,
                every,
                puts.clone(),
                counted.clone(),
            ));
        }
    });
    Server {
        address,
        requests: cuts,
        task: task.abort_handle(),
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: TcpStream,
    every: u64,
    puts: Arc<AtomicU64>,
    cuts: Arc<AtomicUsize>,
) {
    let (mut from_client, mut from_server) = ([0; 65_536], [0; 65_536]);
    let mut cut_the_answer = false;
    loop {
        tokio::select! {
            Ok(n) = client.read(&mut from_client) => {
                if n == 0 {
                    return;
                }
                // Clients wait for an answer before they ask again, so a request begins where a reading does.
                if from_client[..n].starts_with(b"PUT ") {
                    cut_the_answer = (puts.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(every);
                }
                if server.write_all(&from_client[..n]).await.is_err() {
                    return;
                }
            }
            Ok(n) = server.read(&mut from_server) => {
                if cut_the_answer {
                    cuts.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if n == 0 || client.write_all(&from_server[..n]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}
