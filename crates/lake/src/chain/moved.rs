//! Where a chain that was closed goes on.

use super::key::Place;
use super::{Chain, ChainError, Head};

/// Where a chain that was closed goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The generation that follows.
    pub generation: u32,
    /// The rebuild that made it.
    pub id: String,
}

impl Move {
    pub(super) fn to_text(&self) -> String {
        format!("{} {}", self.generation, self.id)
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        let (generation, id) = text.split_once(' ')?;
        Some(Self {
            generation: generation.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

impl Chain {
    /// The head as the store has it; of a table's chain that was closed, that of the one which
    /// follows, after its swap is finished.
    pub(super) async fn follow(&mut self) -> Result<Head, ChainError> {
        loop {
            let head = self.find_head(&self.folder(), self.near).await?;
            let (Place::Table(from), Some(to)) = (&self.place, &head.moved) else {
                return Ok(head);
            };
            self.finish_swap(*from, to).await?;
            self.place = Place::Table(to.generation);
        }
    }
}
