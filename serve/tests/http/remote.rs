// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources at HTTP servers: what may be reached, and what servers do wrong.

use crate::common::{photo, Origin, Served};
use async_trait::async_trait;
use bytes::Bytes;
use framemill_serve::guard::Lookup;
use framemill_thumbs::Format;
use http_body_util::Full;
use hyper::Response;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

fn status(code: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code.try_into().unwrap();
    response
}

/// Names of the test's own; the second answer for `rebind.test` is another one.
#[derive(Default)]
struct Names(AtomicUsize);

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let text = match name {
            "inside.test" => "127.0.0.1",
            "mapped.test" => "::ffff:127.0.0.1",
            "private.test" => "10.0.0.1",
            "ula.test" => "fd00::1",
            "metadata.test" => "169.254.169.254",
            "cgnat.test" => "100.64.1.1",
            "nat64.test" => "64:ff9b::7f00:1",
            "rebind.test" => match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => "127.0.0.2",
                _ => "127.0.0.1",
            },
            _ => return Err(io::Error::other("no such name")),
        };
        Ok(vec![text.parse().unwrap()])
    }
}

#[tokio::test]
async fn nothing_inside_is_reached() {
    let origin = Origin::of(photo(8, 8, Format::Png)).await;
    let port = origin.address.port();
    let server = Served::start_with(&[], Arc::new(Names::default())).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fd00:ec2::254]",
        "user:password@127.0.0.1",
        "inside.test",
        "mapped.test",
        "private.test",
        "ula.test",
        "metadata.test",
        "cgnat.test",
        "nat64.test",
    ] {
        let host = host.replace('@', "%40");
        let got = server
            .get(&format!("/-/w:4/plain/http://{host}:{port}/a.png"))
            .await;
        assert_eq!(got.status, 403, "{host}: {}", got.text());
        assert!(!got.text().contains("password"), "{}", got.text());
    }
    assert_eq!(origin.count(), 0);
    assert_eq!(
        server.get("/-/w:4/plain/http://absent.test/a").await.status,
        502
    );
}

/// A name is resolved once for each connection, which goes to just what was looked at.
#[tokio::test]
async fn a_name_that_changes_gains_nothing() {
    let origin = Origin::of(photo(8, 8, Format::Png)).await;
    // Where nothing listens, and which alone is allowed.
    let settings = [("allowed_networks", "127.0.0.2/32")];
    let server = Served::start_with(&settings, Arc::new(Names::default())).await;
    let path = format!(
        "/-/w:4/plain/http://rebind.test:{}/a",
        origin.address.port()
    );
    for status in [502, 403] {
        let got = server.get(&path).await;
        assert_eq!(got.status, status, "{}", got.text());
    }
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn lists_open_single_networks_and_close_sources() {
    let origin = Origin::of(photo(8, 8, Format::Png)).await;
    let port = origin.address.port();
    let settings = [
        ("allowed_networks", "127.0.0.1/32"),
        (
            "allowed_sources",
            &format!("http://inside.test:{port}/pub/") as &str,
        ),
    ];
    let server = Served::start_with(&settings, Arc::new(Names::default())).await;
    for (source, status) in [
        (format!("http://inside.test:{port}/pub/a.png"), 200),
        (format!("http://inside.test:{port}/pub/../a.png"), 403),
        (format!("http://127.0.0.1:{port}/pub/a.png"), 403),
        ("local:///photo.png".into(), 403),
    ] {
        let got = server.get(&format!("/-/w:4/plain/{source}")).await;
        assert_eq!(got.status, status, "{source}: {}", got.text());
    }
}

#[tokio::test]
async fn redirects_are_looked_at_too() {
    let inner = Origin::of(photo(8, 8, Format::Png)).await;
    let port = inner.address.port();
    let origin = Origin::start(move |request| {
        let to = match request.uri().path() {
            "/literal" => format!("http://127.0.0.2:{port}/"),
            "/odd" => format!("http://0x7f.2:{port}/"),
            "/file" => "file:///etc/passwd".to_owned(),
            "/loop" => "/loop".to_owned(),
            _ => format!("http://127.0.0.1:{port}/a"),
        };
        let mut response = status(302);
        response
            .headers_mut()
            .insert("location", to.parse().unwrap());
        (Duration::ZERO, response)
    })
    .await;
    let settings = [("allowed_networks", "127.0.0.1/32"), ("max_redirects", "3")];
    let server = Served::start(&settings).await;
    for (path, status) in [
        ("/good", 200),
        ("/literal", 403),
        ("/odd", 403),
        ("/loop", 403),
    ] {
        let got = server
            .get(&format!("/-/w:4/plain/http://{}{path}", origin.address))
            .await;
        assert_eq!(got.status, status, "{path}: {}", got.text());
    }
    let got = server
        .get(&format!("/-/w:4/plain/http://{}/file", origin.address))
        .await;
    assert!(
        matches!(got.status, 403 | 404 | 502),
        "{}: {}",
        got.status,
        got.text()
    );
    assert_eq!(inner.count(), 1);
}

#[tokio::test]
async fn what_servers_do_wrong_has_its_status() {
    let large = Bytes::from(vec![0; 5000]);
    let origin = Origin::start(move |request| {
        let code: u16 = request.uri().path()[1..].parse().unwrap();
        let wait = if code == 999 {
            Duration::from_secs(600)
        } else {
            Duration::ZERO
        };
        let mut response = status(if code > 599 { 200 } else { code });
        if code == 700 {
            *response.body_mut() = Full::new(large.clone());
        }
        (wait, response)
    })
    .await;
    let settings = [
        ("allow_loopback", "1"),
        ("source_timeout", "1"),
        ("max_src_file_size", "4000"),
    ];
    let server = Served::start(&settings).await;
    for (answer, wanted) in [
        (404, 404),
        (410, 404),
        (403, 404),
        (500, 502),
        (503, 503),
        (429, 503),
        (700, 413),
        (999, 504),
    ] {
        let got = server
            .get(&format!("/-/w:4/plain/http://{}/{answer}", origin.address))
            .await;
        assert_eq!(got.status, wanted, "{answer}: {}", got.text());
    }
    let got = server
        .get(&format!("/-/w:4/plain/http://{}/429", origin.address))
        .await;
    assert_eq!(got.header("retry-after"), "5");
}
