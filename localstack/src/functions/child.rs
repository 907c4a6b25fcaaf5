//! One child process of a function: started, given one event at a time, ended for good.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    process::{Child as Process, Command},
    sync::{mpsc, oneshot, watch},
    time::{sleep, timeout},
};
use tracing::debug;

use super::{
    Outcome, environment,
    logs::Log,
    runtime_api::{Event, Invocation, Phase, RuntimeApi, function_error},
    spawner::Spawner,
};

/// A child that has answered asks for its next event at once, or something is wrong with it.
const RETURN_LIMIT: Duration = Duration::from_secs(5);

/// What came of giving an event to a child.
#[derive(Debug)]
pub(super) enum Delivery {
    /// The child took it; this is what it came to.
    Done(Outcome),
    /// The child died before it took it, so another one may have it.
    NotTaken(String),
}

/// Why a child did not come to life.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("its process cannot be started: {0}")]
    Spawn(#[source] io::Error),
    #[error("its Runtime API cannot listen: {0}")]
    Listen(#[source] io::Error),
    #[error("initialisation failed: {0}")]
    Init(String),
    #[error("it ended during initialisation: {0}")]
    Ended(String),
    #[error("initialisation took more than {0:?}")]
    Slow(Duration),
}

/// A live child; dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: u32,
    api: RuntimeApi,
    ended: watch::Receiver<Option<String>>,
    signals: mpsc::UnboundedSender<Signal>,
}

impl Child {
    /// Starts a process; it is ready for events after `ready`.
    pub(super) async fn spawn(
        spawner: &Spawner,
        program: &Path,
        variables: &BTreeMap<String, String>,
        log: &Log,
    ) -> Result<Self, StartError> {
        let api = RuntimeApi::listen().await.map_err(StartError::Listen)?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(variables)
            .envs(environment::child_variables(api.address))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = spawner.spawn(command).await.map_err(StartError::Spawn)?;
        let pid = process
            .id()
            .ok_or_else(|| StartError::Ended("at once".to_owned()))?;
        if let Some(output) = process.stdout.take() {
            tokio::spawn(log.clone().pump(output, api.at_work()));
        }
        if let Some(output) = process.stderr.take() {
            tokio::spawn(log.clone().pump(output, api.at_work()));
        }
        let (signals, orders) = mpsc::unbounded_channel();
        let (tell, ended) = watch::channel(None);
        tokio::spawn(watch_process(process, pid, orders, tell));
        Ok(Self {
            pid,
            api,
            ended,
            signals,
        })
    }

    /// Waits until the child asks for its first event.
    pub(super) async fn ready(&mut self, limit: Duration) -> Result<(), StartError> {
        let mut phase = self.api.phase.clone();
        let mut ended = self.ended.clone();
        let started = async {
            tokio::select! {
                biased;
                Ok(phase) = phase.wait_for(|phase| *phase != Phase::Starting) => match &*phase {
                    Phase::InitFailed(reason) => Err(StartError::Init(reason.clone())),
                    Phase::Starting | Phase::Started => Ok(()),
                },
                reason = end(&mut ended) => Err(StartError::Ended(reason)),
            }
        };
        timeout(limit, started)
            .await
            .unwrap_or(Err(StartError::Slow(limit)))
    }

