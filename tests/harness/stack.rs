//! A running Tidemill: the real binary on free ports with a data folder of its own, stopped when dropped.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::{NamedTempFile, TempDir};

use crate::eventually;

/// What `run.json` says of a running system.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// The runner's process.
    pub pid: i32,
    /// Base URL of the Stocks API.
    pub stocks: String,
    /// Base URL of the Games API.
    #[serde(default)]
    pub games: String,
    /// Base URL of the Lake API.
    pub lake: String,
    /// Base URL of Lambda's own API.
    pub lambda: String,
    /// `host:port` of the broker.
    pub kafka: String,
    /// Where the lake is, as a URL.
    pub lake_url: String,
    /// The functions with the pids of their processes.
    pub functions: BTreeMap<String, Processes>,
    /// The servers that run as children of the runner.
    #[serde(default)]
    pub services: BTreeMap<String, Processes>,
}

/// The processes of one function.
#[derive(Debug, Clone, Deserialize)]
pub struct Processes {
    /// Process ids.
    pub pids: Vec<i32>,
}

/// A running system and its data folder.
pub struct Stack {
    child: Option<Child>,
    data: TempDir,
    settings: Vec<(String, String)>,
    /// Where everything listens.
    pub run: Run,
}

/// The folder of the binaries that this test run was built with: where cargo puts them for users, which need not be
/// above the test's own (`build.build-dir`).
pub fn binaries() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let beside = test.parent().unwrap().parent().unwrap();
    let profile = beside.file_name().unwrap();
    std::env::var_os("CARGO_TARGET_DIR")
        .map(|target| workspace().join(target).join(profile))
        .unwrap_or_else(|| beside.to_owned())
}

/// The workspace's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The template with these texts in the place of others, for `--template`.
pub fn changed_template(changes: &[(&str, &str)]) -> NamedTempFile {
    let text = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let changed = changes
        .iter()
        .fold(text.clone(), |text, (from, to)| text.replace(from, to));
    assert_ne!(text, changed);
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), changed).unwrap();
    file
}

/// `tidemill up` on free ports over `data`, not yet started. Settings are variables, or flags where they begin with `--`.
pub fn up(data: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binaries().join("tidemill"));
    command
        .arg("up")
        .current_dir(workspace())
        .env("TIDEMILL_DATA", data)
        .stdin(Stdio::null());
    for port in [
        "STOCKS_PORT",
        "GAMES_PORT",
        "LAKE_PORT",
        "LAMBDA_PORT",
        "KAFKA_PORT",
        "LOCALSTACK_PORT",
    ] {
        command.env(port, "0");
    }
    for variable in [
        "KAFKA",
        "KAFKA_JARS",
        "KAFKA_RETENTION_HOURS",
        "KAFKA_SECURITY_PROTOCOL",
        "KAFKA_SASL_MECHANISM",
        "KAFKA_USERNAME",
        "KAFKA_PASSWORD",
        "KAFKA_CA_FILE",
        "KAFKA_CERT_FILE",
        "KAFKA_KEY_FILE",
        "LAKE",
        "LOCALSTACK_HOME",
        "SCHEDULES",
        "BATCHING_WINDOW",
        "QUOTES",
        "WINDOW_SECONDS",
        "LATENESS_SECONDS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        command.env_remove(variable);
    }
    // What the developer uses for other things says nothing about the system under test.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    for (name, value) in settings {
        if name.starts_with("--") {
            command.arg(name).arg(value);
        } else {
            command.env(name, value);
        }
    }
    command
}

impl Stack {
    /// A command of `tidemill` beside `up`, about this system, not yet run.
    pub fn tidemill(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binaries().join("tidemill"));
        command.args(arguments).env("TIDEMILL_DATA", self.data());
        command
    }

    /// Starts a system with `settings` over the defaults and waits until it is ready.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings).await
    }

    /// Starts a system in a data folder that is prepared.
    pub async fn start_in(data: TempDir, settings: &[(&str, &str)]) -> Self {
        let settings = settings
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<Vec<_>>();
        let (child, run) = launch(data.path(), &settings).await;
        Self {
            child: Some(child),
            data,
            settings,
            run,
        }
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The processes of these functions as of now.
    pub fn pids(&self, functions: &[&str]) -> Vec<i32> {
        let run = std::fs::read(self.data().join("run.json")).unwrap();
        let run: Run = serde_json::from_slice(&run).unwrap();
        let pids = functions
            .iter()
            .map(|name| run.functions[*name].pids.clone());
        pids.flatten().collect()
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// What `run.json` says now: processes come and go.
    pub fn run_now(&self) -> Option<Run> {
        let run = std::fs::read(self.data().join("run.json")).ok()?;
        serde_json::from_slice(&run).ok()
    }

    /// What function `name` has logged so far.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.data().join("logs").join(format!("{name}.log")))
            .unwrap_or_default()
    }

    /// What the runner has printed since its last start.
    pub fn terminal(&self) -> String {
        std::fs::read_to_string(self.data().join("terminal.txt")).unwrap_or_default()
    }

    /// SIGTERM, as Ctrl-C would; answers how it ended and after how long.
    pub fn stop(&mut self) -> (ExitStatus, Duration) {
        let mut child = self.child.take().expect("the system runs");
        let since = Instant::now();
        let status = terminate(&mut child);
        (status, since.elapsed())
    }

    /// SIGKILL: no chance to clean up.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the system runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops and starts again on the same data folder.
    pub async fn restart(&mut self) {
        let (status, _) = self.stop();
        assert!(
            status.success(),
            "stopped with {status}: {}",
            self.terminal()
        );
        self.start_again().await;
    }

    /// Starts on the data folder of a system that has ended.
    pub async fn start_again(&mut self) {
        let (child, run) = launch(self.data.path(), &self.settings).await;
        self.child = Some(child);
        self.run = run;
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if std::thread::panicking() {
                eprintln!("--- the runner's terminal ---\n{}", self.terminal());
            }
            terminate(&mut child);
        }
    }
}

async fn launch(data: &Path, settings: &[(String, String)]) -> (Child, Run) {
    let terminal = data.join("terminal.txt");
    let output = File::create(&terminal).unwrap();
    let settings: Vec<_> = settings
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let mut child = up(data, &settings)
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .expect("tidemill is built");
    let found = eventually("the system is ready", Duration::from_secs(120), || {
        let said = std::fs::read_to_string(&terminal).unwrap();
        if let Some(status) = child.try_wait().unwrap() {
            panic!("tidemill ended with {status}: {said}");
        }
        let run = std::fs::read(data.join("run.json"))
            .ok()
            .and_then(|run| serde_json::from_slice::<Run>(&run).ok());
        let pid = child.id().cast_signed();
        async move { run.filter(|run| run.pid == pid).ok_or(said) }
    })
    .await;
    (child, found)
}

/// SIGTERM, then SIGKILL when the promised 10 s are over by far.
fn terminate(child: &mut Child) -> ExitStatus {
    let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
        }
        std::thread::yield_now();
        park();
    }
}

/// SIGKILL for a process that the system started.
pub fn end(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

/// Whether a process of this id is alive (a zombie is not).
pub fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

fn park() {
    std::thread::park_timeout(Duration::from_millis(20));
}
