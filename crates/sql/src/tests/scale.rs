//! Many small links are one table; how long they take is shown, not asserted.

use std::time::Instant;

use lake::Table;
use serde_json::json;

use super::lakes::Lake;
use super::rows::batch;

const LINKS: usize = 1000;

#[tokio::test]
async fn many_links_are_one_table() {
    let lake = Lake::empty();
    let rows: Vec<_> = (0..20)
        .map(|n| json!({"tick": "IBM", "price": 100 + n, "exchange": "se1", "_offset": n}))
        .collect();
    let file = lake::parquet::encode(&batch(Table::Ticks, &rows), &Default::default()).unwrap();
    let folder = lake.folder.path().join("ticks/0/StockExchange/0");
    std::fs::create_dir_all(&folder).unwrap();
    for link in 0..LINKS {
        std::fs::write(
            folder.join(format!("{:020}.parquet", link * rows.len())),
            &file,
        )
        .unwrap();
    }
    let expected = [
        ("SELECT COUNT(*) AS n FROM ticks", json!({"n": LINKS * 20})),
        (
            "SELECT tick, MAX(price) AS n FROM ticks GROUP BY tick",
            json!({"tick": "IBM", "n": "1.19"}),
        ),
        (
            "SELECT COUNT(*) AS n FROM ticks WHERE price > 1.18",
            json!({"n": LINKS}),
        ),
        ("SELECT COUNT(*) AS n FROM ticks", json!({"n": LINKS * 20})),
    ];
    for (query, row) in expected {
        let start = Instant::now();
        assert_eq!(lake.rows(query).await, [row], "{query}");
        // Visible with --nocapture.
        eprintln!("{:?} {query}", start.elapsed());
    }
}