    /// Gives the child an event and waits for the outcome. After a hang or a death the child is dead.
    pub(super) async fn invoke(&mut self, event: &Event, limit: Duration) -> Delivery {
        let (answer, outcome) = oneshot::channel();
        let (taken, mut was_taken) = oneshot::channel();
        let invocation = Invocation {
            event: event.clone(),
            limit,
            taken,
            answer,
        };
        if self.api.invocations.send(invocation).await.is_err() {
            return Delivery::NotTaken("its Runtime API is closed".to_owned());
        }
        let mut ended = self.ended.clone();
        let gone = tokio::select! {
            biased;
            Ok(()) = &mut was_taken => None,
            reason = end(&mut ended) => Some(reason),
            // It answered the event before this one and never came back: `NotTaken` must be true for good, so it has
            // to be dead.
            () = sleep(RETURN_LIMIT) => {
                self.signal(Signal::SIGKILL);
                Some(end(&mut ended).await)
            }
        };
        if let Some(reason) = gone
            && was_taken.try_recv().is_err()
        {
            return Delivery::NotTaken(reason);
        }
        tokio::select! {
            biased;
            Ok(outcome) = outcome => Delivery::Done(outcome),
            reason = end(&mut ended) => {
                let message = format!("RequestId: {} Error: Runtime exited with error: {reason}", event.id);
                Delivery::Done(function_error("Runtime.ExitError", &message))
            }
            () = sleep(limit) => {
                self.signal(Signal::SIGKILL);
                end(&mut ended).await;
                let seconds = limit.as_secs_f64();
                let message = format!("RequestId: {} Error: Task timed out after {seconds:.2} seconds", event.id);
                Delivery::Done(function_error("Sandbox.Timedout", &message))
            }
        }
    }

    /// Whether the process is still there. Asks the system, because the news of an end takes a moment to get here, and
    /// an event given to a dead child counts as failed.
    pub(super) fn is_alive(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid));
        // The state follows the name, which is in parentheses and may hold anything. `wait` would not tell of a
        // process of which some threads are still dying.
        let dead = stat.is_ok_and(|stat| {
            stat.rsplit(") ")
                .next()
                .is_some_and(|state| state.starts_with(['Z', 'X']))
        });
        !dead && self.ended.borrow().is_none()
    }

    /// Tells when the process has ended, and how.
    pub(super) fn ended(&self) -> watch::Receiver<Option<String>> {
        self.ended.clone()
    }

    /// What `Exit` needs to end the process without owning the child.
    pub(super) fn exit(&self) -> Exit {
        Exit {
            ended: self.ended.clone(),
            signals: self.signals.clone(),
        }
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended needs no signal.
        let _ = self.signals.send(signal);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// A way to end a child that someone else holds.
#[derive(Debug, Clone)]
pub(super) struct Exit {
    ended: watch::Receiver<Option<String>>,
    signals: mpsc::UnboundedSender<Signal>,
}

impl Exit {
    /// SIGTERM, and SIGKILL if the process is still there after `grace`.
    pub(super) async fn stop(mut self, grace: Duration) {
        let _ = self.signals.send(Signal::SIGTERM);
        if timeout(grace, end(&mut self.ended)).await.is_err() {
            let _ = self.signals.send(Signal::SIGKILL);
            end(&mut self.ended).await;
        }
    }
}

/// Waits for the process's end; says how it ended.
pub(super) async fn end(ended: &mut watch::Receiver<Option<String>>) -> String {
    match ended.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        Err(_) => "its watcher is gone".to_owned(),
    }
}

/// Owns the process: it alone sends signals, so none can reach a process id that is no longer the child's.
async fn watch_process(
    mut process: Process,
    pid: u32,
    mut orders: mpsc::UnboundedReceiver<Signal>,
    tell: watch::Sender<Option<String>>,
) {
    let status = loop {
        tokio::select! {
            status = process.wait() => break status,
            Some(signal) = orders.recv() => signal_group(pid, signal),
        }
    };
    // What the child itself started goes with it.
    signal_group(pid, Signal::SIGKILL);
    tell.send_replace(Some(match status {
        Ok(status) => describe(status),
        Err(source) => format!("unknown exit status: {source}"),
    }));
}

fn signal_group(pid: u32, signal: Signal) {
    let Ok(group) = i32::try_from(pid) else {
        return;
    };
    if let Err(errno) = killpg(Pid::from_raw(group), signal) {
        debug!(pid, %signal, %errno, "process group not signalled");
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal().map(Signal::try_from)) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(Ok(signal))) => format!("signal: {signal}"),
        (None, _) => "exit status unknown".to_owned(),
    }
}
