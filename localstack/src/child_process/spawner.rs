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
const SECRETS: [&str; 2] = ["KAFKA_PASSWORD", "KAFKA_KEY_PASSWORD"];

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
        for secret in SECRETS {
            if !command.as_std().get_envs().any(|(name, _)| name == secret) {
                command.env_remove(secret);
            }
        }
        die_with_parent(&mut command);
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the spawner thread is gone");
        self.jobs.send(Job { command, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
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
