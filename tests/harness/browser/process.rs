//! chromedriver as a child process.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::eventually;
use crate::ports::free_port;

/// A running chromedriver; stopped with all that it started when dropped.
pub(super) struct Chromedriver {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Chromedriver {
    /// Starts it and waits until it says that it listens.
    pub(super) async fn start(program: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = File::create(folder.path().join("log")).unwrap();
        // Of its own choice it would be one that was free on IPv6, and need not be on IPv4.
        let port = free_port();
        let child = Command::new(program)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        let started = Self {
            child,
            folder,
            port,
        };
        eventually("chromedriver listens", Duration::from_secs(30), || {
            let log = started.log();
            let listens = log.contains("started successfully");
            async move { listens.then_some(()).ok_or(log) }
        })
        .await;
        started
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The browser's own folder, which goes when this is dropped.
    pub(super) fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.child.id().cast_signed());
        let _ = killpg(group, Signal::SIGTERM);
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        // Whoever of the group has not listened.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
