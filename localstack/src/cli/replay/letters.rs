//! Dead letters, put in again.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;
use uuid::Uuid;
use wire::commands::{Command, Letters, ReplayDeadLetter};

use super::{ARCHIVE, ReplayError, Running};
use crate::cli::{lambda::Lambda, say};

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Only letters for this table
    #[arg(long)]
    table: Option<String>,
    /// Only records that the broker got then or later: 2026-11-25 or 2026-11-25T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<DateTime<Utc>>,
    #[command(flatten)]
    running: Running,
}

/// A day or a moment, as people type it.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .map_err(|_| "it is a day like 2026-11-25 or a time like 2026-11-25T08:00:00Z".to_owned())
}

pub(super) async fn run(settings: Settings) -> Result<(), ReplayError> {
    let lambda = Lambda::of(&settings.running)?;
    let mut wish = ReplayDeadLetter {
        table: settings.table,
        since: settings.since,
        after: None,
        run: Some(Uuid::new_v4().to_string()),
    };
    let mut total = Letters::default();
    let mut reasons = BTreeMap::<String, usize>::new();
    loop {
        let command = Command::ReplayDeadLetter(wish.clone());
        let some: Letters = lambda.command(ARCHIVE, &command).await?;
        total.replayed += some.replayed;
        total.already_in += some.already_in;
        total.undecodable += some.undecodable;
        total.waiting += some.waiting;
        for (reason, count) in some.reasons {
            *reasons.entry(reason).or_default() += count;
        }
        match some.next {
            Some(next) => wish.after = Some(next),
            None => break,
        }
    }
    say(&format!(
        "{} replayed, {} already in, {} still undecodable",
        total.replayed, total.already_in, total.undecodable
    ));
    if total.waiting > 0 {
        say(&format!(
            "{} left alone: their batch is not committed yet and comes again by itself",
            total.waiting
        ));
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    for (reason, count) in reasons.iter().take(10) {
        say(&format!("  {count} x {reason}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_time_is_a_day_or_a_moment() {
        let moment = |text| time(text).unwrap().to_rfc3339();
        assert_eq!(moment("2026-11-25"), "2026-11-25T00:00:00+00:00");
        assert_eq!(
            moment("2026-11-25T08:00:00+02:00"),
            "2026-11-25T06:00:00+00:00"
        );
        for bad in ["", "yesterday", "2026-11-31", "25.11.2026"] {
            assert!(time(bad).unwrap_err().contains("2026-11-25"), "{bad}");
        }
    }
}
