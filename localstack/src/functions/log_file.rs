//! A log file of bounded size: when it is full it becomes `{name}.1`, in the place of the one before.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// One function's log takes at most twice this.
const FULL: u64 = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    full: u64,
}

impl LogFile {
    /// Goes on with the file that there is.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        Self::with_limit(path, FULL)
    }

    fn with_limit(path: PathBuf, full: u64) -> io::Result<Self> {
        let file = append_to(&path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            size,
            full,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line, whole, to one file or the next.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = line.len() as u64;
        if self.size > 0 && self.size + length > self.full {
            fs::rename(&self.path, self.older())?;
            self.file = append_to(&self.path)?;
            self.size = 0;
        }
        self.file.write_all(line)?;
        self.size += length;
        Ok(())
    }

    fn older(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".1");
        name.into()
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_full_file_becomes_the_older_one_and_lines_stay_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.log");
        let older = folder.path().join("f.log.1");
        let mut log = LogFile::with_limit(path.clone(), 20).unwrap();
        let line = |number: u32| format!("line {number:04}\n");
        for number in 0..2 {
            log.write(line(number).as_bytes()).unwrap();
        }
        assert!(!older.exists());
        log.write(line(2).as_bytes()).unwrap();
        // One that goes on with a file knows how full it is.
        let mut log = LogFile::with_limit(path.clone(), 20).unwrap();
        for number in 3..7 {
            log.write(line(number).as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&older).unwrap(), line(4) + &line(5));
        assert_eq!(fs::read_to_string(&path).unwrap(), line(6));
        // Longer than a file may be: it gets one of its own.
        log.write("x".repeat(30).as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().len(), 30);
    }
}
