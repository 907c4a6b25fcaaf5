//! The start, in the order in which the parts need each other.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use stream::Connection;
use tokio::{sync::watch, task::JoinSet};
use tracing::debug;

use super::{
    UpError,
    brim::Brim,
    data::DataFolder,
    epochs::{self, Life, Notes},
    health,
    listeners::{Ports, url},
    run_file::{Published, RunFile},
    settings::{Settings, Switch},
    stores, urls,
};
use crate::{
    broker::Broker,
    cli::announce,
    clock::{Clock, SystemClock},
    functions::{Functions, HostSettings},
    invoke_api,
    lake::Lake,
    metrics::Metrics,
    outage,
    room::Room,
    scheduler::Scheduler,
    template::{BROKERS, CLUSTER_ARN, Template, Values},
    trigger::{Invoke, Trigger},
};

/// Variables of the user's that every function gets as they are.
const PASSED_ON: [&str; 4] = ["INVESTORS", "MAX_AHEAD_SECONDS", "QUOTES", "RUST_LOG"];

/// The whole system at work. Dropping it stops it where it stands.
#[derive(Debug)]
pub(super) struct System {
    pub(super) scheduler: Option<Scheduler>,
    pub(super) stopping: watch::Sender<bool>,
    pub(super) servers: JoinSet<io::Result<()>>,
    pub(super) asynchronous: Room,
    pub(super) triggers: Vec<Trigger>,
    pub(super) functions: Functions,
    pub(super) template: Template,
    pub(super) published: Published,
    pub(super) broker: Broker,
    pub(super) lake: Lake,
    _brim: Option<Brim>,
    _outage: outage::Watch,
    run: RunFile,
    folder: DataFolder,
}

impl System {
    /// The addresses, for people.
    pub(super) fn table(&self) -> Vec<String> {
        urls::table(
            &self.template.apis,
            &self.run,
            self.lake.endpoint(),
            &self.folder,
        )
    }

    /// Waits until a listener breaks, which none should.
    pub(super) async fn broken(&mut self) -> io::Error {
        match self.servers.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => io::Error::other(panic),
            Some(Ok(Ok(()))) | None => io::Error::other("a listener ended by itself"),
        }
    }
}

/// Starts everything; what fails takes down what has been started before it.
pub(super) async fn start(settings: &Settings) -> Result<System, UpError> {
    let mut template = template(settings)?;
    let folder = DataFolder::lock(&settings.tidemill_data)?;
    remove_stale_run_file(folder.path())?;
    let ports = Ports::bind(settings, &template).await?;

    let (lake, broker) = stores::start(settings, &folder, &template).await?;
    let address = broker.address();
    let life = if broker.forgets() {
        Life::New
    } else {
        Life::Of {
            cluster: broker.cluster(),
            brokers: &address,
        }
    };
    let notes = if lake.is_shared {
        Notes::Lake(lake.store.as_ref())
    } else {
        Notes::File(folder.path().join("epochs.json"))
    };
    let claim = epochs::claim(&notes, lake.store.as_ref(), life, settings.log_epoch).await?;
    let epoch = claim.epoch;
    debug!(epoch, broker = address, "life of the logs");
    if !broker.forgets() {
        set_apart(&mut template, &claim.folder);
    }

    let mut host = HostSettings::new(binaries()?, folder.logs());
    host.given = given(settings, broker.connection().brokers(), &lake.url, epoch);
    host.given.extend(addresses(&ports));
    host.forced = passed_on();
    host.forced.extend(lake.variables.clone());
    host.with_kafka = settings.kafka.for_functions();
    let metrics = Metrics::install(&template).map_err(UpError::Metrics)?;
    let functions = Functions::start(&template.functions, &host)?;
    metrics.watched().functions(functions.clone());

    let (stopping, stop) = watch::channel(false);
    let mut servers = JoinSet::new();
    let run = RunFile {
        pid: std::process::id(),
        apis: ports
            .apis
            .iter()
            .map(|(api, bound)| (api.name.clone(), url(bound.port)))
            .collect(),
        lambda: url(ports.lambda.port),
        kafka: address,
        lake_url: lake.url.clone(),
        functions: functions
            .names()
            .into_iter()
            .map(|name| (name, Default::default()))
            .collect(),
        services: BTreeMap::new(),
    };
    let asynchronous = invoke_api::asynchronous_room();
    let checks = ports.serve(
        &template,
        &functions,
        &metrics,
        &asynchronous,
        &mut servers,
        &stop,
    );

    announce("starting the triggers");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let invoke: Arc<dyn Invoke> = Arc::new(functions.clone());
    let triggers = triggers(settings, &template, broker.connection(), &invoke, &clock).await?;

    metrics
        .watched()
        .triggers(triggers.iter().map(Trigger::probe));

    let brim = match broker.valve() {
        Some(valve) => {
            let gauges = triggers
                .iter()
                .filter(|trigger| !publishes(&template, trigger.function()))
                .map(Trigger::gauge)
                .collect();
            Some(Brim::watch(valve, broker.watermarks()?, gauges))
        }
        None => None,
    };

    announce("starting the functions behind the HTTP APIs");
    let logs = folder.logs().display().to_string();
    let healthy = checks
        .iter()
        .map(|(api, port)| health::wait(api, *port, &logs));
    futures::future::try_join_all(healthy).await?;

    let published = Published::new(
        folder.path(),
        run.clone(),
        functions.pids(),
        stores::children(&broker, &lake),
    );
    let published = published.map_err(|source| UpError::RunFile {
        path: folder.path().join("run.json"),
        source,
    })?;
    let scheduler = match settings.schedules {
        Switch::On => Some(Scheduler::start(&template, invoke, clock)?),
        Switch::Off => None,
    };
    Ok(System {
        scheduler,
        stopping,
        servers,
        asynchronous,
        triggers,
        functions,
        template,
        published,
        _outage: outage::Watch::start(broker.connection()),
        broker,
        lake,
        _brim: brim,
        run,
        folder,
    })
}

