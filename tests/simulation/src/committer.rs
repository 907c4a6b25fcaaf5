//! The barest user of a chain: it commits the rows of a batch and nothing else. The chain alone is simulated with it,
//! as it should be and without its check of gaps.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use chrono::TimeDelta;
use lake::{Batch, Chain, ChainKey, Epoch, Gaps, NewLink, Store, Table};
use lambda_kit::kafka::{BatchResponse, KafkaEvent, PartitionBatch};
use lambda_kit::run;

/// A committer's warm chains.
pub(crate) struct Committer {
    store: Arc<dyn Store>,
    gaps: Gaps,
    max_ahead: TimeDelta,
    retry: lake::Retry,
    chains: BTreeMap<i32, Chain>,
}

impl Committer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        gaps: Gaps,
        max_ahead: TimeDelta,
        retry: lake::Retry,
    ) -> Self {
        Self {
            store,
            gaps,
            max_ahead,
            retry,
            chains: BTreeMap::new(),
        }
    }

    /// Commits every batch of `event`.
    pub(crate) async fn handle(&mut self, event: KafkaEvent) -> Result<BatchResponse, String> {
        let mut response = BatchResponse::default();
        for batch in event.into_batches() {
            let Some(first) = batch.records.first().map(|record| record.offset) else {
                continue;
            };
            if self.commit(&batch).await.is_err() {
                response.fail(&batch.topic, batch.partition, first);
            }
        }
        Ok(response)
    }

    async fn commit(&mut self, batch: &PartitionBatch) -> Result<(), String> {
        let PartitionBatch {
            topic,
            partition,
            records,
        } = batch;
        let table = Table::of_topic(topic).ok_or("no table")?;
        let rows = archive::decode::decode(table, topic, *partition, records, self.max_ahead)
            .map_err(|error| run::chain(&error))?
            .rows;
        let stamps: Vec<(i64, i64)> = records
            .iter()
            .map(|record| (record.offset, record.timestamp))
            .collect();
        let offered = Batch::of(&stamps).ok_or("no records")?;
        let end = offered.offsets.end;
        let chain = self.chains.entry(*partition).or_insert_with(|| {
            let key = ChainKey {
                table,
                epoch: Epoch::default(),
                topic: topic.clone(),
                partition: *partition,
            };
            Chain::new(self.store.clone(), key).with_retry(self.retry)
        });
        let make = |head: &lake::Head| {
            Ok::<_, Infallible>(NewLink {
                end,
                rows: rows.from_offset(head.end),
                state: BTreeMap::new(),
            })
        };
        let committed = chain.commit(offered, self.gaps, make).await;
        committed.map(drop).map_err(|error| run::chain(&error))
    }
}
