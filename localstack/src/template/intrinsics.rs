//! CloudFormation's intrinsic functions, as far as their values are known before a deployment.

use std::collections::BTreeMap;

use super::{TemplateError, Values, node::Node};

/// Pseudo parameters with the values that a local stack has.
const PSEUDO: [(&str, &str); 5] = [
    ("AWS::AccountId", "000000000000"),
    ("AWS::Partition", "aws"),
    ("AWS::Region", "us-east-1"),
    ("AWS::StackName", "tidemill"),
    ("AWS::URLSuffix", "amazonaws.com"),
];

/// Conditions may refer to conditions; deeper than this they go in circles.
const CONDITION_DEPTH: usize = 32;

/// Knows the values of references and conditions.
pub(super) struct Resolver<'a> {
    values: &'a Values,
    defaults: BTreeMap<&'a str, String>,
    conditions: &'a [(String, Node)],
    mappings: Option<&'a Node>,
}

/// A call that CloudFormation would refuse: what stands there, and what is allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) found: String,
    pub(super) allowed: &'static str,
}

type Resolution<T> = Result<T, Malformed>;

impl<'a> Resolver<'a> {
    /// Reads `Parameters`, `Conditions` and `Mappings` of a document.
    pub(super) fn new(document: &'a Node, values: &'a Values) -> Result<Self, TemplateError> {
        let mut defaults = BTreeMap::new();
        for (name, parameter) in document
            .get("Parameters")
            .map(Node::entries)
            .unwrap_or_default()
        {
            match parameter.get("Default") {
                None => {}
                Some(Node::Text(default)) => {
                    defaults.insert(name.as_str(), default.clone());
                }
                Some(_) => {
                    return Err(TemplateError::section(
                        format!("Parameters.{name}.Default"),
                        "a scalar",
                    ));
                }
            }
        }
        let conditions = document
            .get("Conditions")
            .map(Node::entries)
            .unwrap_or_default();
        Ok(Self {
            values,
            defaults,
            conditions,
            mappings: document.get("Mappings"),
        })
    }

    /// The node with every call replaced by its value, or by [`Node::Unresolved`] where only a deployed stack knows it.
    pub(super) fn resolve(&self, node: &Node) -> Resolution<Node> {
        Ok(match node {
            Node::Null | Node::Text(_) | Node::Unresolved(_) => node.clone(),
            Node::List(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for item in items {
                    // `AWS::NoValue` takes an item out of its list.
                    match self.resolve(item)? {
                        Node::Null => {}
                        item => resolved.push(item),
                    }
                }
                Node::List(resolved)
            }
            Node::Map(entries) => {
                let resolve =
                    |(key, value): &(String, Node)| Ok((key.clone(), self.resolve(value)?));
                Node::Map(entries.iter().map(resolve).collect::<Resolution<_>>()?)
            }
            Node::Call(function, argument) => self.call(node, function, argument)?,
        })
    }

    /// Whether a named condition holds; `None` where only a deployed stack knows.
    pub(super) fn condition(&self, name: &str) -> Resolution<Option<bool>> {
        self.named_condition(name, 0)
    }

    fn call(&self, whole: &Node, function: &str, argument: &Node) -> Resolution<Node> {
        let known = match (function, argument) {
            ("Ref", Node::Text(name)) if name == "AWS::NoValue" => return Ok(Node::Null),
            ("Ref", Node::Text(name)) => self.value(name).map(Node::Text),
            ("GetAtt", Node::Text(path)) => self.value(path).map(Node::Text),
            ("GetAtt", Node::List(parts)) => {
                let parts: Vec<&str> = parts.iter().filter_map(Node::text).collect();
                self.value(&parts.join(".")).map(Node::Text)
            }
            ("Sub", Node::Text(pattern)) => self.substitute(pattern, &[])?.map(Node::Text),
            ("Sub", Node::List(parts)) => match parts.as_slice() {
                [Node::Text(pattern), Node::Map(variables)] => {
                    self.substitute(pattern, variables)?.map(Node::Text)
                }
                _ => return malformed(whole, "text, or [text, {name: value}]"),
            },
            ("If", Node::List(parts)) => match parts.as_slice() {
                [Node::Text(name), yes, no] => match self.condition(name)? {
                    Some(holds) => Some(self.resolve(if holds { yes } else { no })?),
                    None => None,
                },
                _ => return malformed(whole, "[condition, value if true, value if false]"),
            },
            ("Join", Node::List(parts)) => match parts.as_slice() {
                [Node::Text(separator), list] => self.join(separator, list)?,
                _ => return malformed(whole, "[separator, [values]]"),
            },
            ("Split", Node::List(parts)) => match parts.as_slice() {
                [Node::Text(separator), text] if !separator.is_empty() => {
                    let text = self.resolve(text)?;
                    let split = |text: &str| {
                        text.split(separator.as_str())
                            .map(|part| Node::Text(part.into()))
                            .collect()
                    };
                    text.text().map(split).map(Node::List)
                }
                _ => return malformed(whole, "[separator, text]"),
            },
            ("Select", Node::List(parts)) => match parts.as_slice() {
                [Node::Text(index), list] => match (index.parse::<usize>(), self.resolve(list)?) {
                    (Ok(index), Node::List(items)) if index < items.len() => {
                        items.into_iter().nth(index)
                    }
                    (_, Node::Unresolved(_)) => None,
                    _ => return malformed(whole, "[index, list], the index within the list"),
                },
                _ => return malformed(whole, "[index, list]"),
            },
            ("FindInMap", Node::List(parts)) => self.find_in_map(whole, parts)?,
            ("Ref" | "GetAtt" | "Sub" | "If" | "Join" | "Split" | "Select" | "FindInMap", _) => {
                return malformed(whole, "the argument that CloudFormation describes for it");
            }
            _ => None,
        };
        Ok(known.unwrap_or_else(|| Node::Unresolved(whole.to_string())))
    }

