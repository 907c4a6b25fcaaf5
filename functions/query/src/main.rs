//! The binary of the function `query`: wires the context to Lambda's loop.

use lambda_kit::{Env, Error};
use query::{Config, Context};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_kit::run::http(connect, query::handle).await
}

async fn connect(env: &mut Env) -> Result<Context, Error> {
    Ok(Context::connect(Config::from_env(env)?).await?)
}
