//! A function over a lake of its own: rows by table, requests, answers.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use lake::Table;
use lambda_http::Body;
use serde_json::{Value, json};

use super::rows;
use crate::{Config, Context, Urls, handle};

pub(super) struct Function {
    _folder: tempfile::TempDir,
    context: Context,
}

/// What came back.
pub(super) struct Got {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The problem, which must have this status.
    pub(super) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(
                problem[member].as_str().is_some_and(|t| !t.is_empty()),
                "{problem}"
            );
        }
        problem
    }

    pub(super) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
}

impl Function {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake_url = format!("file://{}", folder.path().display());
        let config = Config {
            lake_url,
            urls: Urls::default(),
        };
        let context = Context::connect(config, |why| panic!("{why}"))
            .await
            .unwrap();
        Self {
            _folder: folder,
            context,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, &[], "").await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Got {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://lake{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response: Response<Body> = handle(request, &self.context).await.unwrap();
        let (parts, body) = response.into_parts();
        Got {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// Commits rows after those of the same table and epoch that are there.
    pub(super) async fn commit(&self, table: Table, epoch: u32, rows: &[Value]) {
        rows::commit(Arc::clone(&self.context.store), table, epoch, rows).await;
    }
}

/// 2022-03-20T15:38:00Z in seconds.
pub(super) const START: i64 = 1_647_790_680;

/// An evaluation whose window ends `seconds` after [`START`]; money in cents.
pub(super) fn evaluation(id: &str, seconds: i64, nav: i64, change: i64, pct: i64) -> Value {
    let (investor, portfolio) = id.split_once('.').unwrap();
    let end = (START + seconds) * 1_000_000;
    json!({
        "portfolio": id,
        "investor": investor.parse::<i32>().unwrap(),
        "portfolio_no": portfolio.parse::<i32>().unwrap(),
        "window_start": end - 20_000_000,
        "window_end": end,
        "nav": nav, "nav_change": change, "nav_change_pct": pct,
        "_timestamp": end / 1000,
    })
}
