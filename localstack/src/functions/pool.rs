//! The children of one function: started on demand, reused, replaced when they die.

mod roster;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use metrics::{counter, histogram};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    time::timeout,
};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::{
    HostSettings, InvokeError, InvokeOptions, Outcome, Pids, TraceId,
    child::{Child, Delivery, StartError},
    environment,
    logs::Log,
    queue::Place,
    runtime_api::Event,
};
use crate::{
    child_process::{Failure, Process, Spawner},
    metrics::names::{DURATION, ERRORS, INVOCATIONS, STARTS, THROTTLES},
    template::FunctionSpec,
};

/// How often an invocation goes to another child because the one before died without taking it.
const TRIES: usize = 3;

#[derive(Debug)]
pub(super) struct Pool {
    name: String,
    arn: String,
    program: PathBuf,
    variables: BTreeMap<String, String>,
    timeout: Duration,
    init_limit: Duration,
    concurrency: u32,
    host: Host,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    state: Mutex<State>,
}

/// What a pool shares with the others, and its log.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) log: Log,
    pub(super) spawner: Arc<Spawner>,
    pub(super) pids: Arc<watch::Sender<Pids>>,
}

#[derive(Debug, Default)]
struct State {
    /// Warm children, the one used last at the end.
    idle: Vec<Child>,
    /// Every child that lives, to stop it.
    alive: BTreeMap<u32, Process>,
    failure: Option<Failure>,
    stopping: bool,
}

impl Pool {
    pub(super) fn new(
        spec: &FunctionSpec,
        program: PathBuf,
        variables: BTreeMap<String, String>,
        settings: &HostSettings,
        host: Host,
    ) -> Self {
        let concurrency = spec.concurrency.unwrap_or(settings.default_concurrency);
        Self {
            name: spec.name.clone(),
            arn: environment::arn(&spec.name),
            variables,
            program,
            timeout: spec.timeout,
            init_limit: settings.init_limit,
            concurrency,
            host,
            permits: Arc::new(Semaphore::new(concurrency as usize)),
            waiting: AtomicUsize::new(0),
            state: Mutex::new(State::default()),
        }
    }

    pub(super) async fn invoke(
        self: Arc<Self>,
        payload: Bytes,
        options: InvokeOptions,
    ) -> Result<Outcome, InvokeError> {
        let Some(limit) = options.limit else {
            return Arc::clone(&self).queue_and_run(payload, options).await;
        };
        let mut queued = true;
        let answer = async {
            let permit = self.permit(options.queue_limit).await?;
            queued = false;
            self.run_detached(permit, payload, options).await
        };
        let answer = timeout(limit, answer).await;
        match answer {
            Ok(answer) => answer,
            Err(_) if queued => Err(self.throttled()),
            Err(_) => Err(InvokeError::TimedOut {
                function: self.name.clone(),
                limit,
            }),
        }
    }

    async fn queue_and_run(
        self: Arc<Self>,
        payload: Bytes,
        options: InvokeOptions,
    ) -> Result<Outcome, InvokeError> {
        let permit = self.permit(options.queue_limit).await?;
        self.run_detached(permit, payload, options).await
    }

