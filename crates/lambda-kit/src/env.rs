//! Configuration from environment variables: every bad one is reported, all at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

/// Reads variables and collects what is wrong with them.
///
/// A variable that is set to an empty text counts as not set. Values are never part of an error, for they may be
/// secret.
///
/// ```
/// # use lambda_kit::Env;
/// struct Config { brokers: String, epoch: u32 }
/// let mut env = Env::from_pairs([("KAFKA_BROKERS", "localhost:9092")]);
/// let brokers = env.required::<String>("KAFKA_BROKERS");
/// let epoch = env.or("LOG_EPOCH", 0);
/// let config = env.finish(brokers.map(|brokers| Config { brokers, epoch }))?;
/// assert_eq!((config.brokers.as_str(), config.epoch), ("localhost:9092", 0));
/// # Ok::<(), lambda_kit::ConfigErrors>(())
/// ```
#[derive(Debug)]
pub struct Env {
    variables: BTreeMap<OsString, OsString>,
    bad: Vec<BadVariable>,
}

/// A variable that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadVariable {
    /// The variable's name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Every variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<BadVariable>);

impl Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad configuration")?;
        for (at, bad) in self.0.iter().enumerate() {
            write!(
                f,
                "{} {}: {}",
                if at == 0 { ":" } else { ";" },
                bad.name,
                bad.reason
            )?;
        }
        Ok(())
    }
}

impl Env {
    /// The variables of this process.
    pub fn process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            bad: Vec::new(),
        }
    }

    /// Given variables, for tests.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = pairs
            .into_iter()
            .map(|(name, value)| (name.into().into(), value.into().into()))
            .collect();
        Self {
            variables,
            bad: Vec::new(),
        }
    }

    /// A variable that must be set. `None` means that it is not, or is of the wrong kind: [`Env::finish`] will say so.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.text(name) {
            Ok(Some(text)) => self.parsed(name, &text),
            Ok(None) => {
                self.reject(name, "is not set");
                None
            }
            Err(NotUnicode) => None,
        }
    }

    /// A variable that may be set. One of the wrong kind is `None` too, and [`Env::finish`] will say so.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.text(name) {
            Ok(Some(text)) => self.parsed(name, &text),
            Ok(None) | Err(NotUnicode) => None,
        }
    }

    /// A variable that has a default.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }

    /// Variables that only make sense together: `read` gets each by its name, and tells name and reason of every bad
    /// one.
    pub fn group<T, B: Into<(&'static str, String)>>(
        &mut self,
        read: impl FnOnce(&mut dyn FnMut(&'static str) -> Option<String>) -> Result<T, Vec<B>>,
    ) -> Option<T> {
        let known = self.bad.len();
        let read = read(&mut |name| self.text(name).unwrap_or_default());
        match read {
            Ok(value) if self.bad.len() == known => Some(value),
            Ok(_) => None,
            Err(bad) => {
                for (name, reason) in bad.into_iter().map(Into::into) {
                    self.reject(name, reason);
                }
                None
            }
        }
    }

    /// Reports a variable that is wrong for a reason that its type does not know.
    pub fn reject(&mut self, name: &str, reason: impl Into<String>) {
        self.bad.push(BadVariable {
            name: name.to_owned(),
            reason: reason.into(),
        });
    }

    /// The configuration made of what was read, if every variable was good.
    ///
    /// `None` is for a configuration that could not be made because a required variable is missing.
    pub fn finish<T>(&mut self, config: Option<T>) -> Result<T, ConfigErrors> {
        match config {
            Some(config) if self.bad.is_empty() => Ok(config),
            _ => Err(ConfigErrors(std::mem::take(&mut self.bad))),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, NotUnicode> {
        // By this the tests of template.yaml learn what a function reads.
        tracing::trace!(target: "configuration", variable = name, "asked");
        match self
            .variables
            .get(std::ffi::OsStr::new(name))
            .map(|value| value.to_str())
        {
            Some(Some("")) | None => Ok(None),
            Some(Some(value)) => Ok(Some(value.to_owned())),
            Some(None) => {
                self.reject(name, "is not valid UTF-8");
                Err(NotUnicode)
            }
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str, text: &str) -> Option<T> {
        text.parse()
            .map_err(|error: T::Err| self.reject(name, error.to_string()))
            .ok()
    }
}

/// The variable was reported already.
struct NotUnicode;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn good_variables_make_a_configuration() {
        let mut env = Env::from_pairs([("A", "7"), ("B", "x")]);
        let a = env.required::<u32>("A");
        let b = env.or("B", String::new());
        let c = env.or("C", 20_u64);
        assert_eq!(
            env.finish(a.map(|a| (a, b, c))),
            Ok((7, "x".to_owned(), 20))
        );
    }

    #[test]
    fn every_bad_variable_is_named_and_no_value_is_shown() {
        let mut env = Env::from_pairs([("A", "secret"), ("B", "-1"), ("EMPTY", "")]);
        let a = env.required::<u32>("A");
        let b = env.or("B", 3_u16);
        let missing = env.required::<String>("MISSING");
        let empty = env.required::<String>("EMPTY");
        env.reject("PAIR", "does not go with A");
        let error = env
            .finish(a.zip(missing).zip(empty).map(|_| b))
            .unwrap_err();
        let names: Vec<_> = error.0.iter().map(|bad| bad.name.as_str()).collect();
        assert_eq!(names, ["A", "B", "MISSING", "EMPTY", "PAIR"]);
        let text = error.to_string();
        assert!(
            text.starts_with("bad configuration: A: invalid digit"),
            "{text}"
        );
        assert!(text.contains("; MISSING: is not set"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_bad_variable_with_a_default_is_still_an_error() {
        let mut env = Env::from_pairs([("B", "many")]);
        let b = env.or("B", 3_u16);
        assert_eq!(env.finish(Some(b)).unwrap_err().0.len(), 1);
    }

    #[test]
    fn a_group_adds_what_is_wrong_with_it() {
        let mut env = Env::from_pairs([("USER", "alice"), ("PASSWORD", "")]);
        let both = env.group(|get| match (get("USER"), get("PASSWORD")) {
            (Some(user), Some(password)) => Ok((user, password)),
            _ => Err(vec![("PASSWORD", "is needed with USER".to_owned())]),
        });
        let user = env.group(|get| get("USER").ok_or(Vec::<(&str, String)>::new()));
        assert_eq!((both.is_none(), user.as_deref()), (true, Some("alice")));
        let error = env.finish(Some(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "bad configuration: PASSWORD: is needed with USER"
        );
    }

    #[test]
    fn the_process_has_variables() {
        assert!(Env::process().optional::<String>("PATH").is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_reported_once() {
        use std::os::unix::ffi::OsStringExt;
        let mut env = Env::from_pairs::<String, String>([]);
        env.variables
            .insert("RAW".into(), OsString::from_vec(vec![0xff]));
        let raw = env.required::<String>("RAW");
        assert_eq!(
            env.finish(raw).unwrap_err().0,
            [BadVariable {
                name: "RAW".into(),
                reason: "is not valid UTF-8".into()
            }]
        );
    }
}
