//! How to reach the brokers: their addresses, TLS, and who we are to them.

mod sasl;
mod secret;
mod settings;

use std::fmt::{self, Debug};
use std::sync::Arc;

use rdkafka::admin::AdminClient;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;

pub use settings::{BadSetting, SETTINGS};

use crate::cluster::Listener;
use crate::tokens::{Mint, TokenSource, Tokens};
use sasl::{Mechanism, Sasl};
use secret::Secret;

/// A consumer of a connection's, to be read from.
pub type StreamConsumer = rdkafka::consumer::StreamConsumer<Tokens>;

/// Everything that a client needs to reach the brokers. Shows no secret, however it is printed.
///
/// Clients are made of [`Connection::client`] with [`Connection::tokens`] in their context.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    brokers: String,
    security: Security,
}

/// What the brokers ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Security {
    tls: Option<Tls>,
    sasl: Option<Sasl>,
}

/// Encryption, and how the two sides prove who they are by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tls {
    /// Who vouches for the brokers; the system's own authorities if not set.
    ca_file: Option<String>,
    /// The client's certificate and key.
    client: Option<ClientCertificate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ClientCertificate {
    certificate: String,
    key: String,
    password: Option<Secret>,
}

impl Security {
    /// As Kafka writes it.
    pub(crate) fn protocol(&self) -> &'static str {
        match (&self.tls, &self.sasl) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        }
    }

    /// The listener of an MSK cluster for these clients; none if MSK has nothing for them.
    pub(crate) fn listener(&self) -> Option<Listener> {
        match (&self.tls, &self.sasl) {
            (None, None) => Some(Listener::Plaintext),
            (Some(_), None) => Some(Listener::Tls),
            (Some(_), Some(Sasl::Token(_))) => Some(Listener::Iam),
            (Some(_), Some(Sasl::Password(user))) => {
                (user.mechanism == Mechanism::ScramSha512).then_some(Listener::Scram)
            }
            (None, Some(_)) => None,
        }
    }
}

impl Connection {
    /// Brokers (`host:port,…`) that ask for nothing: no encryption and no credentials.
    pub fn plaintext(brokers: impl Into<String>) -> Self {
        Self::new(brokers.into(), Security::default())
    }

    /// Brokers (`host:port,…`) that ask for tokens of this source, over connections in the clear.
    pub fn by_token(brokers: impl Into<String>, source: Arc<dyn TokenSource>) -> Self {
        let security = Security {
            tls: None,
            sasl: Some(Sasl::Token(Mint::of(source))),
        };
        Self::new(brokers.into(), security)
    }

    pub(crate) fn new(brokers: String, security: Security) -> Self {
        Self { brokers, security }
    }

    pub(crate) fn into_parts(self) -> (String, Security) {
        (self.brokers, self.security)
    }

    /// The brokers' addresses, `host:port,…`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// A client's configuration with what reaches the brokers, and nothing else.
    pub fn client(&self) -> ClientConfig {
        let Security { tls, sasl } = &self.security;
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("security.protocol", self.security.protocol());
        if let Some(tls) = tls {
            // OpenSSL is linked into the program and knows no authorities of its own; `probe` looks where systems have them.
            config.set("ssl.ca.location", tls.ca_file.as_deref().unwrap_or("probe"));
            if let Some(client) = &tls.client {
                config
                    .set("ssl.certificate.location", &client.certificate)
                    .set("ssl.key.location", &client.key);
                if let Some(password) = &client.password {
                    config.set("ssl.key.password", password.reveal());
                }
            }
        }
        match sasl {
            None => {}
            Some(Sasl::Password(user)) => {
                config
                    .set("sasl.mechanisms", user.mechanism.as_str())
                    .set("sasl.username", &user.name)
                    .set("sasl.password", user.password.reveal());
            }
            Some(Sasl::Token(_)) => {
                config.set("sasl.mechanisms", "OAUTHBEARER");
            }
        }
        config
    }

    /// What brings one client its tokens: every client has its own.
    pub fn tokens(&self) -> Tokens {
        Tokens::of(match &self.security.sasl {
            Some(Sasl::Token(mint)) => Some(mint.clone()),
            Some(Sasl::Password(_)) | None => None,
        })
    }

    /// A consumer of this configuration, ready to be asked.
    pub fn consumer(&self, config: &ClientConfig) -> KafkaResult<StreamConsumer> {
        let tokens = self.tokens();
        let consumer = StreamConsumer::from_config_and_context(config, tokens.clone())?;
        tokens.bring(consumer.client())?;
        Ok(consumer)
    }

    /// A consumer that is only asked, and never polled: whoever asks it later calls [`Tokens::renew`] before.
    pub fn questioner(&self) -> KafkaResult<BaseConsumer<Tokens>> {
        let tokens = self.tokens();
        let consumer = BaseConsumer::from_config_and_context(&self.client(), tokens.clone())?;
        tokens.bring(consumer.client())?;
        Ok(consumer)
    }

    /// A client that makes and changes topics, for as long as its first token lasts.
    pub(crate) fn admin(&self) -> KafkaResult<AdminClient<Tokens>> {
        let tokens = self.tokens();
        let admin = AdminClient::from_config_and_context(&self.client(), tokens.clone())?;
        tokens.bring(admin.inner())?;
        Ok(admin)
    }
}

impl Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("brokers", &self.brokers)
            .field("protocol", &self.security.protocol())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
