//! A server that runs beside the functions for as long as the system does: started again when it ends by itself.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use nix::sys::signal::Signal;
use tokio::{
    process::Command,
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::{debug, error};

use super::{Failure, Process, Spawner, end};
use crate::cli::announce;

/// How a server is started, and when it counts as started.
pub(crate) struct ServiceSpec {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// The command of every start; its output is redirected.
    pub(crate) command: Box<dyn Fn() -> Command + Send + Sync>,
    /// Waits until it answers; it need not give up.
    pub(crate) ready: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    /// How long a start may take.
    pub(crate) limit: Duration,
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its log cannot be written.
    #[error("{} cannot be written", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no process.
    #[error("{name} cannot be started")]
    Spawn {
        /// The server.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It did not get to where it answers.
    #[error("{name} does not start: {reason}; its log is {}", log.display())]
    NotReady {
        /// The server.
        name: &'static str,
        /// How it ended, or how long it was waited for, and its log's last line.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
}

/// A server at work. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Service {
    pid: watch::Receiver<Option<u32>>,
    /// How long it may take to stop.
    stop: oneshot::Sender<Duration>,
    keeper: JoinHandle<()>,
}

impl Service {
    /// Starts the server and waits until it answers.
    pub(crate) async fn start(spec: ServiceSpec) -> Result<Self, ServiceError> {
        let spawn = |source| ServiceError::Spawn {
            name: spec.name,
            source,
        };
        let starter = Starter {
            spawner: Spawner::start().map_err(spawn)?,
            pid: watch::channel(None).0,
            spec,
        };
        let process = starter.start().await?;
        let pid = starter.pid.subscribe();
        let (stop, stopped) = oneshot::channel();
        let keeper = tokio::spawn(starter.keep(process, stopped));
        Ok(Self { pid, stop, keeper })
    }

    /// Its process id, whenever that changes; `None` while it is down.
    pub(crate) fn pid(&self) -> watch::Receiver<Option<u32>> {
        self.pid.clone()
    }

    /// SIGTERM, and SIGKILL after `grace`; returns when it has ended.
    pub(crate) async fn stop(self, grace: Duration) {
        // A keeper that is gone has taken its process with it.
        let _ = self.stop.send(grace);
        let _ = self.keeper.await;
    }
}

struct Starter {
    spec: ServiceSpec,
    /// Lives as long as the processes: they end with its thread.
    spawner: Spawner,
    pid: watch::Sender<Option<u32>>,
}

/// Kills the process if whoever waits for it goes away.
struct Guard(Process);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.signal(Signal::SIGKILL);
    }
}

impl Starter {
    /// One start; a server that does not get to where it answers is killed.
    async fn start(&self) -> Result<Guard, ServiceError> {
        let name = self.spec.name;
        let log = |source| ServiceError::Log {
            path: self.spec.log.clone(),
            source,
        };
        let output = self.open().map_err(log)?;
        let errors = output.try_clone().map_err(log)?;
        let mut command = (self.spec.command)();
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = self.spawner.spawn(command).await;
        let child = child.map_err(|source| ServiceError::Spawn { name, source })?;
        let process = Process::watch(child).map(Guard);
        let process = process.ok_or_else(|| self.not_ready("it ended at once"))?;
        let mut ended = process.0.ended();
        let limit = self.spec.limit;
        tokio::select! {
            reason = end(&mut ended) => Err(self.not_ready(&format!("it ended ({reason})"))),
            ready = timeout(limit, (self.spec.ready)()) => match ready {
                Ok(()) => {
                    self.pid.send_replace(Some(process.0.pid));
                    Ok(process)
                }
                Err(_) => Err(self.not_ready(&format!("no answer within {} s", limit.as_secs()))),
            },
        }
    }

