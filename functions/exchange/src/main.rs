//! The function `exchange`: publishes ticks of a stock exchange.

use exchange::{Config, Context};
use lambda_kit::Env;

#[tokio::main]
async fn main() -> Result<(), lambda_kit::Error> {
    let connect = async |env: &mut Env| Ok(Context::connect(Config::from_env(env)?).await?);
    lambda_kit::run::events(connect, exchange::handle).await
}
