//! The reports: their rows, their pages, and the file that the business is handed.

use lake::Table;
use serde_json::{Value, json};

use super::events::Events;
use super::expected::{self, text, whole};
use super::lakes::{Function, START};
use crate::figures;

const REPORTS: [(&str, &str); 3] = [
    ("player-standings", "Player Standings"),
    ("player-purchases", "Player Purchases"),
    ("guild-membership", "Guild Membership"),
];

/// What an event adds to a column.
type Figure = fn(&Value) -> i64;

/// Per user the sums of some figures of some events.
fn sums(events: &Events, types: &[&str], figures: &[(&str, Figure)]) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    for event in events.of_types(types) {
        let user = text(event, "userid");
        let at = rows.iter().position(|row| row["userid"] == user);
        let at = at.unwrap_or_else(|| {
            rows.push(json!({"userid": user}));
            rows.len() - 1
        });
        for (name, figure) in figures {
            let before = rows[at][*name].as_i64().unwrap_or(0);
            rows[at][*name] = json!(before + figure(event));
        }
    }
    rows.sort_by(|a, b| text(a, "userid").cmp(text(b, "userid")));
    rows
}

fn standings(events: &Events) -> Vec<Value> {
    let mut rows = sums(
        events,
        &["level_up", "take_potion"],
        &[
            ("level", |e| whole(e, "level")),
            ("total_attack", |e| whole(e, "attack")),
            ("total_defense", |e| whole(e, "defense")),
            ("total_health", |e| whole(e, "health")),
        ],
    );
    rows.sort_by_key(|row| -whole(row, "level"));
    rows
}

fn purchases(events: &Events) -> Vec<Value> {
    fn of(event: &Value, event_type: &str) -> i64 {
        if text(event, "event_type") == event_type {
            whole(event, "amount_purchased")
        } else {
            0
        }
    }
    sums(
        events,
        &["purchase_sword", "purchase_shield", "purchase_potion"],
        &[
            ("sword_purchases", |e| of(e, "purchase_sword")),
            ("shield_purchases", |e| of(e, "purchase_shield")),
            ("potion_purchases", |e| of(e, "purchase_potion")),
        ],
    )
}

#[tokio::test]
async fn rows_are_what_the_events_add_up_to() {
    let events = Events::new();
    let function = events.function().await;
    for (slug, expected) in [
        ("player-standings", standings(&events)),
        ("player-purchases", purchases(&events)),
        ("guild-membership", expected::members(&events, "guild")),
    ] {
        let report = function.get(&format!("/api/reports/{slug}")).await.ok();
        assert_eq!(report["rows"], json!(expected), "{slug}");
        assert_eq!(report["slug"], slug);
    }
}

#[tokio::test]
async fn csv_is_whole_and_inert() {
    let events = Events::new();
    let function = events.function().await;
    let got = function
        .get("/api/reports/player-standings?format=csv")
        .await;
    assert_eq!(got.header("content-type"), "text/csv; charset=utf-8");
    let mut lines = got.text().split("\r\n");
    assert_eq!(
        lines.next(),
        Some("userid,level,total_attack,total_defense,total_health")
    );
    assert_eq!(
        lines.filter(|l| !l.is_empty()).count(),
        standings(&events).len()
    );
    assert!(got.text().contains("\r\n'=1+1,"), "{}", got.text());
    let exact = function.get("/api/reports/player-standings").await;
    assert!(exact.text().contains("\"=1+1\""));
    let guilds = function
        .get("/api/reports/guild-membership?format=csv")
        .await;
    assert!(guilds.text().contains("\r\n'-Rock,"), "{}", guilds.text());
}

