//! Rows that are put into a table later, beside a partition's chain: each offset once.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::key::Place;
use super::{Chain, ChainError, ChainKey, CommitError, Committed, Gaps, Link, NewLink, Retry};
use crate::Store;

/// The key of an adder's name in a link's state.
const BY: &str = "by";

/// The rows that replays put in beside one generation of a partition's chain.
///
/// They are a chain too, whose links are numbered: who adds to it meets whoever was faster, and
/// looks again at what is in.
#[derive(Debug)]
pub struct Replays {
    chain: Chain,
}

impl Replays {
    /// The rows beside `generation` of the chain `key`.
    pub fn new(store: Arc<dyn Store>, key: ChainKey, generation: u32, retry: Retry) -> Self {
        let chain = Chain::at(store, key, Place::Replayed(generation)).with_retry(retry);
        Self { chain }
    }

    /// Adds the rows that `make` makes, shown the offsets that are in; returns how many there
    /// were. `make` runs again when somebody else added rows meanwhile. `by` tells the own rows
    /// from another's who adds the same ones, when the store's answer is lost.
    ///
    /// [`CommitError::Closed`] says that the chain has another generation now.
    pub async fn add<E>(
        &mut self,
        by: &str,
        mut make: impl FnMut(&BTreeSet<i64>) -> Result<RecordBatch, E>,
    ) -> Result<usize, CommitError<E>> {
        loop {
            let (next, known) = self.known().await?;
            let rows = make(&known).map_err(|source| CommitError::Make {
                chain: self.chain.key.clone(),
                source,
            })?;
            let count = rows.num_rows();
            if count == 0 {
                return Ok(0);
            }
            let link = NewLink {
                end: next + 1,
                rows,
                state: [(BY.to_owned(), by.to_owned())].into(),
            };
            let made = |_: &_| Ok(link.clone());
            let committed = self
                .chain
                .commit(next..next + 1, Gaps::Refuse, made)
                .await?;
            if matches!(committed, Committed::Link { .. }) {
                return Ok(count);
            }
            let stands = self.chain.links_overlapping(next..next + 1).await?;
            let is_own = |it: &Link| it.state == link.state && it.rows == link.rows;
            if stands.iter().any(is_own) {
                return Ok(count);
            }
        }
    }

    /// The number of the next link, and the offsets in those before it.
    async fn known(&mut self) -> Result<(i64, BTreeSet<i64>), ChainError> {
        let mut looks = 0;
        loop {
            self.chain.forget();
            let next = self.chain.head().await?.end;
            let folder = self.chain.folder();
            let mut links = self.chain.links_from_before(&folder, None).await?;
            links.retain(|&number| number < next);
            // A listing that lags behind must not make a row look new.
            if i64::try_from(links.len()) == Ok(next) {
                return Ok((next, self.chain.read_offsets(links, |_| true).await?));
            }
            looks += 1;
            if looks >= self.chain.retry.attempts {
                let chain = self.chain.key.clone();
                return Err(ChainError::Hole { chain });
            }
            self.chain.retry.pause(looks).await;
        }
    }
}
