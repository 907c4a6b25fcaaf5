//! What may not run, and what is wrong, each told apart.

use lake::Table;
use serde_json::json;

use super::lakes::Lake;
use crate::SqlError;

#[tokio::test]
async fn only_questions_are_allowed() {
    let lake = Lake::empty();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("out.csv");
    let copy = format!("COPY (SELECT 1) TO '{}'", target.display());
    let statements = [
        copy.as_str(),
        "COPY ticks TO 'x.parquet' STORED AS PARQUET",
        "DROP TABLE ticks",
        "drop view ticks",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE EXTERNAL TABLE t (a INT) STORED AS CSV LOCATION 'file:///etc/passwd'",
        "INSERT INTO ticks VALUES (1)",
        "UPDATE ticks SET price = 1",
        "DELETE FROM ticks",
        "TRUNCATE TABLE ticks",
        "ALTER TABLE ticks RENAME TO t",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "SHOW ALL",
        "SHOW TABLES LIKE 's%'",
        "SHOW datafusion.execution.batch_size",
        "SHOW COLUMNS FROM ticks",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "COMMIT",
        "USE lake",
        "EXPLAIN DROP TABLE ticks",
        "EXPLAIN ANALYZE INSERT INTO ticks VALUES (1)",
        "SELECT * INTO t FROM ticks",
        "WITH x AS (SELECT 1) INSERT INTO ticks SELECT * FROM x",
        "SELECT 1; DROP TABLE ticks",
        "SELECT 1; SELECT 2",
        "/* hidden */ DROP TABLE ticks",
    ];
    for statement in statements {
        let error = lake.error(statement).await;
        assert!(
            matches!(error, SqlError::Forbidden { .. }),
            "{statement}: {error:?}"
        );
    }
    assert!(!target.exists());
}

#[tokio::test]
async fn no_file_or_address_can_be_read() {
    let lake = Lake::empty();
    std::fs::write(lake.folder.path().join("secret.csv"), "a\n1\n").unwrap();
    let secret = lake.folder.path().join("secret.csv").display().to_string();
    for from in [
        format!("'{secret}'"),
        format!("\"{secret}\""),
        format!("\"file://{secret}\""),
        "'https://example.org/x.parquet'".to_owned(),
        "information_schema.tables".to_owned(),
        "information_schema.df_settings".to_owned(),
    ] {
        let error = lake.error(&format!("SELECT * FROM {from}")).await;
        assert!(
            matches!(
                error,
                SqlError::UnknownTable { .. } | SqlError::Syntax { .. }
            ),
            "{from}: {error:?}"
        );
    }
    for function in ["read_parquet", "read_csv", "parquet_metadata"] {
        lake.error(&format!("SELECT * FROM {function}('{secret}')"))
            .await;
    }
}

#[tokio::test]
async fn a_syntax_error_has_its_position() {
    let lake = Lake::empty();
    let cases = [
        ("SELEC 1", 1, 1),
        ("SELECT *\nFROM ticks\nWHERE ORDER BY 1 1", 3, 13),
        ("SELECT * FROM", 1, 14),
        ("SELECT 'open", 1, 8),
        ("", 1, 1),
        ("   -- nothing", 1, 14),
        ("SELECT (1", 1, 10),
    ];
    for (query, line, column) in cases {
        match lake.error(query).await {
            SqlError::Syntax {
                line: l,
                column: c,
                message,
            } => {
                assert_eq!((l, c), (line, column), "{query:?}: {message}");
                assert!(!message.contains("Line:"), "{message}");
            }
            other => panic!("{query:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn unknown_names_come_with_the_known_ones() {
    let lake = Lake::empty();
    match lake.error("SELECT * FROM Stock_Calls").await {
        SqlError::UnknownTable { name, known } => {
            assert_eq!(name, "stock_calls");
            assert_eq!(known, lake.sql.tables());
        }
        other => panic!("{other:?}"),
    }
    for query in [
        "SELECT hosts FROM stock_call",
        "SELECT c.hosts FROM stock_call c",
    ] {
        match lake.error(query).await {
            SqlError::UnknownColumn { name, known } => {
                assert_eq!(name, "hosts");
                assert!(known.contains(&"Host".to_owned()), "{known:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        lake.error("DESCRIBE nothing").await,
        SqlError::UnknownTable { .. }
    ));
    assert!(matches!(
        lake.error("SELECT nonsense(1)").await,
        SqlError::Plan(_)
    ));
}

#[tokio::test]
async fn an_error_of_the_values_is_told_as_such() {
    let lake = Lake::empty();
    lake.commit(Table::Ticks, &[json!({"tick": "IBM", "price": 1})])
        .await;
    for query in [
        "SELECT CAST(tick AS INT) FROM ticks",
        "SELECT * FROM ticks WHERE CAST(tick AS INT) > 1",
        "SELECT 1 / (_partition - _partition) FROM ticks",
        "SELECT price FROM ticks WHERE 1 / (_partition - _partition) > 1",
    ] {
        let error = lake.error(query).await;
        assert!(
            matches!(error, SqlError::Execution(_)),
            "{query}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_link_is_not_the_statements_fault() {
    let lake = Lake::empty();
    let folder = lake.folder.path().join("ticks/0/StockExchange/0");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("00000000000000000000.parquet"),
        "no parquet at all",
    )
    .unwrap();
    let error = lake.error("SELECT * FROM ticks").await;
    assert!(matches!(error, SqlError::Storage(_)), "{error:?}");
}

#[tokio::test]
async fn reasons_are_for_the_author() {
    let lake = Lake::empty();
    for (query, says) in [
        ("SELECT SUM(tick) FROM ticks", "sum"),
        ("SELECT CAST('abc' AS INT)", "abc"),
        ("SELECT * FROM ticks WHERE ts > 'yesterday'", "yesterday"),
    ] {
        let error = lake
            .sql
            .run(query, crate::Limits::default())
            .await
            .map(|answer| answer.truncated)
            .unwrap_err()
            .to_string();
        assert!(error.to_lowercase().contains(says), "{query}: {error}");
        for engine in ["bug in DataFusion", "Optimizer rule", "Internal error"] {
            assert!(!error.contains(engine), "{query}: {error}");
        }
    }
}

#[tokio::test]
async fn a_lake_that_is_away_is_no_lake_without_rows() {
    let lake = Lake::empty();
    let (folder, away) = (lake.path(), lake.path().with_extension("away"));
    std::fs::rename(folder, &away).unwrap();
    let error = lake.error("SELECT COUNT(*) FROM ticks").await;
    assert!(matches!(error, SqlError::Storage(_)), "{error:?}");
    std::fs::rename(&away, folder).unwrap();
    let rows = lake.rows("SELECT COUNT(*) AS n FROM ticks").await;
    assert_eq!(rows, [json!({"n": 0})]);
}
