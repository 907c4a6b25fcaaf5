//! `/api/sql`: any question, in SQL.

use http::header::CONTENT_TYPE;
use http::{Method, Response};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use serde::Deserialize;

use crate::context::Context;
use crate::{negotiate, respond};

/// The body of a POST as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    sql: String,
}

pub(crate) async fn sql(request: &Request, context: &Context) -> Result<Response<Body>, Problem> {
    let format = negotiate::format(request)?;
    let limits = respond::limits(request)?;
    let query = if request.method() == Method::POST {
        posted(request)?
    } else {
        Parameters::of(request)
            .get("q")
            .map(str::to_owned)
            .ok_or_else(|| Problem::unprocessable("the parameter q, the SQL, is missing"))?
    };
    let elapsed = respond::clock();
    let answer = respond::ask(context, &query, limits).await?;
    respond::rows(&answer, format, elapsed())
}

fn posted(request: &Request) -> Result<String, Problem> {
    let media = media_type(request);
    let bytes: &[u8] = request.body();
    let text =
        std::str::from_utf8(bytes).map_err(|_| Problem::unprocessable("the body is not UTF-8"))?;
    match media.as_deref() {
        None | Some("text/plain") => Ok(text.to_owned()),
        Some("application/x-www-form-urlencoded") => Ok(typed(text)),
        Some("application/json") => serde_json::from_str(text)
            .map(|Question { sql }| sql)
            .map_err(|bad| {
                Problem::unprocessable(format!(r#"the body is not {{"sql": "…"}}: {bad}"#))
            }),
        Some(other) => Err(Problem::unsupported_media_type(format!(
            "{other} is not understood here; send SQL as text/plain, or {{\"sql\": \"…\"}} as application/json"
        ))
        .with("accepted", vec!["text/plain", "application/json"])),
    }
}

/// What `curl -d` sends under the name of a form: bare SQL, as a person types it, or a form's `q`.
fn typed(text: &str) -> String {
    let form = text.starts_with("q=").then(|| Parameters::parse(text));
    let field = form.as_ref().and_then(|form| form.get("q"));
    field.unwrap_or(text).to_owned()
}

/// The media type of the body, without its parameters; none where it is not told.
pub(crate) fn media_type(request: &Request) -> Option<String> {
    let value = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let media = value.split(';').next().unwrap_or_default().trim();
    (!media.is_empty()).then(|| media.to_ascii_lowercase())
}
