//! Calls that are known again in SQL: each has an id of its own, and what was acknowledged must be there once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName};

use crate::eventually;
use crate::http::{client, send};
use crate::stack::Stack;

/// An answer that takes longer came too late: API Gateway gives a function 30 s.
const IN_TIME: Duration = Duration::from_secs(32);

/// Calls and what was answered.
#[derive(Debug, Default)]
pub struct Calls {
    acknowledged: BTreeSet<String>,
    refused: BTreeMap<String, u16>,
}

impl Calls {
    /// Buys a sword `count` times in the name of as many players, `concurrency` at a time. Every answer is a 200, or in
    /// time a 429 or 503 that says when to come again.
    pub async fn make(&mut self, stack: &Stack, count: usize, concurrency: usize) {
        self.make_with(stack, count, concurrency, &[]).await;
    }

    /// The same with further headers.
    pub async fn make_with(
        &mut self,
        stack: &Stack,
        count: usize,
        concurrency: usize,
        headers: &[(&'static str, &str)],
    ) {
        let further: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let begun = self.acknowledged.len() + self.refused.len();
        let next = Arc::new(AtomicUsize::new(0));
        let workers = (0..concurrency).map(|_| {
            let (next, games) = (Arc::clone(&next), stack.run.games.clone());
            let further = further.clone();
            tokio::spawn(async move {
                let mut answers = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return answers;
                    }
                    let id = format!("u{}", begun + number);
                    let since = Instant::now();
                    let url = format!("{games}/purchase_a_sword?userid={id}");
                    let answer = send(client().get(url).headers(further.clone())).await;
                    assert!(since.elapsed() < IN_TIME, "{:?}", since.elapsed());
                    match answer.status {
                        200 => {}
                        429 | 503 => {
                            answer.problem(answer.status);
                            let after = answer.header("retry-after").parse::<u32>();
                            assert!(after.is_ok_and(|after| after >= 1), "{:?}", answer.headers);
                        }
                        other => panic!("{other}: {}", answer.text()),
                    }
                    answers.push((id, answer.status));
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            for (id, status) in worker.await.unwrap() {
                if status == 200 {
                    self.acknowledged.insert(id);
                } else {
                    self.refused.insert(id, status);
                }
            }
        }
    }

    /// Makes one call again and again until it is acknowledged.
    pub async fn until_acknowledged(&mut self, stack: &Stack, limit: Duration) {
        let deadline = Instant::now() + limit;
        let before = self.acknowledged.len();
        while self.acknowledged.len() == before {
            assert!(Instant::now() < deadline, "{:?}", self.refused);
            self.make(stack, 1, 1).await;
        }
    }

    /// How many were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// How many were refused with this status.
    pub fn refused(&self, status: u16) -> usize {
        self.refused.values().filter(|it| **it == status).count()
    }

    /// Waits until every acknowledged call is a row, and asserts that none is two, and that no row is from nowhere.
    ///
    /// A call that was refused with 503 may be a row as well, but only once; one that was refused with 429 is none.
    pub async fn all_arrive(&self, stack: &Stack) {
        self.all_arrive_within(stack, Duration::from_secs(90)).await;
    }

    /// The same with another limit, for many calls.
    pub async fn all_arrive_within(&self, stack: &Stack, limit: Duration) {
        let statement =
            "SELECT userid, COUNT(*) AS n FROM game_events GROUP BY userid LIMIT 100000";
        let url = format!("{}/api/sql?limit=100000", stack.run.lake);
        let rows = eventually("every acknowledged call is a row", limit, || async {
            let answer = send(client().post(&url).body(statement)).await;
            if answer.status != 200 {
                return Err(answer.text());
            }
            let rows: BTreeMap<String, u64> = answer.json()["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| {
                    (
                        row["userid"].as_str().unwrap().to_owned(),
                        row["n"].as_u64().unwrap(),
                    )
                })
                .collect();
            let missing = self
                .acknowledged
                .iter()
                .filter(|id| !rows.contains_key(*id));
            match missing.count() {
                0 => Ok(rows),
                missing => Err(format!(
                    "{missing} of {} are missing",
                    self.acknowledged.len()
                )),
            }
        })
        .await;
        let doubled: Vec<_> = rows.iter().filter(|(_, n)| **n > 1).collect();
        assert!(doubled.is_empty(), "doubled: {doubled:?}");
        let unknown: Vec<_> = rows
            .keys()
            .filter(|id| !self.acknowledged.contains(*id) && self.refused.get(*id) != Some(&503))
            .collect();
        assert!(
            unknown.is_empty(),
            "not acknowledged, not doubtful: {unknown:?}"
        );
    }
}
