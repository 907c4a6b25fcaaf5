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
