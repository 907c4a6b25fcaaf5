//! The tools that users have: kcat, ab, cargo-lambda.

use std::process::{Command, Output};

/// Runs a tool to its end; `None` when it is not installed (`make test` says so before the tests start).
pub fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{tool}: {error}"),
    }
}

/// What a tool printed; panics unless it succeeded.
pub fn printed(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}: {text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}
