//! The ports that users choose.

use std::io;

use tokio::net::TcpListener;

use crate::loopback;

/// A port that is ours.
#[derive(Debug)]
pub(super) struct Bound {
    /// The port.
    pub(super) port: u16,
    /// One listener for each address family.
    pub(super) listeners: Vec<TcpListener>,
}

/// Why a port is not ours.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Another process listens there.
    #[error(
        "port {port} is in use: stop what listens there, or choose another port with {variable} (0 picks a free one)"
    )]
    InUse {
        /// The port.
        port: u16,
        /// The setting.
        variable: &'static str,
    },
    /// Two settings ask for the same port.
    #[error(
        "{first} and {second} both ask for port {port}: give one of them another port (0 picks a free one)"
    )]
    Twice {
        /// The port.
        port: u16,
        /// One setting.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// The operating system refuses for another reason.
    #[error("port {port} cannot be used: choose another one with {variable} (0 picks a free one)")]
    Refused {
        /// The port.
        port: u16,
        /// The setting.
        variable: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// Refuses settings that ask for the same port; 0 is never the same.
pub(super) fn distinct(asked: &[(u16, &'static str)]) -> Result<(), PortError> {
    for (index, &(port, second)) in asked.iter().enumerate() {
        let earlier = asked[..index]
            .iter()
            .find(|(other, _)| port != 0 && *other == port);
        if let Some(&(_, first)) = earlier {
            return Err(PortError::Twice {
                port,
                first,
                second,
            });
        }
    }
    Ok(())
}

/// Listens on a port, or on a free one if it is 0.
pub(super) async fn bind(port: u16, variable: &'static str) -> Result<Bound, PortError> {
    let bound = loopback::bind(port).await;
    let (port, listeners) = bound.map_err(|error| refused(port, variable, error))?;
    Ok(Bound { port, listeners })
}

fn refused(port: u16, variable: &'static str, source: io::Error) -> PortError {
    match source.kind() {
        io::ErrorKind::AddrInUse => PortError::InUse { port, variable },
        _ => PortError::Refused {
            port,
            variable,
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_port_asked_for_twice_is_told_with_both_settings() {
        let asked = [(0, "GAMES_PORT"), (0, "LAMBDA_PORT"), (5000, "STOCKS_PORT")];
        assert!(distinct(&asked).is_ok());
        let error = distinct(&[asked[2], asked[0], (5000, "LAKE_PORT")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "STOCKS_PORT and LAKE_PORT both ask for port 5000: give one of them another port (0 picks a free one)"
        );
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_its_setting() {
        let held = bind(0, "STOCKS_PORT").await.unwrap();
        assert_ne!(held.port, 0);
        let error = bind(held.port, "STOCKS_PORT")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&held.port.to_string()) && error.contains("STOCKS_PORT"),
            "{error}"
        );
    }
}
