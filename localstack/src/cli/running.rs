//! How a command finds the system it is about: by what it is told, or by the `run.json` of the running one.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use url::Url;

use crate::up::RunFile;

/// Where the system is.
#[derive(Debug, Clone, Args)]
pub(super) struct Running {
    /// Address of the API that this command asks: the Lake API for `sql`, `csv` and `report`, Lambda's own for `replay` and
    /// `accept-gap`, the one that gets the load for `load` [default: the running system's, from run.json]
    #[arg(long, value_parser = address)]
    url: Option<Url>,
    #[command(flatten)]
    data: DataFolder,
}

/// Where the running system keeps its data.
#[derive(Debug, Clone, Args)]
pub(super) struct DataFolder {
    /// Where the running system keeps its data
    #[arg(
        long,
        alias = "data",
        env = "TIDEMILL_DATA",
        default_value = ".tidemill"
    )]
    tidemill_data: PathBuf,
}

/// Why there is no system to ask.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFound {
    #[error("nothing runs on {}: start it with `make run`, go to the folder where it was started, or name the API with --url", data.display())]
    NotRunning { data: PathBuf, source: io::Error },
    #[error("the running system has no API named `{0}`")]
    NoApi(&'static str),
    #[error("run.json names `{text}` as the address of its API `{api}`, which is no URL")]
    Address { api: &'static str, text: String },
}

impl Running {
    /// The base URL of an HTTP API, or of Lambda's own (`lambda`); its path ends with a slash.
    pub(super) fn api(&self, name: &'static str) -> Result<Url, NotFound> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let run = self.data.run()?;
        let text = match name {
            LAMBDA => run.lambda(),
            name => run.api(name).ok_or(NotFound::NoApi(name))?,
        };
        address(text).map_err(|_| {
            let text = text.to_owned();
            NotFound::Address { api: name, text }
        })
    }

    /// The base URL of the Lake API of the running system; none where one API was named, whichever it is.
    pub(super) fn lake(&self) -> Option<Url> {
        self.url.is_none().then(|| self.api("lake").ok()).flatten()
    }

    /// The brokers of the running system.
    pub(super) fn brokers(&self) -> Result<String, NotFound> {
        Ok(self.data.run()?.kafka().to_owned())
    }
}

/// What [`Running::api`] calls Lambda's own API.
pub(super) const LAMBDA: &str = "lambda";

impl DataFolder {
    fn run(&self) -> Result<RunFile, NotFound> {
        let data: &Path = &self.tidemill_data;
        RunFile::read(data).map_err(|source| NotFound::NotRunning {
            data: data.to_owned(),
            source,
        })
    }
}

/// A URL as people type it: the scheme may be left out where a port is given.
fn address(text: &str) -> Result<Url, String> {
    let whole = if text.contains("://") || !text.contains(':') {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&whole)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut url = url.ok_or("it is a URL such as http://127.0.0.1:8080")?;
    // Without it, `join` would replace the path's last part.
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_url_may_lack_its_scheme_and_its_last_slash() {
        for (typed, meant) in [
            ("localhost:8580", "http://localhost:8580/"),
            ("127.0.0.1:8080/", "http://127.0.0.1:8080/"),
            ("https://lake.example/v1", "https://lake.example/v1/"),
        ] {
            assert_eq!(address(typed).unwrap().as_str(), meant);
        }
        for bad in ["", "somewhere", "ftp://host", "localhost:many", "http://"] {
            assert!(address(bad).unwrap_err().contains("http://"), "{bad}");
        }
    }

    #[test]
    fn an_absent_system_is_told_with_its_folder() {
        let data = DataFolder {
            tidemill_data: PathBuf::from("/nowhere/tidemill"),
        };
        let running = Running { url: None, data };
        let error = running.api("lake").unwrap_err().to_string();
        assert!(error.contains("/nowhere/tidemill"), "{error}");
        let told = Running {
            url: Some(address("localhost:1").unwrap()),
            ..running
        };
        assert_eq!(told.api("lake").unwrap().as_str(), "http://localhost:1/");
    }
}