    /// The value of a parameter, a pseudo parameter, or of what the runner named.
    fn value(&self, name: &str) -> Option<String> {
        let pseudo = || {
            PSEUDO
                .iter()
                .find(|(pseudo, _)| *pseudo == name)
                .map(|(_, value)| (*value).to_owned())
        };
        self.values
            .get(name)
            .or_else(|| self.defaults.get(name))
            .cloned()
            .or_else(pseudo)
    }

    /// `${Name}` and `${Name.Attribute}` replaced, `${!Name}` kept as `${Name}`.
    fn substitute(
        &self,
        pattern: &str,
        variables: &[(String, Node)],
    ) -> Resolution<Option<String>> {
        let mut text = String::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return Err(Malformed {
                    found: format!("!Sub {pattern}"),
                    allowed: "every ${ with its }",
                });
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let own = variables
                .iter()
                .find(|(variable, _)| variable == name.trim());
            let value = match own {
                Some((_, node)) => self.resolve(node)?.text().map(str::to_owned),
                None => self.value(name.trim()),
            };
            match value {
                Some(value) => text.push_str(&value),
                None => return Ok(None),
            }
        }
        text.push_str(rest);
        Ok(Some(text))
    }

    fn join(&self, separator: &str, list: &Node) -> Resolution<Option<Node>> {
        let Node::List(items) = self.resolve(list)? else {
            return Ok(None);
        };
        let texts: Option<Vec<&str>> = items.iter().map(Node::text).collect();
        Ok(texts.map(|texts| Node::Text(texts.join(separator))))
    }

    fn find_in_map(&self, whole: &Node, parts: &[Node]) -> Resolution<Option<Node>> {
        let keys = parts
            .iter()
            .map(|part| self.resolve(part))
            .collect::<Resolution<Vec<_>>>()?;
        let keys: Option<Vec<&str>> = keys.iter().map(Node::text).collect();
        let Some(keys) = keys else { return Ok(None) };
        let found = keys.iter().fold(self.mappings, |node, key| {
            node.and_then(|node| node.get(key))
        });
        match (keys.len(), found) {
            (3, Some(found)) => Ok(Some(found.clone())),
            _ => malformed(whole, "[map, key, second key] that are under Mappings"),
        }
    }

    fn named_condition(&self, name: &str, depth: usize) -> Resolution<Option<bool>> {
        match self
            .conditions
            .iter()
            .find(|(condition, _)| condition == name)
        {
            Some((_, expression)) if depth < CONDITION_DEPTH => self.holds(expression, depth + 1),
            Some(_) => Err(Malformed {
                found: name.to_owned(),
                allowed: "conditions that do not refer to themselves",
            }),
            None => Err(Malformed {
                found: format!("the condition {name}"),
                allowed: "a name under Conditions",
            }),
        }
    }

    fn holds(&self, expression: &Node, depth: usize) -> Resolution<Option<bool>> {
        if depth > CONDITION_DEPTH {
            return malformed(expression, "a condition that is less deep");
        }
        match expression {
            Node::Call(function, argument) => match (function.as_str(), argument.as_ref()) {
                ("Condition", Node::Text(name)) => self.named_condition(name, depth),
                ("Equals", Node::List(sides)) if sides.len() == 2 => {
                    let (left, right) = (self.resolve(&sides[0])?, self.resolve(&sides[1])?);
                    let open = |node: &Node| matches!(node, Node::Unresolved(_));
                    Ok((!open(&left) && !open(&right)).then(|| left == right))
                }
                ("Not", Node::List(one)) if one.len() == 1 => {
                    Ok(self.holds(&one[0], depth + 1)?.map(|holds| !holds))
                }
                ("And", Node::List(all)) => self.all_are(all, true, depth),
                ("Or", Node::List(any)) => Ok(self.all_are(any, false, depth)?.map(|none| !none)),
                _ => malformed(expression, "Equals, Not, And, Or, Condition"),
            },
            Node::Map(entries) => match entries.as_slice() {
                [(key, Node::Text(name))] if key == "Condition" => {
                    self.named_condition(name, depth)
                }
                _ => malformed(expression, "Equals, Not, And, Or, Condition"),
            },
            _ => malformed(expression, "Equals, Not, And, Or, Condition"),
        }
    }

    /// Whether all of `conditions` are `wanted`; one that is not decides, whatever the others are.
    fn all_are(&self, conditions: &[Node], wanted: bool, depth: usize) -> Resolution<Option<bool>> {
        let mut all = Some(true);
        for condition in conditions {
            match self.holds(condition, depth + 1)? {
                Some(holds) if holds != wanted => return Ok(Some(false)),
                Some(_) => {}
                None => all = None,
            }
        }
        Ok(all)
    }
}

fn malformed<T>(found: &Node, allowed: &'static str) -> Resolution<T> {
    Err(Malformed {
        found: found.to_string(),
        allowed,
    })
}

#[cfg(test)]
mod tests;
