//! `tidemill csv`: the Lake API's CSV files, one per portfolio, in a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use reqwest::Client;
use serde::Deserialize;
use tokio::{signal, time::sleep};
use tracing::warn;
use url::Url;

use super::say;
use crate::up::{RunFile, replace_file};

/// Between two looks with `--follow`.
const PERIOD: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// The folder that gets the files; made if it is not there
    dir: PathBuf,
    /// Go on writing every few seconds until Ctrl-C; new portfolios appear by themselves
    #[arg(long)]
    follow: bool,
    /// The Lake API, e.g. http://127.0.0.1:8080 [default: the running system's, from run.json]
    #[arg(long)]
    url: Option<Url>,
    /// Where the running system keeps its data
    #[arg(
        long,
        alias = "data",
        env = "TIDEMILL_DATA",
        default_value = ".tidemill"
    )]
    tidemill_data: PathBuf,
}

/// Why no files were written.
#[derive(Debug, thiserror::Error)]
pub(super) enum CsvError {
    #[error("nothing runs on {}: start it with `tidemill up`, or name the Lake API with --url", data.display())]
    NotRunning { data: PathBuf, source: io::Error },
    #[error("the running system has no Lake API")]
    NoLake,
    #[error("the Lake API's address is not a URL")]
    Address(#[from] url::ParseError),
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("the Lake API does not answer; is the system running?")]
    Request(#[source] reqwest::Error),
    #[error("the Lake API names a file `{0}`, which is no portfolio's CSV")]
    FileName(String),
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// What `GET /csv/` answers as JSON.
#[derive(Debug, Deserialize)]
struct Listing {
    files: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
}

pub(super) async fn run(settings: Settings) -> Result<(), CsvError> {
    let lake = match &settings.url {
        Some(url) => url.clone(),
        None => lake_of(&settings.tidemill_data)?,
    };
    fs::create_dir_all(&settings.dir).map_err(|source| CsvError::Write {
        path: settings.dir.clone(),
        source,
    })?;
    let client = client().map_err(CsvError::Client)?;
    let count = write_all(&client, &lake, &settings.dir).await?;
    say(&format!("{count} files in {}", settings.dir.display()));
    if !settings.follow {
        return Ok(());
    }
    loop {
        tokio::select! {
            _ = signal::ctrl_c() => return Ok(()),
            () = sleep(PERIOD) => {}
        }
        match write_all(&client, &lake, &settings.dir).await {
            Ok(_) => {}
            // The system may be restarting; a folder that cannot be written does not heal by itself.
            Err(CsvError::Request(error)) => {
                warn!(%error, "no new rows: the Lake API does not answer")
            }
            Err(error) => return Err(error),
        }
    }
}

fn lake_of(data: &Path) -> Result<Url, CsvError> {
    let run = RunFile::read(data).map_err(|source| CsvError::NotRunning {
        data: data.to_owned(),
        source,
    })?;
    let lake = run.api("lake").ok_or(CsvError::NoLake)?;
    Ok(Url::parse(lake)?)
}

fn client() -> Result<Client, reqwest::Error> {
    // A provider that is installed already will do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
}

async fn write_all(client: &Client, lake: &Url, folder: &Path) -> Result<usize, CsvError> {
    let list = get(client, lake.join("csv/")?, "application/json").await?;
    let listing: Listing = list.json().await.map_err(CsvError::Request)?;
    let count = listing.files.len();
    for Listed { name } in listing.files {
        if !is_portfolio_csv(&name) {
            return Err(CsvError::FileName(name));
        }
        let rows = get(client, lake.join("csv/")?.join(&name)?, "text/csv").await?;
        let rows = rows.bytes().await.map_err(CsvError::Request)?;
        let path = folder.join(&name);
        replace_file(&path, &rows).map_err(|source| CsvError::Write { path, source })?;
    }
    Ok(count)
}

async fn get(client: &Client, url: Url, accept: &str) -> Result<reqwest::Response, CsvError> {
    let response = client
        .get(url)
        .header("Accept", accept)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    response.map_err(CsvError::Request)
}

/// What a server says must not decide where in the file system we write.
fn is_portfolio_csv(name: &str) -> bool {
    name.strip_prefix("INVESTOR_")
        .and_then(|rest| rest.strip_suffix(".csv"))
        .and_then(|rest| rest.split_once("_PORTFOLIO_"))
        .is_some_and(|(investor, portfolio)| {
            let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            number(investor) && number(portfolio)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_portfolio_files_are_written() {
        assert!(is_portfolio_csv("INVESTOR_1_PORTFOLIO_12.csv"));
        for bad in [
            "../x.csv",
            "INVESTOR_1_PORTFOLIO_/etc/x.csv",
            "INVESTOR__PORTFOLIO_1.csv",
            "x",
        ] {
            assert!(!is_portfolio_csv(bad), "{bad}");
        }
    }
}
