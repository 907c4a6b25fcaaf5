//! Typed names of what stands in the lake: object paths and epochs.

use std::fmt;
use std::str::FromStr;

/// One life of a log: it must change whenever the offsets of a topic start again at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u32);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Epoch {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The name of an object, relative to the lake: segments of `[A-Za-z0-9._-]` joined by `/`.
///
/// No segment begins with a dot, so nothing leaves the lake and adapters can keep dotted names
/// for themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectPath(String);

/// A name that no object of the lake can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no object path: its segments must be letters, digits, `.`, `_` and `-`, and not begin with a dot"
)]
pub struct PathError(pub String);

impl ObjectPath {
    /// Checks `path` and makes it an object path.
    pub fn new(path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        if path.split('/').all(is_segment) {
            Ok(Self(path))
        } else {
            Err(PathError(path))
        }
    }

    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('.')
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_lake() {
        for good in [
            "a",
            "ticks/0/StockExchange/0/00000000000000000000.parquet",
            "a/b-c_d.e",
        ] {
            assert!(ObjectPath::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "../a", "a/./b", "a/.b", "a b", "a\\b", "a%2fb", "ä",
        ] {
            assert!(ObjectPath::new(bad).is_err(), "{bad}");
        }
    }
}
