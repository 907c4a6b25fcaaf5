//! Wires the Stocks API to Lambda.

use stocks::{Config, Context};

#[tokio::main]
async fn main() -> Result<(), lambda_kit::Error> {
    lambda_kit::run::http(
        async |env| Ok(Context::connect(Config::from_env(env)?).await?),
        stocks::handle,
    )
    .await
}
