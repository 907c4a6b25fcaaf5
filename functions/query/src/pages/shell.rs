//! What every page shares: its headers, and how a template becomes an answer.

use askama::Template;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use lambda_http::Body;
use lambda_kit::http as answers;
use lambda_kit::{Problem, run};
use tracing::error;

/// Nothing but our own files, no inline style or script, no framing, forms to ourselves alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The sections that every page links to.
pub(crate) const SECTIONS: [(&str, &str); 7] = [
    ("/", "Overview"),
    ("/prices", "Prices"),
    ("/portfolios", "Portfolios"),
    ("/behaviour", "Behaviour"),
    ("/questions", "Questions"),
    ("/reports", "Reports"),
    ("/sql", "SQL"),
];

/// A page with status 200.
pub(crate) fn html(page: &impl Template) -> Result<Response<Body>, Problem> {
    with_status(StatusCode::OK, page)
}

/// A page with any status.
pub(crate) fn with_status(
    status: StatusCode,
    page: &impl Template,
) -> Result<Response<Body>, Problem> {
    let text = page.render().map_err(|failed| {
        error!(error = run::chain(&failed), "page could not be rendered");
        Problem::internal()
    })?;
    let mut response = answers::content(status, "text/html; charset=utf-8", text);
    protect(response.headers_mut());
    Ok(response)
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Own forms need their Origin, which `no-referrer` would take away.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
