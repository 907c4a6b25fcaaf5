//! What can keep Apache Kafka from running, and what to do about it.

use std::{io, path::PathBuf};

use super::jars::VERSION;
use crate::child_process::ServiceError;

/// Why Apache Kafka does not run.
#[derive(Debug, thiserror::Error)]
pub enum ApacheError {
    /// There is no Java.
    #[error(
        "KAFKA=apache needs Java 17 or newer, and `java` is not there: install it (apt-get install default-jre-headless), or use KAFKA=embedded"
    )]
    NoJava,
    /// There is one that is too old, or none that says what it is.
    #[error("KAFKA=apache needs Java 17 or newer, and `java -version` says {found}")]
    OldJava {
        /// What it says.
        found: String,
    },
    /// There is no Maven, and it is needed.
    #[error(
        "KAFKA=apache fetches Apache Kafka {VERSION} by Maven once, and `mvn` is not there: install it (apt-get install maven), or name a folder with its jars in KAFKA_JARS"
    )]
    NoMaven,
    /// Maven does not get the jars.
    #[error("Maven does not get the jars of Apache Kafka {VERSION}: {said}")]
    Maven {
        /// Its first error.
        said: String,
    },
    /// The folder that was named has something else in it.
    #[error(
        "{} has files, but not the jars of Apache Kafka {VERSION}: name a folder in KAFKA_JARS that has them, or one that is not there yet", .0.display()
    )]
    OtherFiles(PathBuf),
    /// Neither `KAFKA_JARS` nor a home says where jars are kept.
    #[error("there is no folder to keep Apache Kafka's jars in: name one in KAFKA_JARS")]
    NoFolder,
    /// A file or folder cannot be used.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder for the log cannot be prepared.
    #[error("Apache Kafka does not format its folder: {said}")]
    Format {
        /// Its last words.
        said: String,
    },
    /// The port is taken.
    #[error(
        "KAFKA_PORT={port} cannot be listened on; free it, or set KAFKA_PORT to another port or to 0"
    )]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// A thread cannot be started.
    #[error("processes cannot be started")]
    Thread(#[source] io::Error),
    /// A program cannot be run.
    #[error("`{program}` cannot be run")]
    Run {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It does not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
}
