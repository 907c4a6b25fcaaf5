//! The settings of `tidemill up`: flags, and environment variables of the same names.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::kafka_settings::KafkaSettings;
use super::lake_settings::LakeSettings;

/// Settings of `tidemill up`
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Port of the Stocks API; 0 picks a free one
    #[arg(long, env = "STOCKS_PORT", default_value_t = 5000)]
    pub(super) stocks_port: u16,
    /// Port of the HTTP API named `games`, when the template has one; 0 picks a free one
    #[arg(long, env = "GAMES_PORT", default_value_t = 5001)]
    pub(super) games_port: u16,
    /// Port of the Lake API; 0 picks a free one
    #[arg(long, env = "LAKE_PORT", default_value_t = 8080)]
    pub(super) lake_port: u16,
    /// Port of Lambda's own API, for `cargo lambda invoke` and `aws lambda invoke --endpoint-url`, and of `GET /metrics`; 0
    /// picks a free one
    #[arg(long, env = "LAMBDA_PORT", default_value_t = 9001)]
    pub(super) lambda_port: u16,
    #[command(flatten)]
    pub(super) kafka: KafkaSettings,
    #[command(flatten)]
    pub(super) lake: LakeSettings,
    /// Whether schedules fire by themselves
    #[arg(long, env = "SCHEDULES", default_value = "on")]
    pub(super) schedules: Switch,
    /// Seconds that a batch of records may wait for more; overrides template.yaml
    #[arg(long, env = "BATCHING_WINDOW", default_value = "2", value_parser = batching_window)]
    pub(super) batching_window: Duration,
    /// Length of an evaluation window in seconds of event time
    #[arg(long, env = "WINDOW_SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) window_seconds: u32,
    /// How late a tick may be and still count for its window, in seconds of event time
    #[arg(long, env = "LATENESS_SECONDS", default_value_t = 2)]
    pub(super) lateness_seconds: u32,
    /// Number of the log's life, `lake/TABLE/NUMBER/`; a new one for topics of your Kafka that were made anew
    /// [default: one for each Kafka cluster, kept in the data folder]
    #[arg(long, env = "LOG_EPOCH")]
    pub(super) log_epoch: Option<u32>,
    /// Everything that is kept: the lake or LocalStack's objects, logs, run.json
    #[arg(
        long,
        alias = "data",
        env = "TIDEMILL_DATA",
        default_value = ".tidemill"
    )]
    pub(super) tidemill_data: PathBuf,
    /// The template that declares the system [default: template.yaml here, else the workspace's]
    #[arg(long)]
    pub(super) template: Option<PathBuf>,
}

impl Settings {
    /// The port of an HTTP API by its name in the template, and the variable that sets it.
    pub(super) fn api_port(&self, name: &str) -> Option<(u16, &'static str)> {
        match name {
            "stocks" => Some((self.stocks_port, "STOCKS_PORT")),
            "games" => Some((self.games_port, "GAMES_PORT")),
            "lake" => Some((self.lake_port, "LAKE_PORT")),
            _ => None,
        }
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    /// Schedules fire.
    On,
    /// Functions are invoked by hand.
    Off,
}

fn batching_window(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "it is a number of seconds".to_owned())?;
    // Lambda's own limit.
    if !(0.0..=300.0).contains(&seconds) {
        return Err("it is 0 to 300 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn windows() {
        assert_eq!(batching_window("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["-1", "301", "NaN", "x", ""] {
            assert!(batching_window(bad).is_err(), "{bad}");
        }
    }
}
