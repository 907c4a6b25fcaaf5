//! What a started process may use: one processor, and as much memory as Lambda gives.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The argument with which this program is a process that is about to become a function's.
pub(crate) const ENTER: &str = "--enter";

const MEGABYTES: u64 = 512;

/// One processor for the functions, another one for those who measure, and a bound for memory where it can be set.
pub(crate) struct Group {
    processor: usize,
    is_shared: bool,
    memory: Option<PathBuf>,
}

impl Group {
    /// To be called before there is another thread, so that every one is kept off the functions' processor.
    pub(crate) fn make() -> Self {
        let allowed = sched_getaffinity(Pid::this()).unwrap();
        let mut processors = (0..CpuSet::count()).filter(|at| allowed.is_set(*at).unwrap_or(false));
        let ours = processors.next().expect("a processor");
        let theirs = processors.next_back();
        bind(ours).unwrap();
        let mut group = Self {
            processor: theirs.unwrap_or(ours),
            is_shared: theirs.is_none(),
            memory: None,
        };
        for (folder, limit) in folders() {
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            group.memory = Some(folder.clone());
            let set = fs::write(folder.join(limit), (MEGABYTES << 20).to_string());
            if set.is_ok() && group.holds() {
                return group;
            }
            // Nothing runs in it, so it can be removed.
            let _ = fs::remove_dir(&folder);
        }
        group.memory = None;
        group
    }

    /// Whether a process can really be started in it.
    fn holds(&self) -> bool {
        let nowhere = Stdio::null;
        self.launch(Path::new("/bin/true"), &[], nowhere(), nowhere())
            .is_ok_and(|mut child| {
                resume(&child);
                child.wait().is_ok_and(|status| status.success())
            })
    }

    /// A process in the group that is stopped on the verge of becoming `program`.
    pub(crate) fn launch(
        &self,
        program: &Path,
        variables: &[(&str, String)],
        output: Stdio,
        errors: Stdio,
    ) -> io::Result<Child> {
        let child = Command::new(std::env::current_exe()?)
            .arg(ENTER)
            .arg(self.processor.to_string())
            .arg(self.memory.as_deref().unwrap_or(Path::new("")))
            .arg(program)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()?;
        match waitpid(pid(&child), Some(WaitPidFlag::WUNTRACED))? {
            WaitStatus::Stopped(..) => Ok(child),
            ended => Err(io::Error::other(format!("it cannot be started: {ended:?}"))),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(folder) = &self.memory {
            // Everything that was started was waited for.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.memory {
            Some(folder) => write!(
                f,
                "{MEGABYTES} MB by the control group {}",
                folder.display()
            )?,
            None => f.write_str("memory not bounded, for no control group can be made here")?,
        }
        let shared = if self.is_shared {
            ", which all share"
        } else {
            ""
        };
        write!(f, "; processor {} alone{shared}", self.processor)
    }
}

/// Where a group for memory may be made, and what its limit is called: beside this process's own of version 2, where a
/// group that has processes can have none below it, or below its own of version 1.
fn folders() -> Vec<(PathBuf, &'static str)> {
    let name = format!("tidemill-coldstart-{}", std::process::id());
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(":/")?;
        let path = Path::new(path);
        match controllers {
            "" => {
                let beside = path.parent().unwrap_or(path);
                let folder = Path::new("/sys/fs/cgroup").join(beside);
                Some((folder.join(&name), "memory.max"))
            }
            "memory" => {
                let folder = Path::new("/sys/fs/cgroup/memory").join(path);
                Some((folder.join(&name), "memory.limit_in_bytes"))
            }
            _ => None,
        }
    });
    own.collect()
}

/// Enters the group, waits to be resumed, and becomes the program.
pub(crate) fn enter(arguments: &[&str]) -> ExitCode {
    let [processor, folder, program] = arguments else {
        return ExitCode::from(2);
    };
    bind(processor.parse().unwrap()).unwrap();
    if !folder.is_empty() {
        let members = Path::new(folder).join("cgroup.procs");
        let members = OpenOptions::new().write(true).open(members);
        io::Write::write_all(&mut members.unwrap(), b"0").unwrap();
    }
    raise(Signal::SIGSTOP).unwrap();
    panic!("{program}: {}", Command::new(program).exec());
}

/// Lets a launched process go on.
pub(crate) fn resume(child: &Child) {
    kill(pid(child), Signal::SIGCONT).unwrap();
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

fn bind(processor: usize) -> nix::Result<()> {
    let mut one = CpuSet::new();
    one.set(processor)?;
    sched_setaffinity(Pid::this(), &one)
}
