//! A topic, read again from its beginning: its table is rebuilt, a partition at a time.
//!
//! This end reads the topic and brings its records to `archive`, which stages them where no reader looks; once they
//! reach the end of the partition's rows, the one is swapped for the other.

use clap::Args;
use serde_json::json;
use tracing::debug;
use uuid::Uuid;
use wire::commands::{Command, Rebuild, Staged, Swapped};

use super::{ARCHIVE, ReplayError, Running};
use crate::{
    cli::{
        lambda::Lambda,
        log::{Log, Logs},
        say,
    },
    trigger::{LogRecord, PAYLOAD_LIMIT},
};

/// A batch as a trigger's would be, with room for what is around it.
const RECORDS: usize = 10_000;
const BYTES: usize = PAYLOAD_LIMIT - 16 * 1024;

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// The topic
    topic: String,
    /// Only this partition
    #[arg(long)]
    partition: Option<i32>,
    /// Rebuild although the brokers have lost the topic's beginning: rows of records that they lost are lost, too
    #[arg(long)]
    lose_older: bool,
    /// Go on with the rebuild of this name, which a run before this one printed and did not finish
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// The brokers, host:port,... [default: the running system's, from run.json]
    #[arg(long)]
    kafka: Option<String>,
    #[command(flatten)]
    running: Running,
}

/// What brings records to the function.
struct Driver {
    lambda: Lambda,
    logs: Logs,
    topic: String,
    id: String,
}

pub(super) async fn run(settings: Settings) -> Result<(), ReplayError> {
    let brokers = match &settings.kafka {
        Some(brokers) => brokers.clone(),
        None => settings.running.brokers()?,
    };
    let driver = Driver {
        lambda: Lambda::of(&settings.running)?,
        logs: Logs::of(&brokers)?,
        topic: settings.topic,
        id: settings
            .resume
            .unwrap_or_else(|| Uuid::new_v4().to_string()),
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
    let mut sites = Vec::new();
    for partition in partitions {
        let begun = driver.begin(partition).await?;
        let from = driver.start(partition, &begun, settings.lose_older).await?;
        sites.push((partition, begun, from));
    }
    say(&format!(
        "rebuilding {} as {}; if this is interrupted, --resume {} goes on",
        driver.topic, driver.id, driver.id
    ));
    for (partition, begun, from) in sites {
        driver.rebuild(partition, begun, from).await?;
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
        }
    }

    async fn begin(&self, partition: i32) -> Result<Staged, ReplayError> {
        let command = Command::BeginRebuild(self.rebuild_of(partition, 0, None));
        Ok(self.lambda.command(ARCHIVE, &command).await?)
    }

    /// Where the partition is read from; refused where rows would be lost.
    async fn start(
        &self,
        partition: i32,
        begun: &Staged,
        lose_older: bool,
    ) -> Result<i64, ReplayError> {
        let low = self.logs.bounds(&self.topic, partition).await?.low;
        let topic = self.topic.clone();
        match (begun.first, begun.staged) {
            _ if begun.swapped => Ok(low),
            (_, Some(from)) if from < low => Err(ReplayError::Dropped {
                topic,
                partition,
                from,
                low,
            }),
            (_, Some(from)) => Ok(from),
            (Some(first), None) if first < low && !lose_older => Err(ReplayError::Older {
                topic,
                partition,
                first,
                low,
            }),
            _ => Ok(low),
        }
    }

    /// Stages one partition and swaps it in.
    async fn rebuild(&self, partition: i32, begun: Staged, from: i64) -> Result<(), ReplayError> {
        let (topic, name) = (&self.topic, format!("{}-{partition}", self.topic));
        if begun.swapped {
            say(&format!("{name}: swapped in before"));
            return Ok(());
        }
        if begun.first.is_none() {
            say(&format!("{name}: has no rows to rebuild"));
            return Ok(());
        }
        let generation = begun.generation;
        let (mut rows, mut undecodable) = (0, 0);
        let mut reader = Reader {
            log: self.logs.read(topic, partition, from)?,
            next: from,
            carried: None,
            read_for: begun.head,
        };
        let mut head = begun.head;
        loop {
            while reader.next < head {
                let (batch, upto) = reader.batch(head).await?;
                self.check_whole(partition, &reader, &batch).await?;
                let rebuild = self.rebuild_of(partition, generation, upto);
                let staged = self.stage(&name, rebuild, &batch).await?;
                (rows, undecodable) = (rows + staged.rows, undecodable + staged.undecodable);
                head = staged.head;
                reader.next = upto
                    .or(batch.last().map(|it| it.offset + 1))
                    .unwrap_or(head);
                debug!(partition, next = reader.next, head, "staged");
            }
            let rebuild = self.rebuild_of(partition, generation, None);
            match self
                .lambda
                .command(ARCHIVE, &Command::Swap(rebuild))
                .await?
            {
                Swapped::Done => break,
                // Records came in meanwhile.
                Swapped::Behind { head: now, .. } => head = now,
                Swapped::Overtaken => {
                    let topic = topic.clone();
                    return Err(ReplayError::Overtaken { topic, partition });
                }
            }
        }
        say(&format!(
            "{name}: {rows} rows rebuilt, {undecodable} records undecodable; swapped in"
        ));
        Ok(())
    }

    /// Retention must not overtake the reader: what it took would be missing without a word.
    async fn check_whole(
        &self,
        partition: i32,
        reader: &Reader<'_>,
        batch: &[LogRecord],
    ) -> Result<(), ReplayError> {
        let from = reader.next;
        if batch.first().is_some_and(|first| first.offset == from) {
            return Ok(());
        }
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