/// Whether a function is given the brokers to publish. One that has to publish before it gets on would wait for itself
/// behind a valve that is closed because of it.
fn publishes(template: &Template, function: &str) -> bool {
    let mut specs = template.functions.iter();
    specs.any(|spec| spec.name == function && spec.has_kafka())
}

fn template(settings: &Settings) -> Result<Template, UpError> {
    let path = settings.template.clone().unwrap_or_else(|| {
        let here = PathBuf::from("template.yaml");
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("template.yaml");
        if !here.exists() && workspace.exists() {
            workspace
        } else {
            here
        }
    });
    let text = fs::read_to_string(&path).map_err(|source| UpError::NoTemplate {
        path: path.clone(),
        source,
    })?;
    // Ours read which records are not done, as provisioned pollers do.
    let values = Values::from([("Pollers".to_owned(), "provisioned".to_owned())]);
    Template::parse(&text, &values).map_err(|source| UpError::Template { path, source })
}

/// Data folders that share a broker read it each for itself: rows of the one's lake say nothing about the other's.
fn set_apart(template: &mut Template, folder: &str) {
    let functions = template.functions.iter_mut();
    for trigger in functions.flat_map(|function| &mut function.triggers) {
        trigger.consumer_group = format!("{}-{folder}", trigger.consumer_group);
    }
}

/// One that was killed had no time to remove it; the lock says that it is gone.
fn remove_stale_run_file(folder: &Path) -> Result<(), UpError> {
    let path = folder.join("run.json");
    match fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(UpError::RunFile { path, source }),
    }
}

/// The functions' binaries are built into the folder that this one is in.
fn binaries() -> Result<PathBuf, UpError> {
    let here = env::current_exe().and_then(|path| path.canonicalize());
    let here = here.map_err(|source| UpError::RunFile {
        path: PathBuf::from("/proc/self/exe"),
        source,
    })?;
    Ok(here.parent().unwrap_or(Path::new("/")).to_owned())
}

/// What the local system says in place of AWS, for the functions that ask for it in the template.
fn given(
    settings: &Settings,
    brokers: &str,
    lake_url: &str,
    epoch: u32,
) -> BTreeMap<String, String> {
    // The template means the brokers on AWS, and what those ask for.
    let elsewhere = stream::SETTINGS.into_iter().chain([CLUSTER_ARN]);
    let elsewhere = elsewhere.map(|name| (name, String::new()));
    let given = [
        (BROKERS, brokers.to_owned()),
        ("LAKE_URL", lake_url.to_owned()),
        ("LOG_EPOCH", epoch.to_string()),
        ("WINDOW_SECONDS", settings.window_seconds.to_string()),
        ("LATENESS_SECONDS", settings.lateness_seconds.to_string()),
    ];
    elsewhere
        .chain(given)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Where each door is, as `STOCKS_URL` and the like.
fn addresses(ports: &Ports) -> BTreeMap<String, String> {
    let apis = ports
        .apis
        .iter()
        .map(|(api, bound)| (api.name.as_str(), bound.port));
    apis.chain([("lambda", ports.lambda.port)])
        .map(|(name, port)| (format!("{}_URL", name.to_uppercase()), url(port)))
        // The lake's own variable says where its files are.
        .filter(|(name, _)| name != "LAKE_URL")
        .collect()
}

fn passed_on() -> BTreeMap<String, String> {
    let set = |name: &&str| env::var(name).ok().map(|value| ((*name).to_owned(), value));
    PASSED_ON.iter().filter_map(set).collect()
}

async fn triggers(
    settings: &Settings,
    template: &Template,
    connection: &Connection,
    invoke: &Arc<dyn Invoke>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Trigger>, UpError> {
    let window = Some(settings.batching_window);
    let starts = template.functions.iter().flat_map(|function| {
        function.triggers.iter().map(async |trigger| {
            let started = Trigger::start(
                function,
                trigger,
                connection,
                window,
                Arc::clone(invoke),
                Arc::clone(clock),
            );
            started.await.map_err(|source| UpError::Trigger {
                function: function.name.clone(),
                source,
            })
        })
    });
    futures::future::try_join_all(starts).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whoever_publishes_is_known() {
        let text = include_str!("../../../template.yaml");
        let template = Template::parse(text, &Values::new()).unwrap();
        let publishing = |name: &&str| publishes(&template, name);
        let all = [
            "stocks", "games", "exchange", "evaluate", "archive", "query",
        ];
        let found: Vec<_> = all.into_iter().filter(publishing).collect();
        assert_eq!(found, ["stocks", "games", "exchange", "evaluate"]);
    }

    #[test]
    fn every_group_is_the_folders_own() {
        let text = include_str!("../../../template.yaml");
        let template = Template::parse(text, &Values::new()).unwrap();
        let mut apart = template.clone();
        set_apart(&mut apart, "1234abcd");
        let groups = |template: &Template| -> Vec<String> {
            let triggers = template.functions.iter().flat_map(|it| &it.triggers);
            triggers.map(|it| it.consumer_group.clone()).collect()
        };
        let before = groups(&template);
        assert!(!before.is_empty());
        for (before, after) in before.iter().zip(groups(&apart)) {
            assert_eq!(after, format!("{before}-1234abcd"));
        }
    }
}
