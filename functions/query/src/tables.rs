//! `/api/tables`: what there is to ask about.

use http::{Response, StatusCode};
use lambda_http::Body;
use lambda_kit::Problem;
use serde_json::{Value, json};
use sql::{Limits, SqlError, json_text};

use crate::context::Context;
use crate::{refusal, respond};

pub(crate) fn list(context: &Context) -> Result<Response<Body>, Problem> {
    respond::json(StatusCode::OK, &json!({"tables": context.sql.tables()}))
}

pub(crate) async fn one(name: &str, context: &Context) -> Result<Response<Body>, Problem> {
    let columns = context
        .sql
        .describe(name)
        .map_err(|refused| match refused {
            SqlError::UnknownTable { known, .. } => {
                Problem::not_found(format!("there is no table {name:?}")).with("tables", known)
            }
            other => refusal::of_sql(other),
        })?;
    let name = name.to_ascii_lowercase();
    // The name is one of the catalog's, so it needs no quotes.
    let query = format!("SELECT COUNT(*) AS total, MAX(_timestamp) AS newest FROM {name}");
    let answer = respond::ask(context, &query, Limits::default()).await?;
    let cell = |column: usize| -> Value {
        let batch = answer.batches.first();
        batch
            .and_then(|batch| json_text(batch.column(column).as_ref(), 0).ok())
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    };
    respond::json(
        StatusCode::OK,
        &json!({"name": name, "columns": columns, "rows": cell(0), "newest": cell(1)}),
    )
}