    /// Starts the server again whenever it ends, until it is told to stop.
    async fn keep(self, mut process: Guard, mut stopped: oneshot::Receiver<Duration>) {
        loop {
            let mut ended = process.0.ended();
            let reason = tokio::select! {
                biased;
                order = &mut stopped => {
                    if let Ok(grace) = order {
                        process.0.clone().stop(grace).await;
                    }
                    return;
                }
                reason = end(&mut ended) => reason,
            };
            self.pid.send_replace(None);
            let name = self.spec.name;
            announce(&format!("{name} ended ({reason}); it is started again"));
            process = tokio::select! {
                biased;
                _ = &mut stopped => return,
                process = self.start_again() => process,
            };
            announce(&format!("{name} answers again"));
        }
    }

    /// Tries until it succeeds, with pauses.
    async fn start_again(&self) -> Guard {
        let mut failure: Option<Failure> = None;
        loop {
            match self.start().await {
                Ok(process) => return process,
                Err(error) => {
                    error!("{error}");
                    let failed =
                        Failure::after(failure.as_ref(), error.to_string(), Instant::now());
                    debug!(pause = ?failed.pause, "pause before the next start");
                    sleep(failed.pause).await;
                    failure = Some(failed);
                }
            }
        }
    }

    fn open(&self) -> io::Result<File> {
        if let Some(folder) = self.spec.log.parent() {
            fs::create_dir_all(folder)?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.spec.log)
    }

    fn not_ready(&self, what: &str) -> ServiceError {
        let text = fs::read(&self.spec.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        ServiceError::NotReady {
            name: self.spec.name,
            reason: last.map_or_else(
                || what.to_owned(),
                |last| format!("{what}: {}", last.trim()),
            ),
            log: self.spec.log.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;

    /// A shell that answers as soon as it has made a file, with its pid in it.
    fn spec(folder: &Path, script: &'static str) -> ServiceSpec {
        let (cwd, made) = (folder.to_owned(), folder.join("ready"));
        ServiceSpec {
            name: "shell",
            log: folder.join("logs/shell.log"),
            command: Box::new(move || {
                let mut command = Command::new("sh");
                command.args(["-c", script]).current_dir(&cwd);
                command
            }),
            ready: Box::new(move || {
                let made = made.clone();
                Box::pin(async move {
                    while !made.exists() {
                        sleep(Duration::from_millis(5)).await;
                    }
                })
            }),
            limit: Duration::from_secs(20),
        }
    }

    async fn next_pid(pid: &mut watch::Receiver<Option<u32>>, not: u32) -> u32 {
        let next = pid.wait_for(|pid| pid.is_some_and(|pid| pid != not));
        let next = timeout(Duration::from_secs(20), next).await.unwrap();
        next.unwrap().unwrap()
    }

    fn is_there(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[tokio::test]
    async fn it_is_started_again_until_it_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::start(spec(folder.path(), "echo on; touch ready; exec sleep 1000"))
            .await
            .unwrap();
        let mut pid = service.pid();
        let first = pid.borrow().unwrap();
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(first.cast_signed()),
            Signal::SIGKILL,
        )
        .unwrap();
        let second = next_pid(&mut pid, first).await;
        assert!(is_there(second) && !is_there(first));
        // The second one counts as ready by the first one's file, maybe before it has said anything.
        let log = folder.path().join("logs/shell.log");
        while fs::read_to_string(&log).unwrap() != "on\non\n" {
            sleep(Duration::from_millis(5)).await;
        }
        service.stop(Duration::from_secs(10)).await;
        assert!(!is_there(second));
    }

    #[tokio::test]
    async fn one_that_is_dropped_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::start(spec(folder.path(), "touch ready; exec sleep 1000"))
            .await
            .unwrap();
        let pid = service.pid().borrow().unwrap();
        drop(service);
        while is_there(pid) {
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn one_that_does_not_start_says_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let error = Service::start(spec(folder.path(), "echo no room >&2; exit 3"))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("it ended (exit status 3): no room") && error.contains("shell.log"),
            "{error}"
        );
    }
}
