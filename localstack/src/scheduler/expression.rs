//! AWS's schedule expressions: `rate(…)` and `cron(…)`.

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};

/// When a schedule fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `rate(5 minutes)`: again and again after this long.
    Rate(Duration),
    /// `cron(minute hour day-of-month month day-of-week year)`, in UTC.
    Cron(Box<Cron>),
}

/// Why a text is no schedule expression.
#[derive(Debug, thiserror::Error)]
pub enum ExpressionError {
    /// Neither a rate nor a cron expression that AWS takes.
    #[error("schedule `{text}`: allowed: {}", Expression::FORM)]
    Form {
        /// The text.
        text: String,
    },
    /// A cron expression with a field that is not allowed.
    #[error("schedule `{text}`: a field of the cron expression")]
    Cron {
        /// The text.
        text: String,
        /// Which and why.
        source: CronError,
    },
}

impl Expression {
    /// What schedule expressions look like.
    pub const FORM: &str = "rate(n minutes|hours|days) (singular for 1), or cron(minute hour day-of-month month \
                            day-of-week year) with ? for one of the two days";

    /// The first time after `now` at which a cron expression fires; for a rate, one period later.
    pub fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Rate(period) => {
                now.checked_add_signed(chrono::TimeDelta::from_std(*period).ok()?)
            }
            Self::Cron(cron) => cron.find_next_occurrence(&now, false).ok(),
        }
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || ExpressionError::Form {
            text: text.to_owned(),
        };
        let (kind, rest) = text.trim().split_once('(').ok_or_else(form)?;
        let fields = rest.strip_suffix(')').ok_or_else(form)?;
        match kind {
            "rate" => rate(fields).map(Self::Rate).ok_or_else(form),
            "cron" => cron(text, fields).map(|cron| Self::Cron(Box::new(cron))),
            _ => Err(form()),
        }
    }
}

fn rate(fields: &str) -> Option<Duration> {
    let (count, unit) = fields.trim().split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let seconds = match (unit.trim(), count) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 60 * 60,
        ("day", 1) | ("days", 2..) => 24 * 60 * 60,
        _ => return None,
    };
    // A century is enough, and keeps every later sum within range.
    count
        .checked_mul(seconds)
        .filter(|seconds| *seconds <= 100 * 366 * 24 * 60 * 60)
        .map(Duration::from_secs)
}

fn cron(text: &str, fields: &str) -> Result<Cron, ExpressionError> {
    let parts: Vec<&str> = fields.split_whitespace().collect();
    let &[_, _, day_of_month, _, day_of_week, _] = parts.as_slice() else {
        return Err(ExpressionError::Form {
            text: text.to_owned(),
        });
    };
    if (day_of_month == "?") == (day_of_week == "?") {
        return Err(ExpressionError::Form {
            text: text.to_owned(),
        });
    }
    // AWS counts weekdays from Sunday = 1 and takes `0/15` for "from 0 in steps of 15".
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .build()
        .parse(&format!("0 {fields}"))
        .map_err(|source| ExpressionError::Cron {
            text: text.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn next(expression: &str, now: &str) -> Option<String> {
        let now: DateTime<Utc> = now.parse().unwrap();
        let next = expression.parse::<Expression>().unwrap().next_after(now)?;
        Some(next.format("%Y-%m-%dT%H:%M:%S").to_string())
    }

    #[test]
    fn rates() {
        for (text, seconds) in [
            ("rate(1 minute)", 60),
            ("rate(5 minutes)", 300),
            ("rate(2 hours)", 7200),
            ("rate(1 day)", 86400),
        ] {
            assert_eq!(
                text.parse::<Expression>().unwrap(),
                Expression::Rate(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn cron_fields_mean_what_aws_means() {
        // 2026-11-23 is a Monday.
        let now = "2026-11-23T19:00:30Z";
        for (text, at) in [
            ("cron(0/15 * * * ? *)", "2026-11-23T19:15:00"),
            ("cron(0 10 * * ? *)", "2026-11-24T10:00:00"),
            ("cron(15 12 ? * 1 *)", "2026-11-29T12:15:00"),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-24T18:00:00"),
            ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00"),
            ("cron(0 8 L * ? *)", "2026-11-30T08:00:00"),
            ("cron(0 9 ? * 2#1 *)", "2026-12-07T09:00:00"),
            ("cron(0 0 1 JAN ? 2028)", "2028-01-01T00:00:00"),
        ] {
            assert_eq!(next(text, now).as_deref(), Some(at), "{text}");
        }
        assert_eq!(next("cron(0 0 1 1 ? 2020)", now), None);
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "rate",
            "rate(0 minutes)",
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(1 second)",
            "rate(-1 minutes)",
            "rate(99999999999999999999 days)",
            "rate(9999999999999 days)",
            "cron(* * * * *)",
            "cron(* * * * * *)",
            "cron(* * ? * ? *)",
            "cron(61 * * * ? *)",
            "cron(0 0 * * 8 ?)",
            "cron(0 0 ? * 9 *)",
            "at(2026-01-01T00:00:00)",
            "rate(1 minute",
        ] {
            assert!(text.parse::<Expression>().is_err(), "{text}");
        }
    }
}
