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

/// Where the ports begin that Linux gives to connections that ask for none.
const FIRST_FREE_FOR_ALL: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// Below this are well-known ports and those that developers know by heart.
const FIRST: u16 = 10_240;

/// A port for a child to listen on, checked to be free; 0 picks one that stays free while nobody listens there.
///
/// A child that is killed must find its port again: one of those that Linux gives to outgoing connections could go to
/// any of them in the meantime, even to a client of the child's.
pub(crate) async fn reserve(port: u16) -> io::Result<u16> {
    if port != 0 {
        return bind_both(port).await.map(|_| port);
    }
    let range = std::fs::read_to_string(FIRST_FREE_FOR_ALL).unwrap_or_default();
    let end = range.split_whitespace().next();
    let end = end.and_then(|end| end.parse().ok()).unwrap_or(32_768);
    if end <= FIRST {
        return bind(0).await.map(|(port, _)| port);
    }
    let mut tries = 1;
    loop {
        let port = rand::random_range(FIRST..end);
        match bind_both(port).await {
            Ok(_) => return Ok(port),
            Err(error) if tries >= 20 * TRIES => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_reserved_port_is_free_and_one_in_use_is_refused() {
        let port = reserve(0).await.unwrap();
        assert!(port >= FIRST);
        let (bound, _listeners) = bind(port).await.unwrap();
        assert_eq!(bound, port);
        let refused = reserve(port).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }
}
