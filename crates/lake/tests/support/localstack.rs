//! A LocalStack of a test's own: a child process with an empty S3, stopped when dropped.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lake::s3::{Access, S3Store};
use tempfile::TempDir;

#[path = "../../../../tests/harness/ports.rs"]
#[allow(unreachable_pub)]
mod ports;

use ports::free_port;

/// LocalStack at work.
pub(crate) struct LocalStack {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl LocalStack {
    /// Starts one; nothing, said loudly, where it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let Some(python) = python() else {
            // Past the test runner, which keeps to itself what a test prints that does not fail.
            let note = "skipped: the lake on S3, for LocalStack is not installed (make tools)";
            let mut terminal = std::io::stderr();
            writeln!(terminal, "{note}").unwrap();
            return None;
        };
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let output = std::fs::File::create(&log).unwrap();
        let port = free_port();
        let child = Command::new(python.join("bin/python"))
            .arg(workspace.join("localstack/src/lake/durable_s3.py"))
            .arg(folder.path().join("s3"))
            .arg(python.join("cache"))
            .env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"))
            .env("FILESYSTEM_ROOT", folder.path().join("root"))
            .envs([
                ("SERVICES", "s3"),
                ("SKIP_SSL_CERT_DOWNLOAD", "1"),
                ("DISABLE_EVENTS", "1"),
                ("LS_LOG", "warning"),
            ])
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut started = Self {
            child,
            port,
            _folder: folder,
        };
        let deadline = Instant::now() + Duration::from_secs(120);
        while let Err(error) = TcpStream::connect(("127.0.0.1", port)) {
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
            let said = || std::fs::read_to_string(&log).unwrap();
            let ended = started.child.try_wait().unwrap();
            assert!(ended.is_none(), "LocalStack ended: {ended:?}: {}", said());
            assert!(Instant::now() < deadline, "LocalStack starts: {}", said());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Some(started)
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for LocalStack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lake at `url` on what listens at `address`.
pub(crate) fn store(url: &str, address: &str) -> S3Store {
    let access = Access::Given {
        endpoint: format!("http://{address}"),
        region: "us-east-1".to_owned(),
        access_key_id: "test".to_owned(),
        secret_access_key: "test".to_owned(),
    };
    S3Store::open(url, access).unwrap()
}

/// The folder that `make tools` installs LocalStack into.
fn python() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let folder = std::env::var_os("LOCALSTACK_HOME").map_or_else(
        || workspace.join(target).join("tools/localstack"),
        PathBuf::from,
    );
    folder.join("installed").exists().then_some(folder)
}
