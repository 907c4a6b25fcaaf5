//! Whether the data can be relied on: records that could not be decoded or are lost, tables that are empty.

use super::super::data::Stored;
use super::{Finding, counted, percent, rows};
use crate::figures;

/// Tables about what went wrong: it is good if they are empty, and their rows are no data.
const OF_TROUBLE: [&str; 3] = ["dead_letter", "dead_letter_status", "gaps"];

pub(super) fn findings(stored: &[Stored]) -> Vec<Finding> {
    let all: f64 = stored
        .iter()
        .filter(|s| !s.view && s.name != "gaps")
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
            "Ask for the reasons (SELECT reason, COUNT(*) FROM dead_letter_status WHERE status = 'dead' GROUP BY reason), mend what writes or reads them, and put them in with `tidemill replay dead-letter`: their bytes are kept.",
        )
    });
    let gaps = rows(stored, "gaps");
    if gaps > 0.0 {
        findings.push(Finding::new(
            format!(
                "{} of lost records {} accepted: figures over that time are too low.",
                counted(gaps, "gap", "gaps"),
                if gaps == 1.0 { "was" } else { "were" }
            ),
            "Which and why says SELECT * FROM gaps. A broker that keeps its log longer loses nothing so soon.",
        ));
    }
    let empty: Vec<&str> = stored
        .iter()
        .filter(|s| s.rows == 0 && !OF_TROUBLE.contains(&s.name.as_str()))
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
