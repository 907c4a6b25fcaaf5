//! What the environment says: where the brokers are and where quotes come from.

use std::str::FromStr;

use lambda_kit::{ConfigErrors, Env};
use reqwest::Url;
use stream::Cluster;
use thiserror::Error;

/// The configuration of the Stocks API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `KAFKA_BROKERS` (`host:port,…`) or `KAFKA_CLUSTER_ARN`, and how they are reached: `stream::SETTINGS`.
    pub kafka: Cluster,
    /// `QUOTES`: where quotes come from; simulated unless set.
    pub quotes: QuotesSource,
}

impl Config {
    /// Reads the environment and reports every bad variable at once.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let kafka = env.group(|get| Cluster::from_settings(get));
        let quotes = env.or("QUOTES", QuotesSource::Simulated);
        env.finish(kafka.map(|kafka| Self { kafka, quotes }))
    }
}

/// Where daily quotes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotesSource {
    /// Made up, the same every time.
    Simulated,
    /// A chart API of Yahoo's form under this base URL.
    Chart(Url),
}

/// A text that names no source of quotes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is neither `simulated` nor an http or https URL")]
pub struct UnknownSource;

impl FromStr for QuotesSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("simulated") {
            return Ok(Self::Simulated);
        }
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self::Chart(url)),
            _ => Err(UnknownSource),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn quotes_are_simulated_unless_an_address_is_given() {
        let config =
            |pairs: &[(&str, &str)]| Config::from_env(&mut Env::from_pairs(pairs.iter().copied()));
        let brokers = ("KAFKA_BROKERS", "localhost:9092");
        assert_eq!(config(&[brokers]).unwrap().quotes, QuotesSource::Simulated);
        assert_eq!(
            config(&[brokers, ("QUOTES", "simulated")]).unwrap().quotes,
            QuotesSource::Simulated
        );
        let url = "https://example.com/v8/finance/chart";
        assert_eq!(
            config(&[brokers, ("QUOTES", url)]).unwrap().quotes,
            QuotesSource::Chart(Url::parse(url).unwrap())
        );
    }

    #[test]
    fn all_bad_variables_are_told_at_once() {
        let errors =
            Config::from_env(&mut Env::from_pairs([("QUOTES", "ftp://example.com")])).unwrap_err();
        let names: Vec<_> = errors.0.iter().map(|bad| bad.name.as_str()).collect();
        assert_eq!(names, ["KAFKA_BROKERS", "QUOTES"]);
    }
}
