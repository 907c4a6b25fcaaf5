//! Who a client is to the brokers.

use std::fmt::{self, Debug};

use super::Secret;
use crate::tokens::Mint;

/// How a client says who it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Sasl {
    Password(User),
    /// By tokens that are made for it.
    Token(Mint),
}

/// A user with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) mechanism: Mechanism,
    pub(super) name: String,
    pub(super) password: Secret,
}

impl Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(user) => user.fmt(f),
            Self::Token(_) => f.write_str("Token"),
        }
    }
}

/// How the password is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

/// What `KAFKA_SASL_MECHANISM` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Password(Mechanism),
    /// A token signed with the credentials of AWS.
    MskIam,
}

impl Named {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().replace('_', "-").as_str() {
            "PLAIN" => Self::Password(Mechanism::Plain),
            "SCRAM-SHA-256" => Self::Password(Mechanism::ScramSha256),
            "SCRAM-SHA-512" => Self::Password(Mechanism::ScramSha512),
            "MSK-IAM" | "AWS-MSK-IAM" => Self::MskIam,
            _ => return None,
        })
    }
}

impl Mechanism {
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
