//! The settings of a connection, as environment variables have them.

use std::fs::File;

use thiserror::Error;

use super::{
    ClientCertificate, Connection, Secret, Security, Tls,
    sasl::{Mechanism, Named, Sasl, User},
};
use crate::cluster::{Address, Cluster, ClusterArn};
#[cfg(feature = "msk")]
use crate::tokens::Mint;

const CLUSTER_ARN: &str = "KAFKA_CLUSTER_ARN";
const REGION: &str = "AWS_REGION";
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

/// Whether this build carries OpenSSL and AWS's signatures.
const HAS_MSK: bool = cfg!(feature = "msk");

const MECHANISMS: &str = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, MSK_IAM";

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
    /// Reads `KAFKA_BROKERS`, which must be set, and [`SETTINGS`], which need not; for MSK by IAM also `AWS_REGION`.
    /// Tells everything that is wrong at once. An empty value counts as not set, and so does the mechanism `none`.
    pub fn from_settings(
        get: impl FnMut(&'static str) -> Option<String>,
    ) -> Result<Self, Vec<BadSetting>> {
        let mut reader = Reader::new(get);
        let brokers = reader.required(BROKERS, "is not set");
        let security = reader.security();
        reader.finish(brokers.zip(security), |(brokers, security)| {
            Self::new(brokers, security)
        })
    }
}

impl Cluster {
    /// Reads either `KAFKA_BROKERS` or `KAFKA_CLUSTER_ARN`, and [`SETTINGS`]; for MSK also `AWS_REGION`. Tells
    /// everything that is wrong at once. An empty value counts as not set.
    pub fn from_settings(
        get: impl FnMut(&'static str) -> Option<String>,
    ) -> Result<Self, Vec<BadSetting>> {
        let mut reader = Reader::new(get);
        let address = reader.address();
        let security = reader.security();
        if let (Some(Address::Arn(_)), Some(security)) = (&address, &security)
            && security.listener().is_none()
        {
            let reason = "is neither MSK_IAM nor SCRAM-SHA-512 over SASL_SSL, and MSK has nothing else for KAFKA_CLUSTER_ARN; set KAFKA_BROKERS for other Kafkas";
            reader.reject(MECHANISM, reason);
        }
        reader.finish(address.zip(security), |(address, security)| {
            Self::new(address, security)
        })
    }
}

struct Reader<F> {
    get: F,
    bad: Vec<BadSetting>,
}

impl<F: FnMut(&'static str) -> Option<String>> Reader<F> {
    fn new(get: F) -> Self {
        Self {
            get,
            bad: Vec::new(),
        }
    }

    fn get(&mut self, name: &'static str) -> Option<String> {
        let is_none = |value: &str| name == MECHANISM && value.eq_ignore_ascii_case("none");
        (self.get)(name).filter(|value| !value.is_empty() && !is_none(value))
    }

    fn finish<T, U>(
        self,
        read: Option<T>,
        make: impl FnOnce(T) -> U,
    ) -> Result<U, Vec<BadSetting>> {
        match read {
            Some(read) if self.bad.is_empty() => Ok(make(read)),
            _ => Err(self.bad),
        }
    }

    fn address(&mut self) -> Option<Address> {
        match (self.get(BROKERS), self.get(CLUSTER_ARN)) {
            (Some(brokers), None) => Some(Address::Brokers(brokers)),
            (None, Some(arn)) => self.arn(&arn).map(Address::Arn),
            (Some(_), Some(_)) => {
                self.reject(
                    CLUSTER_ARN,
                    "is set as well as KAFKA_BROKERS: set one of them",
                );
                None
            }
            (None, None) => {
                self.reject(BROKERS, "is not set, and neither is KAFKA_CLUSTER_ARN");
                None
            }
        }
    }

    fn arn(&mut self, text: &str) -> Option<ClusterArn> {
        self.needs_build(CLUSTER_ARN, "to look its brokers up");
        let Some(arn) = ClusterArn::parse(text) else {
            let reason = "is no arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/ID";
            self.reject(CLUSTER_ARN, reason);
            return None;
        };
        let region = self.region()?;
        if region != arn.region() {
            let reason = format!(
                "is of a cluster in {}, and AWS_REGION is {region}: name a cluster of this region",
                arn.region()
            );
            self.reject(CLUSTER_ARN, reason);
        }
        Some(arn)
    }

    /// Told once if it is missing.
    fn region(&mut self) -> Option<String> {
        let region = self.get(REGION);
        if region.is_none() && !self.bad.iter().any(|bad| bad.name == REGION) {
            self.reject(REGION, "is not set: it says which region's MSK is meant");
        }
        region
    }

    fn security(&mut self) -> Option<Security> {
        let (tls, sasl) = self.protocol();
        let tls = if tls {
            Some(self.tls())
        } else {
            let reason = "is only for KAFKA_SECURITY_PROTOCOL=SSL and SASL_SSL";
            self.refuse(&OF_TLS, reason);
            None
        };
        let sasl = if sasl {
            Some(self.sasl(tls.is_some())?)
        } else {
            let reason = "is only for KAFKA_SECURITY_PROTOCOL=SASL_SSL and SASL_PLAINTEXT";
            self.refuse(&OF_SASL, reason);
            None
        };
        Some(Security { tls, sasl })
    }

    fn required(&mut self, name: &'static str, reason: &str) -> Option<String> {
        let value = self.get(name);
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
            if self.get(name).is_some() {
                self.reject(name, reason);
            }
        }
    }

