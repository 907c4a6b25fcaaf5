//! Who is killed.

use std::collections::BTreeMap;
use std::fmt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tests::stack::Stack;

/// Functions that commit.
const COMMITTERS: [&str; 2] = ["archive", "evaluate"];

/// A process that is killed at a random moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Victim {
    /// A child of a function.
    Function(String, i32),
    /// A server that runs as a child, and is started again by the runner.
    Service(String, i32),
    /// The runner, and everything that it has started with it.
    Runner,
}

impl Victim {
    /// One of the processes that run now: a function that commits, the runner and each service in turn at first, so that
    /// none is left out by chance; then a function half of the time, else a service or the runner.
    pub(crate) fn choose(random: &mut ChaCha8Rng, stack: &Stack, before: &Kills) -> Self {
        let run = stack.run_now().unwrap_or_else(|| stack.run.clone());
        let all = |processes: &BTreeMap<String, tests::stack::Processes>| {
            let mut all = Vec::new();
            for (name, processes) in processes {
                all.extend(processes.pids.iter().map(|pid| (name.clone(), *pid)));
            }
            all
        };
        let (functions, services) = (all(&run.functions), all(&run.services));
        let spared = functions.iter().find(|(name, _)| {
            COMMITTERS.contains(&name.as_str()) && !before.functions.contains_key(name)
        });
        if let Some((name, pid)) = spared {
            return Self::Function(name.clone(), *pid);
        }
        if before.runners == 0 && !before.functions.is_empty() {
            return Self::Runner;
        }
        let spared = services
            .iter()
            .find(|(name, _)| !before.services.contains_key(name));
        if let Some((name, pid)) = spared {
            return Self::Service(name.clone(), *pid);
        }
        let dice = random.random_range(0..100);
        let pick = random.random_range(0..u32::MAX) as usize;
        match dice {
            ..25 if !services.is_empty() => {
                let (name, pid) = services[pick % services.len()].clone();
                Self::Service(name, pid)
            }
            25..80 if !functions.is_empty() => {
                let (name, pid) = functions[pick % functions.len()].clone();
                Self::Function(name, pid)
            }
            _ => Self::Runner,
        }
    }

    /// SIGKILL; `false` if it has just ended by itself.
    pub(crate) fn kill(&self, stack: &mut Stack) -> bool {
        match self {
            Self::Runner => {
                stack.kill();
                true
            }
            Self::Function(_, pid) | Self::Service(_, pid) => {
                kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok()
            }
        }
    }
}

/// How many were killed.
#[derive(Debug, Default)]
pub(crate) struct Kills {
    functions: BTreeMap<String, usize>,
    services: BTreeMap<String, usize>,
    runners: usize,
}

impl Kills {
    /// One more.
    pub(crate) fn count(&mut self, victim: &Victim) {
        match victim {
            Victim::Function(name, _) => *self.functions.entry(name.clone()).or_default() += 1,
            Victim::Service(name, _) => *self.services.entry(name.clone()).or_default() += 1,
            Victim::Runner => self.runners += 1,
        }
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.functions.iter().chain(&self.services);
        let all = named.clone().map(|(_, count)| count).sum::<usize>() + self.runners;
        write!(f, "kills {all}: runner {}", self.runners)?;
        for (name, count) in named {
            write!(f, ", {name} {count}")?;
        }
        Ok(())
    }
}
