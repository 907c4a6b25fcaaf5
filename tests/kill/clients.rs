//! Clients that never stop: customers, players and exchanges, each event with an id of its own.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::stack::{Run, Stack};
use tests::{eventually, http};
use tokio::task::JoinHandle;

use crate::ledger::{Burst, Ledger};

const TICKERS: [&str; 4] = ["GOOG", "AMZN", "TSLA", "NVDA"];
const ITEMS: [&str; 3] = ["sword", "shield", "helmet"];
/// The first event time of a run, in microseconds; long past, for nothing may be far ahead of the broker's clock.
const FIRST_TICK: i64 = 1_750_000_000_000_000;
/// Ticks of a burst, which are 3 s of event time apart.
const BURST: u32 = 20;
const BETWEEN_TICKS: i64 = 3_000_000;
/// Nobody waits longer for an answer; a burst takes its time when the broker is away.
const PATIENCE: Duration = Duration::from_secs(40);
/// Between two events of a client, so that the machine has time for the system itself.
const PAUSE: Duration = Duration::from_millis(30);
/// After a failure, as a decent client does.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Event times go on from one set of clients to the next, and so do ids.
static CLOCK: AtomicI64 = AtomicI64::new(FIRST_TICK);
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// What a client does.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Check,
    Buy,
    Play,
    Purchase,
    Tick,
}

const KINDS: [Kind; 5] = [
    Kind::Check,
    Kind::Buy,
    Kind::Play,
    Kind::Purchase,
    Kind::Tick,
];

struct Shared {
    /// Where everything listens; a runner that is started again has other ports.
    run: Mutex<Run>,
    ledger: Arc<Ledger>,
    stopped: AtomicBool,
    /// How often each kind of client was successful.
    successes: [AtomicU64; KINDS.len()],
}

/// Clients at work.
pub(crate) struct Clients {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Clients {
    /// One client of each kind; `seed` decides what they ask for.
    pub(crate) fn start(stack: &Stack, ledger: &Arc<Ledger>, seed: u64) -> Self {
        // Tells rustls its provider, without which no other client can be made.
        http::client();
        let shared = Arc::new(Shared {
            run: Mutex::new(stack.run.clone()),
            ledger: Arc::clone(ledger),
            stopped: AtomicBool::new(false),
            successes: Default::default(),
        });
        let tasks = KINDS.iter().enumerate().map(|(at, kind)| {
            let random = ChaCha8Rng::seed_from_u64(seed.wrapping_add(at as u64));
            tokio::spawn(work(Arc::clone(&shared), *kind, at, random))
        });
        let tasks = tasks.collect();
        Self { shared, tasks }
    }

    /// The system listens elsewhere now.
    pub(crate) fn moved(&self, stack: &Stack) {
        *self.shared.run.lock().unwrap() = stack.run.clone();
    }

    /// Waits until every client has been successful from now on.
    pub(crate) async fn recovered(&self, limit: Duration) {
        let successes = || {
            self.shared
                .successes
                .each_ref()
                .map(|it| it.load(Ordering::Relaxed))
        };
        let before = successes();
        eventually("every client is served", limit, || async {
            let now = successes();
            let waiting = KINDS.iter().zip(before.iter().zip(now));
            let waiting: Vec<_> = waiting
                .filter(|(_, (before, now))| now <= *before)
                .collect();
            if waiting.is_empty() {
                Ok(())
            } else {
                Err(format!("{waiting:?}"))
            }
        })
        .await;
    }

    /// Lets every client end what it has begun.
    pub(crate) async fn stop(self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn work(shared: Arc<Shared>, kind: Kind, at: usize, mut random: ChaCha8Rng) {
    // No connection is kept: one that the other side has closed would look like an event that failed.
    let client = Client::builder()
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    while !shared.stopped.load(Ordering::Relaxed) {
        let run = shared.run.lock().unwrap().clone();
        let done = match kind {
            Kind::Tick => burst(&client, &run, &shared.ledger, &mut random).await,
            kind => event(&client, &run, &shared.ledger, kind, &mut random).await,
        };
        let pause = if done {
            shared.successes[at].fetch_add(1, Ordering::Relaxed);
            PAUSE
        } else {
            AFTER_FAILURE
        };
        tokio::time::sleep(pause).await;
    }
}

/// One event; whether it was acknowledged.
async fn event(
    client: &Client,
    run: &Run,
    ledger: &Ledger,
    kind: Kind,
    random: &mut ChaCha8Rng,
) -> bool {
    let id = format!("event-{}", NEXT_ID.fetch_add(1, Ordering::Relaxed));
    let ticker = TICKERS[random.random_range(0..TICKERS.len())];
    let item = ITEMS[random.random_range(0..ITEMS.len())];
    let (stocks, games) = (&run.stocks, &run.games);
    let (table, method, url) = match kind {
        Kind::Check => ("stock_call", Method::GET, format!("{stocks}/{ticker}")),
        Kind::Buy => (
            "stock_operation",
            Method::POST,
            format!("{stocks}/{ticker}/buy/3"),
        ),
        Kind::Play => {
            let url = format!("{games}/purchase_a_sword?userid={id}&n=2");
            ("game_events", Method::GET, url)
        }
        Kind::Purchase => ("events", Method::POST, format!("{games}/purchase/{item}")),
        Kind::Tick => unreachable!("ticks come in bursts"),
    };
    ledger.sent(table, &id);
    let answer = client
        .request(method, url)
        .header("User-Agent", &id)
        .send()
        .await;
    let acknowledged = answer.is_ok_and(|answer| answer.status().is_success());
    if acknowledged {
        ledger.acknowledged(table, &id);
    }
    acknowledged
}

/// A burst of ticks of one exchange; whether all were acknowledged.
async fn burst(client: &Client, run: &Run, ledger: &Ledger, random: &mut ChaCha8Rng) -> bool {
    let span = BETWEEN_TICKS * i64::from(BURST);
    let jitter = random.random_range(0..1_000_000);
    let end = CLOCK.fetch_add(span + 1_000_000, Ordering::Relaxed) + span + 1_000_000;
    let first = end - span - 1_000_000 + jitter;
    let sent = ledger.burst_sent(Burst {
        first,
        end,
        ticks: BURST,
        acknowledged: false,
    });
    let exchange = if random.random_bool(0.5) {
        "se1"
    } else {
        "se2"
    };
    let event =
        json!({"exchange": exchange, "ticks": BURST, "pace": "burst", "start": rfc3339(first)});
    let url = format!("{}/2015-03-31/functions/exchange/invocations", run.lambda);
    let answer = client.post(url).body(event.to_string()).send().await;
    let Ok(answer) = answer else { return false };
    let failed = answer.headers().contains_key("x-amz-function-error");
    let summary: Value = answer.json().await.unwrap_or_default();
    let acknowledged = !failed && summary["published"] == BURST;
    if acknowledged {
        ledger.burst_acknowledged(sent);
    }
    acknowledged
}

/// A moment of this century, as JSON has it.
fn rfc3339(micros: i64) -> String {
    let moment = chrono::DateTime::from_timestamp_micros(micros).unwrap();
    moment.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
