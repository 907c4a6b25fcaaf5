//! The HTTP server: so many connections at once, and no patience with clients that connect and say nothing.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    serve::Listener,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower::ServiceExt;
use tracing::debug;

use super::{door::Door, refusals::Refusals};

/// How many clients one listener serves at once; those that come next wait in the system's queue until one leaves.
const CONNECTIONS: usize = 4096;
/// How long a client may take to send the head of a request, and be silent between two.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// Serves `router` until `shutdown` is ready and the requests in flight are answered; dropped, it cuts them off.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    silence: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (mut door, closed) = Door::new(listener, shutdown)?;
    let mut closed = pin!(closed);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let (closing, told) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        let enters = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, door.accept().await)
        };
        tokio::select! {
            biased;
            () = &mut closed => break,
            Some(_) = connections.join_next() => {}
            (place, (connection, peer)) = enters => {
                let served = attend(connection, peer, router.clone(), silence, told.clone());
                connections.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
        }
    }
    drop(door);
    closing.send_replace(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Answers one client's requests until it leaves, falls silent, or the server closes.
async fn attend(
    connection: Refusals<TcpStream>,
    peer: SocketAddr,
    router: Router,
    silence: Duration,
    mut told: watch::Receiver<bool>,
) {
    // Answers are small: waiting for more bytes only costs time. A socket that refuses the option works without.
    let _ = connection.inner().set_nodelay(true);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(silence)
        .serve_connection(TokioIo::new(connection), service);
    let mut served = pin!(served);
    let closes = async {
        let _ = told.wait_for(|closing| *closing).await;
    };
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = closes => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "connection broken off");
    }
}
