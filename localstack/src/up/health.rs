//! Whether an HTTP API answers: its `/health`, asked as a user would ask.

use std::{
    io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// An API that is not well after this will not get well by waiting.
const LIMIT: Duration = Duration::from_secs(60);
/// Nor will a function that has ended as it started for so long: a setting of it is wrong.
const STARTS_LIMIT: Duration = Duration::from_secs(5);
/// As the answer of such a function says it.
const NOT_STARTED: &str = "does not start";
const PAUSE: Duration = Duration::from_millis(100);
const ANSWER_LIMIT: Duration = Duration::from_secs(35);

/// An API whose functions do not answer.
#[derive(Debug, thiserror::Error)]
#[error("the API `{api}` does not get healthy: {seen}; {}", hint(logs))]
pub struct HealthError {
    api: String,
    seen: String,
    logs: String,
}

fn hint(logs: &str) -> String {
    format!("the logs of its functions are in {logs}")
}

/// Waits until `GET /health` on the port is answered with 200.
pub(super) async fn wait(api: &str, port: u16, logs: &str) -> Result<(), HealthError> {
    let began = Instant::now();
    let mut ended = None;
    loop {
        let seen = match timeout(ANSWER_LIMIT, ask(port)).await {
            Ok(Ok(answer)) if answer.status == 200 => return Ok(()),
            Ok(Ok(answer)) => format!("{} {}", answer.status, answer.body),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {ANSWER_LIMIT:?}"),
        };
        ended = ended
            .or(Some(Instant::now()))
            .filter(|_| seen.contains(NOT_STARTED));
        let is_broken = ended.is_some_and(|since| since.elapsed() > STARTS_LIMIT);
        if is_broken || began.elapsed() > LIMIT {
            return Err(HealthError {
                api: api.to_owned(),
                seen,
                logs: logs.to_owned(),
            });
        }
        sleep(PAUSE).await;
    }
}

struct Answer {
    status: u16,
    body: String,
}

/// HTTP/1.0: the answer ends where the connection does.
async fn ask(port: u16) -> io::Result<Answer> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream
        .write_all(
            format!(
                "GET /health HTTP/1.0\r\nHost: localhost:{port}\r\nUser-Agent: tidemill\r\n\r\n"
            )
            .as_bytes(),
        )
        .await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))?;
    Ok(Answer {
        status,
        body: body.chars().take(300).collect(),
    })
}
