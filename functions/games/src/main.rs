//! Wires the Games API to Lambda.

use games::{Config, Context};

#[tokio::main]
async fn main() -> Result<(), lambda_kit::Error> {
    lambda_kit::run::http(
        async |env| Ok(Context::connect(Config::from_env(env)?).await?),
        games::handle,
    )
    .await
}
