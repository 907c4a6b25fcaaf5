//! From what is asked, what was measured and what AWS asks to a month's bill: plain arithmetic, units in the names.

use super::measured::{Function, Functions, Measured};
use super::prices::Table;

pub(crate) const HOURS_PER_MONTH: f64 = 730.0;
pub(crate) const SECONDS_PER_MONTH: f64 = HOURS_PER_MONTH * 3600.0;
const MINUTES_PER_MONTH: f64 = HOURS_PER_MONTH * 60.0;
const DAYS_PER_MONTH: f64 = HOURS_PER_MONTH / 24.0;
const GB: f64 = 1e9;
const MILLION: f64 = 1e6;

/// `MemorySize` in the template.
const MEMORY_GIB: f64 = 0.5;
const QUERY_MEMORY_GIB: f64 = 2.0;
/// Ticks of both exchanges: one in 3.5 s of each, in the mean.
const TICKS_PER_SECOND: f64 = 2.0 / 3.5;
/// The six first portfolios, every 20 s.
const EVALUATIONS_PER_SECOND: f64 = 6.0 / 20.0;
/// Calls come to both APIs alike; their topics have three partitions each until these do not suffice.
const SHARE_OF_EACH_API: f64 = 0.5;
const FEWEST_PARTITIONS: f64 = 3.0;
/// Partitions of the topics that none of these events is for.
const OTHER_PARTITIONS: f64 = 3.0 * 4.0 + 1.0;
/// How much of its time an invocation may be under way for a partition, of which there is one at a time.
const BUSY_AT_MOST: f64 = 0.5;
/// The triggers: `BatchSize` and `MaximumBatchingWindowInSeconds`, and Lambda's limit of a payload.
const STOCKS_WINDOW_SECONDS: f64 = 20.0;
const GAMES_WINDOW_SECONDS: f64 = 10.0;
const TICKS_WINDOW_SECONDS: f64 = 20.0;
const BATCH_RECORDS: f64 = 10_000.0;
const TICKS_BATCH_RECORDS: f64 = 1000.0;
const PAYLOAD_BYTES: f64 = 6e6;
/// In the event that Lambda makes of it, a record is base64 in JSON with its offset, time and headers.
const PAYLOAD_GROWTH: f64 = 4.0 / 3.0;
const PAYLOAD_BYTES_PER_RECORD: f64 = 250.0;
/// What a broker adds to a record, in a batch of its own.
const KAFKA_OVERHEAD_BYTES: f64 = 70.0;
/// A week, as topics are made.
const RETENTION_HOURS: f64 = 168.0;
/// What a serverless cluster takes (its quota of requests), each call being one: beyond it, or where that is cheaper, three
/// brokers are priced, each of which keeps a copy.
const SERVERLESS_REQUESTS_PER_SECOND: f64 = 15_000.0;
const BROKERS: f64 = 3.0;
/// A commit of a process that is new to its partition: a listing, the last link, the new one.
const PUTS_PER_COMMIT: f64 = 2.0;
const GETS_PER_COMMIT: f64 = 1.0;
/// The links that a statement opens, and the pages of listings before.
const LINKS_PER_STATEMENT: f64 = 500.0;
const LISTS_PER_STATEMENT: f64 = 4.0;
/// What was not met on the machine that measured: acknowledgements from three zones, S3's answers to a commit and to
/// the reads of a statement, many of them at once.
const KAFKA_MS: f64 = 5.0;
const COMMIT_MS: f64 = 60.0;
const READS_MS: f64 = 400.0;
/// The memory at which Lambda gives a function one processor; with less it gets as much less of it.
const MIB_PER_PROCESSOR: f64 = 1769.0;
/// An invocation is billed in whole milliseconds, rounded up.
const ROUNDING_MS: f64 = 0.5;
/// Lines of metrics that an invocation writes for CloudWatch, which the local log leaves out.
const METRICS_LOG_BYTES: f64 = 800.0;
/// Lambda's own lines (START, END, REPORT) and a line of an API's access log.
const PLATFORM_LOG_BYTES: f64 = 350.0;
const ACCESS_LOG_BYTES: f64 = 300.0;
/// `LogRetentionDays`, and to which part of it CloudWatch packs what it keeps.
const LOG_MONTHS: f64 = 30.0 / DAYS_PER_MONTH;
const LOG_PACKED: f64 = 0.15;
/// Interface endpoints of the network: Lambda and STS, in two zones. S3's is free.
const ENDPOINTS: f64 = 2.0 * 2.0;
/// Metrics that alarms name, and the series that alarms by Metrics Insights go over while they are written.
const ALARMS: f64 = 34.0;
const SEARCHED_SERIES: f64 = 33.0;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// Calls of both HTTP APIs together, each of them an event.
    pub(crate) events_per_second: f64,
    pub(crate) statements_per_day: f64,
    /// Whether the two schedules are on.
    pub(crate) exchanges: bool,
}

