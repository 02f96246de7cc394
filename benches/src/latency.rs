// SPDX-License-Identifier: MIT OR Apache-2.0
//! A proxy on this machine that holds each HTTP/1.1 request back, as a network would.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Bytes that are passed on at once.
const PART: usize = 64 << 10;

/// Passes connections on to `to`, and each request on them `latency` after its first byte
/// has come. Ends when it is dropped.
pub async fn delay(listener: TcpListener, to: SocketAddr, latency: Duration) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(async move {
            // A connection that fails is the client's to notice.
            if let Ok(far) = TcpStream::connect(to).await {
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                join(near, far, latency).await;
            }
        });
    }
}

async fn join(near: TcpStream, far: TcpStream, latency: Duration) {
    // Whether what comes next from the client begins a request.
    let fresh = Arc::new(AtomicBool::new(true));
    let ((from_client, to_client), (from_server, to_server)) =
        (near.into_split(), far.into_split());
    let there = pass(from_client, to_server, |_| {
        let begins = fresh.swap(false, Ordering::Relaxed);
        if begins {
            latency
        } else {
            Duration::ZERO
        }
    });
    let back = pass(from_server, to_client, |_| {
        fresh.store(true, Ordering::Relaxed);
        Duration::ZERO
    });
    tokio::join!(there, back);
}

/// Passes bytes on until their end, each part after the time that `held` gives it.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, held: impl Fn(&[u8]) -> Duration) {
    let mut part = vec![0; PART];
    while let Ok(length @ 1..) = from.read(&mut part).await {
        let time = held(&part[..length]);
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        if to.write_all(&part[..length]).await.is_err() {
            return;
        }
    }
    // The other side may be gone already.
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn each_request_of_a_connection_is_held_back() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = server.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                stream.write_all(&byte).await.unwrap();
            }
        });
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = proxy.local_addr().unwrap();
        let latency = Duration::from_millis(50);
        tokio::spawn(delay(proxy, to, latency));
        let mut client = TcpStream::connect(at).await.unwrap();
        for byte in [1, 2] {
            let start = Instant::now();
            client.write_all(&[byte]).await.unwrap();
            let mut answer = [0];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [byte]);
            assert!(start.elapsed() >= latency);
        }
    }
}
