//! What an invocation needs, made once per cold start.

use std::sync::Arc;

use lake::Store;
use lambda_kit::{ConfigErrors, Env};
use sql::{Runaway, Settings, Sql};

/// The function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the lake is, such as `file:///…`.
    pub lake_url: String,
    /// What pages name where they say how to make a first event.
    pub urls: Urls,
}

/// Addresses of the system's other doors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// The Stocks API.
    pub stocks: String,
    /// The Games API.
    pub games: String,
    /// Lambda's own API, which invokes functions.
    pub lambda: String,
}

impl Default for Urls {
    /// Where `make run` has them when no port is chosen.
    fn default() -> Self {
        Self {
            stocks: "http://localhost:5000".to_owned(),
            games: "http://localhost:5001".to_owned(),
            lambda: "http://localhost:9001".to_owned(),
        }
    }
}

impl Config {
    /// Reads `LAKE_URL`, and `STOCKS_URL`, `GAMES_URL` and `LAMBDA_URL` where they are given.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let lake_url = env.required("LAKE_URL");
        let usual = Urls::default();
        let stocks = env.or("STOCKS_URL", usual.stocks);
        let games = env.or("GAMES_URL", usual.games);
        let lambda = env.or("LAMBDA_URL", usual.lambda);
        let urls = Urls {
            stocks,
            games,
            lambda,
        };
        env.finish(lake_url.map(|lake_url| Self { lake_url, urls }))
    }
}

/// The open lake.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) sql: Sql,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) urls: Urls,
}

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The lake cannot be opened.
    #[error("the lake cannot be opened")]
    Lake(#[from] lake::OpenError),
    /// The lake cannot be queried.
    #[error("the lake cannot be queried")]
    Sql(#[from] sql::OpenError),
    /// The first holdings cannot be written.
    #[error("holdings cannot be seeded")]
    Seed(#[from] lake::holdings::HoldingsError),
}

impl Context {
    /// Opens the lake, and seeds the holdings if nobody has yet. `runaway` is called for a statement that cannot be
    /// stopped.
    pub async fn connect(config: Config, runaway: Runaway) -> Result<Self, ConnectError> {
        let store = lake::open(&config.lake_url)?;
        let settings = Settings {
            runaway,
            ..Settings::default()
        };
        let sql = Sql::open(&config.lake_url, settings)?;
        lake::holdings::seed(store.as_ref()).await?;
        Ok(Self {
            sql,
            store,
            urls: config.urls,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn addresses_are_those_that_are_given() {
        let lake = ("LAKE_URL", "file:///lake");
        let usual = Config::from_env(&mut Env::from_pairs([lake])).unwrap();
        assert_eq!(usual.urls, Urls::default());
        let given = [lake, ("GAMES_URL", "http://127.0.0.1:41827")];
        let given = Config::from_env(&mut Env::from_pairs(given)).unwrap();
        assert_eq!(given.urls.games, "http://127.0.0.1:41827");
        let no_lake = [("GAMES_URL", "http://127.0.0.1:1")];
        let errors = Config::from_env(&mut Env::from_pairs(no_lake)).unwrap_err();
        assert!(errors.to_string().contains("LAKE_URL"), "{errors}");
    }
}
