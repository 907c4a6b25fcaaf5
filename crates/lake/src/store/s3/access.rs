//! How the store is reached: endpoint, region, credentials, time limits.

use std::fmt;
use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_smithy_http_client::{Builder, tls};

/// The region where nothing names one; stores that have no regions accept it.
const REGION: &str = "us-east-1";

const CONNECT: Duration = Duration::from_secs(2);
/// One try: the largest link is some 6 MB.
const ATTEMPT: Duration = Duration::from_secs(8);
/// All tries of a request together.
const OPERATION: Duration = Duration::from_secs(20);
/// Below what servers and balancers keep, so that a request seldom meets a connection that was just closed.
const IDLE: Duration = Duration::from_secs(10);

/// Where endpoint, region and credentials come from.
#[derive(Clone)]
pub enum Access {
    /// From the `AWS_*` variables, the shared files, and whatever else the SDK's usual chain asks.
    Environment,
    /// From here, whatever the environment says.
    Given {
        /// `http://host:port`.
        endpoint: String,
        /// The region to sign for.
        region: String,
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

/// A client; it connects with its first request.
pub(super) async fn client(access: &Access) -> Client {
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .pool_idle_timeout(IDLE)
        .build_https();
    let limits = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(limits);
    let shared = given(loader, access).load().await;
    // A bucket is a host name only where the endpoint is AWS's own.
    let own_endpoint = shared.endpoint_url().is_some()
        || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some_and(|url| !url.is_empty());
    Client::from_conf(
        aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(own_endpoint)
            .build(),
    )
}

fn given(loader: ConfigLoader, access: &Access) -> ConfigLoader {
    match access {
        // The SDK's own chain would go on to a machine's metadata service, for which other machines wait in vain.
        Access::Environment => loader.region(
            RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                .or_else(ProfileFileRegionProvider::new())
                .or_else(REGION),
        ),
        Access::Given {
            endpoint,
            region,
            access_key_id,
            secret_access_key,
        } => loader
            .endpoint_url(endpoint)
            .region(Region::new(region.clone()))
            .credentials_provider(Credentials::from_keys(
                access_key_id,
                secret_access_key,
                None,
            )),
    }
}
