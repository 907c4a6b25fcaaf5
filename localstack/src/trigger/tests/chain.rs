//! Triggers whose functions feed one another.

use super::*;

/// A function that takes its time and then writes a record to the topic `b`.
struct Relay(FutureProducer);

#[async_trait]
impl Invoke for Relay {
    async fn invoke(&self, _: &str, _: Bytes) -> Result<Outcome, InvokeError> {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let record = FutureRecord::<[u8], str>::to("b").partition(0).payload("x");
        self.0.send(record, PATIENCE).await.unwrap();
        Ok(Outcome::Success(Bytes::new()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_hands_over_what_another_triggers_drain_wrote() {
    let broker = broker(&[("a", 1), ("b", 1)]).await;
    let mut producer = ClientConfig::new();
    producer.set("bootstrap.servers", broker.connection().brokers());
    let relay = Arc::new(Relay(producer.create().unwrap()));
    let patient = KafkaTrigger {
        batching_window: Duration::from_secs(300),
        ..trigger("a")
    };
    let clock = Arc::new(SystemClock::start());
    let relay = Trigger::start(&spec(), &patient, broker.connection(), None, relay, clock).await;
    let reader = Function::new(succeeds);
    let triggers = vec![relay.unwrap(), start(&broker, &trigger("b"), &reader).await];
    publish(&broker, "a", 0, numbers(0..1)).await;
    for (_, left) in drain_all(triggers, PATIENCE).await {
        assert_eq!(left, []);
    }
    assert_eq!(count(&reader.calls.borrow()), 1);
}
