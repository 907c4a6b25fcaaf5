//! Room for what waits in memory, so that no burst makes the process grow without bound.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Bytes are counted in units of this.
const UNIT: usize = 1024;

/// A number of places and of bytes that those who wait share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Room {
    places: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    most: usize,
}

/// What one of those who wait takes up; given back on drop.
#[derive(Debug)]
pub struct Held {
    memory: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Room {
    /// Room for so many at once, who have so many bytes in all.
    pub fn new(places: usize, bytes: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            memory: Arc::new(Semaphore::new(bytes / UNIT)),
            most: places,
        }
    }

    /// A place for `bytes` bytes; `None` when there is none, or not enough memory.
    pub(crate) fn take(&self, bytes: usize) -> Option<Held> {
        Some(Held {
            _place: Arc::clone(&self.places).try_acquire_owned().ok()?,
            memory: self.memory(bytes).ok()?,
        })
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.most - self.places.available_permits()
    }

    /// Waits until nobody is left.
    pub(crate) async fn emptied(&self) {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }

    fn memory(&self, bytes: usize) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        Arc::clone(&self.memory).try_acquire_many_owned(units)
    }
}

impl Held {
    /// Takes up `bytes` more, if there is room for them.
    pub(crate) fn grow(&mut self, room: &Room, bytes: usize) -> bool {
        room.memory(bytes)
            .map(|more| self.memory.merge(more))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn there_is_room_for_so_many_and_so_much() {
        let room = Room::new(2, 10 * UNIT);
        let mut first = room.take(5 * UNIT).unwrap();
        assert!(room.take(6 * UNIT).is_none(), "not enough memory");
        assert_eq!(room.taken(), 1, "a refusal takes nothing");
        assert!(first.grow(&room, 3 * UNIT) && !first.grow(&room, 3 * UNIT));
        let second = room.take(1).unwrap();
        assert!(room.take(0).is_none(), "no place");
        drop(first);
        assert!(room.take(8 * UNIT).is_some(), "given back");
        let mut emptied = Box::pin(room.emptied());
        assert!(futures::poll!(&mut emptied).is_pending());
        drop(second);
        emptied.await;
    }
}
