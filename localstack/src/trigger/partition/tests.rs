//! The poller on a log in memory and a clock that the tests move.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use tokio::{sync::Notify, task::JoinHandle};

use super::*;
use crate::{
    broker::Watermark,
    clock::manual::ManualClock,
    functions::{InvokeError, Outcome},
    template::EventSource,
    trigger::log::LogError,
};

const NAME: &str = "t-0";

/// A partition in memory that remembers its group's offset.
#[derive(Default)]
struct Log {
    offsets: Mutex<Vec<i64>>,
    commits: Mutex<Vec<i64>>,
    written: Notify,
}

impl Log {
    fn write(&self, offsets: impl IntoIterator<Item = i64>) {
        self.offsets.lock().unwrap().extend(offsets);
        self.written.notify_waiters();
    }

    fn committed(&self) -> i64 {
        self.commits
            .lock()
            .unwrap()
            .last()
            .copied()
            .unwrap_or_default()
    }
}

/// A reader of the log with a position of its own.
struct Reader {
    log: Arc<Log>,
    index: Mutex<usize>,
}

#[async_trait]
impl PartitionLog for Reader {
    async fn next(&self) -> Result<LogRecord, LogError> {
        loop {
            let written = self.log.written.notified();
            let offset = {
                let mut index = self.index.lock().unwrap();
                let offset = self.log.offsets.lock().unwrap().get(*index).copied();
                *index += usize::from(offset.is_some());
                offset
            };
            if let Some(offset) = offset {
                let json = format!("{{\"offset\":{offset}}}").into();
                return Ok(LogRecord {
                    offset,
                    timestamp: 1,
                    json,
                });
            }
            written.await;
        }
    }

    async fn rewind(&self, to: i64) -> Result<(), LogError> {
        let offsets = self.log.offsets.lock().unwrap();
        *self.index.lock().unwrap() = offsets.partition_point(|offset| *offset < to);
        Ok(())
    }

    async fn commit(&self, next: i64) -> Result<(), LogError> {
        self.log.commits.lock().unwrap().push(next);
        Ok(())
    }

    async fn bounds(&self) -> Result<Watermark, LogError> {
        let offsets = self.log.offsets.lock().unwrap();
        let low = offsets.first().copied().unwrap_or_default();
        Ok(Watermark {
            low,
            high: offsets.last().map_or(0, |last| last + 1),
        })
    }
}

/// What the function does with one invocation.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Succeeds,
    Fails,
    Busy,
    /// Reports the record at this place of the batch, and the last one.
    FailsFrom(usize),
    /// Reports a record that is not of the batch.
    ReportsOther,
    /// Reports all of it, and that so many records before it are missing.
    Misses(i64),
    /// Takes the poller with it.
    Panics,
}

/// A function with a fate for each of its first invocations; then it succeeds.
struct Function {
    clock: ManualClock,
    fates: Mutex<std::vec::IntoIter<Fate>>,
    takes: Duration,
    /// Where its chain ends, if it keeps one: what begins above that is refused, with a word about what is missing.
    head: Mutex<Option<i64>>,
    /// When, with which offsets, and how many of them counted as done.
    calls: Mutex<Vec<(Duration, Vec<i64>, usize)>>,
}

