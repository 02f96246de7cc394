// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

fn dir(root: &str, key: &str) -> Location {
    Location {
        root: StoreRoot::Dir(root.into()),
        key: key.into(),
    }
}

fn memory(name: &str, key: &str) -> Location {
    Location {
        root: StoreRoot::Memory(name.into()),
        key: key.into(),
    }
}

fn s3(bucket: &str, key: &str) -> Location {
    Location {
        root: StoreRoot::S3(bucket.into()),
        key: key.into(),
    }
}

fn http(url: &str, key: &str) -> Location {
    Location {
        root: StoreRoot::Http(HttpUrl::parse(url).unwrap()),
        key: key.into(),
    }
}

#[test]
fn blobs() {
    let cases = [
        ("a/b/c.mp4", dir("a/b", "c.mp4")),
        ("c.mp4", dir(".", "c.mp4")),
        ("/c.mp4", dir("/", "c.mp4")),
        ("a/../c d%20+é.mp4", dir("a/..", "c d%20+é.mp4")),
        ("./mem:x", dir(".", "mem:x")),
        ("12:30.mp4", dir(".", "12:30.mp4")),
        ("file:///a%20b/c%25.mp4", dir("/a b", "c%.mp4")),
        ("FILE://localhost/a/c+.mp4", dir("/a", "c+.mp4")),
        ("file:/a/c.mp4", dir("/a", "c.mp4")),
        ("mem:test/a/b", memory("test", "a/b")),
        ("s3://bucket/a b/%20+é?.mp4", s3("bucket", "a b/%20+é?.mp4")),
        ("S3://my.bucket-1/a", s3("my.bucket-1", "a")),
        (
            "https://host/a/b%20c.mp4",
            http("https://host/a/b%20c.mp4", "b c.mp4"),
        ),
    ];
    for (text, expected) in cases {
        let location = Location::parse(text).unwrap();
        assert_eq!(location, expected, "{text}");
        assert_eq!(Location::parse(&location.to_string()), Ok(location));
    }
}

#[test]
fn places() {
    let cases = [
        ("out", dir("out", ""), "out/x"),
        ("/", dir("/", ""), "/x"),
        ("..", dir("..", ""), "../x"),
        (".", dir(".", ""), "x"),
        ("mem:test", memory("test", ""), "mem:test/x"),
        ("mem:test/p", memory("test", "p/"), "mem:test/p/x"),
        ("mem:test/p/q/", memory("test", "p/q/"), "mem:test/p/q/x"),
        ("s3://bucket", s3("bucket", ""), "s3://bucket/x"),
        (
            "s3://bucket/p/q/",
            s3("bucket", "p/q/"),
            "s3://bucket/p/q/x",
        ),
    ];
    for (text, expected, below) in cases {
        let place = Location::parse_place(text).unwrap();
        assert_eq!(place, expected, "{text}");
        assert_eq!(place.join("x").to_string(), below);
    }
}

#[test]
fn text_that_names_no_blob() {
    for text in [
        "",
        "/",
        "a/",
        ".",
        "..",
        "a/..",
        "a\0",
        "mem:",
        "mem:a",
        "mem:/a",
        "mem:a//b",
        "s3://",
        "s3://bucket",
        "s3://bucket/",
        "s3://bucket/a/",
        "s3://bucket//a",
        "s3://b/a",
        "s3://Bucket/a",
        "s3://key:secret@bucket/a",
        "https://host/",
        "https://",
        "file:a",
        "file://host/a",
        "file:///%zz",
        "file:///%00",
        "file:///%",
    ] {
        let error = Location::parse(text).unwrap_err();
        assert_eq!(error.class(), crate::Class::BadInput, "{text:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn other_schemes_say_what_works() {
    for text in ["gs://bucket/key", "ftp://user:secret@host/a.mp4?secret"] {
        let error = Location::parse(text).unwrap_err();
        assert!(matches!(error, StoreError::Unsupported { .. }));
        assert!(error.to_string().contains(SUPPORTED));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn named_memory_is_shared() {
    let location = Location::parse("mem:uri-tests/a").unwrap();
    let (store, key) = open(&location).await.unwrap();
    let body = bytes::Bytes::from_static(b"1");
    store
        .put(&key, body.clone(), crate::PutMode::Create)
        .await
        .unwrap();
    let (again, key) = open(&location).await.unwrap();
    assert_eq!(again.get(&key, 1).await, Ok(body));
}

#[test]
fn nothing_can_be_written_to_a_web_server() {
    let error = Location::parse_place("https://u:secret@host/a?secret").unwrap_err();
    assert!(matches!(error, StoreError::Unsupported { .. }));
    assert!(!error.to_string().contains("secret"), "{error}");
}
