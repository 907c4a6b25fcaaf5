//! The document as a whole: which resources there are, and that they agree with each other.

use std::collections::BTreeMap;

use super::{
    HttpApi, Template, TemplateError, Values, events::IMPLICIT_API, function, intrinsics::Resolver,
    kafka, node::Node, properties::Properties,
};

/// Reads a template.
pub(super) fn template(text: &str, values: &Values) -> Result<Template, TemplateError> {
    let document = Node::parse(text)?;
    let resolver = Resolver::new(&document, values)?;
    let globals = document
        .get("Globals")
        .and_then(|globals| globals.get("Function"));
    let Some(Node::Map(resources)) = document.get("Resources") else {
        return Err(TemplateError::section(
            "Resources",
            "a mapping of at least one resource",
        ));
    };
    let mut template = Template {
        apis: Vec::new(),
        functions: Vec::new(),
    };
    let mut mappings = Vec::new();
    for (logical_id, resource) in resources {
        let properties = Properties::new(&resolver, logical_id, resource.get("Properties"), None);
        if !is_wanted(&properties, resource)? {
            continue;
        }
        match resource.get("Type").and_then(Node::text) {
            Some("AWS::Serverless::HttpApi") => {
                let name = properties
                    .text("Name", "text")?
                    .unwrap_or_else(|| logical_id.clone());
                template.apis.push(HttpApi {
                    logical_id: logical_id.clone(),
                    name,
                });
            }
            Some("AWS::Serverless::Function") => {
                let properties =
                    Properties::new(&resolver, logical_id, resource.get("Properties"), globals);
                template
                    .functions
                    .push(function::function(&properties, resource)?);
            }
            Some("AWS::Lambda::EventSourceMapping") => {
                mappings.push((kafka::mapping(&properties)?, properties));
            }
            // Everything else exists only in a deployed stack.
            Some(_) => {}
            None => {
                return Err(properties.refused(
                    "Type",
                    &"nothing",
                    "a resource type, e.g. AWS::Serverless::Function",
                ));
            }
        }
    }
    for ((function, trigger), properties) in mappings {
        let mut functions = template.functions.iter_mut();
        match functions.find(|spec| spec.logical_id == function) {
            Some(spec) => spec.triggers.extend(trigger),
            None => {
                let allowed = "!Ref of an AWS::Serverless::Function of this template";
                return Err(properties.refused("FunctionName", &function, allowed));
            }
        }
    }
    agree(&mut template)?;
    Ok(template)
}

/// A resource whose condition does not hold is not there; one whose condition is not known here is.
fn is_wanted(properties: &Properties<'_>, resource: &Node) -> Result<bool, TemplateError> {
    match resource.get("Condition") {
        None => Ok(true),
        Some(Node::Text(name)) => Ok(properties.condition("Condition", name)?.unwrap_or(true)),
        Some(other) => Err(properties.refused("Condition", other, "the name of a condition")),
    }
}

/// Checks what no resource can check alone.
fn agree(template: &mut Template) -> Result<(), TemplateError> {
    if uses_implicit_api(template) {
        template.apis.push(HttpApi {
            logical_id: IMPLICIT_API.to_owned(),
            name: IMPLICIT_API.to_owned(),
        });
    }
    let apis: Vec<&str> = template
        .apis
        .iter()
        .map(|api| api.logical_id.as_str())
        .collect();
    let mut names = BTreeMap::new();
    let mut routes = BTreeMap::new();
    let mut readers = BTreeMap::new();
    for function in &template.functions {
        let refused = |property: &str, found: String, allowed: String| {
            let (logical_id, property) = (function.logical_id.clone(), property.to_owned());
            TemplateError::Property {
                logical_id,
                property,
                found,
                allowed,
            }
        };
        if let Some(other) = names.insert(&function.name, &function.logical_id) {
            let found = format!("{}, which is {other}'s already", function.name);
            return Err(refused(
                "FunctionName",
                found,
                "a name of its own".to_owned(),
            ));
        }
        for route in &function.routes {
            if !apis.contains(&route.api.as_str()) {
                let allowed = format!("!Ref of an AWS::Serverless::HttpApi: {}", apis.join(", "));
                return Err(refused(
                    "Events.*.ApiId",
                    format!("!Ref {}", route.api),
                    allowed,
                ));
            }
            // Parameters' names do not tell routes apart.
            let shape: Vec<&str> = route.path.split('/').map(shape_of).collect();
            if let Some(other) =
                routes.insert((&route.api, &route.method, shape), &function.logical_id)
            {
                let found = format!(
                    "{} {}, which {other} serves already",
                    route.method, route.path
                );
                return Err(refused(
                    "Events.*.Path",
                    found,
                    format!("each route of {} once", route.api),
                ));
            }
        }
        for trigger in &function.triggers {
            for topic in &trigger.topics {
                if let Some(other) = readers.insert((&trigger.consumer_group, topic), &trigger.id) {
                    let found = format!(
                        "{}, with which {other} reads {topic} already",
                        trigger.consumer_group
                    );
                    let property = format!("Events.{}.ConsumerGroupId", trigger.id);
                    return Err(refused(
                        &property,
                        found,
                        "a group of its own for each reader of a topic".to_owned(),
                    ));
                }
            }
        }
    }
    Ok(())
}

fn uses_implicit_api(template: &Template) -> bool {
    let mut routes = template
        .functions
        .iter()
        .flat_map(|function| &function.routes);
    let declared = template
        .apis
        .iter()
        .any(|api| api.logical_id == IMPLICIT_API);
    !declared && routes.any(|route| route.api == IMPLICIT_API)
}

fn shape_of(segment: &str) -> &str {
    match segment.strip_prefix('{') {
        Some(parameter) if parameter.ends_with("+}") => "{+}",
        Some(_) => "{}",
        None => segment,
    }
}
