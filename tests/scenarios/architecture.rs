//! Arrows that must never exist between packages, held against what cargo resolves.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use tests::stack::workspace;

/// Every package that `from` links, by name; dev-dependencies of the first step aside.
fn linked(metadata: &Metadata, from: &str) -> BTreeSet<String> {
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p.name.to_string())).collect();
    let nodes: BTreeMap<_, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let start = metadata.packages.iter().find(|p| p.name.as_str() == from).unwrap_or_else(|| panic!("no {from}"));
    let (mut seen, mut next) = (BTreeSet::new(), vec![&start.id]);
    while let Some(id) = next.pop() {
        for dep in &nodes[id].deps {
            let only_dev = dep.dep_kinds.iter().all(|kind| kind.kind == DependencyKind::Development);
            if !only_dev && seen.insert(names[&dep.pkg].clone()) {
                next.push(&dep.pkg);
            }
        }
    }
    seen
}

/// The workspace's packages below `folder`.
fn members(metadata: &Metadata, folder: &str) -> Vec<String> {
    let folder = metadata.workspace_root.join(folder);
    let packages = metadata.workspace_packages().into_iter();
    packages.filter(|p| p.manifest_path.starts_with(&folder)).map(|p| p.name.to_string()).collect()
}

#[test]
fn forbidden_arrows() {
    let metadata = MetadataCommand::new().manifest_path(workspace().join("Cargo.toml")).exec().unwrap();
    let (crates, functions) = (members(&metadata, "crates"), members(&metadata, "functions"));
    assert!(crates.len() >= 6 && functions.len() >= 5, "{crates:?} {functions:?}");
    let mut broken = Vec::new();
    let mut forbid = |from: &str, why: &str, to: &dyn Fn(&str) -> bool| {
        let found: Vec<_> = linked(&metadata, from).into_iter().filter(|name| to(name)).collect();
        if !found.is_empty() {
            broken.push(format!("{from} links {found:?}: {why}"));
        }
    };

    let io = ["tokio", "reqwest", "rdkafka", "object_store", "hyper", "axum", "parquet", "datafusion"];
    for pure in ["domain", "wire"] {
        forbid(pure, "domain and wire do no I/O", &|name| io.contains(&name));
    }
    for name in crates.iter().filter(|name| *name != "lambda-kit") {
        forbid(name, "only lambda-kit and the functions know Lambda", &|name| name.starts_with("lambda_"));
    }
    for name in functions.iter().filter(|name| !["query", "publish"].contains(&name.as_str())) {
        forbid(name, "only query and publish carry DataFusion", &|name| name.starts_with("datafusion"));
    }
    for name in &functions {
        forbid(name, "functions meet in topics and tables, not in code", &|other| functions.iter().any(|f| f == other));
    }
    for name in crates.iter().chain(&functions) {
        forbid(name, "what is deployed knows nothing of the local stack", &|name| name == "tidemill");
    }
    forbid("tidemill", "the local stack starts functions, and links none", &|name| functions.iter().any(|f| f == name));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