#[tokio::test]
async fn a_page_highlights_every_maximum_under_its_title() {
    let events = Events::new();
    let function = events.function().await;
    let rows = standings(&events);
    let figures = ["level", "total_attack", "total_defense", "total_health"];
    let highest: usize = figures
        .iter()
        .map(|figure| {
            let most = rows.iter().map(|row| whole(row, figure)).max().unwrap();
            rows.iter().filter(|row| whole(row, figure) == most).count()
        })
        .sum();
    let page = function.get("/reports/player-standings").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(
        page.text().matches("class=\"number highest\"").count(),
        highest
    );
    assert!(!page.text().contains("<script>alert"));

    // Two that are equal are both the highest.
    let function = Function::start().await;
    let join = |user: &str, guild: &str| json!({"event_type": "join_guild", "userid": user, "guild_name": guild});
    let joins = [join("1", "A"), join("2", "B"), join("1", "A")];
    function.commit(lake::Table::GameEvents, 0, &joins).await;
    let page = function.get("/reports/guild-membership").await;
    assert_eq!(page.text().matches("class=\"number highest\"").count(), 2);
}

#[tokio::test]
async fn titles_name_the_day() {
    let function = Function::start().await;
    for (slug, title) in REPORTS {
        let page = function.get(&format!("/reports/{slug}")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let report = function.get(&format!("/api/reports/{slug}")).await.ok();
        assert_eq!(report["rows"], json!([]));
        let told = report["title"].as_str().unwrap();
        let day = told
            .strip_prefix(&format!("{title} Report As of "))
            .unwrap_or_else(|| panic!("{told}"));
        chrono::NaiveDate::parse_from_str(day, "%B %d, %Y").unwrap();
        assert!(page.text().contains(&format!("<h1>{title} Report As of ")));
        let csv = function
            .get(&format!("/api/reports/{slug}?format=csv"))
            .await;
        assert_eq!(csv.text().lines().count(), 1);
    }
    function.get("/reports/nope").await.problem(404);
    let problem = function.get("/api/reports/nope").await.problem(404);
    assert_eq!(problem["reports"].as_array().unwrap().len(), 3);
}

/// What would make a browser fetch something.
const FETCHES: [&str; 8] = [
    "<script",
    "<link",
    "<img",
    "<iframe",
    "src=",
    "url(",
    "@import",
    "href=\"http",
];

#[tokio::test]
async fn the_analytics_report_is_one_file_that_needs_nothing_else() {
    let events = Events::new();
    let function = events.function().await;
    let report = function.get("/reports/analytics").await;
    assert_eq!(report.status, 200, "{}", report.text());
    let html = report.text();
    for fetch in FETCHES {
        // An arrow's head is a part of the same picture.
        assert!(!html.replace("url(#", "(#").contains(fetch), "{fetch}");
    }
    for markup in ["<script>alert", "<b>knife", "<i>Thrones"] {
        assert!(!html.contains(markup), "{markup}");
    }
    for question in crate::catalogue::all() {
        assert!(html.contains(&format!("<h3 id=\"{}\">", question.slug)));
    }
    assert!(!html.contains("No answer"));
    assert!(html.matches("<svg").count() > 8);
}

#[tokio::test]
async fn its_findings_are_computed() {
    let events = Events::new();
    let function = events.function().await;
    let report = function.get("/reports/analytics").await;
    let html = report.text();
    let most = expected::answer("most-checked-stock", &events);
    let least = expected::answer("least-checked-stock", &events);
    let says = |sentence: &str| assert!(html.contains(sentence), "{sentence}");
    says(&format!(
        "{} is checked most: {} of {} checks (",
        text(&most[0], "stock_name"),
        whole(&most[0], "query_count"),
        events.calls.len()
    ));
    says(&format!(
        "times as many as {}, which is checked least ({})",
        text(&least[0], "stock_name"),
        whole(&least[0], "query_count")
    ));
    let joined = events
        .small
        .iter()
        .filter(|e| e["event_type"] == "join_guild")
        .count();
    says(&format!(
        "A guild was joined {joined} times, against {} purchases.",
        events.small.len() - joined
    ));
    let amounts = expected::answer("amount-per-purchase-type", &events);
    let items: i64 = amounts.iter().map(|row| whole(row, "amount")).sum();
    let money: i64 = amounts.iter().map(|row| whole(row, "spent")).sum();
    let dearest = amounts
        .iter()
        .max_by_key(|row| whole(row, "spent"))
        .unwrap();
    says(&format!(
        "Players purchased {} items for {} in all: {}s are the largest part of the items ({:.0}\u{a0}%), {}s of the money ({:.0}\u{a0}%).",
        figures::count(items),
        figures::count(money),
        text(&amounts[0], "event_type").trim_start_matches("purchase_"),
        100.0 * whole(&amounts[0], "amount") as f64 / items as f64,
        text(dearest, "event_type").trim_start_matches("purchase_"),
        100.0 * whole(dearest, "spent") as f64 / money as f64,
    ));
    let navs = |window: i64| -> i64 {
        let end = (START + 20 * window) * 1_000_000;
        let of = events.evaluations.iter().filter(|e| e["window_end"] == end);
        of.map(|e| whole(e, "nav")).sum()
    };
    says(&format!(
        "3 portfolios together are worth {}, {} since the first evaluations",
        figures::fixed(navs(5) as f64 / 100.0, 2),
        figures::signed(&format!("{:.2}", (navs(5) - navs(0)) as f64 / 100.0)),
    ));
    says("none in dead_letter");
}

#[tokio::test]
async fn a_maximum_is_shown_also_where_its_row_would_not_be() {
    let function = Function::start().await;
    let purchase = |userid: String, amount: i64| {
        json!({
            "event_type": "purchase_sword", "userid": userid, "item_type": "sword",
            "amount_purchased": amount, "price": 100,
        })
    };
    let mut rows: Vec<Value> = (10..40).map(|user| purchase(user.to_string(), 2)).collect();
    rows.push(purchase("zoe".to_owned(), 99));
    function.commit(Table::GameEvents, 0, &rows).await;
    let page = function.get("/reports/analytics").await;
    let purchases = page
        .text()
        .split("<h3>Player Purchases</h3>")
        .nth(1)
        .unwrap();
    let purchases = purchases.split("<h3>").next().unwrap();
    let zoe = purchases
        .split("<tr>")
        .find(|row| row.contains(">zoe<"))
        .unwrap();
    assert!(zoe.contains("number highest\"><strong>99<"), "{zoe}");
    assert!(
        purchases.contains("The first 15 rows, and below them those that have"),
        "{purchases}"
    );
}

#[tokio::test]
async fn a_guild_without_members_is_compared_with_none() {
    let function = Function::start().await;
    let join = |guild: &str, userid: Option<&str>| json!({"event_type": "join_guild", "guild_name": guild, "userid": userid});
    let rows = [join("Knights", Some("7")), join("Ghosts", None)];
    function.commit(Table::GameEvents, 0, &rows).await;
    let page = function.get("/reports/analytics").await;
    assert!(
        page.text()
            .contains("“Knights” is the only guild: 1 member.")
    );
}

#[tokio::test]
async fn nothing_is_concluded_from_an_empty_lake() {
    let function = Function::start().await;
    let report = function.get("/reports/analytics").await;
    assert_eq!(report.status, 200, "{}", report.text());
    for sentence in [
        "Nobody has checked a stock yet.",
        "Nobody has purchased or sold a stock yet.",
        "Nothing has been purchased in the small game yet.",
        "Nobody has joined a guild in the small game yet.",
        "No player has purchased anything in the large game yet.",
        "No player has joined a guild in the large game yet.",
        "No player has risen a level yet.",
        "No enemy has attacked and none was defeated yet.",
        "No portfolio has been evaluated yet.",
        "Without any row yet: character_events,",
    ] {
        assert!(report.text().contains(sentence), "{sentence}");
    }
    assert!(!report.text().contains("No answer") && !report.text().contains("NaN"));
}
