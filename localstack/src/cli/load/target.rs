//! Where the load goes: an API's address, from the command line or from the running system.

use http::{HeaderValue, Uri, uri::PathAndQuery};
use url::Url;

use super::{super::running::Running, LoadError};

/// An API that can be called.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Host and port as connections want them.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// The Host header of calls that bring none.
    pub(super) authority: HeaderValue,
    /// What stands before every path, without a slash at the end; on AWS the stage.
    base: String,
}

impl Target {
    /// The API of this name.
    pub(super) fn find(running: &Running, api: &'static str) -> Result<Self, LoadError> {
        let url = running.api(api)?;
        Self::of(&url).ok_or_else(|| LoadError::Address(url.to_string()))
    }

    /// The API at `url`, if it is the address of one.
    pub(super) fn of(url: &Url) -> Option<Self> {
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let host = url.host_str()?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Some(Self {
            // A socket address wants an IPv6 address without its brackets.
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default()?,
            tls,
            authority: HeaderValue::try_from(authority).ok()?,
            base: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The request target of a path and query.
    pub(super) fn uri(&self, path: &str) -> Result<Uri, http::Error> {
        let whole = if self.base.is_empty() {
            PathAndQuery::try_from(path)?
        } else {
            PathAndQuery::try_from(format!("{}{path}", self.base))?
        };
        Ok(Uri::from(whole))
    }

    /// The address for messages.
    pub(super) fn address(&self) -> String {
        let authority = self.authority.to_str().unwrap_or(&self.host);
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{authority}{}", self.base)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn target(url: &str) -> Option<Target> {
        Target::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn addresses_are_taken_apart() {
        let local = target("http://127.0.0.1:5001").unwrap();
        assert_eq!(
            (local.host.as_str(), local.port, local.tls),
            ("127.0.0.1", 5001, false)
        );
        assert_eq!(local.authority, "127.0.0.1:5001");
        assert_eq!(local.uri("/x/?n=1").unwrap(), "/x/?n=1");
        let six = target("http://[::1]:80/").unwrap();
        assert_eq!((six.host.as_str(), six.port), ("::1", 80));
        assert_eq!(six.authority, "[::1]");
        let staged = target("https://abc.execute-api.eu-west-1.amazonaws.com/prod/").unwrap();
        assert_eq!((staged.port, staged.tls), (443, true));
        assert_eq!(staged.uri("/x").unwrap(), "/prod/x");
        assert_eq!(
            staged.address(),
            "https://abc.execute-api.eu-west-1.amazonaws.com/prod"
        );
        assert!(target("ftp://127.0.0.1/").is_none());
        assert!(target("mailto:someone").is_none());
    }
}
