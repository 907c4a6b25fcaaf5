//! Arrows that must never exist between packages, held against what cargo resolves.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;
use tests::stack::workspace;

/// What the test needs of `cargo metadata`. Read by hand: the crate that reads all of it switches on a feature of
/// serde_json, and everything that is built on serde_json would be built twice, for the binaries and for the tests.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Metadata {
    fn read() -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let arguments = [
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            &platform,
        ];
        let output = Command::new(cargo)
            .args(arguments)
            .current_dir(workspace())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Every package that `from` links, by name; dev-dependencies aside.
    fn linked(&self, from: &str) -> BTreeSet<&str> {
        let names: BTreeMap<_, _> = self
            .packages
            .iter()
            .map(|p| (&p.id, p.name.as_str()))
            .collect();
        let nodes: BTreeMap<_, _> = self
            .resolve
            .nodes
            .iter()
            .map(|node| (&node.id, node))
            .collect();
        let start = self
            .packages
            .iter()
            .find(|p| p.name == from)
            .unwrap_or_else(|| panic!("no {from}"));
        let (mut seen, mut next) = (BTreeSet::new(), vec![&start.id]);
        while let Some(id) = next.pop() {
            for dep in &nodes[id].deps {
                let only_dev = dep
                    .dep_kinds
                    .iter()
                    .all(|kind| kind.kind.as_deref() == Some("dev"));
                if !only_dev && seen.insert(names[&dep.pkg]) {
                    next.push(&dep.pkg);
                }
            }
        }
        seen
    }

    /// The workspace's packages below `folder`.
    fn members(&self, folder: &str) -> Vec<&str> {
        let folder = workspace().join(folder);
        let members = self
            .packages
            .iter()
            .filter(|p| self.workspace_members.contains(&p.id));
        members
            .filter(|p| folder_of(p).starts_with(&folder))
            .map(|p| p.name.as_str())
            .collect()
    }
}

fn folder_of(package: &Package) -> &std::path::Path {
    std::path::Path::new(&package.manifest_path)
}

#[test]
fn forbidden_arrows() {
    let metadata = Metadata::read();
    let (crates, functions) = (metadata.members("crates"), metadata.members("functions"));
    assert!(
        crates.len() >= 6 && functions.len() >= 5,
        "{crates:?} {functions:?}"
    );
    let mut broken = Vec::new();
    let mut forbid = |from: &str, why: &str, to: &dyn Fn(&str) -> bool| {
        let found: Vec<_> = metadata
            .linked(from)
            .into_iter()
            .filter(|name| to(name))
            .collect();
        if !found.is_empty() {
            broken.push(format!("{from} links {found:?}: {why}"));
        }
    };

    let io = [
        "tokio",
        "reqwest",
        "rdkafka",
        "object_store",
        "hyper",
        "axum",
        "parquet",
        "datafusion",
    ];
    for pure in ["domain", "wire", "statement"] {
        forbid(pure, "domain, wire and statement do no I/O", &|name| {
            io.contains(&name)
        });
    }
    for name in crates.iter().filter(|name| **name != "lambda-kit") {
        forbid(
            name,
            "only lambda-kit and the functions know Lambda",
            &|name| name.starts_with("lambda_"),
        );
    }
    for name in functions
        .iter()
        .filter(|name| !["query", "publish"].contains(name))
    {
        forbid(name, "only query and publish carry DataFusion", &|name| {
            name.starts_with("datafusion")
        });
    }
    for name in functions
        .iter()
        .filter(|name| ["stocks", "games", "exchange", "topics"].contains(name))
    {
        forbid(
            name,
            "what never touches the lake does not carry S3's client",
            &|name| name.starts_with("aws-") || name == "lake",
        );
    }
    for name in &functions {
        forbid(
            name,
            "functions meet in topics and tables, not in code",
            &|other| functions.contains(&other),
        );
    }
    for name in crates.iter().chain(&functions) {
        forbid(
            name,
            "what is deployed knows nothing of the local stack",
            &|name| name == "tidemill",
        );
    }
    for name in crates.iter().chain(&functions).chain(&["tidemill"]) {
        forbid(name, "what runs knows nothing of its simulation", &|name| {
            name == "simulation"
        });
    }
    forbid(
        "tidemill",
        "the local stack starts functions, and links none",
        &|name| functions.contains(&name),
    );
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
