//! Kills of real processes: while load runs, functions, the runner and its children are killed at random moments, and
//! at the end everything that was acknowledged is there exactly once.
//!
//! `KILLS` says how many (20 unless set), `SEED` which moments; a run prints its seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod clients;
mod ledger;
mod reference;
mod verdict;
mod victims;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tests::apache::jars;
use tests::localstack;
use tests::stack::Stack;

use clients::Clients;
use ledger::Ledger;
use victims::{Kills, Victim};

/// Kills after which everything is held against the log, at most; the next ones are of another system, with an empty
/// lake of the other kind.
const ROUND: usize = 20;
/// A kill that the system has not got over after this is a failure.
const RECOVERY: Duration = Duration::from_secs(120);

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_doubled() {
    let Some(jars) = jars() else { return };
    let kills = usize::try_from(number("KILLS").unwrap_or(20)).unwrap();
    let seed = number("SEED").unwrap_or_else(rand::random);
    println!("{kills} kills, SEED={seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut told = Kills::default();
    let began = Instant::now();
    let localstack = localstack::home();
    let mut settings = vec![
        ("KAFKA", "apache"),
        ("KAFKA_JARS", jars.to_str().unwrap()),
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "1"),
    ];
    if let Some(home) = &localstack {
        settings.push(("LOCALSTACK_HOME", home));
    }
    // Each lake in its turn.
    let lakes = match &localstack {
        Some(_) => ["localstack", "file"],
        None => ["file", "file"],
    };
    for (round, lake) in rounds(kills).into_iter().zip(lakes.into_iter().cycle()) {
        let mut settings = settings.clone();
        settings.push(("LAKE", lake));
        println!("LAKE={lake}, {round} kills");
        let stack = Stack::start(&settings).await;
        run(stack, round, &mut random, &mut told).await;
    }
    println!("{told}; {:.0} s", began.elapsed().as_secs_f64());
}

/// How many kills each round has: alike, and as many rounds on the one lake as on the other.
fn rounds(kills: usize) -> Vec<usize> {
    let count = kills.div_ceil(ROUND).next_multiple_of(2);
    let rounds = (0..count).map(|round| kills / count + usize::from(round < kills % count));
    rounds.filter(|round| *round > 0).collect()
}

#[test]
fn rounds_are_alike() {
    for (kills, expected) in [
        (0, &[][..]),
        (1, &[1]),
        (2, &[1, 1]),
        (20, &[10, 10]),
        (41, &[11, 10, 10, 10]),
        (80, &[20; 4]),
    ] {
        assert_eq!(rounds(kills), expected, "{kills}");
    }
}

/// One system from its start on, and so many kills.
async fn run(mut stack: Stack, kills: usize, random: &mut ChaCha8Rng, told: &mut Kills) {
    let mut here = Kills::default();
    let ledger = Arc::new(Ledger::default());
    let clients = Clients::start(&stack, &ledger, random.random());
    for kill in 1..=kills {
        // A random moment: of the load at full speed, or, one time in four, of the recovery from the kill before.
        if kill == 1 || random.random_bool(0.75) {
            clients.recovered(RECOVERY).await;
        }
        let moment = Duration::from_millis(random.random_range(0..800));
        tokio::time::sleep(moment).await;
        // One that has just ended by itself is none.
        let victim = loop {
            let victim = Victim::choose(random, &stack, &here);
            if victim.kill(&mut stack) {
                break victim;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        here.count(&victim);
        told.count(&victim);
        if matches!(victim, Victim::Runner) {
            stack.start_again().await;
            clients.moved(&stack);
        }
        println!("{told}; {}", ledger.progress());
    }
    clients.recovered(RECOVERY).await;
    clients.stop().await;
    let verdict = verdict::reach(&stack, &ledger).await;
    println!("{told}; {}; {verdict}", ledger.progress());
}
