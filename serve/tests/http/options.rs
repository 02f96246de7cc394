// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every option that HTTP has a part in, over HTTP.

use crate::common::{look, photo, pixel, Served};
use framemill_thumbs::Format;

#[tokio::test]
async fn options_reach_the_pipeline() {
    let server = Served::start(&[("allow_limits", "1")]).await;
    // The photo is 64 × 48 as PNG.
    let cases = [
        ("rs:fit:32:32", Format::Png, 32, 24),
        ("rs:fill:32:32", Format::Png, 32, 32),
        ("rs:force:10:20", Format::Png, 10, 20),
        ("rt:fill/w:20/h:10", Format::Png, 20, 10),
        ("s:16:0", Format::Png, 16, 12),
        ("w:200", Format::Png, 64, 48),
        ("w:128/el:1", Format::Png, 128, 96),
        ("mw:64/w:10", Format::Png, 10, 48),
        ("w:16/dpr:2", Format::Png, 32, 24),
        ("z:0.5", Format::Png, 32, 24),
        ("w:100/h:100/ex:1", Format::Png, 100, 100),
        ("c:20:20", Format::Png, 20, 20),
        ("pd:1:2:3:4", Format::Png, 70, 52),
        ("rot:90", Format::Png, 48, 64),
        ("w:32/f:jpg", Format::Jpeg, 32, 24),
        ("w:32/f:webp", Format::Webp, 32, 24),
        ("w:32/f:gif", Format::Gif, 32, 24),
        ("w:32/f:avif", Format::Avif, 0, 0),
        ("mrd:16", Format::Png, 16, 12),
        ("raw:1", Format::Png, 64, 48),
        ("skp:png/w:8", Format::Png, 64, 48),
    ];
    for (options, format, width, height) in cases {
        let got = server.photo(options).await;
        assert_eq!(got.status, 200, "{options}: {}", got.text());
        assert_eq!(
            got.header("content-type"),
            format.content_type(),
            "{options}"
        );
        if format == Format::Avif {
            assert_eq!(Format::sniff(&got.body), Some(format));
            continue;
        }
        assert_eq!(look(&got.body), (format, width, height), "{options}");
    }
}

#[tokio::test]
async fn flips_and_backgrounds_show_in_pixels() {
    let server = Served::start(&[]).await;
    let red = |[r, g, b]: [u8; 3]| r > 200 && g < 60 && b < 60;
    assert!(red(pixel(&server.photo("w:64").await.body, 4, 4)));
    assert!(red(pixel(&server.photo("fl:1").await.body, 60, 4)));
    assert!(red(pixel(&server.photo("rot:180").await.body, 60, 44)));
    let padded = server.photo("pd:4/bg:00ff00").await;
    assert_eq!(pixel(&padded.body, 1, 1), [0, 255, 0]);
    let bytes = server.photo("q:90/f:jpg").await.body.len();
    assert!(server.photo("q:10/f:jpg").await.body.len() < bytes);
    let small = server.photo("mb:900/f:jpg").await;
    assert!(small.body.len() <= 900 && small.body.len() < bytes);
}

#[tokio::test]
async fn base64_sources_extensions_prefixes_presets_and_base_urls() {
    let settings = [
        ("path_prefix", "/thumbs"),
        ("base_url", "local:///"),
        ("presets", "small=rs:fill:8:8,default=f:webp"),
    ];
    let server = Served::start(&settings).await;
    for (path, format, side) in [
        ("/thumbs/-/pr:small/plain/photo.png", Format::Webp, 8),
        ("/thumbs/-/pr:small/plain/photo.png@jpg", Format::Jpeg, 8),
        // photo.png
        ("/thumbs/-/rs:fill:6:6/cGhvdG8u/cG5n.png", Format::Png, 6),
    ] {
        let got = server.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        assert_eq!(look(&got.body), (format, side, side), "{path}");
    }
    for path in [
        "/-/w:1/plain/photo.png",
        "/thumbsX/w:1/plain/photo.png",
        "/info/-/plain/photo.png",
    ] {
        assert_eq!(server.get(path).await.status, 400, "{path}");
    }
    let got = server.get("/thumbs/info/-/plain/photo.png").await;
    assert_eq!(got.status, 200);
    let only = Served::start(&[("only_presets", "1"), ("presets", "a=w:9,b=h:5/rt:force")]).await;
    let got = only.get("/-/a:b/plain/local:///photo.png").await;
    assert_eq!(look(&got.body), (Format::Png, 9, 5));
    assert_eq!(only.photo("w:3").await.status, 400);
}

#[tokio::test]
async fn names_and_attachments() {
    let server = Served::start(&[]).await;
    for (options, wanted) in [
        ("w:8", "inline; filename=\"photo.png\""),
        ("w:8/f:jpg", "inline; filename=\"photo.jpg\""),
        ("w:8/fn:cat/att:1", "attachment; filename=\"cat.png\""),
        ("w:8/fn:Y2F0:1", "inline; filename=\"cat.png\""),
        (
            "w:8/fn:%C3%A9",
            "inline; filename=\"_.png\"; filename*=UTF-8''%C3%A9.png",
        ),
    ] {
        let got = server.photo(options).await;
        assert_eq!(got.header("content-disposition"), wanted, "{options}");
    }
    let server = Served::start(&[("return_attachment", "1")]).await;
    let got = server.photo("w:8").await;
    assert!(got.header("content-disposition").starts_with("attachment"));
}