    /// Whether there is TLS, and whether there is SASL.
    fn protocol(&mut self) -> (bool, bool) {
        let protocol = self
            .get(PROTOCOL)
            .map(|protocol| protocol.to_ascii_uppercase());
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
            self.needs_build(PROTOCOL, "for SSL and SASL_SSL");
        }
        (tls, sasl)
    }

    /// Told once, of the first setting that asks for it.
    fn needs_build(&mut self, name: &'static str, what: &str) {
        let how = "`make run TLS=1` (cargo's feature `stream/msk`)";
        if !HAS_MSK && !self.bad.iter().any(|bad| bad.reason.contains(how)) {
            let reason = format!("needs a build with OpenSSL and AWS's signatures {what}: {how}");
            self.reject(name, reason);
        }
    }

    fn tls(&mut self) -> Tls {
        let ca_file = self.file(CA_FILE);
        let (certificate, key) = (self.file(CERT_FILE), self.file(KEY_FILE));
        let password = self.get(KEY_PASSWORD).map(Secret::new);
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
        let path = self.get(name)?;
        if let Err(error) = File::open(&path) {
            self.reject(name, format!("is {path}, which cannot be read: {error}"));
        }
        Some(path)
    }

    fn sasl(&mut self, tls: bool) -> Option<Sasl> {
        let mechanism = self.required(MECHANISM, &format!("is not set; allowed: {MECHANISMS}"));
        let mechanism = match mechanism.as_deref().map(Named::parse) {
            Some(Some(Named::MskIam)) => return self.msk_iam(tls),
            Some(Some(Named::Password(mechanism))) => {
                if mechanism.needs_openssl() {
                    self.needs_build(MECHANISM, "for SCRAM");
                }
                Some(mechanism)
            }
            Some(None) => {
                self.reject(MECHANISM, format!("is none of {MECHANISMS}"));
                None
            }
            None => None,
        };
        self.password(mechanism)
    }

    fn password(&mut self, mechanism: Option<Mechanism>) -> Option<Sasl> {
        let name = self.required(USERNAME, "is needed for SASL and not set");
        let password = self.required(PASSWORD, "is needed for SASL and not set");
        Some(Sasl::Password(User {
            mechanism: mechanism?,
            name: name?,
            password: Secret::new(password?),
        }))
    }

    fn msk_iam(&mut self, tls: bool) -> Option<Sasl> {
        self.needs_build(MECHANISM, "for MSK_IAM");
        if !tls {
            let reason =
                "MSK_IAM is only for KAFKA_SECURITY_PROTOCOL=SASL_SSL: a token is a secret";
            self.reject(MECHANISM, reason);
        }
        let reason = "is not for MSK_IAM, which signs with the credentials of AWS";
        self.refuse(&[USERNAME, PASSWORD], reason);
        signed(self.region()?)
    }
}

#[cfg(feature = "msk")]
fn signed(region: String) -> Option<Sasl> {
    use crate::msk::{Access, Signer};
    let signer = Signer::new(region, Access::Environment);
    Some(Sasl::Token(Mint::of(std::sync::Arc::new(signer))))
}

/// Was refused already.
#[cfg(not(feature = "msk"))]
fn signed(_region: String) -> Option<Sasl> {
    None
}
