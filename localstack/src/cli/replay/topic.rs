//! A topic, read again from its beginning: its table is rebuilt, a partition at a time.
//!
//! This end reads the topic and brings its records to `archive`, which stages them where no reader looks; once they
//! reach the end of the partition's rows, the one is swapped for the other.

use std::time::Duration;

use clap::Args;
use lake::Table;
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;
use tracing::debug;
use url::Url;
use uuid::Uuid;
use wire::commands::{Command, Rebuild, Staged, Swapped};

use super::{ARCHIVE, ReplayError};
use crate::{
    broker::Watermark,
    cli::{
        lambda::Lambda,
        log::{Log, Logs},
        one_line, say,
        site::Site,
        sql,
    },
    trigger::{LogRecord, PAYLOAD_LIMIT},
};

/// A batch as a trigger's would be, with room for what is around it.
const RECORDS: usize = 10_000;
const BYTES: usize = PAYLOAD_LIMIT - 16 * 1024;
/// How often a swap may say that what was staged is missing, before that is an error; the pause after it grows.
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// The topic
    topic: String,
    /// Only this partition
    #[arg(long)]
    partition: Option<i32>,
    /// Rebuild although the brokers have lost the topic's beginning: rows of records that they lost are lost, too,
    /// counted at the end, and told in the table gaps
    #[arg(long)]
    lose_older: bool,
    /// Go on with the rebuild of this name, which a run before this one printed and did not finish
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    #[command(flatten)]
    site: Site,
}

/// What brings records to the function.
struct Driver {
    lambda: Lambda,
    logs: Logs,
    /// Where rows are counted.
    lake: Option<Url>,
    topic: String,
    id: String,
}

/// What `begin-rebuild` answers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Begun {
    Staged(Staged),
    Not(Swapped),
}

/// A partition before it is rebuilt.
struct Before {
    partition: i32,
    begun: Staged,
    /// What the brokers have begins here.
    low: i64,
    /// It is read from here.
    from: i64,
}

pub(super) async fn run(settings: Settings) -> Result<(), ReplayError> {
    let (lambda, logs) = settings.site.open()?;
    let new = || Uuid::new_v4().to_string();
    let driver = Driver {
        lambda,
        logs,
        lake: settings.site.running.lake(),
        topic: settings.topic,
        id: settings.resume.clone().unwrap_or_else(new),
    };
    let mut partitions = driver.logs.partitions(&driver.topic).await?;
    partitions.sort_unstable();
    if let Some(partition) = settings.partition {
        let last = partitions.last().copied().unwrap_or_default();
        partitions.retain(|it| *it == partition);
        if partitions.is_empty() {
            let topic = driver.topic;
            return Err(ReplayError::NoPartition {
                topic,
                partition,
                last,
            });
        }
    }
    // Every partition is looked at before one is touched.
    let mut begun = Vec::new();
    for partition in partitions {
        begun.push((partition, driver.begin(partition).await?));
    }
    let is_known = |it: &Staged| it.swapped || it.staged.is_some();
    if settings.resume.is_some() && !begun.iter().any(|(_, it)| is_known(it)) {
        let mut known: Vec<String> = begun.into_iter().flat_map(|(_, it)| it.begun).collect();
        known.sort();
        known.dedup();
        let Driver { topic, id, .. } = driver;
        return Err(ReplayError::NoRebuild { topic, id, known });
    }
    let mut all = Vec::new();
    for (partition, begun) in begun {
        all.push(driver.look(partition, begun, settings.lose_older).await?);
    }
    say(&format!(
        "rebuilding {} as {}; if this is interrupted, --resume {} goes on",
        driver.topic, driver.id, driver.id
    ));
    for before in all {
        driver.rebuild(before).await?;
    }
    Ok(())
}

impl Driver {
    fn rebuild_of(&self, partition: i32, generation: u32, upto: Option<i64>) -> Rebuild {
        Rebuild {
            topic: self.topic.clone(),
            partition,
            id: self.id.clone(),
            generation,
            upto,
            lost_below: None,
        }
    }

    async fn begin(&self, partition: i32) -> Result<Staged, ReplayError> {
        let command = Command::BeginRebuild(self.rebuild_of(partition, 0, None));
        loop {
            match self.lambda.command(ARCHIVE, &command).await? {
                Begun::Staged(staged) => return Ok(staged),
                // A rebuild of before is still being swapped in, a part by each who asks.
                Begun::Not(said) => debug!(partition, ?said, "old rows are being cleared away"),
            }
        }
    }

