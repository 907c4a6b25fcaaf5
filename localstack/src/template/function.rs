//! One `AWS::Serverless::Function`.

use std::{collections::BTreeMap, time::Duration};

use super::{FunctionSpec, TemplateError, events, node::Node, properties::Properties};

/// Lambda's defaults where neither the function nor `Globals` says.
const DEFAULT_TIMEOUT_SECONDS: u32 = 3;
const DEFAULT_MEMORY_MB: u32 = 128;

/// Reads a function; `properties` fall back to `Globals.Function`.
pub(super) fn function(
    properties: &Properties<'_>,
    resource: &Node,
) -> Result<FunctionSpec, TemplateError> {
    let logical_id = properties.logical_id().to_owned();
    let name = properties
        .text("FunctionName", "a name")?
        .unwrap_or_else(|| logical_id.clone());
    if name.is_empty()
        || name.len() > 64
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    {
        return Err(properties.refused("FunctionName", &name, "1 to 64 letters, digits, - and _"));
    }
    let runtime = properties.required("Runtime", "provided.al2023, provided.al2")?;
    if !runtime.starts_with("provided.") {
        return Err(properties.refused("Runtime", &runtime, "provided.al2023, provided.al2"));
    }
    let (env, unresolved_env) = environment(properties)?;
    let timeout = properties
        .number("Timeout", 1..=900)?
        .unwrap_or(DEFAULT_TIMEOUT_SECONDS);
    let mut spec = FunctionSpec {
        binary: binary(properties, resource)?.unwrap_or_else(|| name.clone()),
        timeout: Duration::from_secs(timeout.into()),
        memory_mb: properties
            .number("MemorySize", 128..=10_240)?
            .unwrap_or(DEFAULT_MEMORY_MB),
        concurrency: properties.number("ReservedConcurrentExecutions", 0..=10_000)?,
        env,
        unresolved_env,
        routes: Vec::new(),
        schedules: Vec::new(),
        triggers: Vec::new(),
        name,
        logical_id,
    };
    for (id, event) in properties
        .raw("Events")
        .map(Node::entries)
        .unwrap_or_default()
    {
        events::add(&mut spec, id, event, properties)?;
    }
    Ok(spec)
}

/// `Metadata.BuildProperties.Binary` of a cargo-lambda build.
fn binary(properties: &Properties<'_>, resource: &Node) -> Result<Option<String>, TemplateError> {
    let metadata = resource.get("Metadata");
    let method = metadata.and_then(|metadata| metadata.get("BuildMethod"));
    if let Some(method) = method.filter(|method| method.text() != Some("rust-cargolambda")) {
        return Err(properties.refused("Metadata.BuildMethod", method, "rust-cargolambda"));
    }
    let binary = metadata
        .and_then(|metadata| metadata.get("BuildProperties"))
        .and_then(|build| build.get("Binary"));
    match binary {
        None => Ok(None),
        Some(Node::Text(name)) if is_file_name(name) => Ok(Some(name.clone())),
        Some(other) => Err(properties.refused(
            "Metadata.BuildProperties.Binary",
            other,
            "the name of a cargo binary",
        )),
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

type Variables = BTreeMap<String, String>;

/// The variables of `Globals` and the function, the function's winning; those that are known, and those that are not.
fn environment(properties: &Properties<'_>) -> Result<(Variables, Variables), TemplateError> {
    let (mut known, mut unresolved) = (Variables::new(), Variables::new());
    let names: Vec<&String> = [properties.fallback(), properties.own()]
        .into_iter()
        .flatten()
        .filter_map(|node| {
            node.get("Environment")
                .and_then(|environment| environment.get("Variables"))
        })
        .flat_map(Node::entries)
        .map(|(name, _)| name)
        .collect();
    for name in names {
        let path = format!("Environment.Variables.{name}");
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(properties.refused(
                &path,
                name,
                "names of letters, digits and _ that start with a letter",
            ));
        }
        match properties.get(&path)? {
            None => {}
            Some(Node::Text(value)) => drop(known.insert(name.clone(), value)),
            Some(Node::Unresolved(expression)) => drop(unresolved.insert(name.clone(), expression)),
            Some(other) => return Err(properties.refused(&path, &other, "text")),
        }
    }
    Ok((known, unresolved))
}
