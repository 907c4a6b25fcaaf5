//! What a person asks of the function: gaps, dead letters again, a table rebuilt.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use archive::{Context, InvocationError, serve};
use chrono::{DateTime, Utc};
use lake::{Epoch, Fault, MemoryStore, ObjectPath, Store, Table, parquet};
use lambda_kit::kafka::{BatchResponse, KafkaEvent, KafkaRecord};
use lambda_kit::{Answer, Event};
use serde_json::{Value, json};
use support::{BORN, batch, bytes, context, context_in, event, good, longs, record, stored, texts};
use wire::commands::Command;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(BORN).unwrap()
}

fn memory() -> (MemoryStore, Arc<dyn Store>) {
    let memory = MemoryStore::new();
    (memory.clone(), Arc::new(memory))
}

/// Gives a command as the API brings it.
async fn ask(context: &Context, command: Value) -> Result<Value, InvocationError> {
    ask_with(context, command, KafkaEvent::default()).await
}

async fn ask_with(
    context: &Context,
    command: Value,
    records: KafkaEvent,
) -> Result<Value, InvocationError> {
    let command: Command = serde_json::from_value(command).unwrap();
    let command = Some(command);
    let answer = serve(Event { records, command }, now(), context).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

async fn deliver(context: &Context, topic: &str, records: Vec<KafkaRecord>) -> BatchResponse {
    let event = Event {
        records: event([batch(topic, 0, records)]),
        command: None,
    };
    match serve(event, now(), context).await.unwrap() {
        Answer::Batches(response) => response,
        Answer::Command(done) => panic!("{done:?}"),
    }
}

/// Rows of `stock_call` in the order of their offsets, wherever they stand.
async fn rows(store: &Arc<dyn Store>) -> Vec<i64> {
    let rows = stored(store, Table::StockCall).await;
    let mut offsets: Vec<i64> = longs(&rows, "_offset").into_iter().flatten().collect();
    offsets.sort_unstable();
    offsets
}

/// Puts a good event's bytes into the letters, as code that could not read it would have: what is fixed then is that
/// code, and not the record.
async fn misjudge(store: &Arc<dyn Store>, offsets: &[i64]) {
    for path in store.list("dead_letter", None).await.unwrap() {
        let (letters, metadata) = parquet::decode(store.read(&path).await.unwrap()).unwrap();
        let at = longs(&letters, "offset");
        let values: arrow::array::BinaryArray = at
            .iter()
            .zip(bytes(&letters, "value"))
            .map(|(offset, value)| {
                let offset = offset.unwrap();
                if offsets.contains(&offset) {
                    good(offset).value.map(|value| value.to_vec())
                } else {
                    value
                }
            })
            .collect();
        let mut columns = letters.columns().to_vec();
        columns[letters.schema().index_of("value").unwrap()] = Arc::new(values);
        let letters = arrow::array::RecordBatch::try_new(letters.schema(), columns).unwrap();
        let body = parquet::encode(&letters, &metadata).unwrap();
        store.replace(&path, body).await.unwrap();
    }
}

/// Offsets 0 to 11, every third one garbage.
fn mixed() -> Vec<KafkaRecord> {
    (0..12)
        .map(|at| match at % 3 {
            0 => record(at, "garbage"),
            _ => good(at),
        })
        .collect()
}

const ALL: &str = r#"{"replay-dead-letter":{}}"#;

fn letters(command: &str) -> Value {
    serde_json::from_str(command).unwrap()
}

fn counts(answer: &Value) -> [u64; 4] {
    ["replayed", "already_in", "undecodable", "waiting"].map(|name| answer[name].as_u64().unwrap())
}

#[tokio::test]
async fn letters_that_can_be_decoded_now_become_rows_once() {
    let (_, store) = memory();
    let context = context(store.clone());
    deliver(&context, "stock_call", mixed()).await;
    deliver(&context, "stock_operation", vec![record(0, "garbage")]).await;
    let answer = ask(&context, letters(ALL)).await.unwrap();
    assert_eq!(counts(&answer), [0, 0, 5, 0], "{answer}");
    assert!(
        answer["reasons"][0][0]
            .as_str()
            .unwrap()
            .contains("not an event"),
        "{answer}"
    );
    misjudge(&store, &[3, 9]).await;
    let other = ask(
        &context,
        letters(r#"{"replay-dead-letter":{"table":"ticks"}}"#),
    );
    assert_eq!(counts(&other.await.unwrap()), [0, 0, 0, 0]);
    let answer = ask(&context, letters(ALL)).await.unwrap();
    assert_eq!(counts(&answer), [2, 0, 3, 0]);
    let again = ask(&context, letters(ALL)).await.unwrap();
    assert_eq!(counts(&again), [0, 2, 3, 0]);
    assert_eq!(rows(&store).await, [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]);
    // A row that was put in looks like any other.
    let found = stored(&store, Table::StockCall).await;
    let at = longs(&found, "_offset")
        .iter()
        .position(|it| *it == Some(9))
        .unwrap();
    assert_eq!(texts(&found, "Host")[at].as_deref(), Some("h9"));
    // The history is kept, and the chain goes on.
    assert_eq!(stored(&store, Table::DeadLetter).await.num_rows(), 5);
    assert_eq!(
        deliver(&context, "stock_call", vec![good(12)]).await,
        BatchResponse::default()
    );
    assert_eq!(rows(&store).await.len(), 11);
}

#[tokio::test]
async fn letters_are_chosen_by_time() {
    let (_, store) = memory();
    let context = context(store.clone());
    deliver(&context, "stock_call", mixed()).await;
    misjudge(&store, &[0, 3, 6, 9]).await;
    let since = DateTime::from_timestamp_millis(BORN + 6)
        .unwrap()
        .to_rfc3339();
    let command = json!({"replay-dead-letter": {"since": since}});
    assert_eq!(counts(&ask(&context, command).await.unwrap()), [2, 0, 0, 0]);
    assert_eq!(rows(&store).await, [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
}

#[tokio::test]
async fn two_replays_at_once_put_each_letter_in_once() {
    let (_, store) = memory();
    deliver(&context(store.clone()), "stock_call", mixed()).await;
    misjudge(&store, &[0, 3, 6, 9]).await;
    let (one, other) = (context(store.clone()), context(store.clone()));
    let command = |run: &str| json!({"replay-dead-letter": {"run": run}});
    let (one, other) = tokio::join!(ask(&one, command("1")), ask(&other, command("2")));
    let (one, other) = (counts(&one.unwrap()), counts(&other.unwrap()));
    assert_eq!([one[0] + other[0], one[1] + other[1]], [4, 4]);
    assert_eq!(rows(&store).await, (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_replay_that_loses_its_answer_counts_its_own_rows() {
    let faults = {
        let mut lost = false;
        move |_, path: &str| {
            if !lost && path.starts_with("stock_call/replayed") && path.ends_with(".parquet") {
                lost = true;
                return Fault::After;
            }
            Fault::None
        }
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_faults(faults));
    let context = context(store.clone());
    deliver(&context, "stock_call", mixed()).await;
    misjudge(&store, &[0, 3]).await;
    assert_eq!(
        counts(&ask(&context, letters(ALL)).await.unwrap()),
        [2, 0, 2, 0]
    );
    assert_eq!(rows(&store).await.len(), 10);
}

/// A lake with so many links of one misjudged letter and one row each, and what a replay of them asks of the store.
async fn many_links(links: i64) -> (Context, Arc<dyn Store>, usize) {
    let (memory, store) = memory();
    let context = context(store.clone());
    for at in (0..links).map(|at| 2 * at) {
        deliver(
            &context,
            "stock_call",
            vec![record(at, "garbage"), good(at + 1)],
        )
        .await;
    }
    misjudge(&store, &(0..2 * links).collect::<Vec<_>>()).await;
    memory.take_requests();
    let answer = ask(&context, letters(ALL)).await.unwrap();
    let requests = memory.take_requests().len();
    assert_eq!(counts(&answer), [links as u64, 0, 0, 0], "{answer}");
    assert_eq!(answer["next"], Value::Null);
    (context, store, requests)
}

#[tokio::test]
async fn letters_of_many_links_go_in_together() {
    let (_, _, half) = many_links(100).await;
    let (context, store, requests) = many_links(200).await;
    assert!(requests <= 2 * half, "{requests} for twice {half}");
    let beside = store.list("stock_call/replayed", None).await.unwrap();
    assert_eq!(beside.len(), 1, "{beside:?}");
    assert_eq!(rows(&store).await, (0..400).collect::<Vec<_>>());
    let again = ask(&context, letters(ALL)).await.unwrap();
    assert_eq!(counts(&again), [0, 200, 0, 0]);
}

/// Only the links of the table are read that may have a letter's row, however many lie between them.
#[tokio::test]
async fn letters_far_apart_are_looked_for_where_they_may_be() {
    let (memory, store) = memory();
    let context = context(store.clone());
    for at in 0..100 {
        let some = if at % 50 == 7 {
            record(at, "garbage")
        } else {
            good(at)
        };
        deliver(&context, "stock_call", vec![some]).await;
    }
    misjudge(&store, &[7, 57]).await;
    memory.take_requests();
    let answer = ask(&context, letters(ALL)).await.unwrap();
    assert_eq!(counts(&answer), [2, 0, 0, 0]);
    let requests = memory.take_requests().len();
    assert!(requests < 15, "{requests}");
    assert_eq!(rows(&store).await, (0..100).collect::<Vec<_>>());
}

/// A command whose time is up answers where to go on; two that do so side by side put each letter in once.
#[tokio::test]
async fn an_answer_cut_by_time_goes_on_from_there() {
    let (_, store) = memory();
    let warm = context(store.clone());
    for topic in ["stock_call", "default_call"] {
        for at in 0..6 {
            deliver(&warm, topic, vec![record(at, "garbage")]).await;
        }
    }
    misjudge(&store, &(0..6).collect::<Vec<_>>()).await;
    let hasty = |run: &'static str| {
        let hasty = context(store.clone()).with_turn(Duration::ZERO);
        async move {
            let (mut sum, mut answers) = ([0; 4], 0);
            let mut after = Value::Null;
            loop {
                let wish = json!({"replay-dead-letter": {"run": run, "after": after}});
                let answer = ask(&hasty, wish).await.unwrap();
                for (sum, count) in sum.iter_mut().zip(counts(&answer)) {
                    *sum += count;
                }
                answers += 1;
                after = answer["next"].clone();
                if after.is_null() {
                    return (sum, answers);
                }
            }
        }
    };
    let ((one, answers), (other, _)) = tokio::join!(hasty("1"), hasty("2"));
    assert_eq!(answers, 12, "each answer is about one link");
    assert_eq!([one[0] + other[0], one[1] + other[1]], [12, 12]);
    assert_eq!(rows(&store).await, (0..6).collect::<Vec<_>>());
    assert_eq!(stored(&store, Table::DefaultCall).await.num_rows(), 6);
}

/// A lake where letters are stored, and no link of `stock_call`, until its faults are others.
fn memory_without_rows() -> (MemoryStore, Arc<dyn Store>) {
    let memory = MemoryStore::new().with_faults(|_, path: &str| {
        match path.starts_with("stock_call/0/") && path.ends_with(".parquet") {
            true => Fault::Before,
            false => Fault::None,
        }
    });
    let store = Arc::new(memory.clone());
    (memory, store)
}

/// The embedded broker's log ends with its runner: a batch whose letters stand and whose rows do not never comes again.
#[tokio::test]
async fn letters_of_a_life_of_the_log_that_is_over_do_not_wait() {
    let (memory, store) = memory_without_rows();
    deliver(&context(store.clone()), "stock_call", mixed()).await;
    let _ = memory.with_faults(|_, _| Fault::None);
    misjudge(&store, &[0, 3, 6, 9]).await;
    let next = context_in(Epoch(1), store.clone());
    deliver(&next, "stock_call", (0..2).map(good).collect()).await;
    assert_eq!(
        counts(&ask(&next, letters(ALL)).await.unwrap()),
        [4, 0, 0, 0]
    );
    assert_eq!(
        counts(&ask(&next, letters(ALL)).await.unwrap()),
        [0, 4, 0, 0]
    );
    assert_eq!(rows(&store).await, [0, 0, 1, 3, 6, 9]);
}

/// Dead letters stand before their batch does. Put in at that moment, they would be doubled when the batch comes again
/// to code that can read them.
#[tokio::test]
async fn letters_of_a_batch_that_is_not_committed_wait() {
    let (memory, store) = memory_without_rows();
    let context = context(store.clone());
    assert_ne!(
        deliver(&context, "stock_call", mixed()).await,
        BatchResponse::default()
    );
    misjudge(&store, &[0, 3, 6, 9]).await;
    assert_eq!(
        counts(&ask(&context, letters(ALL)).await.unwrap()),
        [0, 0, 0, 4]
    );
    let _ = memory.with_faults(|_, _| Fault::None);
    let fixed = (0..12).map(good).collect();
    deliver(&context, "stock_call", fixed).await;
    assert_eq!(
        counts(&ask(&context, letters(ALL)).await.unwrap()),
        [0, 4, 0, 0]
    );
    assert_eq!(rows(&store).await, (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn commands_that_mean_nothing_are_refused_in_words() {
    let (_, store) = memory();
    let context = context(store);
    for (command, word) in [
        (
            r#"{"replay-dead-letter":{"table":"nope"}}"#,
            "no table `nope` is fed by a topic; there are default_call, stock_call, stock_operation, events, \
             game_events, ticks",
        ),
        (
            r#"{"replay-dead-letter":{"table":"evaluations"}}"#,
            "no table `evaluations` is fed by a topic; there are default_call",
        ),
        (
            r#"{"accept-gap":{"topic":"nope","partition":0,"first":0,"end":1,"reason":""}}"#,
            "no table is fed",
        ),
        (
            r#"{"begin-rebuild":{"topic":"stock_call","partition":0,"id":"../x"}}"#,
            "no name of a rebuild",
        ),
    ] {
        let error = ask(&context, letters(command))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_gap_is_told_accepted_and_passed_over() {
    let (_, store) = memory();
    let context = context(store.clone());
    deliver(&context, "stock_call", (0..4).map(good).collect()).await;
    let after: Vec<_> = (10..12).map(good).collect();
    let refused = deliver(&context, "stock_call", after.clone()).await;
    let gap = &refused.gaps[0];
    assert_eq!(
        (gap.table.as_str(), gap.first, gap.end),
        ("stock_call", 4, 10)
    );
    let chains = ask(&context, json!({"chains": {}})).await.unwrap();
    let end = json!({"table": "stock_call", "topic": "stock_call", "partition": 0, "head": 4});
    assert_eq!(chains, json!({"chains": [end]}));
    let accept = |first, end| {
        let gap = json!({"topic": "stock_call", "partition": 0, "first": first, "end": end, "reason": "a test"});
        json!({"accept-gap": gap})
    };
    let wrong = ask(&context, accept(3, 10)).await.unwrap();
    assert_eq!(wrong, json!({"accepted": false, "head": 4}));
    for _ in 0..2 {
        let answer = ask(&context, accept(4, 10)).await.unwrap();
        assert_eq!(answer, json!({"accepted": true, "head": 10}));
    }
    assert_eq!(
        deliver(&context, "stock_call", after).await,
        BatchResponse::default()
    );
    assert_eq!(rows(&store).await, [0, 1, 2, 3, 10, 11]);
    let gaps = stored(&store, Table::Gaps).await;
    assert_eq!(longs(&gaps, "first"), [Some(4)]);
    assert_eq!(texts(&gaps, "reason")[0].as_deref(), Some("a test"));
}

/// Brings `records` to a rebuild as `tidemill replay topic` does, and swaps.
async fn rebuild(context: &Context, id: &str, records: &[KafkaRecord]) -> Value {
    let name = json!({"topic": "stock_call", "partition": 0, "id": id});
    let with = |generation: &Value, upto: Option<i64>| {
        let mut rebuild = name.clone();
        rebuild["generation"] = generation.clone();
        rebuild["upto"] = json!(upto);
        rebuild
    };
    let begun = ask(context, json!({"begin-rebuild": name})).await.unwrap();
    if begun["swapped"] == true {
        return begun;
    }
    let generation = &begun["generation"];
    for part in records.chunks(5) {
        let upto = part.last().map(|it| it.offset + 1);
        let stage = json!({"stage": with(generation, upto)});
        let records = event([batch("stock_call", 0, part.to_vec())]);
        ask_with(context, stage, records).await.unwrap();
    }
    ask(context, json!({"swap": with(generation, None)}))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_rebuilt_table_is_what_the_topic_says() {
    let (_, store) = memory();
    let live = context(store.clone());
    deliver(&live, "stock_call", mixed()).await;
    misjudge(&store, &[3]).await;
    ask(&live, letters(ALL)).await.unwrap();
    // Offset 3 was misjudged and put in; 6 can be read now, too; and 7 cannot any more.
    let mut log = mixed();
    (log[3], log[6], log[7]) = (good(3), good(6), record(7, "garbage"));
    let done = rebuild(&context(store.clone()), "a1", &log).await;
    assert_eq!(done, json!("done"));
    assert_eq!(rows(&store).await, [1, 2, 3, 4, 5, 6, 8, 10, 11]);
    let dead = stored(&store, Table::DeadLetter).await;
    let mut buried: Vec<_> = longs(&dead, "offset").into_iter().flatten().collect();
    buried.sort_unstable();
    assert_eq!(
        buried,
        [0, 3, 6, 7, 9],
        "what was a row and is none any more is kept"
    );
    // Letters of before are seen where they are now, in the new chain or not.
    let answer = ask(&live, letters(ALL)).await.unwrap();
    assert_eq!(counts(&answer), [0, 2, 3, 0], "{answer}");
    misjudge(&store, &[9]).await;
    assert_eq!(
        counts(&ask(&live, letters(ALL)).await.unwrap()),
        [1, 2, 2, 0]
    );
    // The trigger goes on, warm.
    assert_eq!(
        deliver(&live, "stock_call", (10..15).map(good).collect()).await,
        BatchResponse::default()
    );
    assert_eq!(
        rows(&store).await,
        [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14]
    );
    // The same rebuild again changes nothing, and another one starts from the topic again.
    assert_eq!(rebuild(&live, "a1", &log).await["swapped"], true);
    log.extend((12..15).map(good));
    assert_eq!(rebuild(&live, "a2", &log).await, json!("done"));
    assert_eq!(
        rows(&store).await,
        [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14]
    );
}

/// A swap that takes longer than an invocation says so, is asked for again, and comes to its end.
#[tokio::test]
async fn a_swap_that_takes_long_is_finished_by_the_same_command() {
    let (_, store) = memory();
    let live = context(store.clone());
    let log: Vec<_> = (0..220).map(good).collect();
    for record in &log {
        deliver(&live, "stock_call", vec![record.clone()]).await;
    }
    let hasty = context(store.clone()).with_turn(Duration::ZERO);
    assert_eq!(rebuild(&hasty, "a1", &log).await, json!("finishing"));
    let swap =
        json!({"swap": {"topic": "stock_call", "partition": 0, "id": "a1", "generation": 1}});
    let mut asked = 1;
    while ask(&hasty, swap.clone()).await.unwrap() != json!("done") {
        asked += 1;
        assert!(asked < 100);
    }
    assert!(asked > 2, "{asked}");
    assert_eq!(rows(&store).await, (0..220).collect::<Vec<_>>());
    deliver(&live, "stock_call", (219..222).map(good).collect()).await;
    assert_eq!(rows(&store).await, (0..222).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_rebuild_that_was_interrupted_goes_on_and_records_that_come_meanwhile_are_kept() {
    let (_, store) = memory();
    let context = context(store.clone());
    let log: Vec<_> = (0..20).map(good).collect();
    deliver(&context, "stock_call", log[..12].to_vec()).await;
    let name = json!({"topic": "stock_call", "partition": 0, "id": "x", "generation": 1});
    let stage = |part: &[KafkaRecord]| {
        let records = event([batch("stock_call", 0, part.to_vec())]);
        ask_with(&context, json!({"stage": name}), records)
    };
    // Only what the trigger has brought is staged.
    let staged = stage(&log[..15]).await.unwrap();
    assert_eq!(
        (&staged["staged"], &staged["head"]),
        (&json!(12), &json!(12))
    );
    deliver(&context, "stock_call", log[12..].to_vec()).await;
    let behind = ask(&context, json!({"swap": name})).await.unwrap();
    assert_eq!(behind, json!({"behind": {"staged": 12, "head": 20}}));
    // Here the process ended; the next one begins where that one was.
    let begun = ask(&context, json!({"begin-rebuild": name})).await.unwrap();
    assert_eq!(begun["staged"], 12);
    // Who asks for one that there is not is told what there is.
    let other = json!({"topic": "stock_call", "partition": 0, "id": "y"});
    let other = ask(&context, json!({"begin-rebuild": other}))
        .await
        .unwrap();
    assert_eq!(
        (&other["staged"], &other["begun"]),
        (&Value::Null, &json!(["x"]))
    );
    stage(&log[10..]).await.unwrap();
    assert_eq!(
        ask(&context, json!({"swap": name})).await.unwrap(),
        json!("done")
    );
    assert_eq!(rows(&store).await, (0..20).collect::<Vec<_>>());
    let overtaken = stage(&log[..1]).await.unwrap_err().to_string();
    assert!(overtaken.contains("was faster"), "{overtaken}");
    let left = store.list("rebuild", None).await.unwrap();
    let done = ObjectPath::new("rebuild/stock_call/0.1/stock_call/0/done").unwrap();
    assert_eq!(left, [done]);
}

#[tokio::test]
async fn a_rebuild_tells_what_it_lost_and_takes_no_records_of_another_log() {
    for (staged_from, lost) in [(0, vec![]), (4, vec![(0, 4)]), (12, vec![(0, 12)])] {
        let (_, store) = memory();
        let context = context(store.clone());
        let log: Vec<_> = (0..12).map(good).collect();
        deliver(&context, "stock_call", log.clone()).await;
        let name =
            json!({"topic": "stock_call", "partition": 0, "id": "x", "generation": 1, "upto": 12});
        let part = event([batch("stock_call", 0, log[staged_from..].to_vec())]);
        ask_with(&context, json!({"stage": name}), part)
            .await
            .unwrap();
        // The log has lost more meanwhile: what is staged already is not lost with it.
        let swap = json!({"topic": "stock_call", "partition": 0, "id": "x", "generation": 1, "lost_below": 7});
        let done = ask(&context, json!({"swap": swap})).await.unwrap();
        assert_eq!(done, json!("done"));
        let gaps = stored(&store, Table::Gaps).await;
        let told: Vec<_> = longs(&gaps, "first")
            .into_iter()
            .zip(longs(&gaps, "end"))
            .map(|(first, end)| (first.unwrap(), end.unwrap()))
            .collect();
        assert_eq!(told, lost, "staged from {staged_from}");
    }

    let (_, store) = memory();
    let context = context(store.clone());
    deliver(&context, "stock_call", (0..12).map(good).collect()).await;
    let mut anew = good(0);
    anew.timestamp += 1;
    let name = json!({"topic": "stock_call", "partition": 0, "id": "x", "generation": 1});
    let part = event([batch("stock_call", 0, vec![anew])]);
    let refused = ask_with(&context, json!({"stage": name}), part)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("LOG_EPOCH"), "{refused}");
    assert_eq!(rows(&store).await, (0..12).collect::<Vec<_>>());
}
