//! LocalStack's installation: by pip into a virtual environment of its own, once.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::LakeError;
use crate::{
    child_process::{Spawner, last_words, output},
    cli::announce,
};

pub(super) const VERSION: &str = "4.13.1";
/// What is installed; `make tools` uses the same file.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// Says that the installation came to its end.
const MARK: &str = "installed";
const OLDEST: (u32, u32) = (3, 11);
const OLDEST_TEXT: &str = "3.11";

/// The folder of the installation when the user names none: in the user's cache.
pub(crate) fn home(get: impl Fn(&str) -> Option<String>) -> Result<PathBuf, LakeError> {
    let absolute = |name| {
        get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let cache = cache.ok_or(LakeError::NoHome)?;
    Ok(cache.join("tidemill").join(format!("localstack-{VERSION}")))
}

/// The Python of an installation.
pub(super) fn python(home: &Path) -> PathBuf {
    home.join("bin/python")
}

/// Makes sure that LocalStack is installed in `home`.
pub(super) async fn install(spawner: &Spawner, home: &Path) -> Result<(), LakeError> {
    if home.join(MARK).exists() {
        return Ok(());
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LakeError::Io { path, source }
    };
    check_python(spawner).await?;
    let parent = home.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    // Two systems that start at once must not install into each other's files; the lock goes with the process.
    let locked = home.with_extension("lock");
    let lock = fs::File::create(&locked).map_err(failed(&locked))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
    let _lock = lock
        .map_err(io::Error::other)
        .and_then(|locked| locked)
        .map_err(failed(&locked))?;
    if home.join(MARK).exists() {
        return Ok(());
    }
    clear(home)?;
    announce(&format!(
        "installing LocalStack {VERSION} by pip, once: 2 minutes, 510 MB in {}",
        home.display()
    ));
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(home);
    run(spawner, venv).await?;
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).map_err(failed(&requirements))?;
    let mut pip = Command::new(python(home));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input"]);
    pip.args(["--disable-pip-version-check", "--requirement"]);
    pip.arg(&requirements);
    run(spawner, pip).await?;
    let mark = home.join(MARK);
    fs::write(&mark, VERSION).map_err(failed(&mark))
}

/// What an installation left behind that was cut off goes away; anything else is the user's.
fn clear(home: &Path) -> Result<(), LakeError> {
    let io = |source| LakeError::Io {
        path: home.to_owned(),
        source,
    };
    match fs::read_dir(home).map(|mut files| files.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) if home.join("pyvenv.cfg").exists() => fs::remove_dir_all(home).map_err(io),
        Ok(false) => Err(LakeError::OtherFiles(home.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(io(source)),
    }
}

async fn check_python(spawner: &Spawner) -> Result<(), LakeError> {
    let missing = |found: String| LakeError::Python {
        oldest: OLDEST_TEXT,
        found,
    };
    let mut command = Command::new("python3");
    command.args([
        "-c",
        "import sys, venv, ensurepip; print(*sys.version_info[:2])",
    ]);
    let output = match output(spawner, command).await {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(missing("there is no python3".to_owned()));
        }
        Err(source) => return Err(LakeError::Spawn(source)),
    };
    if !output.status.success() {
        return Err(missing(last_words(&output)));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut numbers = printed.split_whitespace().map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST => Ok(()),
        _ => Err(missing(format!(
            "python3 is {}",
            printed.trim().replace(' ', ".")
        ))),
    }
}

async fn run(spawner: &Spawner, command: Command) -> Result<(), LakeError> {
    let output = output(spawner, command).await.map_err(LakeError::Spawn)?;
    if output.status.success() {
        return Ok(());
    }
    Err(LakeError::Pip {
        said: last_words(&output),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_version_that_is_named_is_the_one_that_is_installed() {
        let line = format!("localstack-core[runtime]=={VERSION}");
        assert!(REQUIREMENTS.lines().any(|each| each == line));
        assert_eq!(OLDEST_TEXT, format!("{}.{}", OLDEST.0, OLDEST.1));
    }

    #[test]
    fn it_is_installed_into_the_users_cache() {
        let found = home(|name| (name == "HOME").then(|| "/home/a".to_owned())).unwrap();
        assert_eq!(
            found,
            Path::new("/home/a/.cache/tidemill/localstack-4.13.1")
        );
        assert!(matches!(home(|_| None), Err(LakeError::NoHome)));
    }

    #[tokio::test]
    async fn a_folder_with_other_files_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("mine");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("thesis.tex"), "").unwrap();
        let error = clear(&folder).unwrap_err();
        assert!(matches!(error, LakeError::OtherFiles(_)), "{error}");
        assert!(folder.join("thesis.tex").exists());
        // What was cut off is begun anew.
        fs::write(folder.join("pyvenv.cfg"), "").unwrap();
        clear(&folder).unwrap();
        assert!(!folder.exists());
    }
}
