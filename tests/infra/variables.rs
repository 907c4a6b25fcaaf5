//! Every variable that a function reads is set, and no other: the binaries themselves say what they ask for.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use tests::stack::binaries;
use tidemill::template::FunctionSpec;

use crate::documents::functions;

/// What is read and not set on AWS, and why.
const NOT_SET: [(&str, &str); 6] = [
    (
        "KAFKA_CLUSTER_ARN",
        "`brokers` looks them up once for a deployment, and all others are told",
    ),
    ("KAFKA_CA_FILE", FILES),
    ("KAFKA_CERT_FILE", FILES),
    ("KAFKA_KEY_FILE", FILES),
    ("KAFKA_KEY_PASSWORD", FILES),
    (
        "INVESTORS",
        "one function has all investors; who wants shards adds functions",
    ),
];
const FILES: &str =
    "a deployed function is a binary and has no files; public authorities vouch for MSK";

/// What telemetry reads before there is a configuration.
const OF_TELEMETRY: &str = "RUST_LOG";

/// What Lambda sets by itself.
const OF_LAMBDA: &str = "AWS_REGION";

/// The variables that the function's binary asks for, where these are set. It ends by itself: it misses its brokers or its
/// lake, which are not among them, and nobody answers at Lambda's Runtime API.
fn asked(spec: &FunctionSpec, set: &[(&str, &str)]) -> BTreeSet<String> {
    let binary = binaries().join(&spec.binary);
    let mut command = Command::new(&binary);
    command.env_clear().envs(set.iter().copied());
    command
        .env("RUST_LOG", "configuration=trace,error")
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
        .env("AWS_REGION", "us-east-1");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success(), "{} starts: {said}", spec.name);
    let lines = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let asked = lines.filter(|line| line["target"] == "configuration");
    asked
        .map(|line| line["variable"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_a_function_reads_is_set_and_nothing_else() {
    let mut excused = BTreeSet::new();
    for spec in functions() {
        // What is asked for may depend on how the brokers are reached.
        let known: Vec<_> = spec
            .env
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let mut asked = &asked(&spec, &[]) | &asked(&spec, &known);
        asked.insert(OF_TELEMETRY.to_owned());
        asked.remove(OF_LAMBDA);
        let (told, other) = match spec.name.as_str() {
            // Of the two, it alone asks MSK.
            "brokers" => ("KAFKA_CLUSTER_ARN", "KAFKA_BROKERS"),
            _ => ("", ""),
        };
        for (name, _) in NOT_SET {
            if name != told && asked.remove(name) {
                excused.insert(name);
            }
        }
        asked.remove(other);
        let set: BTreeSet<String> = spec
            .env
            .keys()
            .chain(spec.unresolved_env.keys())
            .cloned()
            .collect();
        assert_eq!(
            set, asked,
            "{}: what template.yaml sets, and what its code reads",
            spec.name
        );
    }
    let named: BTreeSet<_> = NOT_SET.iter().map(|(name, _)| *name).collect();
    assert_eq!(excused, named, "nothing is excused that nobody reads");
}
