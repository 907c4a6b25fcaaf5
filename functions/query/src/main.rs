//! The binary of the function `query`: wires the context to Lambda's loop.

use lambda_kit::{Env, Error};
use query::{Config, Context};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_kit::run::http(connect, query::handle).await
}

async fn connect(env: &mut Env) -> Result<Context, Error> {
    Ok(Context::connect(Config::from_env(env)?, end).await?)
}

/// A statement that cannot be stopped would take this process's processor and memory from all that come after; another
/// process takes its place.
fn end(why: &str) {
    tracing::error!(why, "statement cannot be stopped, ending the process");
    std::process::exit(70);
}
