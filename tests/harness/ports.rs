//! Ports for servers that have to be told which one to take.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Above what is known by name and below 32768, from where on the kernel gives ports to those who ask for any: between
/// the choice and the server's start, none of the many connections of other tests gets the port.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A port that is free on both loopback addresses and was not given by this process before.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Two processes that test at the same time begin at places of their own.
    let begin = std::process::id().wrapping_mul(997) % u32::from(COUNT);
    let free = |port: &u16| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()
            // A machine may have no IPv6.
            && (TcpListener::bind((Ipv6Addr::LOCALHOST, *port)).is_ok()
                || TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err())
    };
    let next = || {
        let given = u32::from(GIVEN.fetch_add(1, Ordering::Relaxed));
        FIRST + u16::try_from((begin + given) % u32::from(COUNT)).unwrap()
    };
    std::iter::repeat_with(next)
        .take(usize::from(COUNT))
        .find(free)
        .expect("a free port")
}
