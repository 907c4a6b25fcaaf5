//! `run.json`: what runs and where, there from ready until stop.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use futures::future::select_all;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};
use tracing::warn;

use super::replace::replace_file;
use crate::functions::Pids;

/// The content of `run.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunFile {
    pub(super) pid: u32,
    /// The HTTP APIs by name, each with its URL.
    #[serde(flatten)]
    pub(super) apis: BTreeMap<String, String>,
    pub(super) lambda: String,
    pub(super) kafka: String,
    pub(super) lake_url: String,
    #[serde(default)]
    pub(super) functions: BTreeMap<String, FunctionEntry>,
    /// The servers that run as children.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) services: BTreeMap<String, FunctionEntry>,
}

/// One function or service in `run.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionEntry {
    pids: Vec<u32>,
}

impl RunFile {
    /// The `run.json` of a system that runs on this data folder.
    pub(crate) fn read(data: &Path) -> io::Result<Self> {
        let text = fs::read(data.join("run.json"))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// The URL of Lambda's own API.
    pub(crate) fn lambda(&self) -> &str {
        &self.lambda
    }

    /// The brokers, `host:port,…`.
    pub(crate) fn kafka(&self) -> &str {
        &self.kafka
    }

    /// The URL of an HTTP API.
    pub(crate) fn api(&self, name: &str) -> Option<&str> {
        self.apis.get(name).map(String::as_str)
    }
}

/// Keeps `run.json` true, and removes it on drop.
#[derive(Debug)]
pub(super) struct Published {
    path: PathBuf,
    keeper: JoinHandle<()>,
}

impl Published {
    /// Writes the file, and writes it anew whenever the children change.
    pub(super) fn new(
        data: &Path,
        mut run: RunFile,
        mut pids: watch::Receiver<Pids>,
        mut services: BTreeMap<&'static str, watch::Receiver<Option<u32>>>,
    ) -> io::Result<Self> {
        let path = data.join("run.json");
        run.set_pids(&mut pids, &mut services);
        write(&path, &run)?;
        let kept = path.clone();
        let keeper = tokio::spawn(async move {
            loop {
                let service = services.values_mut().map(|pid| Box::pin(pid.changed()));
                let service = async {
                    match service.collect::<Vec<_>>() {
                        none if none.is_empty() => std::future::pending().await,
                        some => select_all(some).await.0,
                    }
                };
                let changed = tokio::select! {
                    changed = pids.changed() => changed,
                    changed = service => changed,
                };
                // Nobody is left who would tell a change.
                if changed.is_err() {
                    break;
                }
                run.set_pids(&mut pids, &mut services);
                if let Err(source) = write(&kept, &run) {
                    warn!(path = %kept.display(), %source, "run.json cannot be written");
                }
            }
        });
        Ok(Self { path, keeper })
    }
}

impl RunFile {
    fn set_pids(
        &mut self,
        functions: &mut watch::Receiver<Pids>,
        services: &mut BTreeMap<&'static str, watch::Receiver<Option<u32>>>,
    ) {
        for (function, pids) in functions.borrow_and_update().iter() {
            let pids = pids.clone();
            self.functions
                .insert(function.clone(), FunctionEntry { pids });
        }
        for (service, pid) in services {
            let pids = pid.borrow_and_update().iter().copied().collect();
            self.services
                .insert((*service).to_owned(), FunctionEntry { pids });
        }
    }
}

impl Published {
    /// Removes the file; nothing writes it again.
    pub(super) async fn remove(mut self) {
        self.keeper.abort();
        // It may be writing just now.
        let _ = (&mut self.keeper).await;
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.keeper.abort();
        if let Err(source) = fs::remove_file(&self.path) {
            warn!(path = %self.path.display(), %source, "run.json cannot be removed");
        }
    }
}

fn write(path: &Path, run: &RunFile) -> io::Result<()> {
    replace_file(path, &serde_json::to_vec_pretty(run)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::time::Duration;

    use super::*;

    fn run() -> RunFile {
        RunFile {
            pid: 1,
            apis: [("lake".to_owned(), "http://127.0.0.1:8080".to_owned())].into(),
            lambda: "http://127.0.0.1:9001".to_owned(),
            kafka: "127.0.0.1:9092".to_owned(),
            lake_url: "file:///lake".to_owned(),
            functions: [("stocks".to_owned(), FunctionEntry::default())].into(),
            services: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn it_follows_the_children_and_goes_away() {
        let data = tempfile::tempdir().unwrap();
        let (tell, pids) = watch::channel(Pids::new());
        let (restart, pid) = watch::channel(Some(7));
        let services = [("kafka", pid)].into();
        let published = Published::new(data.path(), run(), pids, services).unwrap();
        let read = RunFile::read(data.path()).unwrap();
        assert_eq!(read.api("lake"), Some("http://127.0.0.1:8080"));
        assert_eq!(read.functions["stocks"].pids, Vec::<u32>::new());
        tell.send_modify(|pids| drop(pids.insert("stocks".to_owned(), vec![42])));
        while RunFile::read(data.path()).unwrap().functions["stocks"].pids != [42] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(
            RunFile::read(data.path()).unwrap().services["kafka"].pids,
            [7]
        );
        restart.send_replace(None);
        while !RunFile::read(data.path()).unwrap().services["kafka"]
            .pids
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        published.remove().await;
        assert!(RunFile::read(data.path()).is_err());
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    }
}
