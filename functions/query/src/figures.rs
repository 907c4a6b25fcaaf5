//! Numbers, money and times as people read them.

use chrono::{DateTime, TimeDelta, Utc};

/// With `decimals` digits after the point and a comma every three before it.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    grouped(&format!("{value:.decimals$}"))
}

/// As few digits as tell it: whole numbers whole, others with two decimals, very small ones with more.
pub(crate) fn short(value: f64) -> String {
    if value == value.trunc() {
        fixed(value, 0)
    } else if value.abs() < 0.01 {
        format!("{value:.2e}")
    } else {
        fixed(value, 2)
    }
}

/// A whole number with a comma every three digits.
pub(crate) fn count(value: i64) -> String {
    grouped(&value.to_string())
}

/// Plain digits with a comma every three before the point, and a minus as typographers set it.
pub(crate) fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) if rest.chars().any(|c| ('1'..='9').contains(&c)) => ("\u{2212}", rest),
        Some(rest) => ("", rest),
        None => ("", digits),
    };
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// [`grouped`], with a plus before what is above zero.
pub(crate) fn signed(digits: &str) -> String {
    let text = grouped(digits);
    let above = !text.starts_with('\u{2212}') && text.chars().any(|c| ('1'..='9').contains(&c));
    if above { format!("+{text}") } else { text }
}

/// `2026-11-23 20:04:05`, in UTC.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Clocks differ by less than this; what is further ahead runs ahead, as ticks of a burst do.
const AHEAD: TimeDelta = TimeDelta::seconds(5);

/// Whether an event's time is yet to come.
pub(crate) fn is_ahead(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at - now > AHEAD
}

/// How long ago, in its largest unit: `3 s ago`, `12 min ago`, `5 h ago`, `9 days ago`; or `8 min ahead`.
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if is_ahead(at, now) {
        return format!("{} ahead", span(at - now));
    }
    let age = now - at;
    if age < TimeDelta::zero() {
        return "just now".to_owned();
    }
    format!("{} ago", span(age))
}

fn span(length: TimeDelta) -> String {
    match length.num_seconds() {
        seconds @ ..90 => format!("{seconds} s"),
        seconds @ 90..5_400 => format!("{} min", (seconds + 30) / 60),
        seconds @ 5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        seconds => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

/// Beside a bar: without cents where they say nothing.
pub(crate) fn beside(value: f64) -> String {
    if value.abs() >= 10_000.0 {
        fixed(value, 0)
    } else {
        short(value)
    }
}
