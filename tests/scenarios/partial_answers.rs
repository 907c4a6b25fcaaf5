//! What becomes of a batch that is not done: a trigger may read which records those are, or take any answer for "all
//! done", as Lambda's pollers on demand do.

use std::time::Duration;

use serde_json::{Value, json};
use tests::runtime::Function;

const LIMIT: Duration = Duration::from_secs(20);

fn batch(offset: i64) -> Value {
    let record = json!({"topic": "stock_call", "partition": 0, "offset": offset, "timestamp": 1_795_464_034_511_i64,
        "timestampType": "LOG_APPEND_TIME", "key": null, "value": "e30=", "headers": []});
    json!({"eventSource": "aws:kafka", "records": {"stock_call-0": [record]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_not_done_come_again_whatever_the_trigger_reads() {
    let folder = tempfile::tempdir().unwrap();
    let lake = format!("file://{}", folder.path().display());
    let archive = Function::start("archive", &[("LAKE_URL", &lake)]).await;
    let done = archive.invoke(batch(0), LIMIT).await.unwrap();
    assert_eq!(done["batchItemFailures"], json!([]), "{done}");

    // Records are missing before it. Unless it is said that the trigger reads answers, that is an error.
    let failed = archive.invoke(batch(5), LIMIT).await.unwrap_err();
    let message = failed["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("BATCH_ITEM_FAILURES")
            && message.contains(r#"{"partition":"stock_call-0","offset":5}"#),
        "{failed}"
    );
    assert!(archive.log().contains(r#""outcome":"failed""#));

    let variables = [
        ("LAKE_URL", lake.as_str()),
        ("BATCH_ITEM_FAILURES", "reported"),
    ];
    let read = Function::start("archive", &variables).await;
    let answer = read.invoke(batch(5), LIMIT).await.unwrap();
    let named = &answer["batchItemFailures"][0]["itemIdentifier"];
    assert_eq!(*named, json!({"partition": "stock_call-0", "offset": 5}));
    assert_eq!(answer["gaps"][0]["first"], 1, "{answer}");
    assert!(read.log().contains(r#""outcome":"partial""#));

    let variables = [("LAKE_URL", lake.as_str()), ("BATCH_ITEM_FAILURES", "yes")];
    let log = Function::start("archive", &variables).await.ended().await;
    assert!(
        log.contains("BATCH_ITEM_FAILURES: is neither `reported` nor `unread`"),
        "{log}"
    );
}
