//! What calls are answered with.

use http::header::X_CONTENT_TYPE_OPTIONS;
use http::{HeaderValue, Response, StatusCode};
use lambda_http::Body;
use lambda_kit::http as requests;

/// The API's description of itself.
pub(crate) const OPENAPI: &str = include_str!("../openapi.json");

/// Every route.
pub(crate) const ROUTES: [&str; 14] = [
    "GET /",
    "GET, POST /purchase_a_sword/",
    "GET, POST /purchase_a_shield/",
    "GET, POST /purchase_a_potion/",
    "GET, POST /join_guild/",
    "GET /find_treasure/",
    "GET /enemy_attack/",
    "GET /defeat_enemy/",
    "GET, POST /take_potion/",
    "GET /level_up/",
    "GET, POST /purchase/{item}",
    "GET, POST /join_a_guild",
    "GET /health",
    "GET /openapi.json",
];

/// Words for a player. They hold what the player sent, so no browser may take them for anything but text.
pub(crate) fn told(words: String) -> Response<Body> {
    let mut response = requests::text(StatusCode::OK, words);
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
