//! Listening on this machine: `127.0.0.1`, and `::1` as well where there is IPv6.
//!
//! `localhost` is either of them, and some clients try only the first one that their resolver names.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::TcpListener;

/// How often a free port of IPv4 may turn out to be taken in IPv6.
const TRIES: usize = 16;

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
    let mut last = None;
    for _ in 0..TRIES {
        match bind_both(port).await {
            Ok(bound) => return Ok(bound),
            Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => {
                last = Some(error)
            }
            Err(error) => return Err(refused(port, variable, error)),
        }
    }
    let source = last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into());
    Err(PortError::Refused {
        port,
        variable,
        source,
    })
}

async fn bind_both(port: u16) -> io::Result<Bound> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = first.local_addr()?.port();
    let second = TcpListener::bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port)).await;
    let mut listeners = vec![first];
    match second {
        Ok(listener) => listeners.push(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        // No IPv6 on this machine.
        Err(_) => {}
    }
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
