// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is read and made once, and what is still there after a restart.

use crate::common::{files, look, photo, Origin, Served};
use bytes::Bytes;
use framemill_thumbs::Format;
use http_body_util::Full;
use hyper::Response;
use std::sync::Arc;
use std::time::Duration;

const LOCAL: (&str, &str) = ("allow_loopback", "1");

#[tokio::test]
async fn ten_sizes_read_a_source_once() {
    let origin = Origin::of(photo(100, 100, Format::Png)).await;
    let server = Arc::new(Served::start(&[LOCAL]).await);
    let ask = |side: u32| {
        let (server, at) = (Arc::clone(&server), origin.address);
        tokio::spawn(async move {
            let got = server
                .get(&format!("/-/w:{side}/plain/http://{at}/a.png"))
                .await;
            assert_eq!(look(&got.body), (Format::Png, side, side));
        })
    };
    for task in (11..21).map(ask).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn a_result_is_made_once_for_all_who_want_it() {
    let bytes = Bytes::from(photo(100, 100, Format::Png));
    let slow = move |_: &_| {
        (
            Duration::from_millis(300),
            Response::new(Full::new(bytes.clone())),
        )
    };
    let origin = Origin::start(slow).await;
    let server = Arc::new(Served::start(&[LOCAL]).await);
    let ask = |_| {
        let (server, at) = (Arc::clone(&server), origin.address);
        tokio::spawn(async move {
            server
                .get(&format!("/-/w:9/plain/http://{at}/a"))
                .await
                .status
        })
    };
    for task in (0..20).map(ask).collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(origin.count(), 1);
    assert_eq!(server.metric("framemill_source_reads_total").await, 1);
}

#[tokio::test]
async fn a_source_is_asked_for_anew_conditionally() {
    let bytes = Bytes::from(photo(30, 30, Format::Png));
    let origin = Origin::start(move |request| {
        let same = request
            .headers()
            .get("if-none-match")
            .is_some_and(|tag| tag == "\"v1\"");
        let mut response =
            Response::new(Full::new(if same { Bytes::new() } else { bytes.clone() }));
        *response.status_mut() = if same { 304 } else { 200 }.try_into().unwrap();
        response
            .headers_mut()
            .insert("etag", "\"v1\"".parse().unwrap());
        (Duration::ZERO, response)
    })
    .await;
    let server = Served::start(&[LOCAL, ("source_ttl", "0")]).await;
    for side in [10, 10, 12] {
        let got = server
            .get(&format!("/-/w:{side}/plain/http://{}/a", origin.address))
            .await;
        assert_eq!(got.status, 200, "{}", got.text());
    }
    assert_eq!(server.metric("framemill_source_reads_total").await, 1);
    assert!(origin.count() >= 3);
}

#[tokio::test]
async fn results_survive_a_restart() {
    let cache = tempfile::tempdir().unwrap();
    let place = cache.path().to_str().unwrap();
    let server = Served::start(&[("cache", place)]).await;
    let path = "/-/w:17/plain/local:///photo.png";
    let made = server.get(path).await;
    assert_eq!(made.header("x-framemill-cache"), "made");
    assert_eq!(server.get(path).await.header("x-framemill-cache"), "memory");
    let root = server.stop().await;
    assert_eq!(files(cache.path()), 1);
    let root = root.path().to_str().unwrap();
    let server = Served::start(&[("cache", place), ("root", root)]).await;
    let again = server.get(path).await;
    assert_eq!(again.header("x-framemill-cache"), "store");
    assert_eq!(
        (again.header("etag"), &again.body),
        (made.header("etag"), &made.body)
    );
    // Other settings make other results, and so do watermarks of the same bytes in other rows.
    let mark = |width, height| {
        let path = cache.path().join(format!("{width}.bmp"));
        let mut bytes = photo(24, 24, Format::Bmp);
        bytes[18] = width;
        bytes[22] = height;
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (name, value) in [
        ("quality", "5".to_owned()),
        ("video", "0".to_owned()),
        ("watermark", mark(48, 12)),
        ("watermark", mark(12, 48)),
    ] {
        let settings = [("cache", place), ("root", root), (name, &value)];
        let other = Served::start(&settings).await;
        let got = other.get(path).await;
        assert_eq!(got.header("x-framemill-cache"), "made", "{name}: {value}");
        other.stop().await;
    }
}
