//! The Kafka records that an invocation had to do with, for the line that it leaves in the log.

use std::cell::Cell;
use std::future::Future;

/// Records, and the bytes of their values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// How many records.
    pub records: u64,
    /// The bytes of their values.
    pub bytes: u64,
}

tokio::task_local! {
    static PUBLISHED: Cell<Work>;
}

/// Runs an invocation; tells what it published beside its output.
///
/// Counted is what is published in the invocation's own task, also by many futures at once.
pub async fn counted<F: Future>(invocation: F) -> (F::Output, Work) {
    let counted = async {
        let output = invocation.await;
        (output, PUBLISHED.with(Cell::get))
    };
    PUBLISHED.scope(Cell::default(), counted).await
}

/// Counts a record that the broker acknowledged for the running invocation; outside of one it counts for nothing.
pub fn published(bytes: usize) {
    // Outside of an invocation there is no line to count for.
    let _ = PUBLISHED.try_with(|work| {
        let Work {
            records,
            bytes: before,
        } = work.get();
        work.set(Work {
            records: records + 1,
            bytes: before + bytes as u64,
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_invocation_counts_its_own() {
        published(9);
        let one = counted(async {
            published(3);
            tokio::task::yield_now().await;
            published(4);
            "done"
        });
        let other = counted(async { published(100) });
        let (one, other) = tokio::join!(one, other);
        let work = |records, bytes| Work { records, bytes };
        assert_eq!(one, ("done", work(2, 7)));
        assert_eq!(other, ((), work(1, 100)));
        assert_eq!(counted(async {}).await.1, Work::default());
    }
}
