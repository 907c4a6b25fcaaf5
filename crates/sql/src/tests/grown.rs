//! Tables that got a column: links from before it, and from after it, are read side by side.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use lake::Table;
use serde_json::{Value, json};

use super::lakes::Lake;

/// Rows as a version wrote them that did not know two of the columns yet.
fn before(rows: &RecordBatch) -> RecordBatch {
    let columns = ["guild_name", "health"];
    let schema = rows.schema();
    let known = |at: &usize| !columns.contains(&schema.field(*at).name().as_str());
    let kept: Vec<_> = (0..rows.num_columns()).filter(known).collect();
    rows.project(&kept).unwrap()
}

/// Rows as a later version writes them: one column more, in front.
fn after(rows: &RecordBatch) -> RecordBatch {
    let more: ArrayRef = Arc::new(Int32Array::from(vec![7; rows.num_rows()]));
    let mut fields = vec![Arc::new(Field::new("from_later", DataType::Int32, true))];
    fields.extend(rows.schema().fields().iter().cloned());
    let columns = std::iter::once(more).chain(rows.columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect()).unwrap()
}

fn old() -> [Value; 2] {
    [
        json!({"event_type": "join_guild", "userid": "1", "headers": r#"{"guild_name":"Castle of Rock"}"#}),
        json!({"event_type": "take_potion", "userid": "1", "headers": r#"{"health":10}"#}),
    ]
}

fn new() -> [Value; 2] {
    [
        json!({"event_type": "join_guild", "userid": "2", "guild_name": "Game of Thrones"}),
        json!({"event_type": "take_potion", "userid": "2", "health": 20}),
    ]
}

#[tokio::test]
async fn links_from_before_a_column_have_nulls_in_it() {
    let lake = Lake::empty();
    lake.commit_as(Table::GameEvents, &old(), before).await;
    // So before the first link that has the column, too.
    assert_eq!(
        lake.rows("SELECT userid, guild_name FROM guild_events")
            .await,
        [json!({"userid": "1", "guild_name": null})]
    );
    lake.commit(Table::GameEvents, &new()).await;
    lake.commit_as(Table::GameEvents, &old(), before).await;
    for (query, expected) in [
        (
            "SELECT COUNT(*) AS n, COUNT(guild_name) AS named, MAX(guild_name) AS last, SUM(health) AS health FROM game_events",
            json!([{"n": 6, "named": 1, "last": "Game of Thrones", "health": 20}]),
        ),
        (
            "SELECT userid, guild_name FROM guild_events ORDER BY userid",
            json!([{"userid": "1", "guild_name": null}, {"userid": "1", "guild_name": null},
                   {"userid": "2", "guild_name": "Game of Thrones"}]),
        ),
        (
            "SELECT userid FROM game_events WHERE guild_name = 'Game of Thrones'",
            json!([{"userid": "2"}]),
        ),
        (
            "SELECT DISTINCT userid FROM character_stats WHERE health IS NULL",
            json!([{"userid": "1"}]),
        ),
        (
            "SELECT guild_name, COUNT(*) AS n FROM guild_events GROUP BY guild_name ORDER BY n",
            json!([{"guild_name": "Game of Thrones", "n": 1}, {"guild_name": null, "n": 2}]),
        ),
        // What docs/adding-a-column.md says of the values that came before the column.
        (
            r#"SELECT COALESCE(guild_name, regexp_match(headers, '"guild_name":"([^"]*)"')[1]) AS guild, COUNT(*) AS n
               FROM guild_events GROUP BY guild ORDER BY guild"#,
            json!([{"guild": "Castle of Rock", "n": 2}, {"guild": "Game of Thrones", "n": 1}]),
        ),
    ] {
        assert_eq!(json!(lake.rows(query).await), expected, "{query}");
    }
    let all = lake.names("SELECT * FROM game_events").await;
    let declared: Vec<_> = Table::GameEvents.columns().map(|c| c.name).collect();
    assert_eq!(all, declared);
}

/// Whoever goes back to the version before can read what the later one wrote.
#[tokio::test]
async fn a_column_that_is_not_known_is_left_out() {
    let lake = Lake::empty();
    lake.commit(Table::GameEvents, &new()).await;
    lake.commit_as(Table::GameEvents, &new(), after).await;
    assert_eq!(
        lake.rows("SELECT guild_name, COUNT(*) AS n FROM guild_events GROUP BY guild_name")
            .await,
        [json!({"guild_name": "Game of Thrones", "n": 2})]
    );
    let all = lake.names("SELECT * FROM game_events").await;
    assert!(!all.contains(&"from_later".to_owned()), "{all:?}");
}
