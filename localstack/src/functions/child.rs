//! One child process of a function: started, given one event at a time, ended for good.

use std::{collections::BTreeMap, fs, io, path::Path, process::Stdio, time::Duration};

use nix::sys::signal::Signal;
use tokio::{
    process::Command,
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{
    Outcome, environment,
    logs::Log,
    outcome::{EXITED, TIMED_OUT},
    runtime_api::{Event, Invocation, Phase, RuntimeApi, function_error},
};
use crate::child_process::{Process, Spawner, end};

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
    pub(super) process: Process,
    api: RuntimeApi,
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
        let mut child = spawner.spawn(command).await.map_err(StartError::Spawn)?;
        if let Some(output) = child.stdout.take() {
            tokio::spawn(log.clone().pump(output, api.at_work()));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(log.clone().pump(output, api.at_work()));
        }
        let process = Process::watch(child);
        let process = process.ok_or_else(|| StartError::Ended("at once".to_owned()))?;
        Ok(Self { process, api })
    }

    /// Waits until the child asks for its first event.
    pub(super) async fn ready(&mut self, limit: Duration) -> Result<(), StartError> {
        let mut phase = self.api.phase.clone();
        let mut ended = self.process.ended();
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
        let mut ended = self.process.ended();
        let gone = tokio::select! {
            biased;
            Ok(()) = &mut was_taken => None,
            reason = end(&mut ended) => Some(reason),
            // It answered the event before this one and never came back: `NotTaken` must be true for good, so it has
            // to be dead.
            () = sleep(RETURN_LIMIT) => {
                self.process.signal(Signal::SIGKILL);
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
                Delivery::Done(function_error(EXITED, &message))
            }
            () = sleep(limit) => {
                self.process.signal(Signal::SIGKILL);
                end(&mut ended).await;
                let seconds = limit.as_secs_f64();
                let message = format!("RequestId: {} Error: Task timed out after {seconds:.2} seconds", event.id);
                Delivery::Done(function_error(TIMED_OUT, &message))
            }
        }
    }

    /// Whether the process is still there. Asks the system, because the news of an end takes a moment to get here, and
    /// an event given to a dead child counts as failed.
    pub(super) fn is_alive(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.pid));
        // The state follows the name, which is in parentheses and may hold anything. `wait` would not tell of a
        // process of which some threads are still dying.
        let dead = stat.is_ok_and(|stat| {
            stat.rsplit(") ")
                .next()
                .is_some_and(|state| state.starts_with(['Z', 'X']))
        });
        !dead && self.process.ended().borrow().is_none()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.process.signal(Signal::SIGKILL);
    }
}
