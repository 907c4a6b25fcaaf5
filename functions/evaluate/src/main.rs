//! The function `evaluate`: values portfolios over windows of event time.

use chrono::Utc;
use evaluate::{Config, Context};
use lambda_kit::Env;

#[tokio::main]
async fn main() -> Result<(), lambda_kit::Error> {
    let connect = async |env: &mut Env| Ok(Context::connect(Config::from_env(env)?).await?);
    let serve = |event, deadline, context| evaluate::serve(event, deadline, Utc::now(), context);
    lambda_kit::run::events(connect, serve).await
}
