//! Parameters of a call: from the query string and, for POST, from the body, which wins.

use domain::games::{Amount, Text};
use http::Method;
use lambda_http::Request;
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use percent_encoding::percent_decode_str;

use crate::body::{self, Given};
use crate::refusals;

const DEFAULT_USER: &str = "001";
const DEFAULT_GUILD: &str = "Knights of the Round Table";

/// What a caller gave.
pub(crate) struct Asked {
    query: Parameters,
    body: Vec<(String, Given)>,
}

impl Asked {
    /// Reads the query string, and the body of a POST.
    pub(crate) fn of(request: &Request) -> Result<Self, Problem> {
        require_utf8(
            "the query string",
            request.uri().query().unwrap_or_default(),
        )?;
        let body = if request.method() == Method::POST {
            body::read(request)?
        } else {
            Vec::new()
        };
        let query = Parameters::of(request);
        Ok(Self { query, body })
    }

    pub(crate) fn userid(&self) -> Result<Text, Problem> {
        text("userid", self.get("userid")?.unwrap_or(DEFAULT_USER))
    }

    pub(crate) fn guild_name(&self) -> Result<Text, Problem> {
        text(
            "guild_name",
            self.get("guild_name")?.unwrap_or(DEFAULT_GUILD),
        )
    }

    pub(crate) fn amount(&self) -> Result<Amount, Problem> {
        self.get("n")?.map_or(Ok(Amount::ONE), |given| {
            given.parse().map_err(|_| refusals::bad_amount(given))
        })
    }

    fn get(&self, name: &str) -> Result<Option<&str>, Problem> {
        match only(name, self.body.iter().filter(|(given, _)| given == name))? {
            Some((_, Given::Text(text))) => Ok(Some(text)),
            Some((_, Given::Other(json))) if name == "n" => Err(refusals::bad_amount(json)),
            Some((_, Given::Other(_))) => Err(refusals::no_text(name)),
            None => {
                let given = self.query.iter().filter(|(given, _)| *given == name);
                Ok(only(name, given)?.map(|(_, value)| value))
            }
        }
    }
}

/// A parameter that is given twice says two things, and neither is what the caller means for sure.
fn only<T>(name: &str, mut given: impl Iterator<Item = T>) -> Result<Option<T>, Problem> {
    let first = given.next();
    match given.next() {
        Some(_) => Err(refusals::repeated(name)),
        None => Ok(first),
    }
}

/// A printable text.
pub(crate) fn text(name: &str, given: &str) -> Result<Text, Problem> {
    given
        .parse()
        .map_err(|reason| refusals::bad_text(name, reason))
}

/// Refuses a text whose percent-encoded bytes are no UTF-8: decoded, they would stand for something else.
pub(crate) fn require_utf8(what: &str, encoded: &str) -> Result<(), Problem> {
    if is_utf8(encoded) {
        Ok(())
    } else {
        Err(refusals::not_utf8(what))
    }
}

pub(crate) fn is_utf8(encoded: &str) -> bool {
    percent_decode_str(encoded).decode_utf8().is_ok()
}
