//! The templates, read.

use tests::stack::workspace;
use tidemill::template::{FunctionSpec, Node, Template, Values};

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A template as a tree.
pub(crate) fn document(path: &str) -> Node {
    Node::parse(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// template.yaml as the runner reads it, with the parameters of a deployment.
pub(crate) fn template(parameters: &[(&str, &str)]) -> Template {
    let values: Values = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Template::parse(&text("template.yaml"), &values).unwrap()
}

/// Every function that is deployed; `brokers` and `topics`, which are one binary, have a stack of their own.
pub(crate) fn functions() -> Vec<FunctionSpec> {
    let values = Values::from([("ClusterArn".to_owned(), "arn".to_owned())]);
    let own = Template::parse(&text("infra/topics.yaml"), &values).unwrap();
    let mut all = template(&[]).functions;
    all.extend(own.functions.into_iter().map(|spec| FunctionSpec {
        binary: "topics".to_owned(),
        ..spec
    }));
    all
}

/// The stacks: template.yaml and what it nests.
pub(crate) fn stacks() -> Vec<(String, Node)> {
    let files = std::fs::read_dir(workspace().join("infra")).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let yaml = files.filter(|name| name.ends_with(".yaml"));
    let paths = yaml.map(|name| format!("infra/{name}"));
    let mut paths: Vec<_> = paths.chain(["template.yaml".to_owned()]).collect();
    paths.sort();
    let read = paths.into_iter().map(|path| {
        let document = document(&path);
        (path, document)
    });
    read.collect()
}

/// The resources of a document: logical id, type, and the resource.
pub(crate) fn resources(document: &Node) -> Vec<(&str, &str, &Node)> {
    let resources = document.get("Resources").map(Node::entries).unwrap();
    let typed = resources.iter().map(|(id, resource)| {
        let kind = resource.get("Type").and_then(Node::text).unwrap();
        (id.as_str(), kind, resource)
    });
    typed.collect()
}

/// What stands at a path of keys, with dots between them.
pub(crate) fn at<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.').try_fold(node, |node, key| node.get(key))
}

/// The text at a path of keys.
pub(crate) fn text_at(node: &Node, path: &str) -> String {
    let found = at(node, path).unwrap_or_else(|| panic!("{path} in {node}"));
    found
        .text()
        .unwrap_or_else(|| panic!("{path}: {found}"))
        .to_owned()
}

/// The items of a list.
pub(crate) fn items(node: &Node) -> &[Node] {
    match node {
        Node::List(items) => items,
        other => panic!("no list: {other}"),
    }
}
