//! Apache Kafka's jars: fetched from Maven Central once, by the user's Maven.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::ApacheError;
use crate::{
    child_process::{Spawner, last_words, output},
    cli::announce,
};

pub(super) const VERSION: &str = "4.2.0";
/// What is fetched; `make test` uses the same file.
const POM: &str = include_str!("pom.xml");
/// The broker's own jar, by which a folder of jars is known.
const BROKER: &str = "kafka_2.13-4.2.0.jar";

/// The folder that jars are kept in when the user names none: the cache folder of the user's.
pub(crate) fn jars_folder(get: impl Fn(&str) -> Option<String>) -> Result<PathBuf, ApacheError> {
    let absolute = |name| {
        get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let cache = cache.ok_or(ApacheError::NoFolder)?;
    Ok(cache.join("tidemill").join(format!("kafka-{VERSION}")))
}

/// Makes sure that the folder has the jars.
pub(super) async fn fetch(spawner: &Spawner, folder: &Path) -> Result<(), ApacheError> {
    if folder.join(BROKER).exists() {
        return Ok(());
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ApacheError::Io { path, source }
    };
    match fs::read_dir(folder).map(|mut files| files.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(ApacheError::OtherFiles(folder.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(folder)(source)),
    }
    announce(&format!(
        "fetching Apache Kafka {VERSION} by Maven, once: 55 MB into {}",
        folder.display()
    ));
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    // Beside the folder and renamed at the end: it is there whole or not at all.
    let unfinished = tempfile::Builder::new()
        .prefix(".kafka-")
        .tempdir_in(parent);
    let unfinished = unfinished.map_err(failed(parent))?;
    let pom = unfinished.path().join("pom.xml");
    fs::write(&pom, POM).map_err(failed(&pom))?;
    let jars = unfinished.path().join("jars");
    run_maven(spawner, &pom, &jars).await?;
    match fs::rename(&jars, folder) {
        // Another one was quicker.
        Err(_) if folder.join(BROKER).exists() => Ok(()),
        renamed => renamed.map_err(failed(folder)),
    }
}

async fn run_maven(spawner: &Spawner, pom: &Path, jars: &Path) -> Result<(), ApacheError> {
    let mut command = Command::new("mvn");
    command.args(["-q", "-B", "-f"]).arg(pom);
    command.arg("dependency:copy-dependencies");
    command.arg(format!("-DoutputDirectory={}", jars.display()));
    let output = match output(spawner, command).await {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ApacheError::NoMaven),
        Err(source) => {
            let program = "mvn";
            return Err(ApacheError::Run { program, source });
        }
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() && jars.join(BROKER).exists() {
        return Ok(());
    }
    let first = said.lines().find(|line| line.contains("ERROR"));
    let said = first.map_or_else(|| last_words(&output), |line| line.trim().to_owned());
    Err(ApacheError::Maven { said })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_pom_fetches_the_version_that_is_looked_for() {
        assert!(POM.contains(&format!("<version>{VERSION}</version>")));
        assert!(BROKER.ends_with(&format!("-{VERSION}.jar")));
    }

    #[test]
    fn jars_are_kept_in_the_users_cache() {
        let folder = |variables: &'static [(&str, &str)]| {
            jars_folder(move |name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let home = folder(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "")]).unwrap();
        assert_eq!(home, Path::new("/home/a/.cache/tidemill/kafka-4.2.0"));
        let cache = folder(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c")]).unwrap();
        assert_eq!(cache, Path::new("/c/tidemill/kafka-4.2.0"));
        assert!(matches!(folder(&[]), Err(ApacheError::NoFolder)));
    }

    #[tokio::test]
    async fn a_folder_with_other_files_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        let spawner = Spawner::start().unwrap();
        let error = fetch(&spawner, folder.path()).await.unwrap_err();
        assert!(matches!(error, ApacheError::OtherFiles(_)), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
