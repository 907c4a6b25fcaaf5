//! Requests and answers in the words of a trace.

use std::fmt::{Display, Formatter, Result};

use crate::network::{Answer, Call};

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Create { path, body, .. } => write!(f, "create {path} ({} bytes)", body.len()),
            Self::Read { path } => write!(f, "read {path}"),
            Self::List { prefix, after } => match after {
                Some(after) => write!(f, "list {prefix} after {after}"),
                None => write!(f, "list {prefix}"),
            },
            Self::Folders { prefix } => write!(f, "list folders of {prefix}"),
            Self::Publish { key, value } => {
                write!(f, "publish {key} {}", String::from_utf8_lossy(value))
            }
        }
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Created(created) => write!(f, "{created:?}"),
            Self::Read(Some(body)) => write!(f, "{} bytes", body.len()),
            Self::Read(None) => f.write_str("no such object"),
            Self::Listed(paths) => match paths.last() {
                Some(last) => write!(f, "{} names up to {last}", paths.len()),
                None => f.write_str("no names"),
            },
            Self::Folders(folders) => write!(f, "{folders:?}"),
            Self::Published(position) => write!(f, "published at {}", position.offset),
            Self::Conflict => f.write_str("conflict"),
            Self::Failed => f.write_str("failed"),
        }
    }
}
