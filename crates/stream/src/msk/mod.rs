//! Amazon MSK: tokens signed with the credentials of AWS, and the brokers of a cluster by its ARN.

mod brokers;
mod signer;

use std::fmt;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::{Builder, tls};

pub(crate) use brokers::bootstrap_brokers;
pub use signer::{LIFE, Signer, sign};

const CONNECT: Duration = Duration::from_secs(2);
/// One try.
const ATTEMPT: Duration = Duration::from_secs(3);
/// All tries of a question together.
const OPERATION: Duration = Duration::from_secs(7);

/// Where credentials, and the addresses of AWS's services, come from.
#[derive(Clone)]
pub enum Access {
    /// From the `AWS_*` variables, the shared files, and whatever else the SDK's usual chain asks.
    Environment,
    /// From here, whatever the environment says.
    Given {
        /// `http://host:port` of the control plane.
        endpoint: String,
        /// `AWS_ACCESS_KEY_ID`.
        access_key_id: String,
        /// `AWS_SECRET_ACCESS_KEY`.
        secret_access_key: String,
    },
}

impl fmt::Debug for Access {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Given { endpoint, .. } => write!(f, "Given({endpoint})"),
        }
    }
}

/// Nothing is connected yet.
async fn configuration(region: &str, access: &Access) -> SdkConfig {
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let limits = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(limits)
        .region(Region::new(region.to_owned()));
    let loader = match access {
        Access::Environment => loader,
        Access::Given {
            endpoint,
            access_key_id,
            secret_access_key,
        } => loader
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::from_keys(
                access_key_id,
                secret_access_key,
                None,
            )),
    };
    loader.load().await
}
