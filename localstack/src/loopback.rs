//! Listening on this machine: `127.0.0.1`, and `::1` as well where there is IPv6.
//!
//! `localhost` is either of them, and some clients try only the first one that their resolver names.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr},
};

use tokio::net::TcpListener;

/// How often a free port of IPv4 may turn out to be taken in IPv6.
const TRIES: usize = 16;

/// Listens on a port, or on a free one if it is 0; tells which, with one listener for each address family, IPv4 first.
pub(crate) async fn bind(port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let mut tries = 1;
    loop {
        match bind_both(port).await {
            Err(error)
                if port == 0 && error.kind() == io::ErrorKind::AddrInUse && tries < TRIES =>
            {
                tries += 1;
            }
            bound => return bound,
        }
    }
}

async fn bind_both(port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = first.local_addr()?.port();
    let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await;
    let mut listeners = vec![first];
    match second {
        Ok(listener) => listeners.push(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        // No IPv6 on this machine.
        Err(_) => {}
    }
    Ok((port, listeners))
}
