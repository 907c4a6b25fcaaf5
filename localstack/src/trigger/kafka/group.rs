//! Where a consumer group stands, as its coordinator knows.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaResult, RDKafkaErrorCode},
};

/// Between two questions about a coordinator that is on its way.
const PAUSE: Duration = Duration::from_millis(100);

/// What a group has committed; a broker that has just started has to find out which one knows.
pub(super) fn committed(
    consumer: &StreamConsumer,
    list: &TopicPartitionList,
    limit: Duration,
) -> KafkaResult<TopicPartitionList> {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match consumer.committed_offsets(list.clone(), left) {
            Err(error) if error.rdkafka_error_code().is_some_and(is_moving) && left > PAUSE => {
                thread::sleep(PAUSE);
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
