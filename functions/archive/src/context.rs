//! What one process of the function keeps between invocations: the lake and its warm chains.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use lake::{Chain, ChainKey, Epoch, OpenError, Retry, Store, TURN, Table};
use lambda_kit::{ConfigErrors, Env};

/// The function's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the lake is: `LAKE_URL`.
    pub lake_url: String,
    /// Which life of the log the records are of: `LOG_EPOCH`, default 0.
    pub epoch: Epoch,
    /// How far a tick's time may be ahead of the broker's: `MAX_AHEAD_SECONDS`, default 3600.
    pub max_ahead: TimeDelta,
}

impl Config {
    /// Reads the settings; reports every bad one.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let lake_url = env.required("LAKE_URL");
        let epoch = env.or("LOG_EPOCH", Epoch::default());
        let seconds = env.or("MAX_AHEAD_SECONDS", 3600_u32);
        let max_ahead = TimeDelta::seconds(seconds.into());
        env.finish(lake_url.map(|lake_url| Self {
            lake_url,
            epoch,
            max_ahead,
        }))
    }
}

/// The chains that one partition's records go to.
#[derive(Debug)]
pub(crate) struct Chains {
    pub(crate) table: Chain,
    pub(crate) dead_letters: Chain,
}

type PartitionKey = (String, i32);
type SharedChains = Arc<tokio::sync::Mutex<Chains>>;

/// Made once per cold start.
#[derive(Debug)]
pub struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) epoch: Epoch,
    pub(crate) retry: Retry,
    pub(crate) max_ahead: TimeDelta,
    pub(crate) turn: Duration,
    chains: std::sync::Mutex<HashMap<PartitionKey, SharedChains>>,
}

impl Context {
    /// Opens the lake that the settings name.
    pub fn connect(config: Config) -> Result<Self, OpenError> {
        let store = lake::open(&config.lake_url)?;
        Ok(Self::new(
            store,
            config.epoch,
            config.max_ahead,
            Retry::default(),
        ))
    }

    /// A context over a store that is open.
    pub fn new(store: Arc<dyn Store>, epoch: Epoch, max_ahead: TimeDelta, retry: Retry) -> Self {
        Self {
            store,
            epoch,
            retry,
            max_ahead,
            turn: TURN,
            chains: Default::default(),
        }
    }

    /// The same context, whose invocations work no longer than `turn`, but for one step, at a command that can go on in
    /// the next one.
    pub fn with_turn(mut self, turn: Duration) -> Self {
        self.turn = turn;
        self
    }

    /// The key of a partition's chain in this life of the log.
    pub(crate) fn key(&self, table: Table, topic: &str, partition: i32) -> ChainKey {
        ChainKey {
            table,
            epoch: self.epoch,
            topic: topic.to_owned(),
            partition,
        }
    }

    /// A chain that nothing is known of yet.
    pub(crate) fn chain(&self, key: ChainKey) -> Chain {
        Chain::new(self.store.clone(), key)
            .with_retry(self.retry)
            .with_turn(self.turn)
    }

    /// The chains of a partition whose records go to `table`. Invocations of one process that
    /// have the same partition take turns; others need not wait for them.
    pub(crate) fn chains(&self, table: Table, topic: &str, partition: i32) -> SharedChains {
        let chain = |table| self.chain(self.key(table, topic, partition));
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        chains
            .entry((topic.to_owned(), partition))
            .or_insert_with(|| {
                let chains = Chains {
                    table: chain(table),
                    dead_letters: chain(Table::DeadLetter),
                };
                Arc::new(tokio::sync::Mutex::new(chains))
            })
            .clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn settings_have_defaults_and_bad_ones_are_named() {
        let config =
            Config::from_env(&mut Env::from_pairs([("LAKE_URL", "file:///lake")])).unwrap();
        assert_eq!(
            (config.epoch, config.max_ahead),
            (Epoch(0), TimeDelta::hours(1))
        );
        let mut bad = Env::from_pairs([("LOG_EPOCH", "-1"), ("MAX_AHEAD_SECONDS", "soon")]);
        let error = Config::from_env(&mut bad).unwrap_err().to_string();
        for name in ["LAKE_URL", "LOG_EPOCH", "MAX_AHEAD_SECONDS"] {
            assert!(error.contains(name), "{error}");
        }
    }
}
