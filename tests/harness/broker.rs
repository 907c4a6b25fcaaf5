//! A broker of the test's own, that goes away, is slow and is full when it is told to.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const BROKER: i32 = 1;

/// One broker with the system's topics; it keeps its records while it is down.
pub struct Faulty {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Default for Faulty {
    fn default() -> Self {
        let cluster = MockCluster::new(BROKER).unwrap();
        for topic in [
            "default_call",
            "stock_call",
            "stock_operation",
            "events",
            "game_events",
            "portfolios",
        ] {
            cluster.create_topic(topic, 3, 1).unwrap();
        }
        cluster.create_topic("StockExchange", 1, 1).unwrap();
        Self { cluster }
    }
}

impl Faulty {
    /// Its address, for `KAFKA`.
    pub fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Ends its connections and takes no new ones.
    pub fn down(&self) {
        self.cluster.broker_down(BROKER).unwrap();
    }

    /// Takes connections again.
    pub fn up(&self) {
        self.cluster.broker_up(BROKER).unwrap();
    }

    /// Answers only after this.
    pub fn slow(&self, delay: Duration) {
        self.cluster.broker_round_trip_time(BROKER, delay).unwrap();
    }

    /// Refuses records as one whose disk is full, or takes them again.
    pub fn full(&self, full: bool) {
        self.cluster.clear_request_errors(RDKafkaApiKey::Produce);
        if full {
            let refusals = vec![RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR; 100_000];
            self.cluster
                .request_errors(RDKafkaApiKey::Produce, &refusals);
        }
    }
}
