//! The one thread from which all children are started.
//!
//! Linux sends the parent-death signal when the *thread* that forked ends, and threads of an async runtime come and go:
//! so the children are forked by a thread that lives as long as the host does.

use std::{io, sync::mpsc, thread};

use nix::{sys::prctl, sys::signal::Signal, unistd};
use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

struct Job {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// Starts processes that cannot outlive this one.
#[derive(Debug)]
pub(crate) struct Spawner {
    jobs: mpsc::Sender<Job>,
}

/// Variables of the runner's that only those children get that are given them.
const SECRETS: [&str; 5] = [
    "KAFKA_PASSWORD",
    "KAFKA_KEY_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

impl Spawner {
    /// Must be called within a tokio runtime.
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let runtime = Handle::current();
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || {
                let _context = runtime.enter();
                for mut job in todo {
                    // A caller that went away drops the child, and `kill_on_drop` ends it.
                    let _ = job.reply.send(job.command.spawn());
                }
            })?;
        Ok(Self { jobs })
    }

    /// Starts the process in a group of its own, which the terminal's Ctrl-C does not reach.
    pub(crate) async fn spawn(&self, mut command: Command) -> io::Result<Child> {
        command.process_group(0).kill_on_drop(true);
        without_secrets(&mut command);
        die_with_parent(&mut command);
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the spawner thread is gone");
        self.jobs.send(Job { command, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn without_secrets(command: &mut Command) {
    for secret in SECRETS {
        if !command.as_std().get_envs().any(|(name, _)| name == secret) {
            command.env_remove(secret);
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the parent-death signal can only be set between fork and exec; prctl, getppid and raising an error from an errno are async-signal-safe and allocate nothing"
)]
fn die_with_parent(command: &mut Command) {
    let parent = unistd::getpid();
    // SAFETY: the closure makes two system calls and touches no lock and no memory shared with other threads.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have died before the call above.
            if unistd::getppid() == parent {
                Ok(())
            } else {
                Err(nix::errno::Errno::ESRCH.into())
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_inherited_by_none_and_kept_where_they_were_given() {
        let mut command = Command::new("pip");
        command.env("AWS_SECRET_ACCESS_KEY", "given");
        without_secrets(&mut command);
        let value = |name: &str| {
            let mut variables = command.as_std().get_envs();
            let found = variables.find(|(known, _)| *known == name);
            found.map(|(_, value)| value.map(|value| value.to_string_lossy().into_owned()))
        };
        assert_eq!(
            value("AWS_SECRET_ACCESS_KEY"),
            Some(Some("given".to_owned()))
        );
        for removed in ["KAFKA_PASSWORD", "KAFKA_KEY_PASSWORD", "AWS_SESSION_TOKEN"] {
            assert_eq!(value(removed), Some(None), "{removed}");
        }
    }
}
