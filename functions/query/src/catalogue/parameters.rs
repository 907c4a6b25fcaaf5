//! What a caller may ask for instead of what a question's statement has.

use chrono::{DateTime, SecondsFormat, Utc};
use lambda_http::Request;
use lambda_kit::Problem;
use lambda_kit::http::Parameters;

use super::Question;
use crate::interval::Interval;

/// A value in a statement that a caller may give by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    /// Its name in the query string.
    pub(crate) name: &'static str,
    /// What stands before the value in the statement.
    clause: &'static str,
    /// What the statement has.
    pub(crate) default: &'static str,
    kind: Kind,
    pub(crate) doc: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    Instant,
}

/// A question with the values that a caller gave.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) question: &'static Question,
    /// The statement with these values.
    pub(crate) sql: String,
    /// Each parameter with its value.
    pub(crate) values: Vec<(Parameter, String)>,
}

impl Parameter {
    pub(super) const fn number(
        name: &'static str,
        clause: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            clause,
            default,
            kind: Kind::Number,
            doc,
        }
    }

    pub(super) const fn instant(
        name: &'static str,
        clause: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            clause,
            default,
            kind: Kind::Instant,
            doc,
        }
    }

    /// What a form's field has: nothing where an interval is open.
    pub(crate) fn shown<'a>(&self, value: &'a str) -> &'a str {
        match self.kind {
            Kind::Instant if value == self.default => "",
            _ => value,
        }
    }

    /// What an empty field means.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match (self.kind, self.name) {
            (Kind::Number, _) => None,
            (Kind::Instant, "from") => Some("the first"),
            (Kind::Instant, _) => Some("the last"),
        }
    }

    /// Its name as a field's.
    pub(crate) fn label(&self) -> String {
        let (first, rest) = self.name.split_at(1);
        let zone = match self.kind {
            Kind::Number => "",
            Kind::Instant => " (UTC)",
        };
        format!("{}{rest}{zone}", first.to_uppercase())
    }

    /// As it stands in the statement, with a value that has been read.
    pub(crate) fn written(&self, value: &str) -> String {
        match self.kind {
            Kind::Number => format!("{}{value}", self.clause),
            Kind::Instant => format!("{}'{value}'", self.clause),
        }
    }

    /// The value that the request gives. What comes out is a number or a time, whatever went in.
    fn read(&self, given: &Parameters, interval: Interval) -> Result<Option<String>, Problem> {
        match self.kind {
            Kind::Instant => {
                let end = if self.name == "from" {
                    interval.from
                } else {
                    interval.to
                };
                Ok(end.map(instant))
            }
            Kind::Number => {
                let text = given.get(self.name).filter(|text| !text.is_empty());
                text.map(|text| {
                    let number = text.parse().ok().filter(|n: &i32| *n >= 1);
                    number.map(|n| n.to_string()).ok_or_else(|| {
                        Problem::unprocessable(format!(
                            "{} is a number from 1 to {}, not {text:?}",
                            self.name,
                            i32::MAX
                        ))
                    })
                })
                .transpose()
            }
        }
    }
}

impl Asked {
    /// A question as it stands.
    pub(crate) fn plainly(question: &'static Question) -> Self {
        let default = |p: &Parameter| (*p, p.default.to_owned());
        Self {
            question,
            sql: question.sql.to_owned(),
            values: question.parameters.iter().map(default).collect(),
        }
    }

    /// A question with the parameters of a request.
    pub(crate) fn with(question: &'static Question, request: &Request) -> Result<Self, Problem> {
        let mut asked = Self::plainly(question);
        if question.parameters.is_empty() {
            return Ok(asked);
        }
        let given = Parameters::of(request);
        let interval = Interval::of(request)?;
        for (parameter, value) in &mut asked.values {
            if let Some(told) = parameter.read(&given, interval)? {
                let default = parameter.written(parameter.default);
                asked.sql = asked.sql.replacen(&default, &parameter.written(&told), 1);
                *value = told;
            }
        }
        Ok(asked)
    }
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
