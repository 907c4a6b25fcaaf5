//! Schedules on a clock that the tests move.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::{
    clock::manual::ManualClock,
    functions::{InvokeError, Outcome},
    template::Values,
};

/// Notes when it was called with what, and answers what it is told to.
struct Recorder {
    clock: ManualClock,
    calls: Mutex<Vec<(u64, String, String)>>,
    takes: Duration,
    answer: fn(usize) -> Result<Outcome, InvokeError>,
}

impl Recorder {
    fn new(
        clock: &ManualClock,
        answer: fn(usize) -> Result<Outcome, InvokeError>,
        takes: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            calls: Mutex::default(),
            takes,
            answer,
        })
    }

    fn seconds(&self) -> Vec<u64> {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .map(|(at, ..)| *at)
            .collect()
    }
}

#[async_trait]
impl Invoke for Recorder {
    async fn invoke(&self, function: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            let payload = String::from_utf8(payload.to_vec()).unwrap();
            calls.push((self.clock.elapsed().as_secs(), function.to_owned(), payload));
            calls.len()
        };
        self.clock.sleep(self.takes).await;
        (self.answer)(number)
    }
}

fn succeeds(_: usize) -> Result<Outcome, InvokeError> {
    Ok(Outcome::Success(Bytes::new()))
}

fn fails(_: usize) -> Result<Outcome, InvokeError> {
    Ok(Outcome::FunctionError {
        kind: "Unhandled",
        payload: Bytes::from_static(b"{}"),
    })
}

fn throttled_once(number: usize) -> Result<Outcome, InvokeError> {
    match number {
        1 => Err(InvokeError::Throttled {
            function: "tick".to_owned(),
            concurrency: 1,
        }),
        _ => succeeds(number),
    }
}

fn template(expression: &str) -> Template {
    let text = format!(
        "Resources:\n  Tick:\n    Type: AWS::Serverless::Function\n    Properties:\n      FunctionName: tick\n      \
         Runtime: provided.al2023\n      Events:\n        S: {{Type: ScheduleV2, Properties: {{ScheduleExpression: '{expression}', Input: '{{\"a\":1}}'}}}}\n"
    );
    Template::parse(&text, &Values::new()).unwrap()
}

#[tokio::test]
async fn a_rate_fires_at_once_and_on_its_period_even_while_the_last_one_runs() {
    let clock = ManualClock::at("2026-11-23T00:00:00Z");
    let recorder = Recorder::new(&clock, succeeds, Duration::from_secs(90));
    let scheduler = Scheduler::start(
        &template("rate(1 minute)"),
        recorder.clone(),
        Arc::new(clock.clone()),
    )
    .unwrap();
    clock.advance(Duration::from_secs(185)).await;
    scheduler.stop().await;
    assert_eq!(recorder.seconds(), [0, 60, 120, 180]);
    assert_eq!(
        recorder.calls.lock().unwrap()[0],
        (0, "tick".to_owned(), "{\"a\":1}".to_owned())
    );
    clock.advance(Duration::from_secs(600)).await;
    assert_eq!(recorder.seconds().len(), 4, "nothing fires after the stop");
}

#[tokio::test]
async fn a_cron_expression_fires_by_the_clock() {
    let clock = ManualClock::at("2026-11-23T00:14:00Z");
    let recorder = Recorder::new(&clock, succeeds, Duration::ZERO);
    let scheduler = Scheduler::start(
        &template("cron(0/15 * * * ? *)"),
        recorder.clone(),
        Arc::new(clock.clone()),
    )
    .unwrap();
    clock
        .advance(Duration::from_secs(60 + 2 * 15 * 60 + 1))
        .await;
    scheduler.stop().await;
    assert_eq!(recorder.seconds(), [60, 960, 1860]);
}

#[tokio::test]
async fn a_function_that_fails_is_tried_twice_more() {
    let clock = ManualClock::at("2026-11-23T00:00:00Z");
    let recorder = Recorder::new(&clock, fails, Duration::ZERO);
    let scheduler = Scheduler::start(
        &template("rate(1 day)"),
        recorder.clone(),
        Arc::new(clock.clone()),
    )
    .unwrap();
    clock.advance(Duration::from_secs(3600)).await;
    scheduler.stop().await;
    assert_eq!(recorder.seconds(), [0, 60, 180]);
}

#[tokio::test]
async fn one_that_had_no_room_is_tried_soon() {
    let clock = ManualClock::at("2026-11-23T00:00:00Z");
    let recorder = Recorder::new(&clock, throttled_once, Duration::ZERO);
    let scheduler = Scheduler::start(
        &template("rate(1 day)"),
        recorder.clone(),
        Arc::new(clock.clone()),
    )
    .unwrap();
    clock.advance(Duration::from_secs(3600)).await;
    scheduler.stop().await;
    assert_eq!(recorder.seconds(), [0, 1]);
}