/// What a part of the bill is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// From a call to the broker, and the simulated exchanges.
    Intake,
    /// From the broker to rows.
    Pipeline,
    /// From rows to answers.
    Reading,
}

/// A line of the bill.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) service: &'static str,
    pub(crate) stage: Stage,
    pub(crate) usd_per_month: f64,
}

impl Line {
    pub(crate) fn is_of_kafka(&self) -> bool {
        self.service.starts_with("Kafka: ")
    }
}

/// A month's bill.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bill {
    pub(crate) lines: Vec<Line>,
    pub(crate) events_per_month: f64,
    /// Links that a month makes, of all tables.
    pub(crate) links_per_month: f64,
    /// Partitions that the events' topics need.
    pub(crate) partitions: f64,
}

impl Bill {
    /// All lines together.
    pub(crate) fn usd_per_month(&self) -> f64 {
        self.lines.iter().map(|line| line.usd_per_month).sum()
    }

    /// What some stages take.
    pub(crate) fn usd_per_month_of(&self, stages: &[Stage]) -> f64 {
        let lines = self
            .lines
            .iter()
            .filter(|line| stages.contains(&line.stage));
        lines.map(|line| line.usd_per_month).sum()
    }

    /// The broker's lines, the same for whoever reads from it once.
    pub(crate) fn kafka_usd_per_month(&self) -> f64 {
        let lines = self.lines.iter().filter(|line| line.is_of_kafka());
        lines.map(|line| line.usd_per_month).sum()
    }

    /// A part of the bill for each million events; none where there are no events.
    pub(crate) fn per_million_events(&self, usd_per_month: f64) -> Option<f64> {
        let millions = self.events_per_month / MILLION;
        (millions > 0.0).then(|| usd_per_month / millions)
    }
}

/// A topic of a trigger.
#[derive(Debug, Clone, Copy)]
struct Fed {
    events_per_second: f64,
    partitions: f64,
    window_seconds: f64,
    batch_records: f64,
}

impl Fed {
    /// A partition's batch is closed by its window, which its first record opens, or when it is full.
    fn invocations_per_second(self) -> f64 {
        let events_per_second = self.events_per_second / self.partitions;
        let waited = 1.0 + events_per_second * self.window_seconds;
        self.partitions * events_per_second / waited.min(self.batch_records)
    }
}

/// How many partitions a topic needs, for a partition has one invocation at a time.
fn partitions(events_per_second: f64, function: Function, batch_records: f64) -> f64 {
    let ms_per_event = function.ms_per_event + function.ms_per_invocation / batch_records;
    let busy = events_per_second * ms_per_event / 1000.0;
    (busy / BUSY_AT_MOST).ceil().max(FEWEST_PARTITIONS)
}

