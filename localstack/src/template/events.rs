//! What starts a function: HTTP routes and schedules; Kafka triggers are next door.

use super::{
    FunctionSpec, Route, Schedule, TemplateError, kafka, node::Node, properties::Properties, route,
};
use crate::scheduler::Expression;

/// The API that SAM makes for routes that name none.
pub(super) const IMPLICIT_API: &str = "ServerlessHttpApi";

/// Adds one entry of `Events` to its function.
pub(super) fn add(
    spec: &mut FunctionSpec,
    id: &str,
    event: &Node,
    function: &Properties<'_>,
) -> Result<(), TemplateError> {
    let properties = function.of_event(id, event.get("Properties"));
    match event.get("Type").and_then(Node::text).unwrap_or("nothing") {
        "HttpApi" => spec.routes.push(http_route(&properties)?),
        "Schedule" => spec
            .schedules
            .extend(schedule(id, &properties, "Schedule")?),
        "ScheduleV2" => spec
            .schedules
            .extend(schedule(id, &properties, "ScheduleExpression")?),
        "MSK" => spec
            .triggers
            .extend(kafka::msk(id, &properties, &spec.name)?),
        "SelfManagedKafka" => {
            spec.triggers
                .extend(kafka::self_managed(id, &properties, &spec.name)?)
        }
        other => {
            let allowed = "HttpApi, Schedule, ScheduleV2, MSK, SelfManagedKafka";
            return Err(properties.refused("Type", &other, allowed));
        }
    }
    Ok(())
}

fn http_route(properties: &Properties<'_>) -> Result<Route, TemplateError> {
    properties.only(&[
        "ApiId",
        "Method",
        "Path",
        "PayloadFormatVersion",
        "TimeoutInMillis",
        "Auth",
        "RouteSettings",
    ])?;
    let api = match properties.raw("ApiId") {
        None => IMPLICIT_API.to_owned(),
        Some(Node::Call(function, argument)) if function == "Ref" && argument.text().is_some() => {
            argument.text().unwrap_or_default().to_owned()
        }
        Some(other) => {
            return Err(properties.refused("ApiId", other, "!Ref of an AWS::Serverless::HttpApi"));
        }
    };
    if let Some(version) = properties
        .text("PayloadFormatVersion", "2.0")?
        .filter(|version| version != "2.0")
    {
        return Err(properties.refused("PayloadFormatVersion", &version, "2.0"));
    }
    let method = properties
        .text("Method", route::METHOD_FORM)?
        .unwrap_or_else(|| "ANY".to_owned());
    let Some(method) = route::method(&method) else {
        return Err(properties.refused("Method", &method, route::METHOD_FORM));
    };
    let path = properties
        .text("Path", route::PATH_FORM)?
        .unwrap_or_else(|| "$default".to_owned());
    if !route::is_path(&path) {
        return Err(properties.refused("Path", &path, route::PATH_FORM));
    }
    Ok(Route { api, method, path })
}

fn schedule(
    id: &str,
    properties: &Properties<'_>,
    property: &str,
) -> Result<Option<Schedule>, TemplateError> {
    properties.only(&[
        property,
        "Input",
        "Enabled",
        "State",
        "Name",
        "Description",
        "RetryPolicy",
        "DeadLetterConfig",
        "FlexibleTimeWindow",
        "RoleArn",
        "PermissionsBoundary",
    ])?;
    let expression = properties.required(property, Expression::FORM)?;
    if expression.parse::<Expression>().is_err() {
        return Err(properties.refused(property, &expression, Expression::FORM));
    }
    let input = match properties.get("Input")? {
        // EventBridge Scheduler's event where none is given has nothing that a function could rely on locally.
        None => "{}".to_owned(),
        Some(Node::Text(input))
            if serde_json::from_str::<serde::de::IgnoredAny>(&input).is_ok() =>
        {
            input
        }
        Some(other) => return Err(properties.refused("Input", &other, "JSON text")),
    };
    let state = properties
        .text("State", "ENABLED, DISABLED")?
        .unwrap_or_else(|| "ENABLED".to_owned());
    let on = match state.as_str() {
        "ENABLED" => true,
        "DISABLED" => false,
        other => return Err(properties.refused("State", &other, "ENABLED, DISABLED")),
    };
    let enabled = properties.flag("Enabled")?.unwrap_or(true) && on;
    Ok(enabled.then(|| Schedule {
        id: id.to_owned(),
        expression,
        input,
    }))
}
