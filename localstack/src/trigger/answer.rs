//! What a function's answer says about the records of its batch.

use serde::Deserialize;

use super::record::LogRecord;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it is done.
    Done,
    /// The records below this offset are done; it and those after it come again.
    FailedFrom(i64),
    /// None of it is done. So is a batch whose answer cannot be read, or names records that are not of it.
    Failed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    batch_item_failures: Option<Vec<Failure>>,
    /// Not Lambda's: our functions say so why a chain stands still.
    #[serde(default)]
    gaps: Vec<Missing>,
}

/// Records that a table should have and nobody brings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Missing {
    pub(super) table: String,
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) first: i64,
    pub(super) end: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: Identifier,
}

#[derive(Deserialize)]
struct Identifier {
    partition: String,
    offset: i64,
}

/// The records that are missing before a batch, as its answer says.
pub(super) fn missing(answer: &[u8]) -> Vec<Missing> {
    let answer = serde_json::from_slice::<Option<Answer>>(answer);
    answer
        .ok()
        .flatten()
        .map(|answer| answer.gaps)
        .unwrap_or_default()
}

/// Reads the answer to a batch of one partition (`topic-0`), for a trigger that reports batch item failures.
pub(super) fn verdict(answer: &[u8], partition: &str, batch: &[LogRecord]) -> Verdict {
    if answer.trim_ascii().is_empty() {
        return Verdict::Done;
    }
    let Ok(answer) = serde_json::from_slice::<Option<Answer>>(answer) else {
        return Verdict::Failed;
    };
    let failures = answer
        .and_then(|answer| answer.batch_item_failures)
        .unwrap_or_default();
    let is_known = |identifier: &Identifier| {
        let found = batch.binary_search_by_key(&identifier.offset, |record| record.offset);
        identifier.partition == partition && found.is_ok()
    };
    if !failures
        .iter()
        .all(|failure| is_known(&failure.item_identifier))
    {
        return Verdict::Failed;
    }
    let lowest = failures
        .iter()
        .map(|failure| failure.item_identifier.offset)
        .min();
    lowest.map_or(Verdict::Done, Verdict::FailedFrom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Verdict {
        let batch: Vec<LogRecord> = (10..20)
            .map(|offset| LogRecord {
                offset,
                timestamp: 1,
                json: "{}".into(),
            })
            .collect();
        verdict(answer.as_bytes(), "t-0", &batch)
    }

    #[test]
    fn answers() {
        for done in [
            "",
            " ",
            "null",
            "{}",
            r#"{"batchItemFailures":null}"#,
            r#"{"batchItemFailures":[]}"#,
            r#"{"other":1}"#,
        ] {
            assert_eq!(read(done), Verdict::Done, "{done}");
        }
        let item = |partition: &str, offset: i64| {
            format!(r#"{{"itemIdentifier":{{"partition":"{partition}","offset":{offset}}}}}"#)
        };
        let failures =
            |items: &[String]| format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(","));
        assert_eq!(
            read(&failures(&[item("t-0", 15), item("t-0", 12)])),
            Verdict::FailedFrom(12)
        );
        let gap = r#"{"table":"ticks","topic":"t","partition":0,"first":3,"end":10}"#;
        let answer =
            failures(&[item("t-0", 10)]).replacen('{', &format!(r#"{{"gaps":[{gap}],"#), 1);
        assert_eq!(read(&answer), Verdict::FailedFrom(10));
        assert_eq!(
            missing(answer.as_bytes()),
            [Missing {
                table: "ticks".to_owned(),
                topic: "t".to_owned(),
                partition: 0,
                first: 3,
                end: 10
            }]
        );
        for none in ["", "null", "{}", "{"] {
            assert!(missing(none.as_bytes()).is_empty(), "{none}");
        }
        for unreadable in [
            failures(&[item("t-0", 15), item("t-1", 12)]),
            failures(&[item("t-0", 9)]),
            failures(&[item("t-0", 20)]),
            failures(&["{}".to_owned()]),
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#.to_owned(),
            r#"{"batchItemFailures":1}"#.to_owned(),
            "\"ok\"".to_owned(),
            "{".to_owned(),
        ] {
            assert_eq!(read(&unreadable), Verdict::Failed, "{unreadable}");
        }
    }
}