/// The functions as they are there: with less of a processor, and further away from brokers and storage.
fn away(mut of: Functions) -> Functions {
    let there = |function: &mut Function, memory_gib: f64| {
        let share = (memory_gib * 1024.0 / MIB_PER_PROCESSOR).min(1.0);
        function.ms_per_invocation = function.ms_per_invocation / share + ROUNDING_MS;
        function.ms_per_event /= share;
    };
    // The exchange waits for its ticks; it does not work for them.
    for function in [
        &mut of.stocks,
        &mut of.games,
        &mut of.archive,
        &mut of.evaluate,
    ] {
        there(function, MEMORY_GIB);
    }
    there(&mut of.query, QUERY_MEMORY_GIB);
    of.stocks.ms_per_invocation += KAFKA_MS;
    of.games.ms_per_invocation += KAFKA_MS;
    of.archive.ms_per_invocation += COMMIT_MS;
    of.evaluate.ms_per_invocation += COMMIT_MS + KAFKA_MS;
    of.query.ms_per_invocation += READS_MS;
    of
}

/// Requests and time of a function.
fn lambda_usd(
    prices: &Table,
    function: Function,
    memory_gib: f64,
    invocations: f64,
    events: f64,
) -> f64 {
    let ms = invocations * function.ms_per_invocation + events * function.ms_per_event;
    invocations / MILLION * prices.lambda_request.usd
        + ms / 1000.0 * memory_gib * prices.lambda_time.usd
}

/// The first 300 million cost more.
fn http_api_usd(prices: &Table, requests: f64) -> f64 {
    const FIRST: f64 = 300e6;
    let first = requests.min(FIRST) / MILLION * prices.http_api_request.usd;
    first + (requests - FIRST).max(0.0) / MILLION * prices.http_api_request_more.usd
}

/// What must be asked of Kafka in a month.
struct Kafka {
    requests_per_second: f64,
    partition_hours: f64,
    in_gb: f64,
    out_gb: f64,
    kept_gb: f64,
}

/// The cluster, its partitions, bytes in, out and kept: of the cheaper one of those that can take the load.
fn kafka_usd(prices: &Table, kafka: &Kafka) -> [f64; 5] {
    let serverless = [
        HOURS_PER_MONTH * prices.msk_cluster.usd,
        kafka.partition_hours * prices.msk_partition.usd,
        kafka.in_gb * prices.msk_in.usd,
        kafka.out_gb * prices.msk_out.usd,
        kafka.kept_gb * prices.msk_storage.usd,
    ];
    let kept = kafka.kept_gb * BROKERS * prices.msk_broker_storage.usd;
    let brokers = BROKERS * HOURS_PER_MONTH * prices.msk_broker.usd;
    let provisioned = [brokers, 0.0, 0.0, 0.0, kept];
    let sum = |usd: &[f64; 5]| usd.iter().sum::<f64>();
    let suffices = kafka.requests_per_second <= SERVERLESS_REQUESTS_PER_SECOND;
    if suffices && sum(&serverless) <= sum(&provisioned) {
        serverless
    } else {
        provisioned
    }
}

/// What logs of functions cost, of which more is cheaper; the account has no others.
fn function_logs_usd(prices: &Table, gb: f64) -> f64 {
    const TIERS: [f64; 3] = [10_000.0, 30_000.0, 50_000.0];
    let [first, second, third] = TIERS;
    gb.min(first) * prices.log_ingestion.usd
        + (gb.min(second) - first).max(0.0) * prices.log_ingestion_second.usd
        + (gb.min(third) - second).max(0.0) * prices.log_ingestion_third.usd
        + (gb - third).max(0.0) * prices.log_ingestion_more.usd
}

