//! One child process: a task owns it, and everybody else sends signals and sees its end.

use std::{process::ExitStatus, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    process::Child,
    sync::{mpsc, watch},
    time::timeout,
};
use tracing::debug;

/// A way to a process that was started; clones lead to the same one.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// Its id, and its group's.
    pub(crate) pid: u32,
    ended: watch::Receiver<Option<String>>,
    signals: mpsc::UnboundedSender<Signal>,
}

impl Process {
    /// Takes over a child of the spawner's; `None` if it has ended already.
    pub(crate) fn watch(child: Child) -> Option<Self> {
        let pid = child.id()?;
        let (signals, orders) = mpsc::unbounded_channel();
        let (tell, ended) = watch::channel(None);
        tokio::spawn(own(child, pid, orders, tell));
        Some(Self {
            pid,
            ended,
            signals,
        })
    }

    /// Signals the process and what it has started; one that has ended needs no signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = self.signals.send(signal);
    }

    /// Tells when the process has ended, and how.
    pub(crate) fn ended(&self) -> watch::Receiver<Option<String>> {
        self.ended.clone()
    }

    /// SIGTERM, and SIGKILL if the process is still there after `grace`.
    pub(crate) async fn stop(mut self, grace: Duration) {
        self.signal(Signal::SIGTERM);
        if timeout(grace, end(&mut self.ended)).await.is_err() {
            self.signal(Signal::SIGKILL);
            end(&mut self.ended).await;
        }
    }
}

/// Waits for a process's end; says how it ended.
pub(crate) async fn end(ended: &mut watch::Receiver<Option<String>>) -> String {
    match ended.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        Err(_) => "its watcher is gone".to_owned(),
    }
}

/// Owns the process: it alone sends signals, so none can reach a process id that is no longer the child's.
async fn own(
    mut child: Child,
    pid: u32,
    mut orders: mpsc::UnboundedReceiver<Signal>,
    tell: watch::Sender<Option<String>>,
) {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
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

pub(super) fn signal_group(pid: u32, signal: Signal) {
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
