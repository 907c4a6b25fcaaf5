//! What callers are told when a request cannot be granted.

use domain::games::{Amount, BadText, Text};
use lambda_kit::Problem;
use serde_json::json;

use crate::answers::ROUTES;

/// Problems quote at most this much of a value.
const QUOTED_CHARS: usize = 60;

pub(crate) fn unknown_route(path: &str) -> Problem {
    Problem::not_found(format!("there is no route {}", quoted(path))).with("routes", json!(ROUTES))
}

pub(crate) fn bad_amount(given: &str) -> Problem {
    Problem::unprocessable(format!(
        "n is {}, which is no integer from 1 to {}",
        quoted(given),
        Amount::MOST
    ))
    .with("parameter", "n")
    .with("minimum", 1)
    .with("maximum", Amount::MOST)
}

pub(crate) fn bad_text(parameter: &str, reason: BadText) -> Problem {
    of_text(parameter, &reason.to_string())
}

/// The bytes of the whole text of all parameters, or of a path, are no UTF-8.
pub(crate) fn not_utf8(what: &str) -> Problem {
    of_text(what, "holds bytes that are not UTF-8")
}

pub(crate) fn no_text(parameter: &str) -> Problem {
    of_text(parameter, "is neither a text nor an integer")
}

pub(crate) fn repeated(parameter: &str) -> Problem {
    Problem::unprocessable(format!("{parameter} is given more than once"))
        .with("parameter", parameter)
}

fn of_text(parameter: &str, reason: &str) -> Problem {
    Problem::unprocessable(format!(
        "{parameter} {reason}; allowed are 1 to {} printable characters",
        Text::LONGEST
    ))
    .with("parameter", parameter)
    .with("minimum_length", 1)
    .with("maximum_length", Text::LONGEST)
}

pub(crate) fn not_an_object() -> Problem {
    Problem::unprocessable("the body is JSON but no object of parameters")
}

pub(crate) fn no_json(reason: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("the body is not JSON: {reason}"))
        .with("line", reason.line())
        .with("column", reason.column())
}

pub(crate) fn unknown_media(media: Option<&str>) -> Problem {
    let given = media.map_or_else(
        || "a body without a Content-Type".to_owned(),
        |media| format!("a body of type {}", quoted(media)),
    );
    Problem::unsupported_media_type(format!(
        "{given} cannot be read; send parameters in the query string, as a form or as JSON"
    ))
    .with("accepted", json!(crate::body::ACCEPTED))
}

/// The beginning of a text that can be of any length, in quotes.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
