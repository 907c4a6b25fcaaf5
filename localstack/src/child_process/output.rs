//! A program that is run to its end, for what it says.

use std::{
    io,
    process::{Output, Stdio},
};

use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

use super::{process::signal_group, spawner::Spawner};

/// Everything that a process has started, killed on drop.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            signal_group(leader, Signal::SIGKILL);
        }
    }
}

/// Runs a program to its end, without input. When nobody waits any more, it is killed with all that it has started.
pub(crate) async fn output(spawner: &Spawner, mut command: Command) -> io::Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawner.spawn(command).await?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Dropped before the child is: until it has been waited for, nobody else can have its process id.
    let mut group = Group(child.id());
    let (status, stdout, stderr) = tokio::try_join!(child.wait(), all(stdout), all(stderr))?;
    group.0 = None;
    Ok(Output {
        status,
        stdout,
        stderr,
    })
}

/// The last line that a program said, errors first; of one that said nothing, how it ended.
pub(crate) fn last_words(output: &Output) -> String {
    let last = |said: &[u8]| {
        let said = String::from_utf8_lossy(said);
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        last.map(|line| line.trim().to_owned())
    };
    last(&output.stderr)
        .or_else(|| last(&output.stdout))
        .unwrap_or_else(|| format!("it ended without a word ({})", output.status))
}

async fn all(output: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut output) = output {
        output.read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, path::Path, time::Duration};

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn it_says_how_a_program_ended_and_what_it_said() {
        let spawner = Spawner::start().unwrap();
        let output = output(&spawner, shell("echo out; echo err >&2; exit 3"))
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            (&output.stdout[..], &output.stderr[..]),
            (&b"out\n"[..], &b"err\n"[..])
        );
    }

    #[tokio::test]
    async fn its_last_words_are_its_end_if_it_said_nothing() {
        let spawner = Spawner::start().unwrap();
        for (script, words) in [
            ("echo a; echo b; echo", "b"),
            ("echo a >&2; echo b", "a"),
            ("exit 3", "it ended without a word (exit status: 3)"),
        ] {
            let output = output(&spawner, shell(script)).await.unwrap();
            assert_eq!(last_words(&output), words);
        }
    }

    #[tokio::test]
    async fn what_a_program_has_started_ends_with_the_wait_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let spawner = Spawner::start().unwrap();
        let script = format!(
            "sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait",
            file.display()
        );
        let waiting = output(&spawner, shell(&script));
        let started = until(|| fs::read_to_string(&file).ok());
        let pid = tokio::select! {
            _ = waiting => panic!("it ended"),
            pid = started => pid,
        };
        until(|| (!lives(pid.trim())).then_some(())).await;
    }

    /// Whether there is such a process that is no zombie.
    fn lives(pid: &str) -> bool {
        let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
        stat.is_ok_and(|stat| {
            !stat
                .rsplit(") ")
                .next()
                .unwrap_or_default()
                .starts_with('Z')
        })
    }

    async fn until<T>(seen: impl Fn() -> Option<T>) -> T {
        let look = async {
            loop {
                match seen() {
                    Some(seen) => return seen,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), look)
            .await
            .unwrap()
    }
}
