//! `tidemill csv`: the Lake API's CSV files, one per portfolio, in a folder.

use std::{fs, io, path::PathBuf, time::Duration};

use clap::Args;
use reqwest::Client;
use serde::Deserialize;
use tokio::time::sleep;
use tracing::{info, warn};
use url::Url;

use super::{
    running::{NotFound, Running},
    say,
};
use crate::up::{Signals, replace_file};

/// Between two looks with `--follow`.
const PERIOD: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// The folder that gets the files; made if it is not there
    dir: PathBuf,
    /// Go on writing every few seconds until Ctrl-C; new portfolios appear by themselves
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    running: Running,
}

/// Why no files were written.
#[derive(Debug, thiserror::Error)]
pub(super) enum CsvError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("the Lake API's address is not a URL")]
    Address(#[from] url::ParseError),
    #[error("signals cannot be listened to")]
    Signals(#[source] io::Error),
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
    if !settings.follow {
        let count = write_all(&prepare(&settings)?, &settings).await?;
        say_written(count, &settings);
        return Ok(());
    }
    let mut signals = Signals::listen().map_err(CsvError::Signals)?;
    tokio::select! {
        biased;
        // A round may be given up anywhere: a file is replaced whole or not at all.
        () = signals.next() => Ok(()),
        ended = follow(&settings) => ended,
    }
}

/// Writes again and again; the first round has to succeed, so that a mistake is told at once.
async fn follow(settings: &Settings) -> Result<(), CsvError> {
    let client = prepare(settings)?;
    say_written(write_all(&client, settings).await?, settings);
    let mut away = false;
    loop {
        sleep(PERIOD).await;
        let round = write_all(&client, settings).await.map(drop);
        notice(round, &mut away)?;
    }
}

/// Says once that the system went away, and once that it is back: it may be restarting. Anything else does not heal by
/// itself, a folder that cannot be written for one.
fn notice(round: Result<(), CsvError>, away: &mut bool) -> Result<(), CsvError> {
    let was_away = *away;
    match round {
        Ok(()) => *away = false,
        Err(CsvError::Request(_) | CsvError::NotFound(NotFound::NotRunning { .. })) => *away = true,
        Err(error) => return Err(error),
    }
    match (was_away, *away) {
        (false, true) => warn!("the Lake API does not answer; waiting until it is back"),
        (true, false) => info!("the Lake API is back"),
        (false, false) | (true, true) => {}
    }
    Ok(())
}

fn prepare(settings: &Settings) -> Result<Client, CsvError> {
    fs::create_dir_all(&settings.dir).map_err(|source| CsvError::Write {
        path: settings.dir.clone(),
        source,
    })?;
    client().map_err(CsvError::Client)
}

fn say_written(count: usize, settings: &Settings) {
    say(&format!("{count} files in {}", settings.dir.display()));
}

fn client() -> Result<Client, reqwest::Error> {
    // A provider that is installed already will do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
}

/// One round. Where the system runs is looked up each time, because a restart may change its port.
async fn write_all(client: &Client, settings: &Settings) -> Result<usize, CsvError> {
    let lake = settings.running.api("lake")?;
    let list = get(client, lake.join("csv/")?, "application/json").await?;
    let listing: Listing = list.json().await.map_err(CsvError::Request)?;
    let count = listing.files.len();
    for Listed { name } in listing.files {
        if !is_portfolio_csv(&name) {
            return Err(CsvError::FileName(name));
        }
        let rows = get(client, lake.join("csv/")?.join(&name)?, "text/csv").await?;
        let rows = rows.bytes().await.map_err(CsvError::Request)?;
        let path = settings.dir.join(&name);
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
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_a_system_that_is_away_is_waited_for() {
        let gone = || {
            Err(CsvError::NotFound(NotFound::NotRunning {
                data: PathBuf::new(),
                source: io::ErrorKind::NotFound.into(),
            }))
        };
        let mut away = false;
        for (round, then) in [(gone(), true), (gone(), true), (Ok(()), false)] {
            notice(round, &mut away).unwrap();
            assert_eq!(away, then);
        }
        notice(Err(NotFound::NoApi("lake").into()), &mut away).unwrap_err();
    }

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
