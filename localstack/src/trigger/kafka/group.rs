//! Where a consumer group stands, as its coordinator knows.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use tokio::time::sleep;

/// Between two questions about a coordinator that is on its way.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks again while a broker that has just started finds out which one knows the group.
pub(super) async fn settled<T, F>(
    limit: Duration,
    mut question: impl FnMut() -> F,
) -> KafkaResult<T>
where
    F: Future<Output = KafkaResult<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        match question().await {
            Err(error)
                if error.rdkafka_error_code().is_some_and(is_moving)
                    && Instant::now() < deadline =>
            {
                sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Whether the answer will be another one in a moment.
fn is_moving(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::NotCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::WaitingForCoordinator
    )
}
