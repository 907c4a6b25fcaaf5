//! Parameters in the body of a POST: a form, or a JSON object.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use lambda_http::Request;
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use crate::parameters::require_utf8;
use crate::refusals;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What a form is called where it is refused.
const BODY: &str = "the form in the body";

/// The types of bodies that are read.
pub(crate) const ACCEPTED: [&str; 2] = [FORM, JSON];

/// Integers beyond this are not the same in every JSON reader (RFC 8259); up to it, a float holds every one.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_991.0;

/// What a body says of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// A text, or the digits of an integer.
    Text(String),
    /// Anything else, as JSON.
    Other(String),
}

/// Reads the body. One of nothing but white space has no parameters, whatever its type.
pub(crate) fn read(request: &Request) -> Result<Vec<(String, Given)>, Problem> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    match media_type(request).as_deref() {
        // `curl -d` calls everything a form, and no name in a form begins with a brace.
        Some(FORM) if bytes.trim_ascii().starts_with(b"{") => json(bytes),
        Some(FORM) => form(bytes),
        Some(media) if media == JSON || is_json_of_a_kind(media) => json(bytes),
        None if bytes.trim_ascii() == b"{}" => Ok(Vec::new()),
        other => Err(refusals::unknown_media(other)),
    }
}

/// The media type without its parameters; none where it is not told.
fn media_type(request: &Request) -> Option<String> {
    let value = String::from_utf8_lossy(request.headers().get(CONTENT_TYPE)?.as_bytes());
    let media = value.split(';').next().unwrap_or_default().trim();
    (!media.is_empty()).then(|| media.to_ascii_lowercase())
}

fn is_json_of_a_kind(media: &str) -> bool {
    media.starts_with("application/") && media.ends_with("+json")
}

fn form(bytes: &[u8]) -> Result<Vec<(String, Given)>, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| refusals::not_utf8(BODY))?;
    require_utf8(BODY, text)?;
    let given = |(name, value): (&str, &str)| (name.to_owned(), Given::Text(value.to_owned()));
    Ok(Parameters::parse(text.trim()).iter().map(given).collect())
}

/// Members one by one: a number past every range is JSON, and refused as what it is for its parameter.
fn json(bytes: &[u8]) -> Result<Vec<(String, Given)>, Problem> {
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_slice(bytes).map_err(|_| no_members(bytes))?;
    let given = |(name, value): (String, &RawValue)| {
        let json = value.get();
        let other = || Given::Other(json.to_owned());
        let given = match serde_json::from_str(json) {
            Ok(Value::String(text)) => Given::Text(text),
            Ok(Value::Number(number)) => integer(&number).map_or_else(other, Given::Text),
            Ok(_) => other(),
            Err(_) if json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => other(),
            Err(_) => return Err(no_members(bytes)),
        };
        Ok((name, given))
    };
    members.into_iter().map(given).collect()
}

/// What is wrong with a body that is no object of members, or has one that cannot be read.
fn no_members(bytes: &[u8]) -> Problem {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(_) => refusals::not_an_object(),
        Err(bad) => refusals::no_json(&bad),
    }
}

/// The digits of an integer; JSON writes one as `3`, `3.0` or `3e0`.
fn integer(number: &Number) -> Option<String> {
    let float = number.as_f64()?;
    let whole = float.fract() == 0.0 && float.abs() <= LARGEST_INTEGER;
    // Zero is added so that there is no zero with a sign.
    whole.then(|| format!("{:.0}", float + 0.0))
}
