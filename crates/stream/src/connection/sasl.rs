//! Who a client is to the brokers.

use super::Secret;

/// A user with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sasl {
    pub(super) mechanism: Mechanism,
    pub(super) username: String,
    pub(super) password: Secret,
}

/// How the password is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

/// What is wrong with a mechanism's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMechanism {
    /// It exists, but not here yet.
    Later,
    Unknown,
}

impl Mechanism {
    pub(super) fn parse(text: &str) -> Result<Self, NoMechanism> {
        match text.to_ascii_uppercase().replace('_', "-").as_str() {
            "PLAIN" => Ok(Self::Plain),
            "SCRAM-SHA-256" => Ok(Self::ScramSha256),
            "SCRAM-SHA-512" => Ok(Self::ScramSha512),
            "OAUTHBEARER" | "MSK-IAM" | "AWS-MSK-IAM" => Err(NoMechanism::Later),
            _ => Err(NoMechanism::Unknown),
        }
    }

    /// As Kafka writes it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    /// Whether the client library needs OpenSSL for its hashes.
    pub(super) fn needs_openssl(self) -> bool {
        !matches!(self, Self::Plain)
    }
}
