//! `tidemill report`: the analytics report as one HTML file.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use super::{
    running::{NotFound, Running},
    say,
};
use crate::up::replace_file;

/// The report asks every question there is, so it takes longer than any one of them.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// The file that gets the report; one that is there is replaced in one step
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    #[command(flatten)]
    running: Running,
}

/// Why no report was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("the Lake API's address is not a URL")]
    Address(#[from] url::ParseError),
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("the Lake API does not answer; is the system running?")]
    Request(#[source] reqwest::Error),
    #[error("the Lake API has no report: {status}: {detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// What an answer that is a problem says.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

pub(super) async fn run(settings: Settings) -> Result<(), ReportError> {
    let lake = settings.running.api("lake")?;
    let address = lake.join("reports/analytics")?;
    progress(&format!("asking {address} for the report ..."));
    let html = download(address).await?;
    progress("");
    replace_file(&settings.out, &html).map_err(|source| ReportError::Write {
        path: settings.out.clone(),
        source,
    })?;
    say(&format!(
        "{}: {} kB, open it in any browser",
        settings.out.display(),
        html.len().div_ceil(1000)
    ));
    Ok(())
}

/// A line for whoever waits at a terminal, written over by the next one.
fn progress(line: &str) {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        let _ = write!(terminal, "\r\x1b[2K{line}").and_then(|()| terminal.flush());
    }
}

async fn download(address: Url) -> Result<Vec<u8>, ReportError> {
    // A provider that is installed already will do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(ReportError::Client)?;
    let request = client.get(address).header("Accept", "text/html");
    let response = request.send().await.map_err(ReportError::Request)?;
    let status = response.status();
    let body = response.bytes().await.map_err(ReportError::Request)?;
    if status.is_success() {
        return Ok(body.to_vec());
    }
    let problem = serde_json::from_slice::<Problem>(&body);
    Err(ReportError::Refused {
        status,
        detail: problem.map_or_else(
            |_| "no reason was given".to_owned(),
            |problem| problem.detail,
        ),
    })
}
