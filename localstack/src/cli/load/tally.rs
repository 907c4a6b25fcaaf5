//! What was sent and what became of it, by type of event, so that it can be held against SQL.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

use http::StatusCode;

use super::{connection::Outcome, latency::Latency};

/// Counts of calls; those of several connections add up.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    types: BTreeMap<Cow<'static, str>, Counts>,
    failures: BTreeMap<Failure, Failed>,
    /// How long the acknowledgements took.
    pub(super) latency: Latency,
    /// The type of the call that has no answer yet.
    in_flight: Option<Cow<'static, str>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    sent: u64,
    acknowledged: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Failure {
    Status(StatusCode),
    Late,
    Broken,
    Abandoned,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Failed {
    count: u64,
    /// What one of them said.
    example: String,
}

impl Tally {
    /// A call is on its way.
    pub(super) fn begin(&mut self, event_type: impl Into<Cow<'static, str>>) {
        self.in_flight = Some(event_type.into());
    }

    /// The call never was on its way.
    pub(super) fn take_back(&mut self) {
        self.in_flight = None;
    }

    /// The call on its way has ended after this time; answers whether it is stored.
    pub(super) fn end(&mut self, outcome: Outcome, took: Duration) -> bool {
        let (failure, example) = match outcome {
            Outcome::Acknowledged => {
                self.count(true);
                self.latency.record(took);
                return true;
            }
            Outcome::Refused(status, body) => (Failure::Status(status), body),
            Outcome::Late => (Failure::Late, String::new()),
            Outcome::Broken(reason) => (Failure::Broken, reason),
        };
        self.fail(failure, example);
        false
    }

    /// Nobody waits for the answer to the call on its way any more, if there is one.
    pub(super) fn abandon(&mut self) {
        if self.in_flight.is_some() {
            self.fail(Failure::Abandoned, String::new());
        }
    }

    fn fail(&mut self, failure: Failure, example: String) {
        self.count(false);
        let failed = self.failures.entry(failure).or_default();
        failed.count += 1;
        if failed.example.is_empty() {
            failed.example = example;
        }
    }

    fn count(&mut self, acknowledged: bool) {
        let Some(event_type) = self.in_flight.take() else {
            return;
        };
        let counts = self.types.entry(event_type).or_default();
        counts.sent += 1;
        counts.acknowledged += u64::from(acknowledged);
    }

    /// Adds another connection's counts.
    pub(super) fn add(&mut self, other: Self) {
        self.latency.add(&other.latency);
        for (event_type, counts) in other.types {
            let sum = self.types.entry(event_type).or_default();
            sum.sent += counts.sent;
            sum.acknowledged += counts.acknowledged;
        }
        for (failure, failed) in other.failures {
            let sum = self.failures.entry(failure).or_default();
            sum.count += failed.count;
            if sum.example.is_empty() {
                sum.example = failed.example;
            }
        }
    }

    /// Calls that were sent, acknowledged or not.
    pub(super) fn sent(&self) -> u64 {
        self.total().sent
    }

    /// Calls that were not acknowledged.
    pub(super) fn failed(&self) -> u64 {
        let Counts { sent, acknowledged } = self.total();
        sent - acknowledged
    }

    fn total(&self) -> Counts {
        self.types
            .values()
            .fold(Counts::default(), |sum, counts| Counts {
                sent: sum.sent + counts.sent,
                acknowledged: sum.acknowledged + counts.acknowledged,
            })
    }
}

/// A table with a line for each type and one for all; then, where calls failed, a line for each way of failing.
/// Two spaces or more part the columns: types have spaces of their own.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.types.keys().map(|name| name.chars().count());
        let width = types.chain(["event_type".len()]).max().unwrap_or_default();
        writeln!(
            f,
            "{:width$}  {:>10}  {:>12}  {:>10}",
            "event_type", "sent", "acknowledged", "failed"
        )?;
        let lines = self
            .types
            .iter()
            .map(|(name, counts)| (name.as_ref(), *counts));
        for (name, Counts { sent, acknowledged }) in lines.chain([("total", self.total())]) {
            let failed = sent - acknowledged;
            writeln!(
                f,
                "{name:width$}  {sent:>10}  {acknowledged:>12}  {failed:>10}"
            )?;
        }
        for (failure, Failed { count, example }) in &self.failures {
            write!(f, "failed: {count}  {failure}")?;
            let example = example.split_whitespace().collect::<Vec<_>>().join(" ");
            if example.is_empty() {
                writeln!(f)?;
            } else {
                // A server's words must not command the terminal.
                let shown: String = example.chars().filter(|c| !c.is_control()).collect();
                writeln!(f, "  e.g. {shown}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Late => f.write_str("no answer in time"),
            Self::Broken => f.write_str("no answer"),
            Self::Abandoned => f.write_str("stopped before the answer came"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(tally: &mut Tally, event_type: &'static str, outcome: Outcome) {
        tally.begin(event_type);
        tally.end(outcome, Duration::from_millis(1));
    }

    #[test]
    fn the_table_counts_each_call_once() {
        let mut tally = Tally::default();
        sent(&mut tally, "sword purchased", Outcome::Acknowledged);
        sent(&mut tally, "sword purchased", Outcome::Acknowledged);
        sent(
            &mut tally,
            "join_guild",
            Outcome::Refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "try\u{1b}[2J\n later".to_owned(),
            ),
        );
        let mut other = Tally::default();
        sent(&mut other, "join_guild", Outcome::Late);
        other.begin("join_guild");
        other.take_back();
        other.begin("join_guild");
        other.abandon();
        other.abandon();
        tally.add(other);
        assert_eq!((tally.sent(), tally.failed()), (5, 3));
        let expected = "\
event_type             sent  acknowledged      failed
join_guild                3             0           3
sword purchased           2             2           0
total                     5             2           3
failed: 1  503 Service Unavailable  e.g. try[2J later
failed: 1  no answer in time
failed: 1  stopped before the answer came
";
        assert_eq!(tally.to_string(), expected);
    }
}
