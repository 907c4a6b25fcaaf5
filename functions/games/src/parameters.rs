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
        self.text("userid", DEFAULT_USER)
    }

    pub(crate) fn guild_name(&self) -> Result<Text, Problem> {
        self.text("guild_name", DEFAULT_GUILD)
    }

    pub(crate) fn amount(&self) -> Result<Amount, Problem> {
        let amount = |given: &str| given.parse().map_err(|_| refusals::bad_amount(given));
        let given = self.get("n", amount, refusals::bad_amount)?;
        Ok(given.unwrap_or(Amount::ONE))
    }

    fn text(&self, name: &str, default: &str) -> Result<Text, Problem> {
        let given = self.get(name, |given| text(name, given), |_| refusals::no_text(name))?;
        given.map_or_else(|| text(name, default), Ok)
    }

    /// What the body says, else what the query string says; either must be right where it is given.
    fn get<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        refuse: impl Fn(&str) -> Problem,
    ) -> Result<Option<T>, Problem> {
        let query = self.query.iter().filter(|(given, _)| *given == name);
        let query = only(name, query)?.map(|(_, value)| parse(value));
        let query = query.transpose()?;
        match only(name, self.body.iter().filter(|(given, _)| given == name))? {
            Some((_, Given::Text(text))) => parse(text).map(Some),
            Some((_, Given::Other(json))) => Err(refuse(json)),
            None => Ok(query),
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
    match percent_decode_str(encoded).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err(refusals::not_utf8(what)),
    }
}
