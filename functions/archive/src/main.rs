//! The archive function's process.

use archive::{Config, Context, serve};
use chrono::Utc;

#[tokio::main]
async fn main() -> Result<(), lambda_kit::Error> {
    lambda_kit::run::events(
        async |env| Ok(Context::connect(Config::from_env(env)?)?),
        |event, _deadline, context| serve(event, Utc::now(), context),
    )
    .await
}
