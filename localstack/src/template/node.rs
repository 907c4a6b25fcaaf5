//! A YAML document as a tree that keeps CloudFormation's tags: `!Ref X` and `Ref: X` read the same.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Tagged;

use super::TemplateError;

/// How deep a template may be; every level costs stack.
const MOST_DEPTH: usize = 32;

/// One node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Nothing.
    Null,
    /// A scalar as text; CloudFormation makes no difference between `1` and `"1"`.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file.
    Map(Vec<(String, Node)>),
    /// An intrinsic function by its short name (`Ref`, `Sub`, …) and its argument.
    Call(String, Box<Node>),
    /// What is left of a call whose value only a deployed stack knows: its text.
    Unresolved(String),
}

impl Node {
    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: MOST_DEPTH },
            // `no` stays text; only `true` and `false` are flags.
            strict_booleans: true,
        };
        let Document(node) = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| TemplateError::Yaml(Box::new(error)))?;
        Ok(node)
    }

    /// The value of a mapping's key; `None` for a missing key, for null, and for what is no mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(entries) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, node)| node),
            _ => None,
        }
        .filter(|node| **node != Node::Null)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[(String, Node)] {
        match self {
            Node::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Node {
    /// The node in YAML's flow style, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Null => f.write_str("null"),
            Node::Text(text) | Node::Unresolved(text) => f.write_str(text),
            Node::Call(function, argument) => write!(f, "!{function} {argument}"),
            Node::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Node::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A node with its tag folded in.
struct Document(Node);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(node), tag) = Tagged::<Untagged>::deserialize(deserializer)?;
        Ok(Self(
            match tag.as_deref().and_then(|tag| tag.strip_prefix('!')) {
                Some(function) if !function.is_empty() && !function.starts_with('!') => {
                    Node::Call(function.to_owned(), Box::new(node))
                }
                _ => node,
            },
        ))
    }
}

/// A node without its own tag; those below it have theirs.
struct Untagged(Node);

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor).map(Self)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar, a sequence or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(Document(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Document(value))) = access.next_entry::<String, Document>()? {
            entries.push((key, value));
        }
        Ok(call_of(entries))
    }
}

/// A mapping, or the call that it is the long form of: `Ref: X`, `Fn::Sub: …`.
fn call_of(mut entries: Vec<(String, Node)>) -> Node {
    let function = match entries.as_slice() {
        [(key, _)] if key == "Ref" => Some(key.clone()),
        [(key, _)] => key.strip_prefix("Fn::").map(str::to_owned),
        _ => None,
    };
    match function {
        Some(function) => {
            let argument = entries.pop().map_or(Node::Null, |(_, argument)| argument);
            Node::Call(function, Box::new(argument))
        }
        None => Node::Map(entries),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn call(function: &str, argument: Node) -> Node {
        Node::Call(function.into(), Box::new(argument))
    }

    fn text(text: &str) -> Node {
        Node::Text(text.into())
    }

    #[test]
    fn tags_and_long_forms_read_the_same() {
        for (short, long) in [
            ("a: !Ref X", "a: {Ref: X}"),
            ("a: !Sub 's3://${X}'", "a: {'Fn::Sub': 's3://${X}'}"),
            ("a: !If [C, 1, !Ref X]", "a: {'Fn::If': [C, 1, {Ref: X}]}"),
            (
                "a:\n  - !Equals [!Ref A, b]",
                "a:\n  - {Fn::Equals: [{Ref: A}, b]}",
            ),
        ] {
            assert_eq!(
                Node::parse(short).unwrap(),
                Node::parse(long).unwrap(),
                "{short}"
            );
        }
        assert_eq!(
            Node::parse("a: !If [C, 1, !Ref X]")
                .unwrap()
                .get("a")
                .unwrap()
                .to_string(),
            "!If [C, 1, !Ref X]"
        );
    }

    #[test]
    fn a_call_of_a_number_keeps_its_text() {
        let node = Node::parse("{a: !Sub 10, b: 0.5, c: true, d: '01'}").unwrap();
        assert_eq!(node.get("a"), Some(&call("Sub", text("10"))));
        assert_eq!(node.get("b"), Some(&text("0.5")));
        assert_eq!(node.get("c"), Some(&text("true")));
        assert_eq!(node.get("d"), Some(&text("01")));
    }

    #[test]
    fn a_mapping_beside_others_is_no_call() {
        let node = Node::parse("{Ref: X, Other: 1}").unwrap();
        assert_eq!(node.get("Ref"), Some(&text("X")));
    }
}
