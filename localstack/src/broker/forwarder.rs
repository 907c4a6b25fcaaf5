//! A TCP forwarder in front of a broker that chose its own port. Only a client's first contact goes through it: the
//! broker tells it the address to go on with.

use std::{io, net::SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};
use tracing::debug;

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Forwarder {
    address: SocketAddr,
    task: AbortHandle,
}

impl Forwarder {
    /// Listens on `port` of the loopback interface, 0 for any free one, and forwards to `target`.
    pub(super) async fn start(port: u16, target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        // librdkafka lists its brokers separated by commas; any of them knows all others.
        let target = target.split(',').next().unwrap_or_default().to_owned();
        let task = tokio::spawn(serve(listener, target)).abort_handle();
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
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
