//! A folder that is known again.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder as it was when it was opened. One that was moved away or made anew in its place, or the empty one below a disk
/// that is not mounted any more, is another: what is written there would not be found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    path: PathBuf,
    identity: (u64, u64),
}

impl Anchor {
    /// The folder that is at `path` now.
    pub fn of(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still there; an error where it is not.
    pub fn check(&self) -> io::Result<()> {
        if identity(&self.path)? == self.identity {
            return Ok(());
        }
        let reason = "another folder is in the place of the one that was opened";
        Err(io::Error::new(ErrorKind::NotFound, reason))
    }
}

/// What no other folder has for as long as this one is there.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_is_known_by_itself_and_not_by_its_name() {
        let parent = tempfile::tempdir().unwrap();
        let (path, away) = (parent.path().join("lake"), parent.path().join("away"));
        fs::create_dir(&path).unwrap();
        let anchor = Anchor::of(&path).unwrap();
        anchor.check().unwrap();
        fs::rename(&path, &away).unwrap();
        assert!(anchor.check().is_err(), "moved away");
        fs::create_dir(&path).unwrap();
        assert!(anchor.check().is_err(), "made anew");
        fs::remove_dir(&path).unwrap();
        fs::rename(&away, &path).unwrap();
        anchor.check().unwrap();
    }
}
