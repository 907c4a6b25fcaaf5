//! The settings of a connection, as environment variables have them.

use std::fs::File;

use thiserror::Error;

use super::{
    ClientCertificate, Connection, Secret, Tls,
    sasl::{Mechanism, NoMechanism, Sasl},
};

const BROKERS: &str = "KAFKA_BROKERS";
const PROTOCOL: &str = "KAFKA_SECURITY_PROTOCOL";
const MECHANISM: &str = "KAFKA_SASL_MECHANISM";
const USERNAME: &str = "KAFKA_USERNAME";
const PASSWORD: &str = "KAFKA_PASSWORD";
const CA_FILE: &str = "KAFKA_CA_FILE";
const CERT_FILE: &str = "KAFKA_CERT_FILE";
const KEY_FILE: &str = "KAFKA_KEY_FILE";
const KEY_PASSWORD: &str = "KAFKA_KEY_PASSWORD";

/// The variables that say how the brokers are reached, beside `KAFKA_BROKERS`.
pub const SETTINGS: [&str; 8] = [
    PROTOCOL,
    MECHANISM,
    USERNAME,
    PASSWORD,
    CA_FILE,
    CERT_FILE,
    KEY_FILE,
    KEY_PASSWORD,
];
const OF_SASL: [&str; 3] = [MECHANISM, USERNAME, PASSWORD];
const OF_TLS: [&str; 4] = [CA_FILE, CERT_FILE, KEY_FILE, KEY_PASSWORD];

/// Whether this build carries OpenSSL.
const HAS_TLS: bool = cfg!(feature = "tls");

/// A setting that cannot be used. Its value is no part of it, for it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} {reason}")]
pub struct BadSetting {
    /// The variable's name.
    pub name: &'static str,
    /// What is wrong with it, and what is allowed.
    pub reason: String,
}

impl From<BadSetting> for (&'static str, String) {
    fn from(bad: BadSetting) -> Self {
        (bad.name, bad.reason)
    }
}

impl Connection {
    /// Reads `KAFKA_BROKERS`, which must be set, and [`SETTINGS`], which need not. Tells everything that is wrong at
    /// once. An empty value counts as not set.
    pub fn from_settings(
        mut get: impl FnMut(&'static str) -> Option<String>,
    ) -> Result<Self, Vec<BadSetting>> {
        let mut reader = Reader {
            get: |name| get(name).filter(|value| !value.is_empty()),
            bad: Vec::new(),
        };
        let brokers = reader.required(BROKERS, "is not set");
        let (tls, sasl) = reader.protocol();
        let tls = if tls {
            Some(reader.tls())
        } else {
            reader.refuse(
                &OF_TLS,
                "is only for KAFKA_SECURITY_PROTOCOL=SSL and SASL_SSL",
            );
            None
        };
        let sasl = if sasl {
            reader.sasl()
        } else {
            let reason = "is only for KAFKA_SECURITY_PROTOCOL=SASL_SSL and SASL_PLAINTEXT";
            reader.refuse(&OF_SASL, reason);
            None
        };
        match brokers {
            Some(brokers) if reader.bad.is_empty() => Ok(Self { brokers, tls, sasl }),
            _ => Err(reader.bad),
        }
    }
}

struct Reader<F> {
    get: F,
    bad: Vec<BadSetting>,
}

impl<F: FnMut(&'static str) -> Option<String>> Reader<F> {
    fn required(&mut self, name: &'static str, reason: &str) -> Option<String> {
        let value = (self.get)(name);
        if value.is_none() {
            self.reject(name, reason);
        }
        value
    }

    fn reject(&mut self, name: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        self.bad.push(BadSetting { name, reason });
    }

    fn refuse(&mut self, names: &[&'static str], reason: &str) {
        for &name in names {
            if (self.get)(name).is_some() {
                self.reject(name, reason);
            }
        }
    }

    /// Whether there is TLS, and whether there is SASL.
    fn protocol(&mut self) -> (bool, bool) {
        let protocol = (self.get)(PROTOCOL).map(|protocol| protocol.to_ascii_uppercase());
        let (tls, sasl) = match protocol.as_deref() {
            None | Some("PLAINTEXT") => (false, false),
            Some("SSL") => (true, false),
            Some("SASL_PLAINTEXT") => (false, true),
            Some("SASL_SSL") => (true, true),
            Some(_) => {
                self.reject(
                    PROTOCOL,
                    "is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
                );
                (false, false)
            }
        };
        if tls {
            self.needs_openssl(PROTOCOL, "SSL and SASL_SSL");
        }
        (tls, sasl)
    }

    /// Told once, of the first setting that asks for it.
    fn needs_openssl(&mut self, name: &'static str, what: &str) {
        let how = "`make run TLS=1` (cargo's feature `stream/tls`)";
        if !HAS_TLS && !self.bad.iter().any(|bad| bad.reason.contains(how)) {
            let reason = format!("needs a build with OpenSSL for {what}: {how}");
            self.reject(name, reason);
        }
    }

    fn tls(&mut self) -> Tls {
        let ca_file = self.file(CA_FILE);
        let (certificate, key) = (self.file(CERT_FILE), self.file(KEY_FILE));
        let password = (self.get)(KEY_PASSWORD).map(Secret::new);
        let client = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(ClientCertificate {
                certificate,
                key,
                password,
            }),
            (None, None) => {
                if password.is_some() {
                    self.reject(KEY_PASSWORD, "is only for a KAFKA_KEY_FILE");
                }
                None
            }
            (Some(_), None) => {
                self.reject(KEY_FILE, "is needed with KAFKA_CERT_FILE");
                None
            }
            (None, Some(_)) => {
                self.reject(CERT_FILE, "is needed with KAFKA_KEY_FILE");
                None
            }
        };
        Tls { ca_file, client }
    }

    /// A file that can be read now: the client library would say less about one that cannot.
    fn file(&mut self, name: &'static str) -> Option<String> {
        let path = (self.get)(name)?;
        if let Err(error) = File::open(&path) {
            self.reject(name, format!("is {path}, which cannot be read: {error}"));
        }
        Some(path)
    }

    fn sasl(&mut self) -> Option<Sasl> {
        let allowed = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512";
        let mechanism = self.required(MECHANISM, &format!("is not set; allowed: {allowed}"));
        let mechanism = match mechanism.as_deref().map(Mechanism::parse) {
            Some(Ok(mechanism)) => {
                if mechanism.needs_openssl() {
                    self.needs_openssl(MECHANISM, "SCRAM");
                }
                Some(mechanism)
            }
            Some(Err(NoMechanism::Later)) => {
                let reason =
                    format!("by token (MSK IAM, OAUTHBEARER) is not there yet; allowed: {allowed}");
                self.reject(MECHANISM, reason);
                None
            }
            Some(Err(NoMechanism::Unknown)) => {
                self.reject(MECHANISM, format!("is none of {allowed}"));
                None
            }
            None => None,
        };
        let username = self.required(USERNAME, "is needed for SASL and not set");
        let password = self.required(PASSWORD, "is needed for SASL and not set");
        Some(Sasl {
            mechanism: mechanism?,
            username: username?,
            password: Secret::new(password?),
        })
    }
}
