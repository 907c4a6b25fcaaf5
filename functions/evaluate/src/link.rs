//! A link of evaluations: a pure function of the head, the batch and the holdings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::PortfolioId;
use domain::window::{ClosedWindow, Holdings, NotEvaluable, WindowState};
use lake::{Head, NewLink};
use lambda_kit::kafka::PartitionBatch;
use wire::{check_timestamp, decode_tick};

use crate::rows::{self, Row};
use crate::{MakeError, Settings};

/// The key of the state among a link's; its version rises when the form changes.
const STATE: &str = "windows-v1";

/// What went into a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The ends of the windows that closed.
    pub(crate) windows: Vec<DateTime<Utc>>,
    /// Evaluations of portfolios.
    pub(crate) evaluations: usize,
    /// Ticks that counted.
    pub(crate) ticks: usize,
    /// Of these, the ones that came too late for their window.
    pub(crate) late: usize,
    /// The newest event time so far, in microseconds.
    pub(crate) newest: Option<i64>,
    /// Records that are no ticks.
    pub(crate) undecodable: usize,
    /// Portfolios that were not evaluated at least once, and why, with the tickers that have no price.
    pub(crate) not_evaluated: BTreeMap<PortfolioId, String>,
    /// The holdings that windows still open will be evaluated with.
    pub(crate) holdings_in_use: BTreeSet<(u32, u64)>,
}

/// The state that a head carries.
pub(crate) fn state_of(head: &Head) -> Result<WindowState, MakeError> {
    let state = head.state.get(STATE).ok_or(MakeError::NoState)?;
    serde_json::from_str(state).map_err(MakeError::State)
}

/// The link over the batch's records from the head on; `initial` is the state of an empty chain.
pub(crate) fn make(
    head: &Head,
    initial: &WindowState,
    batch: &PartitionBatch,
    holdings: &Holdings,
    settings: &Settings,
) -> Result<(NewLink, Report), MakeError> {
    let mut state = if head.exists {
        state_of(head)?
    } else {
        initial.clone()
    };
    let mut report = Report::default();
    let mut evaluated = Vec::new();
    let mut end = head.end;
    for record in batch
        .records
        .iter()
        .filter(|record| record.offset >= head.end)
    {
        end = record.offset + 1;
        // The reason stands in dead_letter, where archive, which judges alike, puts the record.
        let decoded = check_timestamp(record.timestamp).and_then(|()| {
            let value = record.value.as_deref();
            decode_tick(value, record.timestamp, settings.max_ahead)
        });
        let Ok(tick) = decoded else {
            report.undecodable += 1;
            continue;
        };
        let advance = state.advance(&settings.rule, holdings, record.offset, &tick)?;
        report.ticks += 1;
        report.late += usize::from(advance.late);
        for window in advance.closed {
            report.add(&window);
            let (offset, timestamp) = (record.offset, record.timestamp);
            evaluated.extend(window.evaluations.into_iter().map(|evaluation| Row {
                evaluation,
                offset,
                timestamp,
            }));
        }
    }
    report.holdings_in_use = state.holdings_in_use();
    report.newest = state.newest;
    let rows = rows::encode(&batch.topic, batch.partition, &evaluated)?;
    let state = serde_json::to_string(&state).map_err(MakeError::NewState)?;
    Ok((
        NewLink {
            end,
            rows,
            state: BTreeMap::from([(STATE.to_owned(), state)]),
        },
        report,
    ))
}

impl Report {
    fn add(&mut self, window: &ClosedWindow) {
        self.windows.push(window.end);
        self.evaluations += window.evaluations.len();
        for not_evaluated in &window.not_evaluated {
            let reason = match &not_evaluated.reason {
                NotEvaluable::UnknownPrices(tickers) => format!("no price of {tickers:?}"),
                NotEvaluable::OutOfRange => "its value is out of range".to_owned(),
            };
            self.not_evaluated.insert(not_evaluated.portfolio, reason);
        }
    }
}
