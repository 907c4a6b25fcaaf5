//! What AWS asks: one file, with the date, and where each price stands.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

const FILE: &str = include_str!("prices.json");

/// One price.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    pub(crate) usd: f64,
    /// What that buys.
    pub(crate) per: String,
    /// The public page that it stands on.
    pub(crate) page: String,
    /// How it got here.
    pub(crate) basis: String,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) region: String,
    pub(crate) date: String,
    prices: BTreeMap<String, Price>,
}

/// The prices by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// USD per million requests.
    pub(crate) lambda_request: Price,
    /// USD per GB-second, arm64.
    pub(crate) lambda_time: Price,
    /// USD per million requests, the first 300 million a month.
    pub(crate) http_api_request: Price,
    /// USD per million requests, those after.
    pub(crate) http_api_request_more: Price,
    /// USD per GB to the internet.
    pub(crate) transfer_out: Price,
    /// USD per hour of a serverless cluster.
    pub(crate) msk_cluster: Price,
    /// USD per hour of a partition.
    pub(crate) msk_partition: Price,
    /// USD per GB written.
    pub(crate) msk_in: Price,
    /// USD per GB read.
    pub(crate) msk_out: Price,
    /// USD per GB-month kept.
    pub(crate) msk_storage: Price,
    /// USD per hour of a worker's unit (MCU).
    pub(crate) msk_connect: Price,
    /// USD per thousand PUT or LIST requests.
    pub(crate) s3_put: Price,
    /// USD per thousand GET requests.
    pub(crate) s3_get: Price,
    /// USD per GB-month, the first 50 TB.
    pub(crate) s3_storage: Price,
    /// USD per hour of a kafka.m7g.2xlarge.
    pub(crate) msk_broker: Price,
    /// USD per GB-month of its disk.
    pub(crate) msk_broker_storage: Price,
    /// USD per GB of logs: of functions' the first 10 TB a month.
    pub(crate) log_ingestion: Price,
    /// USD per GB of functions' logs, the next 20 TB.
    pub(crate) log_ingestion_second: Price,
    /// USD per GB of functions' logs, the next 20 TB.
    pub(crate) log_ingestion_third: Price,
    /// USD per GB of functions' logs, those after.
    pub(crate) log_ingestion_more: Price,
    /// USD per GB-month of packed logs.
    pub(crate) log_storage: Price,
    /// USD per metric and month, the first 10 000.
    pub(crate) metric: Price,
    /// USD per alarm and month.
    pub(crate) alarm: Price,
    /// USD per dashboard and month.
    pub(crate) dashboard: Price,
    /// USD per million invocations of a schedule.
    pub(crate) schedule: Price,
    /// USD per hour of an interface endpoint in one zone.
    pub(crate) endpoint: Price,
    /// USD per GB through it.
    pub(crate) endpoint_data: Price,
    /// USD per GB, each record rounded up to 5 KB.
    pub(crate) firehose_ingestion: Price,
    /// USD per GB made Parquet, rounded likewise.
    pub(crate) firehose_conversion: Price,
    /// USD per TB scanned, at least 10 MB a statement.
    pub(crate) athena: Price,
    /// USD per hour of an m5.xlarge.
    pub(crate) ec2_node: Price,
    /// USD per hour of EMR on it.
    pub(crate) emr_node: Price,
    /// USD per hour of a t4g.small.
    pub(crate) own_broker: Price,
    /// USD per GB-month of its gp3 disk.
    pub(crate) own_broker_storage: Price,
}

static PRICES: LazyLock<Prices> = LazyLock::new(|| read(FILE.as_bytes()));

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let file: Value = read(FILE.as_bytes());
    read(file["prices"].to_string().as_bytes())
});

#[expect(clippy::expect_used, reason = "a file of ours, which a test reads")]
fn read<T: serde::de::DeserializeOwned>(json: &[u8]) -> T {
    serde_json::from_slice(json).expect("the prices can be read")
}

impl Prices {
    pub(crate) fn get() -> &'static Self {
        &PRICES
    }

    /// All of them, with their names.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Price)> {
        self.prices
            .iter()
            .map(|(name, price)| (name.as_str(), price))
    }
}

impl Table {
    pub(crate) fn get() -> &'static Self {
        &TABLE
    }
}
