//! What is measured: which function is started, its first event, what it must answer, and its budget.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::broker::Faulty;

use crate::events::{RECORDS, calls, request, ticks};
use crate::group::Group;
use crate::start::{Start, start};

/// The links that SQL reads.
const LINKS: i64 = 10;

/// One kind of first answer.
pub(crate) struct Case {
    pub(crate) function: &'static str,
    /// What is asked.
    pub(crate) asked: &'static str,
    /// The most that the median may be.
    pub(crate) budget: Option<Duration>,
    /// Variables beside those that every function has.
    settings: &'static [(&'static str, &'static str)],
    /// The event of the start of that number.
    event: fn(i64) -> Value,
    /// Whether it did what was asked.
    is_answer: fn(&Value) -> bool,
}

/// Every case, in the order in which they are told.
pub(crate) fn all() -> Vec<Case> {
    let budget = |milliseconds| Some(Duration::from_millis(milliseconds));
    let case = |function, asked, budget, event, is_answer| Case {
        function,
        asked,
        budget,
        settings: &[],
        event,
        is_answer,
    };
    let by_iam = |function| Case {
        settings: BY_IAM,
        ..case(
            function,
            "GET /health, of an MSK by IAM",
            budget(25),
            |_| request("GET", "/health", None),
            is_ok,
        )
    };
    vec![
        case(
            "stocks",
            "GET /health",
            budget(25),
            |_| request("GET", "/health", None),
            is_ok,
        ),
        by_iam("stocks"),
        case(
            "stocks",
            "GET /GOOG, an event",
            None,
            |_| request("GET", "/GOOG", None),
            is_ok,
        ),
        case(
            "games",
            "GET /health",
            budget(25),
            |_| request("GET", "/health", None),
            is_ok,
        ),
        by_iam("games"),
        case(
            "games",
            "GET /purchase_a_sword, an event",
            None,
            |_| request("GET", "/purchase_a_sword", None),
            is_ok,
        ),
        case(
            "exchange",
            "one tick",
            None,
            |_| json!({"exchange": "se1", "ticks": 1, "pace": "burst", "seed": 7}),
            |answer| answer["published"] == 1,
        ),
        case("archive", "a link of 100 rows", budget(40), calls, is_done),
        case(
            "evaluate",
            "a link of 5 windows, published",
            budget(40),
            ticks,
            is_done,
        ),
        case(
            "query",
            "GET /health",
            None,
            |_| request("GET", "/health", None),
            is_ok,
        ),
        case(
            "query",
            "SQL over ten links",
            budget(100),
            |_| request("POST", "/api/sql", Some(SQL)),
            has_every_row,
        ),
    ]
}

/// As the template sets them. A client that is made so reads the authorities and signs its first token, and connects to
/// nobody yet.
const BY_IAM: &[(&str, &str)] = &[
    ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
    ("KAFKA_SASL_MECHANISM", "MSK_IAM"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret-of-an-example"),
    ("AWS_SESSION_TOKEN", "example"),
];

const SQL: &str = "SELECT stock_name, COUNT(*) AS calls, MAX(query_timestamp) AS last FROM stock_call GROUP BY stock_name ORDER BY calls DESC";

fn is_ok(answer: &Value) -> bool {
    answer["statusCode"] == 200
}

fn is_done(answer: &Value) -> bool {
    answer["batchItemFailures"] == json!([])
}

fn has_every_row(answer: &Value) -> bool {
    let body = answer["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let rows = body["rows"].as_array().map_or(&[][..], Vec::as_slice);
    let calls: i64 = rows.iter().filter_map(|row| row["calls"].as_i64()).sum();
    is_ok(answer) && calls == LINKS * RECORDS
}

/// What the functions meet: a broker, and lakes.
pub(crate) struct World {
    programs: PathBuf,
    broker: Faulty,
    /// The one that is written to.
    written: TempDir,
    /// The one that is read, with ten links.
    read: TempDir,
}

impl World {
    /// A broker without records, and lakes without links.
    pub(crate) fn new(programs: &Path) -> Self {
        Self {
            programs: programs.to_owned(),
            broker: Faulty::default(),
            written: tempfile::tempdir().unwrap(),
            read: tempfile::tempdir().unwrap(),
        }
    }

    /// Makes the links that are read, by the function whose work that is.
    pub(crate) async fn fill(&self, group: &Group) {
        let archive = self.program("archive");
        for delivery in 0..LINKS {
            let variables = self.variables("archive", &self.read);
            let link = start(group, &archive, variables, &calls(delivery)).await;
            assert!(is_done(&link.answer), "{}", link.answer);
        }
    }

    /// The function's program.
    pub(crate) fn program(&self, function: &str) -> PathBuf {
        self.programs.join(function).join("bootstrap")
    }

    /// Starts the case's function for that time.
    pub(crate) async fn start(&self, case: &Case, number: i64, group: &Group) -> Start {
        let lake = if case.function == "query" {
            &self.read
        } else {
            &self.written
        };
        let mut variables = self.variables(case.function, lake);
        let settings = case.settings.iter();
        variables.extend(settings.map(|(name, value)| (*name, (*value).to_owned())));
        let event = (case.event)(number);
        let start = start(group, &self.program(case.function), variables, &event).await;
        assert!(
            (case.is_answer)(&start.answer),
            "{}, {}: {}",
            case.function,
            case.asked,
            start.answer
        );
        start
    }

    fn variables(&self, function: &str, lake: &TempDir) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("RUST_LOG", "info".to_owned()),
            ("TZ", ":UTC".to_owned()),
            ("KAFKA_BROKERS", self.broker.address()),
            ("LAKE_URL", format!("file://{}", lake.path().display())),
        ]
    }
}
