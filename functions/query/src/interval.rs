//! `?from=&to=`: an interval of window ends, both ends included.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use lambda_http::Request;
use lambda_kit::Problem;
use lambda_kit::http::Parameters;

/// Forms without an offset; they are UTC.
const FORMS: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
];

/// Either end may be open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
}

impl Interval {
    pub(crate) fn of(request: &Request) -> Result<Self, Problem> {
        let parameters = Parameters::of(request);
        let end = |name: &str, last: bool| {
            parameters
                .get(name)
                .filter(|text| !text.is_empty())
                .map(|text| {
                    instant(text, last).ok_or_else(|| {
                        Problem::unprocessable(format!(
                            "{name} is a time such as 2022-03-20T15:38:00Z, 2022-03-20 15:38:00 (UTC) or 2022-03-20, not {text:?}"
                        ))
                    })
                })
                .transpose()
        };
        let interval = Self {
            from: end("from", false)?,
            to: end("to", true)?,
        };
        match (interval.from, interval.to) {
            (Some(from), Some(to)) if from > to => {
                Err(Problem::unprocessable("from is later than to"))
            }
            _ => Ok(interval),
        }
    }

    /// The condition in SQL; it is always true where both ends are open.
    pub(crate) fn condition(&self) -> String {
        let mut conditions = vec!["TRUE".to_owned()];
        if let Some(from) = self.from {
            conditions.push(format!("window_end >= {}", literal(from)));
        }
        if let Some(to) = self.to {
            conditions.push(format!("window_end <= {}", literal(to)));
        }
        conditions.join(" AND ")
    }
}

fn literal(time: DateTime<Utc>) -> String {
    let micros = time.timestamp_micros();
    format!("arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
}

/// A day alone is its first instant, or its last one where it is the end.
fn instant(text: &str, last: bool) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    // A plus sign that was not encoded has become a space.
    if let Some((time, offset)) = text.rsplit_once(' ')
        && time.contains('T')
        && let Ok(time) = DateTime::parse_from_rfc3339(&format!("{time}+{offset}"))
    {
        return Some(time.to_utc());
    }
    if let Some(time) = FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
    {
        return Some(time.and_utc());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let first = day.and_time(NaiveTime::MIN).and_utc();
    if last {
        let next = first.checked_add_days(Days::new(1))?;
        next.checked_sub_signed(TimeDelta::microseconds(1))
    } else {
        Some(first)
    }
}
