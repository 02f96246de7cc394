// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statuses, conditions, ranges, and the paths beside thumbnails.

use crate::common::{look, photo, Served};
use framemill_thumbs::Format;
use serde_json::Value;

const PHOTO: &str = "/-/w:32/plain/local:///photo.png";

#[tokio::test]
async fn failures_have_their_status_and_one_line() {
    let server = Served::start(&[("http", "0"), ("max_src_resolution", "0.01")]).await;
    std::fs::write(server.path("text.png"), "no image").unwrap();
    let whole = photo(64, 48, Format::Png);
    std::fs::write(server.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(server.path("large.png"), photo(200, 100, Format::Png)).unwrap();
    std::fs::create_dir(server.path("folder")).unwrap();
    let cases = [
        ("/", 400),
        ("/-", 400),
        ("/nothing/here:to/see", 400),
        ("/-/w:x/plain/local:///photo.png", 400),
        ("/-/what:1/plain/local:///photo.png", 400),
        ("/-/w:8/plain/photo.png", 400),
        ("/-/msr:1/plain/local:///photo.png", 400),
        ("/-/w:8/plain/local:///absent.png", 404),
        ("/-/w:8/plain/local:///folder", 404),
        ("/-/w:8/plain/local:///", 404),
        ("/-/w:8/plain/http://example.com/a.png", 403),
        ("/-/w:8/plain/s3://bucket/a.png", 403),
        ("/-/w:8/plain/ftp://h/a.png", 403),
        ("/-/w:8/plain/local:///text.png", 415),
        ("/-/w:8/f:tiff/plain/local:///photo.png", 415),
        ("/-/w:8/plain/local:///cut.png", 422),
        ("/-/w:8/plain/local:///large.png", 413),
        ("/info/-/plain/local:///text.png", 415),
    ];
    for (path, status) in cases {
        let got = server.get(path).await;
        assert_eq!(got.status, status, "{path}: {}", got.text());
        assert_eq!(
            got.text().matches('\n').count(),
            1,
            "{path}: {}",
            got.text()
        );
        assert_eq!(got.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn nothing_outside_the_root_is_read() {
    let server = Served::start(&[]).await;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.png"), photo(8, 8, Format::Png)).unwrap();
    std::os::unix::fs::symlink(outside.path(), server.path("link")).unwrap();
    let file = outside.path().join("secret.png");
    std::os::unix::fs::symlink(&file, server.path("file.png")).unwrap();
    std::os::unix::fs::symlink(server.path("photo.png"), server.path("inner.png")).unwrap();
    let absolute = file.to_str().unwrap();
    for source in [
        "local:///../secret.png",
        "local:///a/../../secret.png",
        "local:///%2e%2e/secret.png",
        "local:///%252e%252e/secret.png",
        "local:///..%2fsecret.png",
        "local:///link/secret.png",
        "local:///file.png",
        "local:////etc/passwd",
        "local:///photo.png/",
        "local:///./photo.png",
        "local:///%00photo.png",
        "file:///etc/passwd",
        absolute,
        &format!("local://{absolute}"),
    ] {
        // As it is: clients in libraries resolve dots themselves.
        let status = server.raw_status(&format!("/-/w:4/plain/{source}")).await;
        assert!(matches!(status, 400 | 403 | 404), "{source}: {status}");
    }
    assert_eq!(
        server.get("/-/w:4/plain/local:///inner.png").await.status,
        200
    );
}

#[tokio::test]
async fn methods_heads_and_lengths() {
    let server = Served::start(&[("url_bytes", "200"), ("allow_origin", "*")]).await;
    let got = server.ask("HEAD", PHOTO, &[]).await;
    assert_eq!((got.status, got.body.len()), (200, 0));
    let length: usize = got.header("content-length").parse().unwrap();
    let whole = server.get(PHOTO).await;
    assert_eq!(length, whole.body.len());
    assert_eq!(whole.header("access-control-allow-origin"), "*");
    let got = server.ask("OPTIONS", PHOTO, &[]).await;
    assert_eq!(
        (got.status, got.header("allow")),
        (204, "GET, HEAD, OPTIONS")
    );
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert_eq!(server.ask(method, PHOTO, &[]).await.status, 405);
    }
    let long = format!("/-/cb:{}/plain/local:///photo.png", "a".repeat(200));
    assert_eq!(server.get(&long).await.status, 414);
    let huge = "a".repeat(40_000);
    assert_eq!(
        server.get_with(PHOTO, &[("x-huge", &huge)]).await.status,
        431
    );
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let server = Served::start(&[]).await;
    let got = server.get(PHOTO).await;
    let (tag, date) = (got.header("etag"), got.header("last-modified"));
    assert!(tag.starts_with('"') && !date.is_empty());
    assert_eq!(got.header("cache-control"), "max-age=31536000, public");
    for (name, value, status) in [
        ("if-none-match", tag, 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", date, 304),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
    ] {
        let again = server.get_with(PHOTO, &[(name, value)]).await;
        assert_eq!(again.status, status, "{name}: {value}");
        assert_eq!(again.header("etag"), tag);
        assert_eq!(again.body.is_empty(), status == 304);
    }
    // Another source under the same name, whose content the server has not seen yet.
    let server = Served::start(&[("source_ttl", "0")]).await;
    let old = server.get(PHOTO).await;
    std::fs::write(server.path("photo.png"), photo(20, 20, Format::Png)).unwrap();
    let new = server
        .get_with(PHOTO, &[("if-none-match", old.header("etag"))])
        .await;
    assert_eq!(new.status, 200);
    assert_eq!(look(&new.body), (Format::Png, 20, 20));
    let server = Served::start(&[("etag", "0"), ("last_modified", "0")]).await;
    let got = server.get(PHOTO).await;
    assert_eq!((got.header("etag"), got.header("last-modified")), ("", ""));
    let server = Served::start(&[("etag", "0")]).await;
    let date = server.get(PHOTO).await.header("last-modified").to_owned();
    let got = server
        .get_with(PHOTO, &[("if-modified-since", &date)])
        .await;
    assert_eq!((got.status, got.headers.contains_key("etag")), (304, false));
}

#[tokio::test]
async fn ranges_of_results() {
    let server = Served::start(&[]).await;
    let whole = server.get(PHOTO).await;
    let (tag, size) = (whole.header("etag"), whole.body.len());
    let part = server.get_with(PHOTO, &[("range", "bytes=10-19")]).await;
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[10..20]));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{size}"));
    let part = server
        .get_with(PHOTO, &[("range", "bytes=10-"), ("if-range", tag)])
        .await;
    assert_eq!(part.status, 206);
    let all = server
        .get_with(PHOTO, &[("range", "bytes=10-"), ("if-range", "\"x\"")])
        .await;
    assert_eq!((all.status, all.body.len()), (200, size));
    let none = server.get_with(PHOTO, &[("range", "bytes=99999-")]).await;
    assert_eq!(none.status, 416);
    assert_eq!(none.header("content-range"), format!("bytes */{size}"));
    assert_eq!(none.header("cache-control"), "no-store");
}

#[tokio::test]
async fn health_readiness_metrics_and_information() {
    let server = Served::start(&[]).await;
    assert_eq!(server.get("/health").await.text(), "ok\n");
    assert_eq!(server.get("/ready").await.status, 200);
    server.get(PHOTO).await;
    server.get(PHOTO).await;
    assert_eq!(
        server
            .metric("framemill_results_total{from=\"made\"}")
            .await,
        1
    );
    assert_eq!(
        server
            .metric("framemill_results_total{from=\"memory\"}")
            .await,
        1
    );
    let got = server.get("/info/-/plain/local:///photo.png").await;
    assert_eq!(got.header("content-type"), "application/json");
    let info: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(
        (&info["format"], &info["width"], &info["height"]),
        (&"png".into(), &64.into(), &48.into())
    );
    assert_eq!(info["animated"], false);
    assert_eq!(
        server.get("/info/-/plain/local:///absent").await.status,
        404
    );
}

#[tokio::test]
async fn a_fallback_image_stands_in_for_sources() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("fallback.png");
    std::fs::write(&image, photo(40, 40, Format::Png)).unwrap();
    let image = image.to_str().unwrap();
    let server = Served::start(&[("fallback_image", image)]).await;
    let got = server
        .get("/-/rs:fill:10:10/plain/local:///absent.png")
        .await;
    assert_eq!((got.status, got.header("fallback-image")), (200, "1"));
    assert_eq!(got.header("cache-control"), "max-age=60, public");
    assert_eq!(look(&got.body), (Format::Png, 10, 10));
    // Not for what the URL itself got wrong.
    assert_eq!(server.photo("w:x").await.status, 400);
    let own = [("fallback_image", image), ("fallback_image_status", "0")];
    let server = Served::start(&own).await;
    let got = server.get("/-/w:10/plain/local:///absent.png").await;
    assert_eq!(got.status, 404);
    assert_eq!(look(&got.body), (Format::Png, 10, 10));
}
