//! Typed reading of one resource's properties, with errors that name the place and what is allowed there.

use std::{fmt::Display, ops::RangeInclusive};

use super::{
    TemplateError,
    intrinsics::{Malformed, Resolver},
    node::Node,
};

/// A mapping of properties somewhere in a resource.
#[derive(Clone, Copy)]
pub(super) struct Properties<'a> {
    resolver: &'a Resolver<'a>,
    logical_id: &'a str,
    /// Where in the resource it stands, as a chain from the inside out.
    place: Place<'a>,
    node: Option<&'a Node>,
    /// Where a property stands that this one does not have (`Globals`).
    fallback: Option<&'a Node>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Top,
    Event(&'a str),
}

impl<'a> Properties<'a> {
    /// The properties of a resource; `fallback` has those that it leaves out.
    pub(super) fn new(
        resolver: &'a Resolver<'a>,
        logical_id: &'a str,
        node: Option<&'a Node>,
        fallback: Option<&'a Node>,
    ) -> Self {
        Self {
            resolver,
            logical_id,
            place: Place::Top,
            node,
            fallback,
        }
    }

    /// The properties of one of the resource's events.
    pub(super) fn of_event(self, event: &'a str, node: Option<&'a Node>) -> Self {
        Self {
            place: Place::Event(event),
            node,
            fallback: None,
            ..self
        }
    }

    /// The logical id of the resource.
    pub(super) fn logical_id(&self) -> &'a str {
        self.logical_id
    }

    /// The mapping itself.
    pub(super) fn own(&self) -> Option<&'a Node> {
        self.node
    }

    /// The mapping behind it.
    pub(super) fn fallback(&self) -> Option<&'a Node> {
        self.fallback
    }

    /// A property as written; dots lead into mappings.
    pub(super) fn raw(&self, path: &str) -> Option<&'a Node> {
        self.node
            .and_then(|node| at(node, path))
            .or_else(|| self.fallback.and_then(|node| at(node, path)))
    }

    /// A property with its calls resolved.
    pub(super) fn get(&self, path: &str) -> Result<Option<Node>, TemplateError> {
        let Some(node) = self.raw(path) else {
            return Ok(None);
        };
        let resolved = self
            .resolver
            .resolve(node)
            .map_err(|malformed| self.malformed(path, malformed))?;
        Ok(Some(resolved).filter(|node| *node != Node::Null))
    }

    /// A property that is text whose value is known.
    pub(super) fn text(&self, path: &str, allowed: &str) -> Result<Option<String>, TemplateError> {
        match self.get(path)? {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.refused(path, &other, allowed)),
        }
    }

    /// A property that must be there and be text.
    pub(super) fn required(&self, path: &str, allowed: &str) -> Result<String, TemplateError> {
        self.text(path, allowed)?
            .ok_or_else(|| self.refused(path, &"nothing", allowed))
    }

    /// A whole number within a range.
    pub(super) fn number(
        &self,
        path: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, TemplateError> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(text) = self.text(path, &allowed)? else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number
            .map(Some)
            .ok_or_else(|| self.refused(path, &text, &allowed))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, path: &str) -> Result<Option<bool>, TemplateError> {
        let Some(text) = self.text(path, "true, false")? else {
            return Ok(None);
        };
        text.to_ascii_lowercase()
            .parse()
            .map(Some)
            .map_err(|_| self.refused(path, &text, "true, false"))
    }

    /// A list of texts.
    pub(super) fn texts(
        &self,
        path: &str,
        allowed: &str,
    ) -> Result<Option<Vec<String>>, TemplateError> {
        let Some(node) = self.get(path)? else {
            return Ok(None);
        };
        let texts = match &node {
            Node::List(items) => items
                .iter()
                .map(|item| item.text().map(str::to_owned))
                .collect(),
            _ => None,
        };
        texts
            .map(Some)
            .ok_or_else(|| self.refused(path, &node, allowed))
    }

    /// Whether a named condition holds.
    pub(super) fn condition(&self, path: &str, name: &str) -> Result<Option<bool>, TemplateError> {
        self.resolver
            .condition(name)
            .map_err(|malformed| self.malformed(path, malformed))
    }

    /// Refuses every property that is not in `known`: a misspelt one would otherwise be passed over in silence.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), TemplateError> {
        let entries = self.node.map(Node::entries).unwrap_or_default();
        match entries
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            Some((name, node)) => {
                Err(self.refused(name, node, &format!("here only {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// The error for a value that is not allowed.
    pub(super) fn refused(&self, path: &str, found: &dyn Display, allowed: &str) -> TemplateError {
        let property = match self.place {
            Place::Top => path.to_owned(),
            Place::Event(event) => format!("Events.{event}.{path}"),
        };
        let logical_id = self.logical_id.to_owned();
        TemplateError::Property {
            logical_id,
            property,
            found: found.to_string(),
            allowed: allowed.to_owned(),
        }
    }

    fn malformed(&self, path: &str, malformed: Malformed) -> TemplateError {
        self.refused(path, &malformed.found, malformed.allowed)
    }
}

fn at<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.').try_fold(node, |node, key| node.get(key))
}
