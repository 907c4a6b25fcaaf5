//! One child process of a function: started, given one event at a time, ended for good.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    process::{Child as Process, Command},
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tracing::debug;

use super::{
    Outcome, environment,
    logs::Log,
    runtime_api::{Invocation, Phase, RuntimeApi, function_error},
    spawner::Spawner,
};

/// An event and what goes with it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) arn: String,
    pub(super) trace: String,
    pub(super) client_context: Option<String>,
}

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
            tokio::spawn(log.clone().pump(output));
        }
        if let Some(output) = process.stderr.take() {
            tokio::spawn(log.clone().pump(output));
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
                    Phase::Starting | Phase::Waiting | Phase::Busy => Ok(()),
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
        let taken = Arc::new(AtomicBool::new(false));
        let invocation = Invocation {
            id: event.id.clone(),
            payload: event.payload.clone(),
            deadline: SystemTime::now() + limit,
            arn: event.arn.clone(),
            trace: event.trace.clone(),
            client_context: event.client_context.clone(),
            taken: Arc::clone(&taken),
            answer,
        };
        if self.api.invocations.send(invocation).await.is_err() {
            return Delivery::NotTaken("its Runtime API is closed".to_owned());
        }
        let mut ended = self.ended.clone();
        tokio::select! {
            biased;
            Ok(outcome) = outcome => Delivery::Done(outcome),
            reason = end(&mut ended) => {
                if !taken.load(Ordering::SeqCst) {
                    return Delivery::NotTaken(reason);
                }
                let message = format!("RequestId: {} Error: Runtime exited with error: {reason}", event.id);
                Delivery::Done(function_error("Runtime.ExitError", &message))
            }
            () = tokio::time::sleep(limit) => {
                self.signal(Signal::SIGKILL);
                if !taken.load(Ordering::SeqCst) {
                    // The child hangs outside of any invocation. `NotTaken` must be true for good, so it has to be dead.
                    let reason = end(&mut ended).await;
                    if !taken.load(Ordering::SeqCst) {
                        return Delivery::NotTaken(reason);
                    }
                }
                let seconds = limit.as_secs_f64();
                let message = format!("RequestId: {} Error: Task timed out after {seconds:.2} seconds", event.id);
                Delivery::Done(function_error("Sandbox.Timedout", &message))
            }
        }
    }

    /// Whether the child came back for its next event within `limit`; if it did not, it is of no more use.
    pub(super) async fn is_reusable(&mut self, limit: Duration) -> bool {
        let mut ended = self.ended.clone();
        let waits = async {
            tokio::select! {
                biased;
                _ = end(&mut ended) => false,
                waiting = self.api.phase.wait_for(|phase| *phase == Phase::Waiting) => waiting.is_ok(),
            }
        };
        timeout(limit, waits).await.unwrap_or(false)
    }

    /// Whether the process is still there.
    pub(super) fn is_alive(&self) -> bool {
        self.ended.borrow().is_none()
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