#[tokio::test]
async fn urls_expire_and_bust_caches() {
    let server = Served::start(&[]).await;
    let got = server.photo("exp:1000000000").await;
    assert_eq!(
        (got.status, got.text().as_str()),
        (404, "the URL expired\n")
    );
    let got = server.photo("exp:99999999999/w:8").await;
    assert_eq!(got.status, 200);
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let got = server
        .photo(&format!("exp:{}/w:8", soon.unwrap().as_secs() + 100))
        .await;
    let age = got
        .header("cache-control")
        .strip_prefix("max-age=")
        .unwrap()
        .to_owned();
    let age: u64 = age.strip_suffix(", public").unwrap().parse().unwrap();
    assert!(age <= 100, "{age}");
    let (one, two) = (server.photo("cb:1").await, server.photo("cb:2").await);
    assert_ne!(one.header("etag"), two.header("etag"));
    // What headers alone tell makes no other picture.
    let other = server.photo("cb:1/exp:99999999998/att:1/fn:other").await;
    assert_eq!(other.header("x-framemill-cache"), "memory");
    assert_eq!(other.header("etag"), one.header("etag"));
    assert!(other.header("content-disposition").contains("other.png"));
}

#[tokio::test]
async fn signatures_and_secrets() {
    // imgproxy's own vector.
    let (key, salt) = ("746573742d6b6579", "746573742d73616c74");
    let settings = [("key", key), ("salt", salt), ("trusted_signatures", "tea")];
    let server = Served::start(&settings).await;
    std::fs::write(server.path("test1.png"), photo(8, 8, Format::Png)).unwrap();
    let path = "rs:fill:4:4/plain/local:///test1.png";
    for (signature, status) in [
        ("My9d3xq_PYpVHsPrCyww0Kh1w5KZeZhIlWhsa4az1TI", 200),
        ("tea", 200),
        ("My9d3xq_PYpVHsPrCyww0Kh1w5KZeZhIlWhsa4az1TA", 403),
        ("insecure", 403),
    ] {
        let got = server.get(&format!("/{signature}/{path}")).await;
        assert_eq!(got.status, status, "{signature}: {}", got.text());
    }
    let server = Served::start(&[("secret", "s3")]).await;
    assert_eq!(server.photo("w:8").await.status, 403);
    let path = "/-/w:8/plain/local:///photo.png";
    let with = |value| [("authorization", value)];
    assert_eq!(server.get_with(path, &with("Bearer s3")).await.status, 200);
    assert_eq!(server.get_with(path, &with("Bearer s4")).await.status, 403);
}

#[tokio::test]
async fn formats_are_negotiated() {
    let server = Served::start(&[("client_hints", "1")]).await;
    let path = "/-/w:16/plain/local:///photo.png";
    for (accept, wanted) in [
        ("image/avif,image/webp,*/*", "image/avif"),
        ("image/webp,*/*", "image/webp"),
        ("*/*", "image/png"),
    ] {
        let got = server.get_with(path, &[("accept", accept)]).await;
        assert_eq!(got.header("content-type"), wanted);
        assert_eq!(
            got.header("vary"),
            "Accept, Sec-CH-DPR, DPR, Sec-CH-Width, Width"
        );
    }
    let got = server.get_with(path, &[("dpr", "2")]).await;
    assert_eq!(look(&got.body), (Format::Png, 32, 24));
    let got = server
        .get_with("/-/plain/local:///photo.png", &[("width", "20")])
        .await;
    assert_eq!(look(&got.body), (Format::Png, 20, 15));
}

#[tokio::test]
async fn an_avif_that_would_cost_too_much_is_a_webp_that_says_so() {
    let server = Served::start(&[("avif_resolution", "0.001")]).await;
    let got = server.photo("f:avif").await;
    assert_eq!(got.header("content-type"), "image/webp");
    assert_eq!(got.header("x-framemill-instead-of"), "avif");
    assert!(got.header("etag").ends_with(".webp\""));
    let got = server.photo("f:avif/w:20").await;
    assert_eq!(got.header("content-type"), "image/avif");
    assert_eq!(server.metric("framemill_webp_for_avif_total").await, 1);
    let hurried = Served::start(&[("avif_time", "0")]).await;
    // Large enough to take longer than a moment.
    let got = hurried.photo("f:avif/w:600/el:1").await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.header("x-framemill-instead-of"), "avif");
}

#[tokio::test]
async fn watermarks_lie_on_results() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark.png");
    std::fs::write(&mark, photo(8, 8, Format::Png)).unwrap();
    let server = Served::start(&[("watermark", mark.to_str().unwrap())]).await;
    let plain = server.photo("w:64").await;
    let marked = server.photo("w:64/wm:1:soea").await;
    assert_eq!(pixel(&plain.body, 4, 4), pixel(&marked.body, 4, 4));
    assert_ne!(pixel(&plain.body, 57, 41), pixel(&marked.body, 57, 41));
}