    /// The right to run on one of the children, in the order of asking.
    async fn permit(&self, limit: Option<Duration>) -> Result<OwnedSemaphorePermit, InvokeError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let place = Place::take(&self.waiting).ok_or_else(|| self.throttled())?;
        let turn = Arc::clone(&self.permits).acquire_owned();
        let permit = match limit {
            Some(limit) => timeout(limit, turn).await.map_err(|_| self.throttled())?,
            None => turn.await,
        };
        drop(place);
        permit.map_err(|_| self.stopped())
    }

    /// Runs in a task of its own: the child's answer must be awaited even when the caller has gone.
    async fn run_detached(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        payload: Bytes,
        options: InvokeOptions,
    ) -> Result<Outcome, InvokeError> {
        let event = Event {
            id: options.request_id.unwrap_or_else(Uuid::new_v4).to_string(),
            payload,
            arn: self.arn.clone(),
            trace: options
                .trace
                .unwrap_or_else(|| TraceId::new(SystemTime::now()))
                .invocation_header(),
            client_context: options.client_context,
        };
        let (reply, answer) = oneshot::channel();
        tokio::spawn(Arc::clone(self).run(permit, event, reply));
        answer.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    async fn run(
        self: Arc<Self>,
        permit: OwnedSemaphorePermit,
        event: Event,
        reply: oneshot::Sender<Result<Outcome, InvokeError>>,
    ) {
        let mut reason = String::new();
        for _ in 0..TRIES {
            let mut child = match self.child().await {
                Ok(child) => child,
                Err(error) => {
                    let _ = reply.send(Err(error));
                    return;
                }
            };
            if reply.is_closed() {
                // The caller gave up while the child started: nothing has happened yet, so nothing shall.
                self.put_back(child);
                return;
            }
            let begun = Instant::now();
            match child.invoke(&event, self.timeout).await {
                Delivery::Done(outcome) => {
                    self.count(&outcome, begun);
                    self.report(&event, &outcome);
                    // Before the caller is told: one that calls again at once meets the same child.
                    self.put_back(child);
                    drop(permit);
                    let _ = reply.send(Ok(outcome));
                    return;
                }
                Delivery::NotTaken(end) => reason = end,
            }
        }
        let _ = reply.send(Err(InvokeError::Exited {
            function: self.name.clone(),
            reason,
        }));
    }

    fn count(&self, outcome: &Outcome, begun: Instant) {
        counter!(INVOCATIONS, "function" => self.name.clone()).increment(1);
        let failed = u64::from(matches!(outcome, Outcome::FunctionError { .. }));
        counter!(ERRORS, "function" => self.name.clone()).increment(failed);
        histogram!(DURATION, "function" => self.name.clone()).record(begun.elapsed());
    }

    fn report(&self, event: &Event, outcome: &Outcome) {
        if let Outcome::FunctionError { payload, .. } = outcome {
            // A child that is stopped in the middle of something is no failure of its function.
            if self.state().stopping {
                let note = "invocation interrupted: the local stack stops";
                return self.host.log.note(&event.id, note);
            }
            let payload = String::from_utf8_lossy(payload);
            let note = format!("invocation failed: {payload:.4096}");
            self.host.log.note(&event.id, &note);
            // A child that was killed has left no word itself; any other has.
            if outcome.broke_off() {
                warn!(target: "function", "{}: invocation {} failed: {payload:.400}", self.name, event.id);
            }
        }
    }

    /// The child used last, or a new one.
    async fn child(self: &Arc<Self>) -> Result<Child, InvokeError> {
        {
            let mut state = self.state();
            if state.stopping {
                return Err(self.stopped());
            }
            while let Some(child) = state.idle.pop() {
                if child.is_alive() {
                    return Ok(child);
                }
            }
            if let Some(failure) = state
                .failure
                .as_ref()
                .filter(|failure| failure.until > Instant::now())
            {
                return Err(self.start_failed(failure));
            }
        }
        match self.start().await {
            Ok(child) => {
                self.state().failure = None;
                Ok(child)
            }
            // A child that is stopped while it starts is no failure either.
            Err(_) if self.state().stopping => Err(self.stopped()),
            Err(error) => {
                let failure = self.remember(&error);
                error!(target: "function", "{}: does not start: {error}; next try in {:?}", self.name, failure.pause);
                Err(self.start_failed(&failure))
            }
        }
    }

    async fn start(self: &Arc<Self>) -> Result<Child, StartError> {
        let began = Instant::now();
        let mut child = Child::spawn(
            &self.host.spawner,
            &self.program,
            &self.variables,
            &self.host.log,
        )
        .await?;
        self.enrol(&child);
        child.ready(self.init_limit).await?;
        counter!(STARTS, "function" => self.name.clone()).increment(1);
        info!(target: "function", "{}: child {} started in {} ms", self.name, child.process.pid, began.elapsed().as_millis());
        Ok(child)
    }

    fn remember(&self, error: &StartError) -> Failure {
        let mut state = self.state();
        let failure = Failure::after(state.failure.as_ref(), error.to_string(), Instant::now());
        state.failure = Some(failure.clone());
        failure
    }

    fn start_failed(&self, failure: &Failure) -> InvokeError {
        InvokeError::StartFailed {
            function: self.name.clone(),
            reason: failure.reason.clone(),
            retry_after: failure.until.saturating_duration_since(Instant::now()),
        }
    }

    fn throttled(&self) -> InvokeError {
        counter!(THROTTLES, "function" => self.name.clone()).increment(1);
        InvokeError::Throttled {
            function: self.name.clone(),
            concurrency: self.concurrency,
        }
    }

    fn stopped(&self) -> InvokeError {
        InvokeError::Exited {
            function: self.name.clone(),
            reason: "the local stack is stopping".to_owned(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
