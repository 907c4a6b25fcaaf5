//! A listener that closes without slamming the door on those who have knocked.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::serve::Listener;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared, pending},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::refusals::Refusals;

/// How long clients that have connected have to send what they came for.
const FAREWELL: Duration = Duration::from_millis(200);
/// How long connections that the system has made already may take to get here.
const KNOCKING: Duration = Duration::from_millis(20);

/// Listens until the system stops. A connection that the server is told to close before it has read anything is reset,
/// whatever its client has sent: so at the stop the door lets in who is there, closes, and only some time later the
/// server is told.
#[derive(Debug)]
pub(crate) struct Door {
    listener: Option<TcpListener>,
    address: SocketAddr,
    stop: Shared<BoxFuture<'static, ()>>,
}

impl Door {
    /// A door that closes when `shutdown` is ready, and what is ready when the server shall end.
    pub(crate) fn new(
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<(Self, impl Future<Output = ()> + Send + 'static)> {
        let address = listener.local_addr()?;
        let stop = shutdown.boxed().shared();
        let served = stop.clone().then(|()| sleep(FAREWELL));
        let door = Self {
            listener: Some(listener),
            address,
            stop,
        };
        Ok((door, served))
    }
}

impl Listener for Door {
    type Io = Refusals<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            let stop = self.stop.clone().then(|()| sleep(KNOCKING));
            tokio::select! {
                biased;
                (stream, peer) = Listener::accept(listener) => return (Refusals::new(stream), peer),
                () = stop => self.listener = None,
            }
        }
        pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
