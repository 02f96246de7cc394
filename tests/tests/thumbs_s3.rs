// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails from S3 to S3: sources, results and caches in buckets.

use bytes::Bytes;
use framemill_store::{PutMode, S3Credentials, S3Options, S3Store, Store};
use framemill_tests::place;
use framemill_tests::process::{ffmpeg, Running};
use framemill_tests::servers::{fresh_prefix, S3Server};
use std::io::Read;
use std::process::{Command, Stdio};

async fn bucket(server: &S3Server, name: &str) -> S3Store {
    let options = S3Options {
        endpoint: Some(server.endpoint.clone()),
        region: Some("us-east-1".into()),
        credentials: Some(S3Credentials {
            access_key: server.access_key.clone(),
            secret_key: server.secret_key.clone(),
            session_token: None,
        }),
        path_style: None,
    };
    S3Store::connect(name, &options).await.unwrap()
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
        let mut command = Command::new(place::binary());
        command
            .args([
                "serve",
                "thumbs",
                "--listen",
                "127.0.0.1:0",
                "--cache",
                &cache,
            ])
            .args(["--set", "s3=1", "--set", "http=0"])
            .envs(s3.environment())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        while !said.ends_with('\n') {
            let mut byte = [0];
            let read = child.stdout.as_mut().unwrap().read(&mut byte).unwrap();
            assert_eq!(read, 1, "it ended: {said}");
            said.push(char::from(byte[0]));
        }
        let address = said.trim().rsplit(' ').next().unwrap();
        let client = framemill_store::http_client_builder().unwrap();
        let client = client.no_proxy().build().unwrap();
        let ask = |path: String| client.get(format!("http://{address}{path}")).send();
        let answer = ask(format!("/-/w:16/plain/{source}")).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-framemill-cache"], wanted);
        let answer = ask(format!("/-/w:16/plain/{source}x")).await.unwrap();
        assert_eq!(answer.status(), 404);
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
