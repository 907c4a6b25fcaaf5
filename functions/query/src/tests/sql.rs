//! `/api/sql` and `/api/tables`.

use http::Method;
use lake::Table;
use serde_json::{Value, json};

use super::lakes::Function;

async fn with_calls() -> Function {
    let function = Function::start().await;
    let calls = [
        json!({"Host": "h", "stock_name": "GOOG", "event_type": "check_stock_GOOG", "_timestamp": 1_647_790_681_123_i64}),
    ];
    function.commit(Table::StockCall, 0, &calls).await;
    function
}

async fn post(function: &Function, kind: Option<&str>, body: &str) -> super::lakes::Got {
    let headers: Vec<_> = kind
        .map(|kind| ("content-type", kind))
        .into_iter()
        .collect();
    function
        .send(Method::POST, "/api/sql", &headers, body)
        .await
}

#[tokio::test]
async fn questions_come_by_get_and_post() {
    let function = with_calls().await;
    let rows = json!([{"stock_name": "GOOG", "calls": 1}]);
    let sql = "SELECT stock_name, COUNT(*) AS calls FROM Stock_Call WHERE stock_name LIKE '%OO%' GROUP BY stock_name";
    let encoded = sql.replace('%', "%25").replace(' ', "+");
    let got = function.get(&format!("/api/sql?q={encoded}")).await.ok();
    assert_eq!(got["rows"], rows);
    assert_eq!(got["row_count"], 1);
    assert_eq!(got["truncated"], false);
    assert!(got["elapsed_ms"].is_u64());
    assert_eq!(
        got["columns"][1],
        json!({"name": "calls", "type": "bigint"})
    );
    let spaces = function
        .get(&format!("/api/sql?q={}", encoded.replace('+', "%20")))
        .await
        .ok();
    assert_eq!(spaces["rows"], rows);
    for kind in [None, Some("text/plain"), Some("text/plain; charset=utf-8")] {
        assert_eq!(
            post(&function, kind, sql).await.ok()["rows"],
            rows,
            "{kind:?}"
        );
    }
    let body = json!({"sql": sql}).to_string();
    let got = post(&function, Some("application/json"), &body).await.ok();
    assert_eq!(got["rows"], rows);
}

#[tokio::test]
async fn a_warm_function_sees_what_is_committed_later() {
    let function = with_calls().await;
    let count = "/api/sql?q=SELECT+COUNT(*)+AS+n+FROM+stock_call";
    for n in 1..4 {
        assert_eq!(function.get(count).await.ok()["rows"], json!([{"n": n}]));
        let call = [
            json!({"stock_name": "TSLA", "event_type": "x", "_timestamp": 1_647_790_682_000_i64 + n}),
        ];
        function.commit(Table::StockCall, 0, &call).await;
    }
    let table = function.get("/api/tables/Stock_Call").await.ok();
    assert_eq!(table["name"], "stock_call");
    assert_eq!(table["rows"], 4);
    assert_eq!(table["newest"], "2022-03-20T15:38:02.003Z");
    let agent = &table["columns"][4];
    assert_eq!(
        (&agent["name"], &agent["type"]),
        (&json!("User-Agent"), &json!("text"))
    );
}

#[tokio::test]
async fn formats_follow_the_parameter_then_accept() {
    let function = with_calls().await;
    let query = "/api/sql?q=SELECT+stock_name+FROM+stock_call";
    let by_accept = async |accept: &str| {
        let got = function
            .send(Method::GET, query, &[("accept", accept)], "")
            .await;
        (got.status.as_u16(), got.header("content-type").to_owned())
    };
    let json = || (200, "application/json".to_owned());
    assert_eq!(by_accept("*/*").await, json());
    assert_eq!(
        by_accept("text/html,application/xhtml+xml,*/*;q=0.8").await,
        json()
    );
    assert_eq!(
        by_accept("text/csv").await,
        (200, "text/csv; charset=utf-8".to_owned())
    );
    assert_eq!(
        by_accept("application/json;q=0.5, application/x-ndjson")
            .await
            .1,
        "application/x-ndjson"
    );
    assert_eq!(
        by_accept("application/vnd.apache.arrow.stream").await.1,
        "application/vnd.apache.arrow.stream"
    );
    assert_eq!(by_accept("image/png").await.0, 406);

    assert_eq!(
        function.get(&format!("{query}&format=csv")).await.text(),
        "stock_name\r\nGOOG\r\n"
    );
    assert_eq!(
        function.get(&format!("{query}&format=ndjson")).await.text(),
        "{\"stock_name\":\"GOOG\"}\n"
    );
    let arrow = function.get(&format!("{query}&format=arrow")).await;
    let batches = arrow::ipc::reader::StreamReader::try_new(arrow.body.as_slice(), None).unwrap();
    assert_eq!(batches.map(|b| b.unwrap().num_rows()).sum::<usize>(), 1);
    let problem = function
        .get(&format!("{query}&format=xml"))
        .await
        .problem(406);
    assert_eq!(
        problem["formats"],
        json!(["json", "ndjson", "csv", "arrow", "parquet"])
    );
}

