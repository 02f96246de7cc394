// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails from S3 to S3: sources, results and caches in buckets.

use bytes::Bytes;
use framemill_store::{PutMode, S3Store, Store};
use framemill_tests::place;
use framemill_tests::process::{ffmpeg, Running};
use framemill_tests::servers::{fresh_prefix, S3Server};
use framemill_tests::thumbs::ThumbServer;
use std::process::Command;

async fn bucket(server: &S3Server, name: &str) -> S3Store {
    S3Store::connect(name, &server.options()).await.unwrap()
}

fn picture() -> Bytes {
    let folder = place::scratch();
    let path = folder.path().join("a.png");
    let source = "testsrc=size=64x48:rate=1:duration=1";
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        source,
        "-frames:v",
        "1",
        path.to_str().unwrap(),
    ]);
    std::fs::read(path).unwrap().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_and_results_in_buckets() {
    let (s3, prefix) = (S3Server::seaweedfs(), fresh_prefix("thumbs"));
    let sources = bucket(&s3, "framemill-in").await;
    let key = format!("{prefix}a.png");
    sources.put(&key, picture(), PutMode::Create).await.unwrap();
    let source = format!("s3://framemill-in/{key}");

    let place = format!("s3://framemill-out/{prefix}");
    let mut command = Command::new(place::binary());
    command
        .args([
            "thumb", &source, "-o", &place, "--sizes", "16,8x8", "--format", "webp",
        ])
        .envs(s3.environment());
    let done = Running::start(command).finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let results = bucket(&s3, "framemill-out").await;
    for name in ["a-16.webp", "a-8x8.webp"] {
        let made = results
            .get(&format!("{prefix}{name}"), 1 << 20)
            .await
            .unwrap();
        assert!(made.starts_with(b"RIFF"), "{name}");
    }

    let cache = format!("s3://framemill-work/{prefix}");
    for wanted in ["made", "store"] {
        let server = ThumbServer::start(
            &["--cache", &cache, "--set", "s3=1", "--set", "http=0"],
            &s3.environment(),
        );
        let client = framemill_store::http_client_builder().unwrap();
        let client = client.no_proxy().build().unwrap();
        let ask = |path: String| client.get(format!("{}{path}", server.base)).send();
        let answer = ask(format!("/-/w:16/plain/{source}")).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-framemill-cache"], wanted);
        let answer = ask(format!("/-/w:16/plain/{source}x")).await.unwrap();
        assert_eq!(answer.status(), 404);
        server.terminate();
        server.ends_well();
    }
}
