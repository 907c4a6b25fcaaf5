//! Which shape of answer the caller wants, by `?format=` or `Accept`.

use http::StatusCode;
use http::header::ACCEPT;
use lambda_http::Request;
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use sql::Format;

/// The media types by which each format is asked for.
const MEDIA_TYPES: [(&str, Format); 9] = [
    ("application/json", Format::Json),
    ("application/x-ndjson", Format::Ndjson),
    ("application/ndjson", Format::Ndjson),
    ("application/jsonl", Format::Ndjson),
    ("text/csv", Format::Csv),
    ("application/csv", Format::Csv),
    ("application/vnd.apache.arrow.stream", Format::Arrow),
    ("application/vnd.apache.arrow.file", Format::Arrow),
    ("application/vnd.apache.parquet", Format::Parquet),
];

/// The format of `?format=`, else the one that `Accept` likes best, else JSON.
pub(crate) fn format(request: &Request) -> Result<Format, Problem> {
    if let Some(name) = Parameters::of(request).get("format") {
        return name
            .parse()
            .map_err(|unknown: sql::UnknownFormat| not_acceptable(unknown.to_string()));
    }
    let ranges = ranges(request);
    if ranges.is_empty() {
        return Ok(Format::Json);
    }
    let best = ranges
        .iter()
        .filter(|range| range.quality > 0)
        .find_map(|range| format_of(&range.media));
    best.ok_or_else(|| not_acceptable("Accept names no format that there is".to_owned()))
}

/// For answers that have no rows to put into another form: refuses a `?format=` other than JSON.
pub(crate) fn json_only(request: &Request) -> Result<(), Problem> {
    match Parameters::of(request).get("format") {
        None | Some("json") => Ok(()),
        Some(other) => Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            format!("there is no format {other:?} here; there is json"),
        )
        .with("formats", vec!["json"])),
    }
}

/// Whether a page is liked better than JSON, as a browser does.
pub(crate) fn wants_page(request: &Request) -> bool {
    if let Some(name) = Parameters::of(request).get("format") {
        return name == "html";
    }
    ranges(request)
        .iter()
        .find(|range| range.media == "text/html" || format_of(&range.media).is_some())
        .is_some_and(|range| range.media == "text/html" && range.quality > 0)
}

fn not_acceptable(detail: String) -> Problem {
    Problem::new(StatusCode::NOT_ACCEPTABLE, detail)
        .with("formats", Format::ALL.map(Format::name).to_vec())
}

fn format_of(media: &str) -> Option<Format> {
    match media {
        "*/*" | "application/*" => Some(Format::Json),
        "text/*" => Some(Format::Csv),
        _ => MEDIA_TYPES
            .iter()
            .find(|(name, _)| *name == media)
            .map(|(_, format)| *format),
    }
}

struct Range {
    media: String,
    /// In thousandths.
    quality: u16,
}

/// The ranges of `Accept`, the best liked first; equal ones in their order.
fn ranges(request: &Request) -> Vec<Range> {
    let headers = request.headers().get_all(ACCEPT);
    let mut ranges: Vec<Range> = headers
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.quality));
    ranges
}

fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().filter(|m| !m.is_empty())?.to_ascii_lowercase();
    let quality = parts
        .filter_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .find_map(|quality| quality.parse::<f32>().ok())
        .map_or(1000, |quality| (quality.clamp(0.0, 1.0) * 1000.0) as u16);
    Some(Range { media, quality })
}
