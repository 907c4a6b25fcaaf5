//! What the environment says.

use chrono::TimeDelta;
use domain::window::{InvalidRule, WindowRule};
use lake::Epoch;
use lambda_kit::{ConfigErrors, Env};
use stream::Cluster;

use crate::Investors;

/// What the environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `KAFKA_BROKERS` (`host:port,…`) or `KAFKA_CLUSTER_ARN`, and how they are reached: `stream::SETTINGS`.
    pub kafka: Cluster,
    /// `LAKE_URL`: `file:///…`.
    pub lake_url: String,
    /// How to evaluate.
    pub settings: Settings,
}

/// How to evaluate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `LOG_EPOCH`: the life of the log of ticks.
    pub epoch: Epoch,
    /// `WINDOW_SECONDS` and `LATENESS_SECONDS`.
    pub rule: WindowRule,
    /// `MAX_AHEAD_SECONDS`: a tick further ahead of the broker's time than this counts for nothing.
    pub max_ahead: TimeDelta,
    /// `INVESTORS`: the shard; all investors if not set.
    pub investors: Option<Investors>,
}

impl Config {
    /// Reads the environment.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let kafka = env.group(|get| Cluster::from_settings(get));
        let lake_url = env.required("LAKE_URL");
        let epoch = env.or("LOG_EPOCH", Epoch(0));
        let mut seconds = |name, default: u32| TimeDelta::seconds(env.or(name, default).into());
        let width = seconds("WINDOW_SECONDS", 20);
        let lateness = seconds("LATENESS_SECONDS", 2);
        let max_ahead = seconds("MAX_AHEAD_SECONDS", 3600);
        let investors = env.optional("INVESTORS");
        let rule = WindowRule::new(width, lateness);
        if let Err(invalid) = rule {
            let name = match invalid {
                InvalidRule::Width => "WINDOW_SECONDS",
                InvalidRule::Lateness => "LATENESS_SECONDS",
            };
            env.reject(name, invalid.to_string());
        }
        let config = kafka
            .zip(lake_url)
            .zip(rule.ok())
            .map(|((kafka, lake_url), rule)| Self {
                kafka,
                lake_url,
                settings: Settings {
                    epoch,
                    rule,
                    max_ahead,
                    investors,
                },
            });
        env.finish(config)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn defaults_are_those_of_the_template() {
        let mut env = Env::from_pairs([("KAFKA_BROKERS", "b:9092"), ("LAKE_URL", "file:///lake")]);
        let settings = Config::from_env(&mut env).unwrap().settings;
        let expected = Settings {
            epoch: Epoch(0),
            rule: WindowRule::new(TimeDelta::seconds(20), TimeDelta::seconds(2)).unwrap(),
            max_ahead: TimeDelta::hours(1),
            investors: None,
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn every_bad_variable_is_named() {
        let bad = [
            ("WINDOW_SECONDS", "0"),
            ("LOG_EPOCH", "-1"),
            ("INVESTORS", "1,x"),
        ];
        let error = Config::from_env(&mut Env::from_pairs(bad))
            .unwrap_err()
            .to_string();
        for name in [
            "KAFKA_BROKERS",
            "LAKE_URL",
            "WINDOW_SECONDS",
            "LOG_EPOCH",
            "INVESTORS",
        ] {
            assert!(error.contains(name), "{error}");
        }
    }
}
