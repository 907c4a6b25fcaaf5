//! The form of HTTP routes, as API Gateway takes them.

/// What a method may be.
const METHODS: [&str; 8] = [
    "ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
];

/// What [`method`] takes.
pub(super) const METHOD_FORM: &str = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY";

/// What [`path`] takes.
pub(super) const PATH_FORM: &str = "$default, or /segments of which any may be a {parameter} and the last one a {rest+}, each name once";

/// The method in upper case, if it is one.
pub(super) fn method(text: &str) -> Option<String> {
    let method = match text {
        "x-amazon-apigateway-any-method" => "ANY".to_owned(),
        other => other.to_ascii_uppercase(),
    };
    METHODS.contains(&method.as_str()).then_some(method)
}

/// Whether the path is one that API Gateway takes.
pub(super) fn is_path(text: &str) -> bool {
    if text == "$default" || text == "/" {
        return true;
    }
    let Some(path) = text.strip_prefix('/') else {
        return false;
    };
    let segments: Vec<&str> = path.split('/').collect();
    let mut names = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        match segment
            .strip_prefix('{')
            .and_then(|segment| segment.strip_suffix('}'))
        {
            Some(parameter) => {
                let last = index + 1 == segments.len();
                let name = if last {
                    parameter.strip_suffix('+').unwrap_or(parameter)
                } else {
                    parameter
                };
                if !is_name(name) || names.contains(&name) {
                    return false;
                }
                names.push(name);
            }
            None if is_literal(segment) => {}
            None => return false,
        }
    }
    true
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn is_literal(segment: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=:@".contains(c);
    !segment.is_empty() && segment.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for path in [
            "$default",
            "/",
            "/health",
            "/{stock}",
            "/{a}/{b}/{c}",
            "/api/{proxy+}",
            "/openapi.json",
        ] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "",
            "health",
            "/{a}/{a}",
            "/{rest+}/x",
            "/{",
            "/a{b}",
            "/{}",
            "/a//b",
            "/a/",
            "/a b",
            "/{a b}",
            "$other",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn methods() {
        assert_eq!(method("get").as_deref(), Some("GET"));
        assert_eq!(method("ANY").as_deref(), Some("ANY"));
        assert_eq!(method("FETCH"), None);
    }
}
