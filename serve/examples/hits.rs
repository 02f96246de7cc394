// SPDX-License-Identifier: MIT OR Apache-2.0
//! How fast a server answers: `hits ADDRESS PATH [CONNECTIONS] [REQUESTS]` asks for one path over
//! connections that stay open, and tells answers a second. All must be 200.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Asks `count` times, one after the other.
async fn ask(at: SocketAddr, head: String, count: u64) -> Outcome<u64> {
    let mut stream = TcpStream::connect(at).await?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0);
    for _ in 0..count {
        stream.write_all(head.as_bytes()).await?;
        let mut have = 0;
        let body_at = loop {
            let read = stream.read(&mut buffer[have..]).await?;
            if read == 0 {
                return Err("the server hung up".into());
            }
            have += read;
            if let Some(at) = buffer[..have]
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
            {
                break at + 4;
            }
        };
        let text = std::str::from_utf8(&buffer[..body_at])?.to_ascii_lowercase();
        if !text.starts_with("http/1.1 200") {
            return Err(text.lines().next().unwrap_or_default().into());
        }
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("an answer without a length")?.trim().parse()?;
        let mut left = (body_at + length).saturating_sub(have);
        while left > 0 {
            let most = left.min(buffer.len());
            let read = stream.read(&mut buffer[..most]).await?;
            if read == 0 {
                return Err("the answer was cut off".into());
            }
            left -= read;
        }
        bytes += length as u64;
    }
    Ok(bytes)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, rest @ ..] = &arguments[..] else {
        return Err("usage: hits ADDRESS PATH [CONNECTIONS] [REQUESTS]".into());
    };
    let at: SocketAddr = address.parse()?;
    let number = |at: usize, default| {
        rest.get(at)
            .map_or(Ok(default), |text: &String| text.parse())
    };
    let (connections, requests): (u64, u64) = (number(0, 16)?, number(1, 200_000)?);
    let head = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nAccept: image/webp,*/*\r\n\r\n");
    let started = Instant::now();
    let mut asking = JoinSet::new();
    let each = requests.div_ceil(connections.max(1));
    for _ in 0..connections.max(1) {
        asking.spawn(ask(at, head.clone(), each));
    }
    let mut bytes = 0;
    while let Some(asked) = asking.join_next().await {
        bytes += asked??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let answers = each * connections.max(1);
    println!(
        "{answers} answers in {seconds:.2} s: {:.0} a second, {} bytes each",
        answers as f64 / seconds,
        bytes / answers.max(1)
    );
    Ok(())
}
