//! The brokers of a cluster, as MSK's control plane tells them.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kafka::Client;
use aws_sdk_kafka::config::http::HttpResponse;
use aws_sdk_kafka::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kafka::operation::get_bootstrap_brokers::{
    GetBootstrapBrokersError, GetBootstrapBrokersOutput,
};
use thiserror::Error;

use super::{Access, OPERATION, configuration};
use crate::LookupError;
use crate::cluster::{ClusterArn, Listener};

type Failed = SdkError<GetBootstrapBrokersError, HttpResponse>;

/// What the control plane said, in one line.
#[derive(Debug, Error)]
#[error("it answered {status} {code}{}", note(message))]
struct Said {
    status: u16,
    code: String,
    message: String,
}

fn note(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// Where the brokers of a cluster listen for these clients, `host:port,…`.
pub(crate) async fn bootstrap_brokers(
    arn: &ClusterArn,
    listener: Option<Listener>,
    access: &Access,
) -> Result<String, LookupError> {
    let cluster = String::from(arn.clone());
    let client = Client::new(&configuration(arn.region(), access).await);
    let asked = client.get_bootstrap_brokers().cluster_arn(&cluster).send();
    let (reason, source) = match asked.await {
        Ok(found) => match listener.and_then(|listener| brokers(&found, listener)) {
            Some(brokers) => return Ok(brokers.to_owned()),
            None => (missing(&found, listener), None),
        },
        Err(failed) => {
            let (reason, source) = words(arn.region(), failed);
            (reason, Some(source))
        }
    };
    Err(LookupError {
        cluster,
        reason,
        source,
    })
}

const LISTENERS: [Listener; 4] = [
    Listener::Plaintext,
    Listener::Tls,
    Listener::Scram,
    Listener::Iam,
];

fn brokers(found: &GetBootstrapBrokersOutput, listener: Listener) -> Option<&str> {
    let brokers = match listener {
        Listener::Plaintext => found.bootstrap_broker_string(),
        Listener::Tls => found.bootstrap_broker_string_tls(),
        Listener::Scram => found.bootstrap_broker_string_sasl_scram(),
        Listener::Iam => found.bootstrap_broker_string_sasl_iam(),
    };
    brokers.filter(|brokers| !brokers.is_empty())
}

/// As MSK calls this kind of access.
fn name(listener: Listener) -> &'static str {
    match listener {
        Listener::Plaintext => "plaintext (PLAINTEXT)",
        Listener::Tls => "TLS (SSL)",
        Listener::Scram => "SASL/SCRAM (SASL_SSL, SCRAM-SHA-512)",
        Listener::Iam => "IAM (SASL_SSL, MSK_IAM)",
    }
}

fn missing(found: &GetBootstrapBrokersOutput, wanted: Option<Listener>) -> String {
    let there = LISTENERS.into_iter();
    let there: Vec<_> = there
        .filter(|listener| brokers(found, *listener).is_some())
        .map(name)
        .collect();
    let wanted = wanted.map_or("these settings", name);
    if there.is_empty() {
        return format!("it has no broker for {wanted}, nor for anything else yet");
    }
    let there = there.join(", ");
    format!(
        "it has no broker for {wanted}, but for {there}: set KAFKA_SECURITY_PROTOCOL and KAFKA_SASL_MECHANISM to what it has, or switch that access on at the cluster"
    )
}

type Source = Box<dyn Error + Send + Sync>;

/// What is wrong in words that say what helps, and what was said.
fn words(region: &str, failed: Failed) -> (String, Source) {
    let Some(response) = failed.raw_response() else {
        return unanswered(region, failed);
    };
    let status = response.status().as_u16();
    let metadata = failed.as_service_error();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let said = Said {
        status,
        code: text(metadata.and_then(ProvideErrorMetadata::code)),
        message: text(metadata.and_then(ProvideErrorMetadata::message)),
    };
    let reason = match (said.code.as_str(), status) {
        (_, 200..=299) => "the answer is none of MSK's: check AWS_ENDPOINT_URL_KAFKA".to_owned(),
        (
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "MissingAuthenticationTokenException"
            | "UnauthorizedException",
            _,
        ) => "the credentials are not accepted: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or AWS_PROFILE".to_owned(),
        ("InvalidSignatureException" | "SignatureDoesNotMatch", _)
            if said.message.contains("region") =>
        {
            format!("who answers is not MSK in {region}: check AWS_ENDPOINT_URL_KAFKA and the region in KAFKA_CLUSTER_ARN")
        }
        ("InvalidSignatureException" | "SignatureDoesNotMatch", _) => {
            "the signature is not accepted: check AWS_SECRET_ACCESS_KEY and this machine's clock".to_owned()
        }
        (_, 401 | 403) => "access is denied: allow kafka:GetBootstrapBrokers on this cluster to these credentials".to_owned(),
        (_, 404) => format!("there is no such cluster in {region}: check KAFKA_CLUSTER_ARN"),
        ("ConflictException", _) | (_, 409) => "the cluster is being made or changed: try again when it is active".to_owned(),
        (_, 429) | ("ThrottlingException" | "TooManyRequestsException", _) => {
            "MSK is asked too often by this account, also after several tries: try again later".to_owned()
        }
        (_, 400) => format!("MSK in {region} does not take this ARN: check KAFKA_CLUSTER_ARN, its region and its account"),
        (_, 500..) => "MSK's control plane is out of order, also after several tries: try again later".to_owned(),
        _ => "MSK's control plane refuses to say".to_owned(),
    };
    (reason, said.into())
}

/// No answer: it was too slow, nobody listens, or the question was never sent.
fn unanswered(region: &str, failed: Failed) -> (String, Source) {
    let timed_out = match &failed {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_timeout(),
        _ => false,
    };
    let source = failed.into_source().unwrap_or_else(Into::into);
    let reason = if mentions_credentials(source.as_ref()) {
        "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            .to_owned()
    } else if timed_out {
        format!(
            "MSK's control plane in {region} did not answer within {} s: who has no way out of a private subnet is given KAFKA_BROKERS, or its VPC the endpoint com.amazonaws.{region}.kafka",
            OPERATION.as_secs()
        )
    } else {
        format!("MSK's control plane in {region} cannot be reached")
    };
    (reason, source)
}

/// Whether the chain of causes ends at credentials; the SDK has no kind for it.
fn mentions_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
