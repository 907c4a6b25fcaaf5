//! Logs of the functions: every line to a file, and a short form of it to the terminal. Lines of metrics are counted and
//! go to neither.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tracing::{Level, debug, error, info, warn};

use super::{HostError, log_file::LogFile};
use crate::{metrics, outage};

/// A line longer than this is cut into several, so that a function that never ends its line costs no memory.
const LINE_LIMIT: u64 = 256 * 1024;
/// What every line has, and what the terminal does not repeat.
const FRAME: [&str; 6] = ["timestamp", "level", "message", "target", "span", "spans"];
/// What the terminal shows of a line.
const SHOWN: usize = 480;

/// The log of one function, appended to by all of its children.
#[derive(Debug, Clone)]
pub(super) struct Log {
    function: String,
    file: Arc<Mutex<LogFile>>,
}

impl Log {
    pub(super) fn open(folder: &Path, function: &str) -> Result<Self, HostError> {
        let path = folder.join(format!("{function}.log"));
        let opened = fs::create_dir_all(folder).and_then(|()| LogFile::open(path.clone()));
        match opened {
            Ok(file) => Ok(Self {
                function: function.to_owned(),
                file: Arc::new(Mutex::new(file)),
            }),
            Err(source) => Err(HostError::Log { path, source }),
        }
    }

    /// Copies an output of a child line by line until the child closes it. `at_work` tells the id of the invocation
    /// that the child works on.
    pub(super) async fn pump(
        self,
        output: impl AsyncRead + Unpin,
        at_work: impl Fn() -> Option<String>,
    ) {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader)
                .take(LINE_LIMIT)
                .read_until(b'\n', &mut line)
                .await
            {
                Ok(0) => return,
                Ok(_) if metrics::take(&line) => {}
                Ok(_) => {
                    self.write(&line, Utc::now(), at_work().as_deref());
                    self.show(&shorten(String::from_utf8_lossy(&line).trim_end()));
                }
                Err(source) => {
                    warn!(function = self.function, %source, "output of a child cannot be read");
                    return;
                }
            }
        }
    }

    /// Adds a word of the host's own about an invocation; the terminal does not get it.
    pub(super) fn note(&self, request: &str, text: &str) {
        let line = text.replace(['\n', '\r'], " ");
        self.write(line.as_bytes(), Utc::now(), Some(request));
    }

    /// A line of the functions' own logger says when and for which request. Any other, such as the last words of a
    /// child that dies, gets both in front.
    fn write(&self, line: &[u8], now: DateTime<Utc>, request: Option<&str>) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut entry = Vec::with_capacity(line.len() + 80);
        if !is_event(line) {
            entry.extend(now.to_rfc3339_opts(SecondsFormat::Micros, true).bytes());
            entry.push(b' ');
            if let Some(request) = request {
                entry.extend(format!("RequestId: {request} ").bytes());
            }
        }
        entry.extend(line);
        entry.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(source) = file.write(&entry) {
            warn!(path = %file.path().display(), %source, "log cannot be written");
        }
    }

    fn show(&self, (level, text): &(Level, String)) {
        if text.is_empty() {
            return;
        }
        let function = &self.function;
        match *level {
            Level::ERROR => error!(target: "function", "{function}: {text}"),
            Level::WARN => warn!(target: "function", "{function}: {text}"),
            Level::INFO => info!(target: "function", "{function}: {text}"),
            Level::DEBUG | Level::TRACE => debug!(target: "function", "{function}: {text}"),
        }
    }
}