    /// What the brokers have for it; refused where rows would be lost.
    async fn look(
        &self,
        partition: i32,
        begun: Staged,
        lose_older: bool,
    ) -> Result<Before, ReplayError> {
        let Watermark { low, high } = self.logs.bounds(&self.topic, partition).await?;
        let topic = self.topic.clone();
        let from = match (begun.first, begun.staged) {
            _ if begun.swapped => low,
            (Some(_), _) if high < begun.head => {
                return Err(ReplayError::Shorter {
                    topic,
                    partition,
                    high,
                    head: begun.head,
                });
            }
            (_, Some(from)) if from < low => {
                return Err(ReplayError::Dropped {
                    topic,
                    partition,
                    from,
                    low,
                });
            }
            (_, Some(from)) => from,
            (Some(first), None) if first < low && !lose_older => {
                return Err(ReplayError::Older {
                    topic,
                    partition,
                    first,
                    low,
                });
            }
            _ => low,
        };
        Ok(Before {
            partition,
            begun,
            low,
            from,
        })
    }

    /// How many rows there are of records that the brokers have lost, as SQL has them.
    async fn older_rows(&self, before: &Before) -> Result<i64, String> {
        let table = Table::of_topic(&self.topic).ok_or("no table is fed by the topic")?;
        let lake = self.lake.as_ref().ok_or("the Lake API is not known")?;
        let (partition, low) = (before.partition, before.low);
        let statement = format!(
            "SELECT COUNT(*) AS n FROM {table} WHERE _partition = {partition} AND _offset < {low}"
        );
        let counted = sql::count(lake, &statement).await;
        counted.map_err(|error| one_line(&error))
    }

    /// Says what was lost with the beginning of the log. Rows of earlier lives of the log count on both sides.
    async fn say_lost(&self, name: &str, before: &Before, older: Result<i64, String>) {
        let Before { begun, low, .. } = before;
        let left = self.older_rows(before).await;
        let lost = older.and_then(|older| Ok(older - left?));
        let offsets = format!("offsets {} to {}", begun.first.unwrap_or_default(), low - 1);
        match lost {
            Ok(0) => {}
            Ok(lost) => say(&format!(
                "{name}: {lost} rows are lost, {offsets}: the brokers have their records no more"
            )),
            Err(reason) => say(&format!(
                "{name}: rows of {offsets} are lost where the brokers have their records no more; how many is not \
                 known: {reason}"
            )),
        }
    }

    /// Stages one partition and swaps it in.
    async fn rebuild(&self, before: Before) -> Result<(), ReplayError> {
        let Before {
            partition,
            ref begun,
            low,
            from,
        } = before;
        let (topic, name) = (&self.topic, format!("{}-{partition}", self.topic));
        if begun.swapped {
            say(&format!("{name}: swapped in before"));
            return Ok(());
        }
        let Some(first) = begun.first else {
            say(&format!("{name}: has no rows to rebuild"));
            return Ok(());
        };
        let older = match first < low {
            true => Some(self.older_rows(&before).await),
            false => None,
        };
        let generation = begun.generation;
        let (mut rows, mut undecodable) = (0, 0);
        let mut reader = Reader {
            log: self.logs.read(topic, partition, from)?,
            next: from,
            carried: None,
            read_for: begun.head,
        };
        let mut head = begun.head;
        // Also where the log has nothing any more of what the table has: then that is what is staged.
        let mut is_begun = begun.staged.is_some();
        let mut looks = 0;
        loop {
            while reader.next < head || !is_begun {
                let (batch, upto) = reader.batch(head).await?;
                self.check_whole(partition, reader.next, &batch, upto)
                    .await?;
                let rebuild = self.rebuild_of(partition, generation, upto);
                let staged = self.stage(&name, rebuild, &batch).await?;
                (rows, undecodable) = (rows + staged.rows, undecodable + staged.undecodable);
                head = staged.head;
                let next = upto.or(batch.last().map(|it| it.offset + 1));
                reader.next = reader.next.max(next.unwrap_or(head));
                (is_begun, looks) = (true, 0);
                debug!(partition, next = reader.next, head, "staged");
            }
            let rebuild = Rebuild {
                lost_below: older.as_ref().map(|_| low),
                ..self.rebuild_of(partition, generation, None)
            };
            match self
                .lambda
                .command(ARCHIVE, &Command::Swap(rebuild))
                .await?
            {
                Swapped::Done => break,
                Swapped::Finishing => {
                    debug!(partition, "swapped in, the old rows are being cleared away")
                }
                // Records came in meanwhile.
                Swapped::Behind { head: now, .. } if now > reader.next => head = now,
                // All of them are staged, and a listing of storage does not show it yet.
                Swapped::Behind { staged, head } => {
                    looks += 1;
                    if looks > LOOKS {
                        let id = self.id.clone();
                        return Err(ReplayError::Hidden {
                            name,
                            staged,
                            head,
                            id,
                        });
                    }
                    sleep(PAUSE * looks).await;
                }
                Swapped::Overtaken => {
                    let topic = topic.clone();
                    return Err(ReplayError::Overtaken { topic, partition });
                }
            }
        }
        let by = match begun.staged {
            Some(from) => format!(" from offset {from} on"),
            None => String::new(),
        };
        say(&format!(
            "{name}: {rows} rows rebuilt{by}, {undecodable} records undecodable; swapped in"
        ));
        if let Some(older) = older {
            self.say_lost(&name, &before, older).await;
        }
        Ok(())
    }

