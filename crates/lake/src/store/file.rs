//! The store in a folder of this machine.
//!
//! An object is written under a dotted name, synced, and hard-linked to its own: the link either
//! takes the name or finds it taken, and a crash leaves no torn object behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Anchor, Created, Store, StoreError};
use crate::ObjectPath;

/// A [`Store`] in a folder; any number of processes may use the same one. It is the folder that was opened, wherever
/// another one stands in its place: until it is back, every request fails and may be tried again.
#[derive(Debug, Clone)]
pub struct FileStore {
    root: PathBuf,
    anchor: Anchor,
}

impl FileStore {
    /// Opens the folder `root`. It has to be there: one that is not may be on a disk that is not mounted now, and a
    /// process that starts just then must not begin another lake in its place.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        let root = root
            .canonicalize()
            .map_err(failed("find the folder", &root))?;
        let anchor = Anchor::of(&root).map_err(failed("find the folder", &root))?;
        Ok(Self { root, anchor })
    }

    fn file(&self, path: &ObjectPath) -> PathBuf {
        self.root.join(path.as_str())
    }
}

#[async_trait]
impl Store for FileStore {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        let (root, file) = (self.root.clone(), self.file(path));
        self.blocking("create", file.clone(), move || create(&root, &file, &body))
            .await
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        let (path, file) = (path.clone(), self.file(path));
        self.blocking("read", file.clone(), move || match fs::read(&file) {
            Ok(body) => Ok(Bytes::from(body)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::NotFound { path }),
            Err(source) => Err(failed("read", &file)(source)),
        })
        .await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        let folder = self.root.join(prefix);
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.blocking("list", folder.clone(), move || {
            let mut found = Vec::new();
            walk(&folder, &prefix, after.as_deref(), &mut found)?;
            found.sort_unstable();
            Ok(found)
        })
        .await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let folder = self.root.join(prefix);
        self.blocking("list", folder.clone(), move || {
            let mut found: Vec<String> = entries(&folder)?
                .into_iter()
                .filter(|entry| entry.is_folder)
                .map(|entry| entry.name)
                .collect();
            found.sort_unstable();
            Ok(found)
        })
        .await
    }

    async fn replace(&self, path: &ObjectPath, body: Bytes) -> Result<(), StoreError> {
        let (root, file) = (self.root.clone(), self.file(path));
        self.blocking("replace", file.clone(), move || {
            replace(&root, &file, &body)
        })
        .await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let file = self.file(path);
        self.blocking("delete", file.clone(), move || delete(&file))
            .await
    }
}

impl FileStore {
    /// Runs file system calls where they block no other task, if the folder is still there.
    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        path: PathBuf,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let anchor = self.anchor.clone();
        let work = move || {
            let away = failed("find the folder", anchor.path());
            anchor.check().map_err(away)?;
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| failed(operation, &path)(io::Error::other(error)))?
    }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        operation,
        path,
        source,
    }
}

fn create(root: &Path, file: &Path, body: &[u8]) -> Result<Created, StoreError> {
    let folder = make_folder(root, file)?;
    let staged = stage(folder, body)?;
    let linked = fs::hard_link(&staged, file);
    // Left behind by a crash before this line it is dotted, so no reader takes it for an object.
    let removed = fs::remove_file(&staged);
    match linked {
        Ok(()) => sync_folder(folder)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // Its creator may not have got as far yet, and what is told to exist must outlive a power cut.
            sync_folder(folder)?;
            return Ok(Created::Exists);
        }
        Err(source) => return Err(failed("create", file)(source)),
    }
    removed.map_err(failed("remove", &staged))?;
    Ok(Created::New)
}

/// Takes the place of the object in one step, or leaves it as it was.
fn replace(root: &Path, file: &Path, body: &[u8]) -> Result<(), StoreError> {
    let folder = make_folder(root, file)?;
    let staged = stage(folder, body)?;
    fs::rename(&staged, file).map_err(failed("replace", file))?;
    sync_folder(folder)
}

/// Folders stay: another process may be about to create something in them.
fn delete(file: &Path) -> Result<(), StoreError> {
    match fs::remove_file(file) {
        Ok(()) => sync_folder(file.parent().unwrap_or(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failed("delete", file)(source)),
    }
}

/// Makes the folder that `file` goes into, to outlive a power cut.
fn make_folder<'a>(root: &'a Path, file: &'a Path) -> Result<&'a Path, StoreError> {
    let folder = file.parent().unwrap_or(root);
    for new in missing(root, folder).iter().rev() {
        match fs::create_dir(new) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(failed("make the folder", new)(error));
            }
            _ => sync_folder(new.parent().unwrap_or(root))?,
        }
    }
    Ok(folder)
}

/// The folders from `folder` up to `root` that are not there yet.
fn missing(root: &Path, folder: &Path) -> Vec<PathBuf> {
    folder
        .ancestors()
        .take_while(|above| *above != root && !above.exists())
        .map(Path::to_owned)
        .collect()
}

/// Writes `body` to a name of its own in `folder` and waits until the disk has it.
fn stage(folder: &Path, body: &[u8]) -> Result<PathBuf, StoreError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let staged = folder.join(format!(".{}-{number}.staged", std::process::id()));
        let mut file = match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&staged)
        {
            Ok(file) => file,
            // Left by a process that had this id before.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(source) => return Err(failed("create", &staged)(source)),
        };
        let written = file.write_all(body).and_then(|()| file.sync_data());
        if let Err(source) = written {
            let _ = fs::remove_file(&staged); // the reason to report is the first failure
            return Err(failed("write", &staged)(source));
        }
        return Ok(staged);
    }
}

/// Makes a new name in `folder` outlive a power cut.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed("sync", folder))
}

fn walk(
    folder: &Path,
    prefix: &str,
    after: Option<&str>,
    found: &mut Vec<ObjectPath>,
) -> Result<(), StoreError> {
    for entry in entries(folder)? {
        let path = if prefix.is_empty() {
            entry.name.clone()
        } else {
            format!("{prefix}/{}", entry.name)
        };
        if entry.is_folder {
            walk(&folder.join(&entry.name), &path, after, found)?;
        } else if after.is_none_or(|after| path.as_str() > after) {
            found.push(ObjectPath::new(path)?);
        }
    }
    Ok(())
}

struct Entry {
    name: String,
    is_folder: bool,
}

/// What lies in `folder`; nothing where there is no folder.
fn entries(folder: &Path) -> Result<Vec<Entry>, StoreError> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed("list", folder)(source)),
    };
    let mut found = Vec::new();
    for entry in listing {
        let entry = entry.map_err(failed("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let is_folder = entry.file_type().map_err(failed("list", folder))?.is_dir();
        found.push(Entry { name, is_folder });
    }
    Ok(found)
}
