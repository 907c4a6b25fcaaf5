//! Forms are taken from our own pages alone: no other site can make a visitor's browser change holdings.

use http::header::{HOST, ORIGIN};
use lambda_http::Request;
use lambda_kit::Problem;

/// Refuses a request that a browser made for another site.
///
/// Browsers say so by `Sec-Fetch-Site`, older ones and plain HTTP by `Origin`; what sends neither is no browser, and
/// nobody's cookies or network are abused through it.
pub(super) fn require(request: &Request) -> Result<(), Problem> {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let ours = match (header("sec-fetch-site"), header(ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == header(HOST.as_str())
        }
        (None, None) => true,
    };
    if ours {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "this form was sent from another site; open the portfolio's page and send it from there",
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use http::Request;
    use lambda_http::Body;

    use super::require;

    fn allowed(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method("POST").uri("/portfolios/1.1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        require(&request.body(Body::Empty).unwrap()).is_ok()
    }

    #[test]
    fn our_own_pages_and_plain_clients_may_send_forms() {
        assert!(allowed(&[]));
        assert!(allowed(&[("sec-fetch-site", "same-origin")]));
        assert!(allowed(&[("sec-fetch-site", "none")]));
        assert!(allowed(&[
            ("origin", "http://lake:8080"),
            ("host", "lake:8080")
        ]));
        assert!(allowed(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://proxy.example"),
            ("host", "lake:8080")
        ]));
    }

    #[test]
    fn other_sites_may_not() {
        assert!(!allowed(&[("sec-fetch-site", "cross-site")]));
        assert!(!allowed(&[("sec-fetch-site", "same-site")]));
        assert!(!allowed(&[
            ("origin", "http://evil.example"),
            ("host", "lake:8080")
        ]));
        assert!(!allowed(&[
            ("origin", "http://lake:9090"),
            ("host", "lake:8080")
        ]));
        assert!(!allowed(&[("origin", "null"), ("host", "lake:8080")]));
        assert!(!allowed(&[("origin", "http://lake:8080")]));
    }
}
