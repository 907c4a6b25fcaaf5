//! Settings of connections: which go together, what is told of those that do not, and that no secret shows.

#![allow(clippy::unwrap_used)]

use super::*;

const BROKERS: (&str, &str) = ("KAFKA_BROKERS", "b:9092");

fn read(pairs: &[(&str, &str)]) -> Result<Connection, Vec<BadSetting>> {
    Connection::from_settings(|name| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// The names of the bad settings, and everything that is said of them.
fn bad(pairs: &[(&str, &str)]) -> (Vec<&'static str>, String) {
    let bad = read(pairs).unwrap_err();
    let text: Vec<_> = bad.iter().map(ToString::to_string).collect();
    (bad.iter().map(|bad| bad.name).collect(), text.join("; "))
}

fn plain<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        BROKERS,
        ("KAFKA_SECURITY_PROTOCOL", "sasl_plaintext"),
        ("KAFKA_SASL_MECHANISM", "PLAIN"),
        ("KAFKA_USERNAME", "alice"),
        ("KAFKA_PASSWORD", "hush"),
    ]
}

#[test]
fn brokers_alone_are_plaintext() {
    let connection = read(&[BROKERS, ("KAFKA_USERNAME", "")]).unwrap();
    assert_eq!(connection, Connection::plaintext("b:9092"));
    let config = connection.client();
    assert_eq!(config.get("bootstrap.servers"), Some("b:9092"));
    assert_eq!(config.get("security.protocol"), Some("PLAINTEXT"));
}

#[test]
fn a_user_with_a_password_needs_no_tls_build() {
    let connection = read(&plain()).unwrap();
    let config = connection.client();
    let wanted = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanisms", "PLAIN"),
        ("sasl.username", "alice"),
        ("sasl.password", "hush"),
    ];
    for (name, value) in wanted {
        assert_eq!(config.get(name), Some(value), "{name}");
    }
    assert!(!format!("{connection:?} {:?}", connection.sasl).contains("hush"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_no_value_of_a_secret() {
    let (names, text) = bad(&[
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "MAGIC"),
        ("KAFKA_PASSWORD", "hush"),
        ("KAFKA_CA_FILE", "/ca.pem"),
    ]);
    let wanted = [
        "KAFKA_BROKERS",
        "KAFKA_CA_FILE",
        "KAFKA_SASL_MECHANISM",
        "KAFKA_USERNAME",
    ];
    assert_eq!(names, wanted, "{text}");
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn settings_that_would_do_nothing_are_refused() {
    let (names, text) = bad(&[
        BROKERS,
        ("KAFKA_PASSWORD", "hush"),
        ("KAFKA_CA_FILE", "/ca.pem"),
    ]);
    assert_eq!(names, ["KAFKA_CA_FILE", "KAFKA_PASSWORD"], "{text}");
    assert!(
        text.contains("SASL_SSL") && !text.contains("hush"),
        "{text}"
    );
}

#[test]
fn tokens_are_not_there_yet() {
    for mechanism in ["OAUTHBEARER", "MSK_IAM", "AWS_MSK_IAM"] {
        let mut settings = plain();
        settings[2].1 = mechanism;
        let (names, text) = bad(&settings);
        assert_eq!(names, ["KAFKA_SASL_MECHANISM"]);
        assert!(
            text.contains("not there yet") && text.contains("SCRAM-SHA-512"),
            "{text}"
        );
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_openssl_says_how_to_make_one_with_it() {
    let mut settings = plain();
    settings[2].1 = "SCRAM-SHA-512";
    let (names, text) = bad(&settings);
    assert_eq!(names, ["KAFKA_SASL_MECHANISM"]);
    assert!(text.contains("make run TLS=1"), "{text}");
    let (names, text) = bad(&[BROKERS, ("KAFKA_SECURITY_PROTOCOL", "SSL")]);
    assert_eq!(names, ["KAFKA_SECURITY_PROTOCOL"]);
    assert!(text.contains("make run TLS=1"), "{text}");
}

#[cfg(feature = "tls")]
#[test]
fn a_build_with_openssl_takes_scram_and_certificates() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut settings = plain();
    settings[1].1 = "SASL_SSL";
    settings[2].1 = "scram_sha_512";
    let certificates = [
        ("KAFKA_CA_FILE", here),
        ("KAFKA_CERT_FILE", here),
        ("KAFKA_KEY_FILE", here),
        ("KAFKA_KEY_PASSWORD", "hush"),
    ];
    settings.extend(certificates);
    let connection = read(&settings).unwrap();
    let config = connection.client();
    let wanted = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanisms", "SCRAM-SHA-512"),
        ("ssl.ca.location", here),
        ("ssl.certificate.location", here),
        ("ssl.key.location", here),
        ("ssl.key.password", "hush"),
    ];
    for (name, value) in wanted {
        assert_eq!(config.get(name), Some(value), "{name}");
    }
    let missing = [
        BROKERS,
        ("KAFKA_SECURITY_PROTOCOL", "SSL"),
        ("KAFKA_CA_FILE", "/no/ca.pem"),
    ];
    let (names, text) = bad(&missing);
    assert_eq!(names, ["KAFKA_CA_FILE"]);
    assert!(text.contains("/no/ca.pem"), "{text}");
}