fn is_event(line: &[u8]) -> bool {
    line.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

/// The level of a line and what the terminal shows of it. A line that is not one of our JSON lines is shown as it is:
/// it is a panic or a library's complaint.
fn shorten(line: &str) -> (Level, String) {
    let Ok(Value::Object(event)) = serde_json::from_str::<Value>(line) else {
        let level = if line.contains("panicked at") || line.contains("ERROR") {
            Level::ERROR
        } else {
            Level::INFO
        };
        return (level, cut(line));
    };
    // Fields beside the message, or in an object of their own: tracing has both forms.
    let fields = event
        .get("fields")
        .and_then(Value::as_object)
        .unwrap_or(&event);
    let field = |name| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_of = |target| event.get("target").is_some_and(|it| it == target);
    let level = match event.get("level").and_then(Value::as_str) {
        // One for each invocation, after a line that says what was wrong with it: for the file, and at the terminal for
        // who asks for more.
        Some(_) if is_of("invocation") => Level::DEBUG,
        // What goes well is in the file, for at the terminal it would push away what does not.
        Some("INFO") => Level::DEBUG,
        // What the Kafka client complains of is shown once.
        Some("WARN" | "ERROR") if is_of("librdkafka") && !outage::is_news(field("facility")) => {
            Level::DEBUG
        }
        level => level
            .and_then(|level| level.parse().ok())
            .unwrap_or(Level::INFO),
    };
    let mut text = field("message").to_owned();
    for (name, value) in fields
        .iter()
        .filter(|(name, _)| !FRAME.contains(&name.as_str()))
    {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(name);
        text.push('=');
        match value {
            Value::String(value) => text.push_str(value),
            other => text.push_str(&other.to_string()),
        }
    }
    (level, cut(&text))
}

/// One line of bounded width, without control characters that could drive the terminal.
fn cut(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_json_line_becomes_message_and_fields() {
        let line = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"WARN","fields":{"message":"late tick","offset":7,"ticker":"IBM"},"target":"evaluate"}"#;
        let flat = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"WARN","message":"late tick","offset":7,"ticker":"IBM","target":"evaluate","span":{"requestId":"1"}}"#;
        assert_eq!(shorten(flat), shorten(line));
        assert_eq!(
            shorten(line),
            (Level::WARN, "late tick offset=7 ticker=IBM".to_owned())
        );
    }

    #[test]
    fn the_line_of_an_invocation_is_no_news() {
        let line = |level: &str| {
            format!(
                r#"{{"level":"{level}","message":"invocation done","outcome":"x","target":"invocation"}}"#
            )
        };
        let levels = ["INFO", "WARN", "ERROR"].map(|level| shorten(&line(level)).0);
        assert_eq!(levels, [Level::DEBUG; 3]);
    }

    #[test]
    fn what_goes_well_is_for_the_file() {
        let line =
            |level: &str| format!(r#"{{"level":"{level}","message":"m","target":"archive"}}"#);
        let levels = ["INFO", "WARN", "ERROR"].map(|level| shorten(&line(level)).0);
        assert_eq!(levels, [Level::DEBUG, Level::WARN, Level::ERROR]);
        assert_eq!(shorten("words of a library").0, Level::INFO);
    }

    #[test]
    fn what_the_kafka_client_complains_of_is_shown_once() {
        let line = |level: &str| {
            format!(
                r#"{{"level":"{level}","message":"m","facility":"OF THIS TEST","target":"librdkafka"}}"#
            )
        };
        let levels = ["INFO", "WARN", "ERROR"].map(|level| shorten(&line(level)).0);
        assert_eq!(levels, [Level::DEBUG, Level::WARN, Level::DEBUG]);
    }

    #[test]
    fn a_panic_is_an_error_and_control_characters_do_not_reach_the_terminal() {
        let (level, text) = shorten("thread 'main' panicked at src/main.rs:1:1:\u{1b}[2J");
        assert_eq!(level, Level::ERROR);
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn long_lines_are_cut_on_a_character() {
        let (_, text) = shorten(&"ü".repeat(1000));
        assert_eq!(text.chars().count(), SHOWN + 1);
        assert!(text.ends_with('…'));
    }

    #[tokio::test]
    async fn every_line_is_in_the_file_even_without_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(&folder.path().join("logs"), "f").unwrap();
        log.clone()
            .pump(&b"{\"level\":\"INFO\"}\n{}"[..], || None)
            .await;
        log.pump(&b"{\"next\":\"child\"}\n"[..], || None).await;
        let text = fs::read_to_string(folder.path().join("logs/f.log")).unwrap();
        assert_eq!(text, "{\"level\":\"INFO\"}\n{}\n{\"next\":\"child\"}\n");
    }

    #[test]
    fn a_line_that_is_no_event_says_when_and_for_which_request() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(folder.path(), "f").unwrap();
        let now = DateTime::UNIX_EPOCH;
        log.write(b"stack overflow\n", now, Some("id-1"));
        log.write(b"{\"cut", now, None);
        assert_eq!(
            fs::read_to_string(folder.path().join("f.log")).unwrap(),
            "1970-01-01T00:00:00.000000Z RequestId: id-1 stack overflow\n1970-01-01T00:00:00.000000Z {\"cut\n"
        );
    }
}
