//! The archive function's process.

use archive::{Config, Context, handle};

#[tokio::main]
async fn main() -> Result<(), lambda_kit::Error> {
    lambda_kit::run::events(
        async |env| Ok(Context::connect(Config::from_env(env)?)?),
        |event, _deadline, context| handle(event, context),
    )
    .await
}
