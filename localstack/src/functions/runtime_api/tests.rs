#![allow(clippy::unwrap_used, clippy::expect_used)]
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::*;

#[tokio::test]
async fn a_child_that_waits_for_its_next_event_hears_nothing_of_the_stop() {
    let mut api = RuntimeApi::listen().await.unwrap();
    let mut child = TcpStream::connect(api.address).await.unwrap();
    let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    child.write_all(next.as_bytes()).await.unwrap();
    let asked = |phase: &Phase| *phase == Phase::Started;
    api.phase.wait_for(asked).await.unwrap();
    drop(api);
    let mut byte = [0];
    let heard = timeout(Duration::from_millis(300), child.read(&mut byte)).await;
    assert!(heard.is_err(), "{heard:?}");
}
