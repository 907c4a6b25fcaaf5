//! The settings of `tidemill up` that say which Kafka, and how it is reached.

use std::{
    env,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use clap::Args;
use stream::{BadSetting, Connection};

use super::UpError;
use crate::broker::{ApacheFolders, BrokerChoice, KafkaSetting, RETENTION_HOURS, jars_folder};

// No doc comment: clap would take it for the command's own.
#[derive(Debug, Clone, Args)]
pub(super) struct KafkaSettings {
    /// `embedded`, `apache` (starts Apache Kafka as a child process), or the host:port,... of a Kafka, Redpanda or MSK
    #[arg(long, env = "KAFKA", default_value = "embedded", value_parser = kafka)]
    pub(super) kafka: KafkaSetting,
    /// Port of the embedded or child broker; 0 picks a free one
    #[arg(long, env = "KAFKA_PORT", default_value_t = 9092)]
    pub(super) kafka_port: u16,
    /// Folder of Apache Kafka's jars, fetched into it once by Maven if it is not there [default: in the user's cache]
    #[arg(long, env = "KAFKA_JARS")]
    kafka_jars: Option<PathBuf>,
    /// How many hours topics keep their records that are made at the start
    #[arg(long, env = "KAFKA_RETENTION_HOURS", default_value_t = RETENTION_HOURS, value_parser = hours)]
    pub(super) kafka_retention_hours: NonZeroU32,
    /// How a Kafka of yours is talked to: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL [default: PLAINTEXT]
    #[arg(long, env = "KAFKA_SECURITY_PROTOCOL")]
    kafka_security_protocol: Option<String>,
    /// PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, or MSK_IAM with the credentials of AWS
    #[arg(long, env = "KAFKA_SASL_MECHANISM")]
    kafka_sasl_mechanism: Option<String>,
    /// The user; the password is KAFKA_PASSWORD in the environment, and no flag
    #[arg(long, env = "KAFKA_USERNAME", hide_env_values = true)]
    kafka_username: Option<String>,
    /// Certificates (PEM) of who vouches for the brokers [default: the system's]
    #[arg(long, env = "KAFKA_CA_FILE")]
    kafka_ca_file: Option<String>,
    /// The client's own certificate (PEM)
    #[arg(long, env = "KAFKA_CERT_FILE")]
    kafka_cert_file: Option<String>,
    /// The key of that certificate (PEM); its password is KAFKA_KEY_PASSWORD in the environment, and no flag
    #[arg(long, env = "KAFKA_KEY_FILE")]
    kafka_key_file: Option<String>,
}

impl KafkaSettings {
    /// Which broker to start or to reach, with what it keeps in the data folder.
    pub(super) fn choice(&self, data: &Path, logs: &Path) -> Result<BrokerChoice, UpError> {
        let port = self.kafka_port;
        match &self.kafka {
            KafkaSetting::External(brokers) => {
                let connection = Connection::from_settings(|name| self.setting(name, brokers));
                connection.map(BrokerChoice::External).map_err(bad)
            }
            KafkaSetting::Embedded => self.open().map(|()| BrokerChoice::Embedded { port }),
            KafkaSetting::Apache => {
                self.open()?;
                let jars = match &self.kafka_jars {
                    Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
                    None => jars_folder(variable).map_err(crate::broker::BrokerError::from)?,
                };
                let folders = ApacheFolders {
                    jars,
                    data: data.join("kafka"),
                    log: logs.join("kafka.log"),
                };
                Ok(BrokerChoice::Apache { port, folders })
            }
        }
    }

    /// The variables with which a function reaches the brokers as this process does, beside `KAFKA_BROKERS`.
    pub(super) fn for_functions(&self) -> Vec<(&'static str, String)> {
        let KafkaSetting::External(brokers) = &self.kafka else {
            return Vec::new();
        };
        let set = |name| self.setting(name, brokers).map(|value| (name, value));
        stream::SETTINGS.into_iter().filter_map(set).collect()
    }

    fn setting(&self, name: &str, brokers: &str) -> Option<String> {
        match name {
            "KAFKA_BROKERS" => Some(brokers.to_owned()),
            "KAFKA_SECURITY_PROTOCOL" => self.kafka_security_protocol.clone(),
            "KAFKA_SASL_MECHANISM" => self.kafka_sasl_mechanism.clone(),
            "KAFKA_USERNAME" => self.kafka_username.clone(),
            "KAFKA_CA_FILE" => self.kafka_ca_file.as_deref().map(absolute),
            "KAFKA_CERT_FILE" => self.kafka_cert_file.as_deref().map(absolute),
            "KAFKA_KEY_FILE" => self.kafka_key_file.as_deref().map(absolute),
            // Arguments can be read by everybody on the machine, so secrets come by the environment alone.
            "KAFKA_PASSWORD" | "KAFKA_KEY_PASSWORD" => variable(name),
            "AWS_REGION" => variable(name).or_else(|| variable("AWS_DEFAULT_REGION")),
            _ => None,
        }
    }

    /// Brokers that we start ask for no credentials: who sets some means another Kafka.
    fn open(&self) -> Result<(), UpError> {
        match self.kafka_security_protocol.as_deref() {
            None | Some("" | "PLAINTEXT") => Ok(()),
            Some(_) => Err(bad(vec![BadSetting {
                name: "KAFKA_SECURITY_PROTOCOL",
                reason: "is only for KAFKA=host:port,… of a Kafka that runs".to_owned(),
            }])),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Functions have a working folder of their own.
fn absolute(path: &str) -> String {
    let absolute = std::path::absolute(path);
    absolute.map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

fn bad(bad: Vec<BadSetting>) -> UpError {
    let told: Vec<String> = bad.iter().map(ToString::to_string).collect();
    UpError::Kafka(told.join("; "))
}

/// Bad addresses are bad arguments, whoever would be the first to meet them.
fn kafka(text: &str) -> Result<KafkaSetting, String> {
    let Ok(setting) = text.parse();
    match &setting {
        KafkaSetting::External(brokers) if !brokers.split(',').all(is_address) => {
            Err("it is `embedded`, `apache` or host:port,host:port,…".to_owned())
        }
        KafkaSetting::Embedded | KafkaSetting::Apache | KafkaSetting::External(_) => Ok(setting),
    }
}

fn is_address(text: &str) -> bool {
    text.trim()
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn hours(text: &str) -> Result<NonZeroU32, String> {
    let wrong = |_| "it is a whole number of hours, 1 or more".to_owned();
    text.parse().map_err(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn brokers() {
        assert_eq!(kafka("embedded"), Ok(KafkaSetting::Embedded));
        assert_eq!(kafka("apache"), Ok(KafkaSetting::Apache));
        assert_eq!(
            kafka("a:1,b:2"),
            Ok(KafkaSetting::External("a:1,b:2".to_owned()))
        );
        for bad in ["", "a", "a:x", "a:1,", ":1"] {
            assert!(kafka(bad).is_err(), "{bad}");
        }
    }

    fn settings(kafka: &str) -> KafkaSettings {
        KafkaSettings {
            kafka: kafka.parse().unwrap(),
            kafka_port: 0,
            kafka_jars: Some(PathBuf::from("/jars")),
            kafka_retention_hours: RETENTION_HOURS,
            kafka_security_protocol: Some("SASL_PLAINTEXT".to_owned()),
            kafka_sasl_mechanism: None,
            kafka_username: Some("alice".to_owned()),
            kafka_ca_file: None,
            kafka_cert_file: None,
            kafka_key_file: None,
        }
    }

    #[test]
    fn credentials_are_for_a_kafka_of_yours() {
        for ours in ["embedded", "apache"] {
            let settings = settings(ours);
            let error = settings
                .choice(Path::new("/d"), Path::new("/l"))
                .unwrap_err();
            assert!(error.to_string().contains("KAFKA=host:port"), "{error}");
            assert_eq!(settings.for_functions(), []);
        }
        let settings = settings("b:1");
        let error = settings
            .choice(Path::new("/d"), Path::new("/l"))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("KAFKA_SASL_MECHANISM is not set"),
            "{error}"
        );
        let functions = settings.for_functions();
        let expected = [
            ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT".to_owned()),
            ("KAFKA_USERNAME", "alice".to_owned()),
        ];
        assert_eq!(functions, expected);
    }
}
