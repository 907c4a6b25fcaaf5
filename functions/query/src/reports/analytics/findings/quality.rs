//! Whether the data can be relied on: records that could not be decoded, tables that are empty.

use super::super::data::Stored;
use super::{Finding, counted, percent, rows};
use crate::figures;

pub(super) fn findings(stored: &[Stored]) -> Vec<Finding> {
    let all: f64 = stored
        .iter()
        .filter(|s| !s.view)
        .map(|s| s.rows as f64)
        .sum();
    let dead = rows(stored, "dead_letter");
    let mut findings = Vec::new();
    findings.push(if dead == 0.0 {
        Finding::new(
            format!(
                "Every record could be decoded: {} in all tables, none in dead_letter.",
                counted(all, "row", "rows")
            ),
            "Nothing has to be done.",
        )
    } else {
        Finding::new(
            format!(
                "{} could not be decoded, against {} that could ({}).",
                counted(dead, "record", "records"),
                figures::short(all - dead),
                percent(dead, all)
            ),
            "Ask for the reasons (SELECT reason, COUNT(*) FROM dead_letter GROUP BY reason), mend the sender, and send them again: their bytes are kept in the column value.",
        )
    });
    let empty: Vec<&str> = stored
        .iter()
        .filter(|s| s.rows == 0 && s.name != "dead_letter")
        .map(|s| s.name.as_str())
        .collect();
    if !empty.is_empty() {
        findings.push(Finding::new(
            format!("Without any row yet: {}.", empty.join(", ")),
            "What this report says of them is that there is nothing to say.",
        ));
    }
    findings
}
