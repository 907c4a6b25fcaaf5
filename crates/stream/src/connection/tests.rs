//! Settings of connections: which go together, what is told of those that do not, and that no secret shows.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::Cluster;

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
    assert!(!format!("{connection:?} {:?}", connection.security).contains("hush"));
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
fn a_kafka_is_named_by_its_brokers_or_by_its_arn() {
    const ARN: (&str, &str) = (
        "KAFKA_CLUSTER_ARN",
        "arn:aws:kafka:eu-west-1:123456789012:cluster/events/1-2-3",
    );
    let told = |pairs: &[(&str, &str)]| {
        let read = Cluster::from_settings(|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let bad = read.map(drop).unwrap_err();
        bad.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert!(told(&[]).contains("KAFKA_BROKERS is not set, and neither is KAFKA_CLUSTER_ARN"));
    assert!(told(&[BROKERS, ARN]).contains("KAFKA_CLUSTER_ARN is set as well as KAFKA_BROKERS"));
    assert!(told(&[ARN]).contains("AWS_REGION is not set"));
    let elsewhere = told(&[ARN, ("AWS_REGION", "us-east-1")]);
    assert!(
        elsewhere.contains("eu-west-1, and AWS_REGION is us-east-1"),
        "{elsewhere}"
    );
    for bad in [
        "events",
        "arn:aws:s3:::bucket",
        "arn:aws:kafka:eu-west-1:1:topic/a/b/c",
    ] {
        let told = told(&[("KAFKA_CLUSTER_ARN", bad)]);
        assert!(told.contains("is no arn:aws:kafka:"), "{told}");
    }
    let mut by_password = plain();
    by_password[0] = ARN;
    by_password.push(("AWS_REGION", "eu-west-1"));
    let told = told(&by_password);
    assert!(
        told.contains("MSK has nothing else for KAFKA_CLUSTER_ARN"),
        "{told}"
    );
}

#[test]
fn the_mechanism_none_is_none() {
    for none in ["none", "NONE", ""] {
        let connection = read(&[BROKERS, ("KAFKA_SASL_MECHANISM", none)]).unwrap();
        assert_eq!(connection, Connection::plaintext(BROKERS.1));
    }
}

#[test]
fn msk_takes_tokens_by_tls_alone_and_no_password() {
    let mut settings = plain();
    settings[2].1 = "MSK_IAM";
    let (_, text) = bad(&settings);
    for told in [
        "only for KAFKA_SECURITY_PROTOCOL=SASL_SSL",
        "KAFKA_USERNAME is not for MSK_IAM",
        "KAFKA_PASSWORD is not",
        "AWS_REGION is not set",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    settings[2].1 = "OAUTHBEARER";
    assert!(bad(&settings).1.contains("is none of PLAIN"));
}

#[cfg(not(feature = "msk"))]
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
    let (_, text) = bad(&[
        BROKERS,
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "MSK_IAM"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    assert_eq!(text.matches("make run TLS=1").count(), 1, "{text}");
}
