//! How to reach the brokers: their addresses, TLS, and who we are to them.

mod sasl;
mod secret;
mod settings;

use std::fmt::{self, Debug};

use rdkafka::config::ClientConfig;

pub use settings::{BadSetting, SETTINGS};

use sasl::Sasl;
use secret::Secret;

/// Everything that a client needs to reach the brokers. Shows no secret, however it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    brokers: String,
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

impl Connection {
    /// Brokers (`host:port,…`) that ask for nothing: no encryption and no credentials.
    pub fn plaintext(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            tls: None,
            sasl: None,
        }
    }

    /// The brokers' addresses, `host:port,…`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// A client's configuration with what reaches the brokers, and nothing else.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("security.protocol", self.protocol());
        if let Some(tls) = &self.tls {
            if let Some(file) = &tls.ca_file {
                config.set("ssl.ca.location", file);
            }
            if let Some(client) = &tls.client {
                config
                    .set("ssl.certificate.location", &client.certificate)
                    .set("ssl.key.location", &client.key);
                if let Some(password) = &client.password {
                    config.set("ssl.key.password", password.reveal());
                }
            }
        }
        if let Some(sasl) = &self.sasl {
            config
                .set("sasl.mechanisms", sasl.mechanism.as_str())
                .set("sasl.username", &sasl.username)
                .set("sasl.password", sasl.password.reveal());
        }
        config
    }

    fn protocol(&self) -> &'static str {
        match (&self.tls, &self.sasl) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        }
    }
}

impl Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("brokers", &self.brokers)
            .field("protocol", &self.protocol())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
