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
    // Even the smallest run has a round on each lake.
    let longest = kills.div_ceil(2).clamp(1, ROUND);
    let mut left = kills;
    // Each lake in its turn, the one on LocalStack first.
    let mut lakes = ["localstack", "file"].into_iter().cycle();
    while left > 0 {
        let lake = lakes.find(|lake| *lake == "file" || localstack.is_some());
        let mut settings = settings.clone();
        settings.extend(lake.map(|lake| ("LAKE", lake)));
        println!("LAKE={}", lake.unwrap_or_default());
        let stack = Stack::start(&settings).await;
        let round = left.min(longest);
        run(stack, round, &mut random, &mut told).await;
        left -= round;
    }
    println!("{told}; {:.0} s", began.elapsed().as_secs_f64());
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
