//! A TCP forwarder in front of a broker that chose its own port. Only a client's first contact goes through it: the
//! broker tells it the address to go on with.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tracing::debug;

use crate::loopback;

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Forwarder {
    address: SocketAddr,
    /// One for each listener; dropping it ends them.
    _tasks: JoinSet<()>,
}

impl Forwarder {
    /// Listens on `port` of the loopback interface, 0 for any free one, and forwards to `target`.
    pub(super) async fn start(port: u16, target: &str) -> io::Result<Self> {
        let (port, listeners) = loopback::bind(port).await?;
        // librdkafka lists its brokers separated by commas; any of them knows all others.
        let target = target.split(',').next().unwrap_or_default();
        let tasks = listeners
            .into_iter()
            .map(|listener| serve(listener, target.to_owned()))
            .collect();
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            _tasks: tasks,
        })
    }

    /// Where it listens; where there is IPv6, on `::1` as well.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, target: String) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                while connections.try_join_next().is_some() {}
                connections.spawn(forward(client, target.clone()));
            }
            Err(error) => {
                debug!(%error, "connection to the broker's port lost before it was taken")
            }
        }
    }
}

async fn forward(mut client: TcpStream, target: String) {
    let forwarded = async {
        let mut broker = TcpStream::connect(&target).await?;
        copy_bidirectional(&mut client, &mut broker).await
    };
    if let Err(error) = forwarded.await {
        debug!(%error, "connection through the broker's port ended");
    }
}
