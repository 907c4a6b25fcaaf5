//! Trouble with the brokers, as the Kafka clients of the runner and of the functions complain of it: of each kind one line
//! is shown, those after it are counted, and the end is told.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{config::RDKafkaLogLevel, consumer::Consumer};
use stream::Connection;
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

use crate::cli::announce;

/// Between two looks whether it is over.
const LOOK: Duration = Duration::from_secs(2);
/// Every so many looks the lines that were not shown are counted.
const COUNTED: u32 = 5;

/// Of the process, as its terminal is.
static NOW: Mutex<Trouble> = Mutex::new(Trouble::NONE);

/// What has been complained of since the brokers answered last.
#[derive(Debug)]
struct Trouble {
    kinds: BTreeSet<String>,
    /// Complaints that were not shown, and how many of them were counted aloud.
    more: u64,
    counted: u64,
    /// Whether there was one since the last look.
    fresh: bool,
    looks: u32,
}

impl Trouble {
    const NONE: Self = Self {
        kinds: BTreeSet::new(),
        more: 0,
        counted: 0,
        fresh: false,
        looks: 0,
    };

    fn complain(&mut self, kind: &str) -> bool {
        self.fresh = true;
        let is_news = self.kinds.insert(kind.to_owned());
        self.more += u64::from(!is_news);
        is_news
    }

    /// What there is to say after a look at brokers that answer, or do not.
    fn look(&mut self, answer: bool) -> Option<String> {
        let fresh = std::mem::take(&mut self.fresh);
        if answer && !fresh {
            let more = std::mem::replace(self, Self::NONE).more;
            return Some(format!(
                "the brokers answer again; {more} complaints were not shown"
            ));
        }
        self.looks += 1;
        let more = self.more - self.counted;
        if !self.looks.is_multiple_of(COUNTED) || more == 0 {
            return None;
        }
        self.counted = self.more;
        Some(format!(
            "still in trouble with the brokers: {more} complaints more"
        ))
    }
}

fn now() -> MutexGuard<'static, Trouble> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a complaint about the brokers is of a kind that was not shown yet.
pub(crate) fn is_news(kind: &str) -> bool {
    now().complain(kind)
}

/// Looks after trouble until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch(JoinHandle<()>);

impl Watch {
    /// Tells what becomes of trouble with these brokers.
    pub(crate) fn start(connection: &Connection) -> Self {
        stream::show_complaints_if(is_news);
        let connection = connection.clone();
        Self(tokio::spawn(async move {
            loop {
                sleep(LOOK).await;
                if now().kinds.is_empty() {
                    continue;
                }
                let asked = connection.clone();
                let answer = spawn_blocking(move || answers(&asked)).await;
                let word = now().look(answer.unwrap_or_default());
                if let Some(word) = word {
                    announce(&word);
                }
            }
        }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn answers(connection: &Connection) -> bool {
    let mut config = connection.client();
    config.set_log_level(RDKafkaLogLevel::Emerg);
    connection
        .consumer(&config)
        .is_ok_and(|client| client.fetch_metadata(None, LOOK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_shown_once_then_counted_and_the_end_is_told() {
        let mut trouble = Trouble::NONE;
        let shown: Vec<bool> = ["FAIL", "ERROR", "FAIL", "FAIL"]
            .into_iter()
            .map(|kind| trouble.complain(kind))
            .collect();
        assert_eq!(shown, [true, true, false, false]);
        let words: Vec<_> = (0..2 * COUNTED)
            .filter_map(|_| trouble.look(false))
            .collect();
        assert_eq!(
            words,
            ["still in trouble with the brokers: 2 complaints more"]
        );
        trouble.complain("FAIL");
        assert_eq!(
            trouble.look(true),
            None,
            "whoever has just complained is not well yet"
        );
        let end = "the brokers answer again; 3 complaints were not shown";
        assert_eq!(trouble.look(true).as_deref(), Some(end));
        assert!(trouble.complain("FAIL"), "the next outage is news");
    }
}
