//! The Kafka that a function is to use, as its environment names it: by its brokers, or by the ARN of an MSK cluster
//! whose brokers are looked up.

use thiserror::Error;

use crate::Connection;
use crate::connection::Security;

/// A Kafka as a function's environment names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    address: Address,
    security: Security,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `host:port,…`
    Brokers(String),
    Arn(ClusterArn),
}

/// The name of an MSK cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterArn {
    text: String,
    region: String,
}

impl ClusterArn {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "kafka", region, _account, resource] = parts[..] else {
            return None;
        };
        let whole = partition.starts_with("aws") && !region.is_empty();
        (whole && resource.starts_with("cluster/")).then(|| Self {
            text: text.to_owned(),
            region: region.to_owned(),
        })
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }
}

impl From<ClusterArn> for String {
    fn from(arn: ClusterArn) -> Self {
        arn.text
    }
}

/// Brokers listen for each kind of client at another port, and a cluster has those that it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    Plaintext,
    Tls,
    Scram,
    Iam,
}

/// Why a cluster's brokers are not known.
#[derive(Debug, Error)]
#[error("the brokers of {cluster} cannot be looked up: {reason}")]
pub struct LookupError {
    /// The cluster's ARN.
    pub cluster: String,
    /// What is wrong, and what helps.
    pub reason: String,
    /// What MSK's control plane said, or what kept it from being asked.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Cluster {
    pub(crate) fn new(address: Address, security: Security) -> Self {
        Self { address, security }
    }

    /// Finds out where the brokers are. Asks nobody if that is known, and MSK's control plane otherwise; takes at most
    /// eight seconds.
    #[cfg(feature = "msk")]
    pub async fn connect(self) -> Result<Connection, LookupError> {
        self.connect_by(&crate::msk::Access::Environment).await
    }

    /// The same with the control plane reached in a given way.
    #[cfg(feature = "msk")]
    pub async fn connect_by(self, access: &crate::msk::Access) -> Result<Connection, LookupError> {
        let brokers = match self.address {
            Address::Brokers(brokers) => brokers,
            Address::Arn(arn) => {
                // Boxed, for the SDK's futures are deep and large, and callers hold this one in theirs.
                let listener = self.security.listener();
                Box::pin(crate::msk::bootstrap_brokers(&arn, listener, access)).await?
            }
        };
        Ok(Connection::new(brokers, self.security))
    }

    /// Finds out where the brokers are.
    #[cfg(not(feature = "msk"))]
    pub async fn connect(self) -> Result<Connection, LookupError> {
        match self.address {
            Address::Brokers(brokers) => Ok(Connection::new(brokers, self.security)),
            // Its setting was refused before it came to this.
            Address::Arn(arn) => Err(LookupError {
                reason: "this build cannot ask MSK (cargo's feature `stream/msk`)".to_owned(),
                cluster: arn.into(),
                source: None,
            }),
        }
    }
}

impl From<Connection> for Cluster {
    fn from(connection: Connection) -> Self {
        let (brokers, security) = connection.into_parts();
        Self::new(Address::Brokers(brokers), security)
    }
}
