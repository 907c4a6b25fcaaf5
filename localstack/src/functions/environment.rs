//! The environment of a child: Lambda's own variables, then template.yaml's, then the runner's.

use std::{collections::BTreeMap, env, net::SocketAddr, path::Path};

use uuid::Uuid;

use super::HostSettings;
use crate::template::{BROKERS, FunctionSpec, UnresolvedVariable};

/// The region that everything local is in, unless the user names another.
const DEFAULT_REGION: &str = "us-east-1";
/// The account that everything local belongs to.
pub(crate) const ACCOUNT: &str = "000000000000";

/// What a child sees of the user's shell, with `AWS_*` and `OTEL_*`: nothing but how to find and talk to the outside.
/// Lambda starts functions in a clean environment, and a function that works only with the developer's variables should
/// fail here already.
const INHERITED: [&str; 13] = [
    "HOME",
    "LANG",
    "LLVM_PROFILE_FILE",
    "PATH",
    "RUST_BACKTRACE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// The region named by the user's environment, or Lambda's oldest one.
pub(crate) fn region() -> String {
    ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| DEFAULT_REGION.to_owned())
}

/// The name of a function as AWS would write it in full.
pub(crate) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:{}:{ACCOUNT}:function:{function}", region())
}

/// All variables that a child gets whatever its listener's address is.
pub(super) fn variables(
    spec: &FunctionSpec,
    program: &Path,
    settings: &HostSettings,
) -> Result<BTreeMap<String, String>, UnresolvedVariable> {
    let mut variables = BTreeMap::new();
    for (name, value) in env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        if INHERITED.contains(&name) || is_aws_sdk_setting(name) || name.starts_with("OTEL_") {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    let region = region();
    let root = program.parent().unwrap_or(Path::new("/"));
    let lambda = [
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            spec.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", spec.name),
        ),
        ("LAMBDA_TASK_ROOT", root.display().to_string()),
        ("TZ", "UTC".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
    ];
    variables.extend(lambda.map(|(name, value)| (name.to_owned(), value)));
    variables.extend(spec.environment(&settings.given)?);
    if spec.has_kafka() {
        let brokers = settings.given.get_key_value(BROKERS);
        variables.extend(brokers.map(|(name, value)| (name.clone(), value.clone())));
        let kafka = settings.with_kafka.iter().cloned();
        variables.extend(kafka.map(|(name, value)| (name.to_owned(), value)));
    }
    variables.extend(settings.forced.clone());
    Ok(variables)
}

/// The variables that differ from child to child.
pub(super) fn child_variables(runtime_api: SocketAddr) -> [(&'static str, String); 2] {
    let day = chrono::Utc::now().format("%Y/%m/%d");
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        (
            "AWS_LAMBDA_LOG_STREAM_NAME",
            format!("{day}/[$LATEST]{}", Uuid::new_v4().simple()),
        ),
    ]
}

/// Credentials, endpoints and such, which Lambda provides as well; not what a surrounding Lambda says of itself.
fn is_aws_sdk_setting(name: &str) -> bool {
    name.starts_with("AWS_") && !name.starts_with("AWS_LAMBDA_")
}
