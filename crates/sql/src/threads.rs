//! The threads of one statement.

use tokio::runtime::{Builder, Runtime};

use crate::SqlError;

/// The engine recurses over plans; its frames are large when it is not optimised.
const STACK: usize = 32 << 20;

/// The threads of one statement; dropping them does not wait for a thread that is busy.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn start(parallelism: usize) -> Result<Self, SqlError> {
        Builder::new_multi_thread()
            .worker_threads(parallelism)
            .max_blocking_threads(4 * parallelism)
            .thread_stack_size(STACK)
            .thread_name("sql")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(SqlError::Start)
    }

    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        #[expect(clippy::expect_used, reason = "the runtime is taken by drop alone")]
        self.0
            .as_ref()
            .expect("threads run until they are dropped")
            .spawn(work)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