/// The bill of a month that is alike from its first second to its last.
pub(crate) fn bill(load: Load, measured: &Measured, prices: &Table) -> Bill {
    let of = away(measured.functions);
    let events_per_month = load.events_per_second * SECONDS_PER_MONTH;
    let statements = load.statements_per_day * DAYS_PER_MONTH;
    let on = if load.exchanges { 1.0 } else { 0.0 };
    let (ticks_per_second, runs) = (TICKS_PER_SECOND * on, 2.0 * MINUTES_PER_MONTH * on);
    let ticks = ticks_per_second * SECONDS_PER_MONTH;
    let evaluations = EVALUATIONS_PER_SECOND * on * SECONDS_PER_MONTH;

    let payload_bytes = |record: f64| record * PAYLOAD_GROWTH + PAYLOAD_BYTES_PER_RECORD;
    let event_bytes = payload_bytes(measured.kafka_bytes_per_event);
    let batch_records = BATCH_RECORDS.min(PAYLOAD_BYTES / event_bytes);
    let events_per_second = load.events_per_second * SHARE_OF_EACH_API;
    let each = partitions(events_per_second, of.archive, batch_records);
    let fed = |window_seconds| Fed {
        events_per_second,
        partitions: each,
        window_seconds,
        batch_records,
    };
    let of_ticks = |batch_records| Fed {
        events_per_second: ticks_per_second,
        partitions: 1.0,
        window_seconds: TICKS_WINDOW_SECONDS,
        batch_records,
    };
    let a_month = |fed: Fed| fed.invocations_per_second() * SECONDS_PER_MONTH;
    let archived = a_month(fed(STOCKS_WINDOW_SECONDS))
        + a_month(fed(GAMES_WINDOW_SECONDS))
        + a_month(of_ticks(BATCH_RECORDS));
    let evaluated = a_month(of_ticks(TICKS_BATCH_RECORDS));
    let commits = archived + evaluated;
    let calls = events_per_month * SHARE_OF_EACH_API;

    let kafka_bytes = |records: f64, bytes: f64| records * (bytes + KAFKA_OVERHEAD_BYTES) / GB;
    let ticks_gb = kafka_bytes(ticks, measured.kafka_bytes_per_tick);
    let in_gb = kafka_bytes(events_per_month, measured.kafka_bytes_per_event)
        + ticks_gb
        + kafka_bytes(evaluations, measured.kafka_bytes_per_evaluation);
    let read_gb = kafka_bytes(events_per_month, measured.kafka_bytes_per_event) + 2.0 * ticks_gb;
    let kept_gb = in_gb * RETENTION_HOURS / HOURS_PER_MONTH;
    let partition_hours = (2.0 * each + OTHER_PARTITIONS) * HOURS_PER_MONTH;
    let rows_bytes = (events_per_month + ticks + evaluations) * measured.parquet_bytes_per_event;
    let rows_gb = (rows_bytes + commits * measured.parquet_bytes_per_link) / GB;

    let log = |function: Function, invocations: f64| {
        let own = function.log_bytes_per_invocation + METRICS_LOG_BYTES;
        invocations * (own + PLATFORM_LOG_BYTES)
    };
    let intake_log = log(of.stocks, calls) + log(of.games, calls) + log(of.exchange, runs);
    let pipeline_log = log(of.archive, archived) + log(of.evaluate, evaluated);
    let reading_log = log(of.query, statements);
    let function_log = intake_log + pipeline_log + reading_log;
    let function_logs = function_logs_usd(prices, function_log / GB);
    // Functions' logs at their share of what all of them cost, an API's at the full price; and all of them are kept.
    let logs_usd = |bytes: f64, accesses: f64| {
        let of_functions = if bytes > 0.0 {
            bytes / function_log * function_logs
        } else {
            0.0
        };
        let access_gb = accesses * ACCESS_LOG_BYTES / GB;
        let kept_gb = (bytes / GB + access_gb) * LOG_PACKED * LOG_MONTHS;
        of_functions + access_gb * prices.log_ingestion.usd + kept_gb * prices.log_storage.usd
    };
    // Triggers call their functions through the network's endpoint for Lambda.
    let tick_bytes = payload_bytes(measured.kafka_bytes_per_tick);
    let triggered_gb = (events_per_month * event_bytes + 2.0 * ticks * tick_bytes) / GB;
    let [cluster, partitions, bytes_in, bytes_out, kept] = kafka_usd(
        prices,
        &Kafka {
            requests_per_second: load.events_per_second,
            partition_hours,
            in_gb,
            out_gb: read_gb,
            kept_gb,
        },
    );
    // A metric costs for the hours in which it is written.
    let flows = if load.events_per_second > 0.0 || load.exchanges {
        1.0
    } else {
        0.0
    };
    let series = f64::from(measured.metric_series) * flows;

    let lambda = |function, memory_gib, invocations, events| {
        lambda_usd(prices, function, memory_gib, invocations, events)
    };
    let puts_usd = |puts: f64| puts / 1000.0 * prices.s3_put.usd;
    let gets_usd = |gets: f64| gets / 1000.0 * prices.s3_get.usd;
    use Stage::{Intake, Pipeline, Reading};
    let lines = [
        ("HTTP APIs", Intake, http_api_usd(prices, events_per_month)),
        (
            "Function stocks",
            Intake,
            lambda(of.stocks, MEMORY_GIB, calls, calls),
        ),
        (
            "Function games",
            Intake,
            lambda(of.games, MEMORY_GIB, calls, calls),
        ),
        (
            "Function exchange",
            Intake,
            lambda(of.exchange, MEMORY_GIB, runs, 0.0),
        ),
        ("Schedules", Intake, runs / MILLION * prices.schedule.usd),
        (
            "Answers to callers",
            Intake,
            events_per_month * measured.answer_bytes_per_call / GB * prices.transfer_out.usd,
        ),
        (
            "Logs of the APIs",
            Intake,
            logs_usd(intake_log, events_per_month),
        ),
        ("Kafka: the cluster", Pipeline, cluster),
        ("Kafka: partitions", Pipeline, partitions),
        ("Kafka: bytes in", Pipeline, bytes_in),
        ("Kafka: bytes out", Pipeline, bytes_out),
        ("Kafka: a week kept", Pipeline, kept),
        (
            "Function archive",
            Pipeline,
            lambda(of.archive, MEMORY_GIB, archived, events_per_month + ticks),
        ),
        (
            "Function evaluate",
            Pipeline,
            lambda(of.evaluate, MEMORY_GIB, evaluated, ticks),
        ),
        (
            "S3: commits",
            Pipeline,
            puts_usd(commits * PUTS_PER_COMMIT) + gets_usd(commits * GETS_PER_COMMIT),
        ),
        (
            "S3: a month's rows",
            Pipeline,
            rows_gb * prices.s3_storage.usd,
        ),
        (
            "Logs of the pipeline",
            Pipeline,
            logs_usd(pipeline_log, 0.0),
        ),
        ("Metrics", Pipeline, series * prices.metric.usd),
        (
            "Alarms",
            Pipeline,
            (ALARMS + SEARCHED_SERIES * flows) * prices.alarm.usd,
        ),
        ("Dashboard", Pipeline, prices.dashboard.usd),
        (
            "Network endpoints",
            Pipeline,
            ENDPOINTS * HOURS_PER_MONTH * prices.endpoint.usd,
        ),
        (
            "Network endpoints: what triggers carry",
            Pipeline,
            triggered_gb * prices.endpoint_data.usd,
        ),
        (
            "Function query",
            Reading,
            lambda(of.query, QUERY_MEMORY_GIB, statements, 0.0),
        ),
        ("Lake API", Reading, http_api_usd(prices, statements)),
        (
            "S3: reads",
            Reading,
            puts_usd(statements * LISTS_PER_STATEMENT) + gets_usd(statements * LINKS_PER_STATEMENT),
        ),
        (
            "Logs of reading",
            Reading,
            logs_usd(reading_log, statements),
        ),
    ];
    let lines = lines
        .into_iter()
        .map(|(service, stage, usd_per_month)| Line {
            service,
            stage,
            usd_per_month,
        });
    Bill {
        lines: lines.collect(),
        events_per_month,
        links_per_month: commits,
        partitions: each,
    }
}
