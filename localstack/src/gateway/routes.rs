//! Which function a request goes to: the most specific route first, as in API Gateway's HTTP APIs.

use std::{cmp::Reverse, collections::BTreeMap};

use http::Method;
use percent_encoding::percent_decode_str;

/// The routes of one API.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    /// Most specific first, so that the first one that fits is the answer.
    routes: Vec<Entry>,
}

/// The route that a request took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The function behind it.
    pub function: String,
    /// The route as API Gateway names it: `GET /{stock}` or `$default`.
    pub key: String,
    /// The path's parameters, percent-decoded.
    pub parameters: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Entry {
    function: String,
    key: String,
    /// `None`: any.
    method: Option<String>,
    /// `None`: `$default`, which fits every path.
    path: Option<Vec<Segment>>,
}

/// The order is the order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// One or more segments, the last of a path.
    Greedy(String),
}

impl RouteTable {
    /// Adds a route; `method` may be `ANY`, `path` may be `$default`.
    pub fn add(&mut self, method: &str, path: &str, function: &str) {
        let (path, key) = match path {
            "$default" => (None, path.to_owned()),
            path => (
                Some(segments(path).map(Segment::parse).collect()),
                format!("{method} {path}"),
            ),
        };
        let method = (method != "ANY").then(|| method.to_owned());
        self.routes.push(Entry {
            function: function.to_owned(),
            key,
            method,
            path,
        });
        self.routes.sort_by_key(Entry::precedence);
    }

    /// The route for a request; `path` as it was sent, percent-encoded.
    pub fn find(&self, method: &Method, path: &str) -> Option<Matched> {
        let sent: Vec<String> = segments(path)
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        self.routes.iter().find_map(|route| {
            let fits = route
                .method
                .as_deref()
                .is_none_or(|allowed| allowed == method.as_str());
            let parameters = if fits { route.bind(&sent) } else { None }?;
            Some(Matched {
                function: route.function.clone(),
                key: route.key.clone(),
                parameters,
            })
        })
    }
}

impl Entry {
    /// Smaller is more specific: `$default` last, greedy paths after the others, then segment by segment, then a
    /// method by name before `ANY`.
    fn precedence(&self) -> (bool, bool, Vec<u8>, Reverse<usize>, bool) {
        let path = self.path.as_deref().unwrap_or_default();
        let greedy = matches!(path.last(), Some(Segment::Greedy(_)));
        let kinds = path.iter().map(Segment::rank).collect();
        (
            self.path.is_none(),
            greedy,
            kinds,
            Reverse(path.len()),
            self.method.is_none(),
        )
    }

    fn bind(&self, sent: &[String]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let Some(path) = &self.path else {
            return Some(parameters);
        };
        let mut rest = sent;
        for segment in path {
            if let Segment::Greedy(name) = segment {
                let value = rest.join("/");
                return (!value.is_empty()).then(|| {
                    parameters.insert(name.clone(), value);
                    parameters
                });
            }
            let (first, others) = rest.split_first()?;
            match segment {
                Segment::Literal(literal) if literal == first => {}
                Segment::Parameter(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), first.clone());
                }
                Segment::Literal(_) | Segment::Parameter(_) | Segment::Greedy(_) => return None,
            }
            rest = others;
        }
        rest.is_empty().then_some(parameters)
    }
}

impl Segment {
    fn parse(segment: &str) -> Self {
        match segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            None => Self::Literal(segment.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name.to_owned()),
                None => Self::Parameter(name.to_owned()),
            },
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Parameter(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
