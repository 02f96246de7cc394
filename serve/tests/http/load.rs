// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many at once: full queues, deadlines, clients that leave, and the end.

use crate::common::{look, photo, reached, Origin, Served, HANG};
use bytes::Bytes;
use framemill_thumbs::Format;
use http_body_util::Full;
use hyper::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An origin that answers after a while with a picture.
async fn slow(wait: Duration) -> Origin {
    let bytes = Bytes::from(photo(64, 48, Format::Png));
    Origin::start(move |_| (wait, Response::new(Full::new(bytes.clone())))).await
}

#[tokio::test]
async fn a_full_queue_turns_requests_away() {
    let origin = slow(Duration::from_secs(600)).await;
    let settings = [
        ("allow_loopback", "1"),
        ("workers", "1"),
        ("queue", "1"),
        ("source_timeout", "500"),
        ("request_timeout", "500"),
    ];
    let server = Arc::new(Served::start(&settings).await);
    let ask = |n: usize| {
        let (server, at) = (Arc::clone(&server), origin.address);
        tokio::spawn(async move {
            server
                .get(&format!("/-/w:4/plain/http://{at}/{n}"))
                .await
                .status
        })
    };
    let waiting = [ask(1), ask(2)];
    reached(&server, "framemill_queue", |n| n == 2).await;
    let got = server
        .get(&format!("/-/w:4/plain/http://{}/3", origin.address))
        .await;
    assert_eq!((got.status, got.header("retry-after")), (429, "1"));
    // Who asks for what is under way takes no place.
    let third = ask(1);
    reached(&server, "framemill_requests_in_flight", |n| n >= 4).await;
    assert!(!third.is_finished());
    waiting.iter().for_each(|task| task.abort());
    third.abort();
    // Work that nobody waits for gives its place back.
    reached(&server, "framemill_queue", |n| n == 0).await;
    assert_eq!(server.photo("w:9").await.status, 200);
}

#[tokio::test]
async fn deadlines_say_who_was_late() {
    let origin = slow(Duration::from_secs(600)).await;
    let settings = [
        ("allow_loopback", "1"),
        ("request_timeout", "0.5"),
        ("source_timeout", "500"),
    ];
    let server = Served::start(&settings).await;
    let got = server
        .get(&format!("/-/w:4/plain/http://{}/1", origin.address))
        .await;
    assert_eq!(got.status, 504, "{}", got.text());
    reached(&server, "framemill_queue", |n| n == 0).await;
    // Who is late may have a fallback image, where the source is.
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("fallback.png");
    std::fs::write(&image, photo(40, 40, Format::Png)).unwrap();
    let fallback = [("fallback_image", image.to_str().unwrap())];
    let server = Served::start(&[&settings[..], &fallback[..]].concat()).await;
    let got = server
        .get(&format!("/-/w:4/plain/http://{}/1", origin.address))
        .await;
    assert_eq!((got.status, got.header("fallback-image")), (200, "1"));
    assert_eq!(look(&got.body), (Format::Png, 4, 4));
}

#[tokio::test]
async fn who_leaves_does_not_end_the_work_of_others() {
    let origin = slow(Duration::from_millis(500)).await;
    let server = Arc::new(Served::start(&[("allow_loopback", "1")]).await);
    let path = format!("/-/w:4/plain/http://{}/1", origin.address);
    let ask = || {
        let (server, path) = (Arc::clone(&server), path.clone());
        tokio::spawn(async move { server.get(&path).await.status })
    };
    let leaver = ask();
    reached(&server, "framemill_queue", |n| n == 1).await;
    let stayer = ask();
    reached(&server, "framemill_requests_in_flight", |n| n == 3).await;
    leaver.abort();
    assert_eq!(stayer.await.unwrap(), 200);
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn at_the_end_what_is_under_way_is_finished() {
    let origin = slow(Duration::from_secs(1)).await;
    let server = Served::start(&[("allow_loopback", "1")]).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let url = server.url(&format!("/-/w:4/plain/http://{}/1", origin.address));
    let client = server.client.clone();
    let under_way = tokio::spawn(async move { client.get(url).send().await.unwrap().status() });
    reached(&server, "framemill_queue", |n| n == 1).await;
    server.end.cancel();
    assert_eq!(under_way.await.unwrap(), 200);
    tokio::time::timeout(HANG, server.run)
        .await
        .unwrap()
        .unwrap();
    // Connections that wait for a request are closed, and new ones are refused.
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest).await;
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn grace_has_an_end() {
    let origin = slow(Duration::from_secs(600)).await;
    let settings = [
        ("allow_loopback", "1"),
        ("grace", "0.2"),
        ("source_timeout", "500"),
        ("request_timeout", "500"),
    ];
    let server = Served::start(&settings).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "GET /-/w:4/plain/http://{}/1 HTTP/1.1\r\nHost: h\r\n\r\n",
        origin.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    reached(&server, "framemill_queue", |n| n == 1).await;
    server.end.cancel();
    tokio::time::timeout(HANG, server.run)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_of_mixed_kinds() {
    let origin = slow(Duration::from_millis(20)).await;
    let cache = tempfile::tempdir().unwrap();
    let settings = [
        ("allow_loopback", "1"),
        ("cache", cache.path().to_str().unwrap()),
        ("queue", "1000"),
        ("request_timeout", "200"),
        ("source_timeout", "200"),
    ];
    let server = Arc::new(Served::start(&settings).await);
    std::fs::write(server.path("cut.png"), &photo(64, 48, Format::Png)[..90]).unwrap();
    let turns = Arc::new(tokio::sync::Semaphore::new(200));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10_000_u32 {
        let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
        let (server, at) = (Arc::clone(&server), origin.address);
        tasks.spawn(async move {
            let _turn = turn;
            let side = 8 + n % 40;
            let format = ["jpg", "webp", "png", "gif", "avif"][(n % 5) as usize];
            let source = match n % 7 {
                0 => "local:///cut.png".to_owned(),
                1 => format!("http://{at}/{}", n % 50),
                _ => "local:///photo.png".to_owned(),
            };
            let path = format!("/-/rs:fill:{side}:{side}/f:{format}/plain/{source}");
            if n % 11 == 0 {
                // Leaves at once, whatever comes.
                let mut stream = TcpStream::connect(server.address).await.unwrap();
                let head = format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                return 0;
            }
            let got = server.get(&path).await;
            match n % 7 {
                0 => assert_eq!(got.status, 422, "{path}: {}", got.text()),
                _ => assert!(
                    matches!(got.status, 200 | 429),
                    "{path}: {} {}",
                    got.status,
                    got.text()
                ),
            }
            got.status
        });
    }
    let mut counts = std::collections::BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        *counts.entry(done.unwrap()).or_insert(0) += 1;
    }
    assert!(counts[&200] > 7000, "{counts:?}");
    assert_eq!(
        server
            .metric("framemill_requests_total{class=\"5xx\"}")
            .await,
        0
    );
    assert_eq!(
        server.metric("framemill_errors_total{kind=\"bug\"}").await,
        0
    );
    reached(&server, "framemill_queue", |n| n == 0).await;
    reached(&server, "framemill_working", |n| n == 0).await;
}
