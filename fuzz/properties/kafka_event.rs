//! Whatever a trigger sends: an event is refused, or every record of it is in one batch, in the order of offsets.

use lambda_kit::kafka::KafkaEvent;

/// Holds `data` as the payload of an invocation.
pub(crate) fn hold(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<KafkaEvent>(data) else {
        return;
    };
    let batches = event.clone().into_batches();
    for batch in &batches {
        assert!(!batch.records.is_empty(), "a batch without records");
        assert!(batch.records.is_sorted_by_key(|record| record.offset));
    }
    let mut partitions: Vec<_> = batches
        .iter()
        .map(|batch| (&batch.topic, batch.partition))
        .collect();
    partitions.dedup();
    assert_eq!(
        partitions.len(),
        batches.len(),
        "a partition in two batches"
    );
    assert_eq!(
        KafkaEvent::from_batches(batches.clone()).into_batches(),
        batches
    );
}
