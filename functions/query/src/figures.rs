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

/// How long ago, in its largest unit: `3 s ago`, `12 min ago`, `5 h ago`, `9 days ago`.
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let age: TimeDelta = now - at;
    match age.num_seconds() {
        ..0 => "just now".to_owned(),
        seconds @ 0..90 => format!("{seconds} s ago"),
        seconds @ 90..5_400 => format!("{} min ago", (seconds + 30) / 60),
        seconds @ 5_400..129_600 => format!("{} h ago", (seconds + 1_800) / 3_600),
        seconds => format!("{} days ago", (seconds + 43_200) / 86_400),
    }
}
