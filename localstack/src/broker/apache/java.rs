//! The Java that the user has.

use std::{io, path::Path};

use tokio::process::Command;

use super::ApacheError;
use crate::child_process::{Spawner, output};

const OLDEST: u32 = 17;

/// Java with every jar of a folder; compiled once and quickly, for nothing here runs for days at full load.
pub(super) fn command(jars: &Path) -> Command {
    let mut command = Command::new("java");
    let jars = jars.join("*");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
    command.arg(jars);
    command
}

/// Checks that there is a Java that Apache Kafka runs on.
pub(super) async fn check(spawner: &Spawner) -> Result<(), ApacheError> {
    let mut command = Command::new("java");
    command.arg("-version");
    let output = match output(spawner, command).await {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ApacheError::NoJava),
        Err(source) => {
            let program = "java";
            return Err(ApacheError::Run { program, source });
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    match major(&said) {
        Some(OLDEST..) => Ok(()),
        _ => {
            let found = said.lines().next().unwrap_or("nothing").to_owned();
            Err(ApacheError::OldJava { found })
        }
    }
}

/// 17 of `openjdk version "17.0.15" 2025-04-15`; the versions before 9 began with 1.
fn major(said: &str) -> Option<u32> {
    let version = said.split('"').nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (said, wanted) in [
            ("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK", Some(17)),
            ("java version \"1.8.0_202\"", Some(1)),
            ("openjdk version \"25-ea\" 2025-09-16", Some(25)),
            ("openjdk version \"21\"", Some(21)),
            ("sh: 1: java: not found", None),
        ] {
            assert_eq!(major(said), wanted, "{said}");
        }
    }
}