#[tokio::test]
async fn limits_cut_and_are_checked() {
    let function = Function::start().await;
    let query = "/api/sql?q=SELECT+value+FROM+generate_series(1,20000)";
    let got = function.get(query).await.ok();
    assert_eq!(
        (&got["row_count"], &got["truncated"]),
        (&json!(10_000), &json!(true))
    );
    let got = function.get(&format!("{query}&limit=20000")).await.ok();
    assert_eq!(
        (&got["row_count"], &got["truncated"]),
        (&json!(20_000), &json!(false))
    );
    let csv = function.get(&format!("{query}&limit=5&format=csv")).await;
    assert_eq!(csv.text().lines().count(), 6);
    assert_eq!(
        csv.header("x-truncated"),
        "true",
        "CSV has no other place for it"
    );
    let whole = function.get("/api/sql?q=SELECT+1&format=ndjson").await;
    assert_eq!(whole.header("x-truncated"), "false");
    for limit in ["0", "-1", "100001", "many", "1.5"] {
        function
            .get(&format!("{query}&limit={limit}"))
            .await
            .problem(422);
    }
    let large = "/api/sql?q=SELECT+repeat('x',1000)+AS+x,+value+FROM+generate_series(1,10000)";
    for format in ["json", "csv", "arrow"] {
        let problem = function
            .get(&format!("{large}&format={format}"))
            .await
            .problem(422);
        assert!(
            problem["detail"].as_str().unwrap().contains("limit="),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_said() {
    let function = Function::start().await;
    let problem = post(&function, None, "SELECT *\nFORM ticks oops")
        .await
        .problem(422);
    assert_eq!(problem["line"], 2, "{problem}");
    assert!(problem["column"].is_u64());
    let problem = post(&function, None, "SELECT * FROM nope")
        .await
        .problem(422);
    assert!(
        problem["tables"]
            .as_array()
            .unwrap()
            .contains(&Value::from("stock_call"))
    );
    let problem = post(&function, None, "SELECT nope FROM ticks")
        .await
        .problem(422);
    assert!(
        problem["columns"]
            .as_array()
            .unwrap()
            .contains(&Value::from("tick"))
    );
    for refused in [
        "DROP TABLE ticks",
        "COPY ticks TO '/tmp/x.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SET a = 1",
        "SELECT 1; SELECT 2",
    ] {
        post(&function, None, refused).await.problem(403);
    }
    post(&function, None, "").await.problem(422);
    post(&function, None, "SELECT repeat('x', 2000000000)")
        .await
        .problem(422);
    post(&function, Some("application/json"), "{}")
        .await
        .problem(422);
    post(&function, Some("application/json"), "SELECT 1")
        .await
        .problem(422);
    post(&function, Some("application/xml"), "<sql/>")
        .await
        .problem(415);
    let form = Some("application/x-www-form-urlencoded");
    for typed in ["SELECT 'a+b' AS n", "q=SELECT+%27a%2Bb%27+AS+n"] {
        let answer = post(&function, form, typed).await.ok();
        assert_eq!(answer["rows"], json!([{"n": "a+b"}]), "curl -d {typed}");
    }
    function.get("/api/sql").await.problem(422);
}

#[tokio::test]
async fn a_question_without_end_is_504_and_the_next_one_is_answered() {
    let function = Function::start().await;
    let endless = "SELECT COUNT(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value + b.value = -1";
    let start = std::time::Instant::now();
    post(&function, None, endless).await.problem(504);
    assert!(start.elapsed().as_secs() < 15);
    assert_eq!(
        post(&function, None, "SELECT 1 AS n").await.ok()["rows"],
        json!([{"n": 1}])
    );
}
