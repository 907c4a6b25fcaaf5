//! What the system stands on goes away, is slow or is full, and comes back: callers hear of it in time, triggers catch
//! up, and nothing that was acknowledged is lost or doubled.

mod functions;
mod slow_storage;
mod storage;

use std::time::Duration;

use tests::broker::Faulty;
use tests::calls::Calls;
use tests::eventually;
use tests::memory;
use tests::stack::Stack;

const SETTINGS: [(&str, &str); 2] = [("SCHEDULES", "off"), ("BATCHING_WINDOW", "0.5")];

/// What ails the broker, how it begins and how it ends.
type Trouble<'a> = (&'a str, &'a dyn Fn(), &'a dyn Fn());

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_down_slow_or_full_is_a_503_until_it_is_well() {
    let broker = Faulty::default();
    let address = broker.address();
    let settings = [SETTINGS[0], SETTINGS[1], ("KAFKA", address.as_str())];
    let stack = Stack::start(&settings).await;
    let mut calls = Calls::default();
    calls.make(&stack, 50, 8).await;
    assert_eq!(calls.acknowledged(), 50);

    let slow = Duration::from_secs(8);
    let troubles: [Trouble<'_>; 3] = [
        ("down", &|| broker.down(), &|| broker.up()),
        ("slow", &|| broker.slow(slow), &|| {
            broker.slow(Duration::ZERO)
        }),
        ("full", &|| broker.full(true), &|| broker.full(false)),
    ];
    for (trouble, begin, end) in troubles {
        let (acknowledged, refused) = (calls.acknowledged(), calls.refused(503));
        begin();
        calls.make(&stack, 6, 6).await;
        assert_eq!(calls.acknowledged(), acknowledged, "{trouble}");
        assert!(calls.refused(503) > refused, "{trouble}: {calls:?}");
        end();
        calls
            .until_acknowledged(&stack, Duration::from_secs(60))
            .await;
        calls.make(&stack, 50, 8).await;
        calls.all_arrive(&stack).await;
        if trouble == "down" {
            told_once(&stack).await;
        }
    }
    eprintln!("peaks in MiB: {:?}", memory::assert_bounded(&stack));
}

/// Of each kind of trouble that Kafka clients complain of there is one line, and one when it is over.
async fn told_once(stack: &Stack) {
    let over = "the brokers answer again";
    let limit = Duration::from_secs(60);
    let terminal = eventually("the end is told", limit, || async {
        let terminal = stack.terminal();
        terminal
            .contains(over)
            .then_some(terminal.clone())
            .ok_or(terminal)
    })
    .await;
    let (episode, _) = terminal.split_once(over).unwrap();
    let mut kinds = Vec::new();
    for line in episode.lines() {
        kinds.extend(line.split_once("facility=").map(|(_, kind)| {
            let kind = kind.trim_start_matches('"');
            kind.split(['"', ' ']).next().unwrap().to_owned()
        }));
    }
    assert!(!kinds.is_empty(), "{terminal}");
    let all = kinds.len();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), all, "{kinds:?}: {terminal}");
}

/// A chain of refusals must not end in a gap: the embedded broker forgets what it has no room for.
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_refuses_what_it_has_no_room_for() {
    let stack = Stack::start(&SETTINGS).await;
    let mut calls = Calls::default();
    calls.make(&stack, 20, 8).await;
    calls.all_arrive(&stack).await;

    let away = storage::Away::take(&stack);
    // Records that are as large as players can make them, so that few fill it.
    let large = "x".repeat(9000);
    while calls.refused(503) == 0 {
        assert!(
            calls.acknowledged() < 3000,
            "never full: {}",
            stack.terminal()
        );
        calls
            .make_with(&stack, 20, 8, &[("x-large", large.as_str())])
            .await;
    }
    assert!(stack.terminal().contains("embedded broker is full"));
    away.bring_back();
    calls
        .until_acknowledged(&stack, Duration::from_secs(60))
        .await;
    calls.all_arrive(&stack).await;
    assert!(!stack.terminal().contains("LOST"), "{}", stack.terminal());
}
