//! Commands that a person gives to `archive` and `evaluate`, as JSON in an invocation's payload, and their answers.
//!
//! `{"command":{"accept-gap":{…}}}`: `tidemill` sends them through Lambda's API, and so can the AWS CLI.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a function is asked to do, one of these names in the member `command`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Where the function's chains end; answered by [`Chains`].
    Chains {},
    /// Go on after records that are lost; answered by [`GapAnswer`].
    AcceptGap(AcceptGap),
    /// Put dead letters in that can be decoded now; answered by [`Letters`]. Of `archive` alone.
    ReplayDeadLetter(ReplayDeadLetter),
    /// Begin, or go on with, a rebuild of a partition's rows; answered by [`Staged`]. Of `archive` alone.
    BeginRebuild(Rebuild),
    /// Stage the event's records for a rebuild; answered by [`Staged`]. Of `archive` alone.
    Stage(Rebuild),
    /// Put what a rebuild staged in the place of the partition's rows; answered by [`Swapped`]. Of `archive` alone.
    Swap(Rebuild),
}

/// Where chains end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chains {
    /// One entry for each chain that has a link.
    pub chains: Vec<ChainEnd>,
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEnd {
    /// The table.
    pub table: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first offset that is not in.
    pub head: i64,
}

/// Go on after records that are lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptGap {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first offset that is lost: the chain's head.
    pub first: i64,
    /// The offset after the last that is lost.
    pub end: i64,
    /// Why, and by whom.
    pub reason: String,
}

/// What became of an acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapAnswer {
    /// Whether the chain goes on at `end`.
    pub accepted: bool,
    /// The chain's head now.
    pub head: i64,
}

/// Put dead letters in that can be decoded now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayDeadLetter {
    /// Only letters for this table; all if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Only records with a broker's timestamp from here on.
    #[serde(default, with = "rfc3339", skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Where the answer before this one ended; from the beginning if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// This run's own name: it tells its rows from another run's where the store's answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// What became of some dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    /// How many are rows now that were none before.
    pub replayed: usize,
    /// How many were rows already.
    pub already_in: usize,
    /// How many still cannot be decoded.
    pub undecodable: usize,
    /// How many belong to a batch that is not committed yet and comes again by itself.
    pub waiting: usize,
    /// Some of the reasons, with how many letters have each.
    pub reasons: Vec<(String, usize)>,
    /// Where to go on; none after the last letter.
    pub next: Option<String>,
}

/// A rebuild of one partition's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The rebuild's name: letters, digits and `-`.
    pub id: String,
    /// The generation that it makes, as the answer to `begin-rebuild` says; not known before.
    #[serde(default)]
    pub generation: u32,
    /// What `stage` covers beside the event's records: the log has no others below this offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<i64>,
    /// That `swap` may give up rows of records that the log has no more; it begins here. What is not staged of them is
    /// told in the table `gaps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_below: Option<i64>,
}

/// How far a rebuild is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// The generation that it makes.
    pub generation: u32,
    /// The first offset that is not staged; none as long as nothing is.
    pub staged: Option<i64>,
    /// Whether that generation is the partition's already.
    pub swapped: bool,
    /// The first offset that the partition's chain got; none for an empty chain.
    pub first: Option<i64>,
    /// Where the partition's chain ends: no record from there on is staged.
    pub head: i64,
    /// How many of the event's records are staged as rows.
    pub rows: usize,
    /// How many of the event's records cannot be decoded.
    pub undecodable: usize,
    /// The names of rebuilds of the partition that are staged and not swapped in; of `begin-rebuild` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<String>,
}

/// What became of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Swapped {
    /// The staged rows are the partition's.
    Done,
    /// Records came that are not staged yet: stage up to the head first.
    Behind {
        /// The first offset that is not staged.
        staged: i64,
        /// Where the partition's chain ends.
        head: i64,
    },
    /// The staged rows are the partition's, and the old ones are not all cleared away yet: the same command goes on.
    Finishing,
    /// Another rebuild was faster.
    Overtaken,
}

/// Times as RFC 3339 has them, `2026-11-25T00:00:00Z`.
mod rfc3339 {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        time: &Option<DateTime<Utc>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => {
                serializer.collect_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let time = DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
        Ok(Some(time.with_timezone(&Utc)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn commands_are_written_as_documented() {
        for text in [
            r#"{"chains":{}}"#,
            r#"{"accept-gap":{"topic":"t","partition":0,"first":3,"end":9,"reason":"retention"}}"#,
            r#"{"replay-dead-letter":{"table":"ticks","since":"2026-11-25T00:00:00Z"}}"#,
            r#"{"begin-rebuild":{"topic":"t","partition":0,"id":"a1","generation":0}}"#,
        ] {
            let command: Command = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&command).unwrap(), text);
        }
        let unknown = serde_json::from_str::<Command>(r#"{"drop":{}}"#).unwrap_err();
        assert!(unknown.to_string().contains("accept-gap"), "{unknown}");
    }
}
