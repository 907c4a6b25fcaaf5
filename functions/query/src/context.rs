//! What an invocation needs, made once per cold start.

use std::sync::Arc;

use lake::Store;
use lambda_kit::{ConfigErrors, Env};
use sql::{Settings, Sql};

/// The function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the lake is, such as `file:///…`.
    pub lake_url: String,
}

impl Config {
    /// Reads `LAKE_URL`.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let lake_url = env.required("LAKE_URL");
        env.finish(lake_url.map(|lake_url| Self { lake_url }))
    }
}

/// The open lake.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) sql: Sql,
    pub(crate) store: Arc<dyn Store>,
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
    /// Opens the lake, and seeds the holdings if nobody has yet.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let store = lake::open(&config.lake_url)?;
        let sql = Sql::open(&config.lake_url, Settings::default())?;
        lake::holdings::seed(store.as_ref()).await?;
        Ok(Self { sql, store })
    }
}
