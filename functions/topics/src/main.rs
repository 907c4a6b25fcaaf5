//! Wires the custom resource of the topics to Lambda.

use topics::Context;

#[tokio::main]
async fn main() -> Result<(), lambda_kit::Error> {
    lambda_kit::run::events(async |env| Ok(Context::from_env(env)?), topics::handle).await
}
