//! The local Lambda host: every function of template.yaml as child processes that speak the Runtime API.

mod child;
mod child_body;
mod environment;
mod log_file;
mod logs;
mod outcome;
mod pool;
mod queue;
mod runtime_api;
mod trace;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;

pub use outcome::{InvokeError, Outcome};
pub use trace::TraceId;

pub(crate) use environment::{ACCOUNT, arn};

use crate::{
    child_process::Spawner,
    template::{FunctionSpec, UnresolvedVariable},
    trigger::Invoke,
};
use pool::Pool;

/// The process ids of every function's children.
pub type Pids = BTreeMap<String, Vec<u32>>;

/// Largest event and largest answer of a function, as Lambda counts them.
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// Where the host finds things, and what it gives to every function.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// The folder that holds the functions' binaries.
    pub binaries: PathBuf,
    /// The folder that gets one `{function}.log` each.
    pub logs: PathBuf,
    /// Values for the variables that functions declare in template.yaml; they win over the template's.
    pub given: BTreeMap<String, String>,
    /// Variables that every function gets, declared or not: what the user set on the command line.
    pub forced: BTreeMap<String, String>,
    /// Variables of the functions that are told a Kafka, and of no other: how the brokers are reached.
    pub with_kafka: Vec<(&'static str, String)>,
    /// Children of a function that declares no `ReservedConcurrentExecutions`.
    pub default_concurrency: u32,
    /// How long a child may take until it asks for its first event.
    pub init_limit: Duration,
}

impl HostSettings {
    /// Settings with the defaults for concurrency and initialisation.
    pub fn new(binaries: impl Into<PathBuf>, logs: impl Into<PathBuf>) -> Self {
        Self {
            binaries: binaries.into(),
            logs: logs.into(),
            given: BTreeMap::new(),
            forced: BTreeMap::new(),
            with_kafka: Vec::new(),
            default_concurrency: 4,
            init_limit: Duration::from_secs(30),
        }
    }
}

/// How one invocation is made.
#[derive(Debug, Clone, Default)]
pub struct InvokeOptions {
    /// How long the caller waits, queue and cold start included; `None`: for as long as it takes.
    pub limit: Option<Duration>,
    /// How long the caller waits in the queue while every child is busy; `None`: for as long as `limit` allows.
    pub queue_limit: Option<Duration>,
    /// The id that the function and its log see; a new one if none is given.
    pub request_id: Option<Uuid>,
    /// The X-Ray trace that the invocation belongs to; a new one if none is given.
    pub trace: Option<TraceId>,
    /// Lambda's client context, JSON text.
    pub client_context: Option<String>,
}

/// Why the host could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A function's binary is not where it should be.
    #[error("function `{function}` has no binary at {}: build the workspace (cargo build --workspace)", path.display())]
    NoBinary {
        /// The function.
        function: String,
        /// Where its binary was looked for.
        path: PathBuf,
    },
    /// A variable has a value that only AWS knows, and the runner gave none.
    #[error(transparent)]
    Environment(#[from] UnresolvedVariable),
    /// A log cannot be written.
    #[error("the log {} cannot be written", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The thread that starts the children could not be started.
    #[error("no thread for starting functions")]
    Thread(#[source] io::Error),
}

/// How busy a function is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) function: String,
    /// Callers that wait for a child.
    pub(crate) waiting: usize,
    /// Children that live.
    pub(crate) children: usize,
}

/// A handle on all functions; cheap to clone. Dropping the last one kills every child.
#[derive(Debug, Clone)]
pub struct Functions {
    pools: Arc<BTreeMap<String, Arc<Pool>>>,
    pids: watch::Receiver<Pids>,
}

impl Functions {
    /// Sets the functions up. Children are started when they are first needed.
    pub fn start(specs: &[FunctionSpec], settings: &HostSettings) -> Result<Self, HostError> {
        let spawner = Arc::new(Spawner::start().map_err(HostError::Thread)?);
        let (pids, seen) = watch::channel(Pids::new());
        let pids = Arc::new(pids);
        let mut pools = BTreeMap::new();
        for spec in specs {
            let program = program(spec, &settings.binaries)?;
            let log = logs::Log::open(&settings.logs, &spec.name)?;
            let variables = environment::variables(spec, &program, settings)?;
            let host = pool::Host {
                log,
                spawner: Arc::clone(&spawner),
                pids: Arc::clone(&pids),
            };
            let pool = Pool::new(spec, program, variables, settings, host);
            pools.insert(spec.name.clone(), Arc::new(pool));
        }
        Ok(Self {
            pools: Arc::new(pools),
            pids: seen,
        })
    }

    /// Invokes a function and waits for its outcome, or for as long as `options` allow.
    ///
    /// A caller that goes away while its invocation runs does not stop it, as in Lambda.
    pub async fn invoke(
        &self,
        name: &str,
        payload: Bytes,
        options: InvokeOptions,
    ) -> Result<Outcome, InvokeError> {
        let Some(pool) = self.pools.get(name) else {
            return Err(InvokeError::NoSuchFunction {
                name: name.to_owned(),
                known: self.names(),
            });
        };
        Arc::clone(pool).invoke(payload, options).await
    }

    /// The functions' names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.pools.keys().cloned().collect()
    }

    /// How busy each function is.
    pub(crate) fn load(&self) -> impl Iterator<Item = Load> {
        self.pools.iter().map(|(name, pool)| {
            let (waiting, children) = pool.load();
            Load {
                function: name.clone(),
                waiting,
                children,
            }
        })
    }

    /// The children that are alive, whenever they change.
    pub fn pids(&self) -> watch::Receiver<Pids> {
        self.pids.clone()
    }

    /// Lets the named functions take no more invocations, asks their children to end, and kills those that are alive
    /// after `grace`.
    pub async fn stop(&self, names: &[&str], grace: Duration) {
        let pools = names.iter().filter_map(|name| self.pools.get(*name));
        futures::future::join_all(pools.map(|pool| pool.stop(grace))).await;
    }
}

#[async_trait]
impl Invoke for Functions {
    /// Waits in the queue for as long as it takes: triggers and schedules have nobody who waits for them.
    async fn invoke(&self, function: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        Self::invoke(self, function, payload, InvokeOptions::default()).await
    }
}

fn program(spec: &FunctionSpec, binaries: &Path) -> Result<PathBuf, HostError> {
    let path = binaries.join(&spec.binary);
    match fs::metadata(&path) {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) | Err(_) => Err(HostError::NoBinary {
            function: spec.name.clone(),
            path,
        }),
    }
}