#[async_trait]
impl Invoke for Function {
    async fn invoke(&self, _: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let records = event["records"][NAME].as_array().unwrap();
        let offsets: Vec<i64> = records
            .iter()
            .map(|record| record["offset"].as_i64().unwrap())
            .collect();
        let at = self.clock.elapsed();
        self.clock.sleep(self.takes).await;
        let fate = match &mut *self.head.lock().unwrap() {
            Some(head) if offsets[0] > *head => Fate::Misses(offsets[0] - *head),
            Some(head) => {
                *head = offsets[offsets.len() - 1] + 1;
                Fate::Succeeds
            }
            None => self.fates.lock().unwrap().next().unwrap_or(Fate::Succeeds),
        };
        let item = |offset: i64| {
            format!(r#"{{"itemIdentifier":{{"partition":"{NAME}","offset":{offset}}}}}"#)
        };
        let report = |items: &[String]| {
            Ok(Outcome::Success(
                format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(",")).into(),
            ))
        };
        let (done, answer) = match fate {
            Fate::Succeeds => (offsets.len(), report(&[])),
            Fate::Fails => (
                0,
                Ok(Outcome::FunctionError {
                    kind: "Unhandled",
                    payload: Bytes::new(),
                }),
            ),
            Fate::Busy => (
                0,
                Err(InvokeError::Throttled {
                    function: String::new(),
                    concurrency: 1,
                }),
            ),
            Fate::FailsFrom(place) => {
                let place = place % offsets.len();
                (
                    place,
                    report(&[item(offsets[offsets.len() - 1]), item(offsets[place])]),
                )
            }
            Fate::Misses(count) => {
                let (first, end) = (offsets[0] - count, offsets[0]);
                let place = r#""table":"rows","topic":"t","partition":0"#;
                let gap = format!(r#"{{{place},"first":{first},"end":{end}}}"#);
                let failed = item(end);
                let answer = format!(r#"{{"batchItemFailures":[{failed}],"gaps":[{gap}]}}"#);
                (0, Ok(Outcome::Success(answer.into())))
            }
            Fate::Panics => panic!("fate"),
            Fate::ReportsOther => (0, report(&[item(offsets[offsets.len() - 1] + 1)])),
        };
        self.calls.lock().unwrap().push((at, offsets, done));
        answer
    }
}

/// A log, a function and a clock, and pollers that come and go.
struct Setting {
    clock: ManualClock,
    log: Arc<Log>,
    function: Arc<Function>,
    batch_size: usize,
    window: Duration,
    told: Arc<Mutex<Vec<String>>>,
}

impl Setting {
    fn new(fates: Vec<Fate>, batch_size: usize, window: u64, takes: u64) -> Self {
        let clock = ManualClock::at("2026-11-23T00:00:00Z");
        let function = Function {
            clock: clock.clone(),
            fates: Mutex::new(fates.into_iter()),
            takes: Duration::from_millis(takes),
            head: Mutex::default(),
            calls: Mutex::default(),
        };
        let window = Duration::from_millis(window);
        Self {
            clock,
            log: Arc::default(),
            function: Arc::new(function),
            batch_size,
            window,
            told: Arc::default(),
        }
    }

    /// With a function whose chain ends at `head`, and a group that is at `committed`.
    fn behind(head: i64, committed: i64) -> Self {
        let setting = Self::new(Vec::new(), 100, 0, 0);
        *setting.function.head.lock().unwrap() = Some(head);
        setting.log.commits.lock().unwrap().push(committed);
        setting
    }

    /// The gaps that a person was told of.
    fn gaps(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let gaps = told.iter().filter(|line| line.starts_with("GAP"));
        gaps.cloned().collect()
    }

    /// A poller that starts at the committed offset.
    fn poll(&self) -> (JoinHandle<Poller>, watch::Sender<bool>) {
        let start = self.log.committed();
        let index = self
            .log
            .offsets
            .lock()
            .unwrap()
            .partition_point(|offset| *offset < start);
        let told = Arc::clone(&self.told);
        let plan = Plan {
            function: "f".to_owned(),
            batch_size: self.batch_size,
            batching_window: self.window,
            report_batch_item_failures: true,
            maximum_retry_attempts: None,
            destination: None,
            invoke: Arc::clone(&self.function) as Arc<dyn Invoke>,
            clock: Arc::new(self.clock.clone()),
            tell: Box::new(move |line| told.lock().unwrap().push(line.to_owned())),
        };
        let (drain, draining) = watch::channel(false);
        let poller = Poller {
            plan: Arc::new(plan),
            name: NAME.to_owned(),
            envelope: Envelope::new(&EventSource::SelfManaged, "b:1", "t", 0).unwrap(),
            log: Box::new(Reader {
                log: Arc::clone(&self.log),
                index: Mutex::new(index),
            }),
            position: watch::channel(start).0,
            oldest: Oldest::default(),
            sizes: Arc::default(),
            read: start,
            carried: None,
            returned_to: None,
            told: None,
            drain: draining,
        };
        (tokio::spawn(poller.run()), drain)
    }

    async fn pass(&self, milliseconds: u64) {
        self.clock
            .advance(Duration::from_millis(milliseconds))
            .await;
    }

    /// Offsets of each invocation, with its time in milliseconds.
    fn calls(&self) -> Vec<(u128, Vec<i64>)> {
        let calls = self.function.calls.lock().unwrap();
        calls
            .iter()
            .map(|(at, offsets, _)| (at.as_millis(), offsets.clone()))
            .collect()
    }

    /// Every offset that counted as done, in that order.
    fn done(&self) -> Vec<i64> {
        let calls = self.function.calls.lock().unwrap();
        calls
            .iter()
            .flat_map(|(_, offsets, done)| offsets[..*done].to_vec())
            .collect()
    }
}

#[tokio::test]
async fn the_window_is_counted_from_the_first_record() {
    let setting = Setting::new(Vec::new(), 100, 100, 0);
    let (_poller, _drain) = setting.poll();
    setting.pass(1000).await;
    setting.log.write([0]);
    setting.pass(60).await;
    setting.log.write([1]);
    setting.pass(30).await;
    setting.log.write([2]);
    setting.pass(30).await;
    setting.log.write([3]);
    setting.pass(300).await;
    assert_eq!(setting.calls(), [(1100, vec![0, 1, 2]), (1220, vec![3])]);
}

#[tokio::test]
async fn tries_are_further_and_further_apart() {
    let setting = Setting::new(vec![Fate::Fails; 9], 100, 0, 0);
    let (_poller, _drain) = setting.poll();
    setting.log.write([0]);
    setting.pass(120_000).await;
    let times: Vec<u128> = setting.calls().iter().map(|(at, _)| *at).collect();
    assert_eq!(
        times,
        [
            0, 200, 600, 1400, 3000, 6200, 12_600, 22_600, 32_600, 42_600
        ]
    );
    assert_eq!(setting.log.committed(), 1);
}

#[tokio::test]
async fn records_that_the_broker_dropped_are_told_and_passed_over() {
    let setting = Setting::new(Vec::new(), 3, 50, 0);
    setting.log.write(5..9);
    let (_poller, _drain) = setting.poll();
    setting.pass(1000).await;
    assert_eq!(setting.done(), [5, 6, 7, 8]);
    assert_eq!(setting.log.committed(), 9);
    let told = setting.told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("LOST: the broker dropped 5 records of t-0 before function `f`"));
}

#[tokio::test]
async fn a_gap_is_told_once_however_often_it_is_tried() {
    let mut fates = vec![Fate::Misses(5); 6];
    fates.extend([Fate::Misses(7), Fate::Misses(7)]);
    let setting = Setting::new(fates, 100, 0, 0);
    let (_poller, _drain) = setting.poll();
    setting.log.write([10]);
    setting.pass(120_000).await;
    assert_eq!(setting.log.committed(), 11);
    let gaps = setting.gaps();
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    let line = "GAP: table rows stands still: 5 records of t-0 are missing, offsets 5 to 9.";
    assert!(gaps[0].starts_with(line), "{gaps:?}");
    assert!(
        gaps[0].contains("`tidemill accept-gap --topic t --partition 0`"),
        "{gaps:?}"
    );
}

#[tokio::test]
async fn a_gap_that_stands_is_told_again_after_five_minutes() {
    let setting = Setting::new(vec![Fate::Misses(5); 1_000], 100, 0, 0);
    let (_poller, _drain) = setting.poll();
    setting.log.write([10]);
    setting.pass(290_000).await;
    assert_eq!(setting.gaps().len(), 1);
    setting.pass(370_000).await;
    let gaps = setting.gaps();
    assert_eq!(gaps.len(), 3, "{gaps:?}");
    assert!(gaps.iter().all(|line| *line == gaps[0]));
}

#[tokio::test]
async fn a_group_that_is_past_its_chain_goes_back_to_what_the_broker_has() {
    let setting = Setting::behind(3, 7);
    setting.log.write(0..10);
    let (_poller, _drain) = setting.poll();
    setting.pass(1_000).await;
    assert_eq!(setting.done(), Vec::from_iter(3..10));
    assert_eq!(setting.log.committed(), 10);
    assert_eq!(setting.gaps(), Vec::<String>::new());
    // The lake is restored once more, under the poller.
    *setting.function.head.lock().unwrap() = Some(3);
    setting.log.write([10]);
    setting.pass(1_000).await;
    assert_eq!(setting.done()[7..], Vec::from_iter(3..11));
    assert_eq!(setting.gaps(), Vec::<String>::new());
}

#[tokio::test]
async fn a_gap_is_told_only_where_the_broker_has_dropped_its_beginning() {
    let setting = Setting::behind(3, 7);
    setting.log.write(5..10);
    let (_poller, _drain) = setting.poll();
    setting.pass(1_000).await;
    assert_eq!(setting.done(), Vec::<i64>::new());
    assert_eq!(setting.gaps().len(), 1, "{:?}", setting.gaps());
    // Accepted is what the broker has no more; the rest is still there, and comes.
    *setting.function.head.lock().unwrap() = Some(5);
    setting.pass(60_000).await;
    assert_eq!(setting.done(), Vec::from_iter(5..10));
    assert_eq!(setting.gaps().len(), 1, "{:?}", setting.gaps());
}

#[tokio::test]
async fn records_that_are_not_found_where_they_were_looked_for_are_a_gap() {
    let setting = Setting::behind(3, 5);
    setting.log.write([0, 1, 2, 5, 6]);
    let (_poller, _drain) = setting.poll();
    setting.pass(60_000).await;
    assert_eq!(setting.done(), Vec::<i64>::new());
    assert_eq!(setting.gaps().len(), 1, "{:?}", setting.gaps());
    *setting.function.head.lock().unwrap() = Some(5);
    setting.pass(60_000).await;
    assert_eq!(setting.done(), [5, 6]);
}

#[tokio::test]
async fn a_log_that_was_made_anew_starts_a_batch_of_its_own() {
    let setting = Setting::new(Vec::new(), 100, 50, 0);
    let (_poller, _drain) = setting.poll();
    setting.log.write([0, 1, 2, 0, 1]);
    setting.pass(1000).await;
    let batches: Vec<_> = setting
        .calls()
        .into_iter()
        .map(|(_, offsets)| offsets)
        .collect();
    assert_eq!(batches, [vec![0, 1, 2], vec![0, 1]]);
}

#[tokio::test]
async fn a_drain_flushes_and_ends_although_the_window_is_long_and_tries_fail() {
    let setting = Setting::new(vec![Fate::Fails; 8], 2, 300_000, 10);
    let (poller, drain) = setting.poll();
    setting.log.write(0..5);
    setting.pass(3_000).await;
    drain.send_replace(true);
    setting.pass(4_000).await;
    assert!(poller.is_finished());
    assert_eq!(setting.done(), [0, 1, 2, 3, 4]);
    assert_eq!(setting.log.committed(), 5);
}

#[tokio::test]
async fn a_poller_that_panics_goes_on_where_it_was() {
    let fates = vec![Fate::Succeeds, Fate::Panics, Fate::Panics];
    let setting = Setting::new(fates, 2, 50, 0);
    let (poller, drain) = setting.poll();
    setting.log.write(0..5);
    setting.pass(3_000).await;
    assert_eq!(setting.done(), [0, 1, 2, 3, 4]);
    assert_eq!(setting.log.committed(), 5);
    drain.send_replace(true);
    setting.pass(1_000).await;
    assert!(poller.is_finished());
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Succeeds),
        1 => Just(Fate::Fails),
        1 => Just(Fate::Busy),
        3 => (0..20usize).prop_map(Fate::FailsFrom),
        1 => Just(Fate::ReportsOther),
        1 => Just(Fate::Panics),
    ]
}