    /// Retention must not overtake the reader: what it took would be missing without a word.
    async fn check_whole(
        &self,
        partition: i32,
        from: i64,
        batch: &[LogRecord],
        upto: Option<i64>,
    ) -> Result<(), ReplayError> {
        let Some(from) = first_hole(from, batch.iter().map(|it| it.offset), upto) else {
            return Ok(());
        };
        let low = self.logs.bounds(&self.topic, partition).await?.low;
        if low <= from {
            return Ok(());
        }
        Err(ReplayError::Dropped {
            topic: self.topic.clone(),
            partition,
            from,
            low,
        })
    }

    async fn stage(
        &self,
        name: &str,
        rebuild: Rebuild,
        batch: &[LogRecord],
    ) -> Result<Staged, ReplayError> {
        let command = json!(Command::Stage(rebuild));
        let key = json!(name);
        let mut event = format!(r#"{{"command":{command},"records":{{{key}:["#).into_bytes();
        for (at, record) in batch.iter().enumerate() {
            if at > 0 {
                event.push(b',');
            }
            event.extend_from_slice(&record.json);
        }
        event.extend_from_slice(b"]}}");
        Ok(self.lambda.invoke(ARCHIVE, event).await?)
    }
}

/// The first offset from `next` on, and below `upto`, of which there is no record.
fn first_hole(mut next: i64, offsets: impl Iterator<Item = i64>, upto: Option<i64>) -> Option<i64> {
    for offset in offsets {
        if offset != next {
            return Some(next);
        }
        next += 1;
    }
    upto.is_some_and(|upto| next < upto).then_some(next)
}

/// The records of a partition, cut into batches.
struct Reader<'a> {
    log: Log<'a>,
    next: i64,
    carried: Option<LogRecord>,
    /// The head that was known when the reading began: what the log says of its end is true up to there.
    read_for: i64,
}

impl Reader<'_> {
    /// The next batch of records below `head`, and `head` if there are no others below it.
    async fn batch(&mut self, head: i64) -> Result<(Vec<LogRecord>, Option<i64>), ReplayError> {
        let (mut batch, mut size) = (Vec::new(), 0);
        while batch.len() < RECORDS {
            let record = match self.carried.take() {
                Some(record) => Some(record),
                None => self.log.next().await?,
            };
            let Some(record) = record else {
                if self.read_for >= head {
                    return Ok((batch, Some(head)));
                }
                // The end that was met may be that of long ago: the client reads ahead, and the head has moved since.
                self.log.read_again()?;
                self.read_for = head;
                continue;
            };
            if record.offset >= head {
                self.carried = Some(record);
                return Ok((batch, Some(head)));
            }
            size += record.json.len() + 1;
            if size > BYTES && !batch.is_empty() {
                self.carried = Some(record);
                break;
            }
            batch.push(record);
        }
        Ok((batch, None))
    }
}

#[cfg(test)]
mod tests;
