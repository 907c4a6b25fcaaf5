//! Findings: sentences that are computed from the answers, each with what to do about it.
//!
//! A class of events that is empty is said to be empty; nothing is concluded from no rows.

mod games;
mod portfolios;
mod purchases;
mod quality;
mod stocks;

use super::answers::Answers;
use super::data::Stored;
use crate::figures;

/// What was found, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) sentence: String,
    pub(super) advice: String,
}

/// The findings about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) subject: &'static str,
    pub(super) list: Vec<Finding>,
}

/// All findings, subject by subject.
pub(super) fn all(answers: &Answers, stored: &[Stored]) -> Vec<Findings> {
    [
        ("Stocks", stocks::findings(answers)),
        ("The small game", purchases::findings(answers, stored)),
        ("The large game", games::findings(answers)),
        ("Portfolios", portfolios::findings(answers)),
        ("The data itself", quality::findings(stored)),
    ]
    .into_iter()
    .map(|(subject, list)| Findings { subject, list })
    .collect()
}

impl Finding {
    fn new(sentence: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            advice: advice.into(),
        }
    }

    /// Its question had no answer.
    fn unknown(what: &str) -> Self {
        Self::new(
            format!(
                "Nothing can be said of {what}: the question about it has no answer this time."
            ),
            "Ask for the report again; the reason stands in the place of the answer below.",
        )
    }
}

/// A name with a number.
#[derive(Debug, Clone, PartialEq)]
struct Ranked {
    name: String,
    number: f64,
}

/// `31 %`; one decimal below ten.
fn percent(part: f64, whole: f64) -> String {
    let percent = if whole == 0.0 {
        0.0
    } else {
        100.0 * part / whole
    };
    if percent >= 10.0 || percent == percent.trunc() {
        format!("{percent:.0}\u{a0}%")
    } else {
        format!("{percent:.1}\u{a0}%")
    }
}

/// `3.7 times as many`, `as many`.
fn times(number: f64, other: f64) -> String {
    let ratio = number / other;
    if (ratio - 1.0).abs() < 0.05 {
        "about as many".to_owned()
    } else {
        format!("{ratio:.1} times as many")
    }
}

/// `1 user`, `1,204 users`.
fn counted(number: f64, one: &str, many: &str) -> String {
    let noun = if number == 1.0 { one } else { many };
    format!("{} {noun}", figures::short(number))
}

/// The rows of a table or view.
fn rows(stored: &[Stored], name: &str) -> f64 {
    let found = stored.iter().find(|s| s.name == name);
    found.map_or(0.0, |stored| stored.rows as f64)
}

/// The rows of an answer as names and numbers; a name that is null is none.
fn ranked(grid: &crate::catalogue::Grid, name: &str, number: &str) -> Vec<Ranked> {
    let row = |row| {
        Some(Ranked {
            name: grid.text(row, name)?.to_owned(),
            number: grid.number(row, number)?,
        })
    };
    (0..grid.rows.len()).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::{counted, percent, times};

    #[test]
    fn numbers_in_sentences_read_well() {
        assert_eq!(percent(1.0, 3.0), "33\u{a0}%");
        assert_eq!(percent(1.0, 30.0), "3.3\u{a0}%");
        assert_eq!(percent(0.0, 0.0), "0\u{a0}%");
        assert_eq!(times(30.0, 10.0), "3.0 times as many");
        assert_eq!(times(10.0, 10.0), "about as many");
        assert_eq!(counted(1.0, "user", "users"), "1 user");
        assert_eq!(counted(1204.0, "user", "users"), "1,204 users");
    }
}