/// What happens from outside: records come, time passes, the poller is killed and started again.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Records(i64),
    Passes(u64),
    Killed,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1..12i64).prop_map(Happening::Records),
        4 => (0..3_000u64).prop_map(Happening::Passes),
        1 => Just(Happening::Killed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_record_is_done_in_order_whatever_fails(
        fates in prop::collection::vec(fate(), 0..30),
        happenings in prop::collection::vec(happening(), 0..25),
        batch_size in 1..9usize,
        window in 0..500u64,
        takes in 0..300u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let killed = happenings.iter().any(|happening| matches!(happening, Happening::Killed));
        let setting = Setting::new(fates, batch_size, window, takes);
        let written = runtime.block_on(async {
            let mut written = 0;
            let (mut poller, mut drain) = setting.poll();
            for happening in happenings {
                match happening {
                    Happening::Records(count) => {
                        setting.log.write(written..written + count);
                        written += count;
                    }
                    Happening::Passes(milliseconds) => setting.pass(milliseconds).await,
                    Happening::Killed => {
                        poller.abort();
                        setting.pass(1).await;
                        (poller, drain) = setting.poll();
                    }
                }
            }
            drain.send_replace(true);
            setting.pass(600_000).await;
            prop_assert!(poller.is_finished(), "the drain ends");
            Ok(written)
        })?;
        let done = setting.done();
        // In order: nothing is done before everything below it is.
        let mut next = 0;
        for offset in &done {
            prop_assert!(*offset <= next, "{offset} before {next}: {done:?}");
            next = next.max(offset + 1);
        }
        // At least once, and committed; once, where the poller was not killed between an invocation and its commit.
        prop_assert_eq!(next, written);
        prop_assert_eq!(setting.log.committed(), written);
        if !killed {
            prop_assert_eq!(done.len() as i64, written);
        }
        for (_, offsets) in setting.calls() {
            prop_assert!(offsets.len() <= batch_size);
            prop_assert!(offsets.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{:?}", offsets);
        }
        let commits = setting.log.commits.lock().unwrap().clone();
        prop_assert!(commits.is_sorted(), "{:?}", commits);
    }
}
