//! `/assets/`: the style sheet, the script and the icon, kept by browsers until they change.

use http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::{self as answers, Parameters};

struct Asset {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
    hash: u64,
}

const fn asset(name: &'static str, media_type: &'static str, text: &'static str) -> Asset {
    Asset {
        name,
        media_type,
        text,
        hash: hash(text.as_bytes()),
    }
}

static ASSETS: [Asset; 3] = [
    asset(
        "site.css",
        "text/css; charset=utf-8",
        include_str!("../../assets/site.css"),
    ),
    asset(
        "site.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/site.js"),
    ),
    asset(
        "icon.svg",
        "image/svg+xml",
        include_str!("../../assets/icon.svg"),
    ),
];

/// FNV-1a: tells one text from the next version of it.
const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Where a page finds an asset: the address changes with the asset.
pub(crate) fn link(name: &str) -> String {
    let version = ASSETS.iter().find(|asset| asset.name == name);
    format!("/assets/{name}?v={:016x}", version.map_or(0, |a| a.hash))
}

pub(crate) fn one(name: &str, request: &Request) -> Result<Response<Body>, Problem> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = ASSETS.iter().map(|asset| asset.name).collect();
            Problem::not_found(format!("there is no asset {name:?}")).with("assets", names)
        })?;
    let version = format!("{:016x}", asset.hash);
    let tag = format!("\"{version}\"");
    let known = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().trim_start_matches("W/") == tag);
    let mut response = if known {
        let mut unchanged = Response::new(Body::Empty);
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        answers::content(StatusCode::OK, asset.media_type, asset.text)
    };
    let lasting = Parameters::of(request).get("v") == Some(version.as_str());
    let headers = response.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static(if lasting {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }),
    );
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    // A quoted hexadecimal number is always a header's value.
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}
