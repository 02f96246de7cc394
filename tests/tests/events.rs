// SPDX-License-Identifier: MIT OR Apache-2.0
//! Upload events of buckets, by queues; each upload done once, whatever dies.

mod engines;
mod uploads;

use engines::proxy::{Proxy, StoreFaults};
use engines::{bucket, runtime};
use framemill_store::{PutMode, S3Store, Store};
use framemill_tests::batch::{clip, fill, outputs_of, picture};
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::servers::{deploy, fresh_prefix, Queue, S3Server};
use rand::seq::SliceRandom;
use rand::SeedableRng;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::Path;
use std::time::Duration;
use uploads::{end, rule_of, wait, Service};

/// Waits for a future in a test that is none.
trait AwaitHere: Future + Sized {
    fn await_here(self) -> Self::Output {
        runtime().block_on(self)
    }
}

impl<F: Future> AwaitHere for F {}

fn keys(store: &S3Store, prefix: &str) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = runtime().block_on(store.list(prefix, after.as_deref(), 1000));
        let page = page.expect("a list");
        let names = page.entries.into_iter();
        all.extend(names.map(|e| e.key[prefix.len()..].to_owned()));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

fn put(store: &S3Store, key: &str, file: &Path) {
    let body = fs::read(file).expect("a source");
    let put = store.put(key, body.into(), PutMode::Overwrite);
    put.await_here().expect("a put");
}

/// A service of uploads to ministack's `framemill-in` below a prefix of its own, which it gives,
/// with a queue. Where it `hears`, the bucket tells the queue of uploads.
fn of_bucket(test: &str, hears: bool, rule: &str, args: &str) -> (Service, Queue, String) {
    let server = S3Server::ministack();
    let prefix = fresh_prefix(test);
    let name = prefix.trim_end_matches('/');
    let bucket = hears.then_some(("framemill-in", &*prefix));
    let queue = Queue::new(&server, name, bucket);
    let rules = rule_of(
        &format!("bucket = \"framemill-in\"\nprefix = \"{prefix}\"\n{rule}"),
        &format!("s3://framemill-out/{prefix}"),
    );
    let mut args = format!(
        "--queue {} --work-dir s3://framemill-work/{prefix} {args}",
        queue.url
    );
    if args.contains("--engine lambda") {
        deploy(&server, name);
        args.push_str(&format!(" --function {name}"));
    }
    (Service::new(&rules, &args).with(&server), queue, prefix)
}

/// The content type that a server gives for a blob.
fn content_type(store: &S3Store, key: &str) -> String {
    runtime().block_on(async {
        let url = store.presigned_read(key, Duration::from_secs(60)).await;
        let client = framemill_store::http_client_builder().expect("a client");
        let client = client.no_proxy().build().expect("a client");
        let answer = client.get(url.expect("a URL").as_str()).send().await;
        let kind = answer.expect("an answer").headers()["content-type"].clone();
        kind.to_str().expect("text").to_owned()
    })
}

#[test]
fn an_upload_comes_out_by_way_of_queue_and_function() {
    let (service, queue, prefix) = of_bucket("events", true, "", "--engine lambda --workers 2");
    let server = S3Server::ministack();
    let mut running = service.start();
    let (sources, results) = (
        bucket(&server, "framemill-in"),
        bucket(&server, "framemill-out"),
    );
    put(&sources, &format!("{prefix}a b/clip é.mp4"), &clip(1));
    put(
        &sources,
        &format!("{prefix}photo.jpg"),
        &place::sample("test.jpg"),
    );
    put(
        &sources,
        &format!("{prefix}notes.txt"),
        &place::sample("README.md"),
    );
    let mut expected: Vec<String> = ["a b/clip é.mp4", "photo.jpg"].map(outputs_of).concat();
    expected.sort();
    wait(&mut running, "outputs", || {
        keys(&results, &prefix).len() >= 4
    });
    assert_eq!(keys(&results, &prefix), expected);
    wait(&mut running, "an empty queue", || queue.left() == 0);
    for (name, kind) in [
        ("a b/clip é-64.mp4", "video/mp4"),
        ("photo-32.webp", "image/webp"),
    ] {
        assert_eq!(content_type(&results, &format!("{prefix}{name}")), kind);
    }
    end(running);
    assert_eq!(
        keys(
            &bucket(&server, "framemill-work"),
            &format!("{prefix}jobs/open/")
        ),
        [""; 0]
    );
}

/// A message as S3 sends it.
fn created(bucket: &str, key: &str) -> String {
    json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2020-01-01T00:00:00.000Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
    }]})
    .to_string()
}

/// How often each blob below a path was written.
fn puts(proxy: &Proxy, below: &str) -> BTreeMap<String, u32> {
    let mut puts = BTreeMap::new();
    for (method, target) in proxy.seen() {
        let path = target.split('?').next().unwrap_or_default();
        if method == "PUT" && path.starts_with(below) {
            *puts.entry(path.to_owned()).or_default() += 1;
        }
    }
    puts
}

#[test]
fn two_hundred_uploads_told_twice_and_in_disorder_while_coordinators_die() {
    let (mut service, queue, prefix) = of_bucket(
        "burst",
        false,
        "",
        "--engine lambda --workers 4 --jobs 6 --hold 4",
    );
    let server = S3Server::ministack();
    let proxy = Proxy::start(&server.endpoint, StoreFaults::NONE);
    let through = ("AWS_ENDPOINT_URL_S3".to_owned(), proxy.endpoint());
    service.environment.push(through);
    let names = fill(service.folder.path(), 25, 175);
    let sources = bucket(&server, "framemill-in");
    for name in &names {
        put(
            &sources,
            &format!("{prefix}{name}"),
            &service.folder.path().join(name),
        );
    }
    let message = |name: &String| created("framemill-in", &format!("{prefix}{name}"));
    let mut messages: Vec<String> = names.iter().chain(&names).map(message).collect();
    messages.push(json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}).to_string());
    messages.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(7));
    queue.send(&messages);

    let results = bucket(&server, "framemill-out");
    // Two at once; one of them is killed, twice.
    let mut steady = service.start();
    let kills = [60, 160];
    for some in kills {
        let mut running = service.start();
        wait(&mut running, "some outputs", || {
            keys(&results, &prefix).len() >= some
        });
        running.signal(Signal::KILL);
        running.finish();
    }
    wait(&mut steady, "an empty queue", || queue.left() == 0);
    let work = bucket(&server, "framemill-work");
    let open = || keys(&work, &format!("{prefix}jobs/open/"));
    wait(&mut steady, "no open job", || open().is_empty());
    let log = end(steady);
    let mut expected: Vec<String> = names.iter().flat_map(|name| outputs_of(name)).collect();
    expected.sort();
    assert_eq!(keys(&results, &prefix), expected, "{log}");

    assert_eq!(keys(&work, &format!("{prefix}dead/")), [""; 0]);
    assert_eq!(open(), [""; 0]);
    assert_eq!(
        keys(&work, &format!("{prefix}jobs/ended/")).len(),
        names.len()
    );
    let puts = puts(&proxy, &format!("/framemill-out/{prefix}"));
    assert_eq!(puts.len(), expected.len());
    // What a coordinator had under its hands when it was killed may be written once more.
    let twice: u32 = puts.values().map(|count| count - 1).sum();
    assert!(twice <= 2 * 6 * 2, "{twice} outputs were written again");
}

#[test]
fn what_cannot_be_done_is_kept_with_the_reason() {
    let server = S3Server::ministack();
    let (service, queue, prefix) = of_bucket("dead", false, "on-delete = \"remove\"", "");
    let sources = bucket(&server, "framemill-in");
    let results = bucket(&server, "framemill-out");
    put(
        &sources,
        &format!("{prefix}broken.mp4"),
        &place::sample("README.md"),
    );
    put(&sources, &format!("{prefix}a.png"), &picture(1));
    put(
        &sources,
        &format!("{prefix}a.jpg"),
        &place::sample("test.jpg"),
    );
    let told = |key: &str| created("framemill-in", &format!("{prefix}{key}"));
    queue.send(&[
        "no JSON".into(),
        told("broken.mp4"),
        told("absent.mp4"),
        told("a.png"),
    ]);
    let mut running = service.start();
    wait(&mut running, "an empty queue", || queue.left() == 0);
    assert_eq!(keys(&results, &prefix), ["a-16.jpg", "a-32.webp"]);
    // Another source must not take the outputs over.
    queue.send(&[told("a.jpg")]);
    wait(&mut running, "an empty queue", || queue.left() == 0);
    let work = bucket(&server, "framemill-work");
    let dead = keys(&work, &format!("{prefix}dead/"));
    let letters: Vec<String> = dead
        .iter()
        .map(|name| {
            let key = format!("{prefix}dead/{name}");
            let text = work.get(&key, 1 << 20).await_here().expect("a letter");
            String::from_utf8(text.to_vec()).expect("text")
        })
        .collect();
    assert_eq!(letters.len(), 3, "{letters:?}");
    for words in ["no JSON", "broken.mp4", "is made of s3://framemill-in/"] {
        assert!(
            letters.iter().any(|letter| letter.contains(words)),
            "{words}: {letters:?}"
        );
    }
    end(running);
}

#[test]
fn outputs_follow_an_upload_that_is_replaced_or_removed() {
    let server = S3Server::ministack();
    let (service, queue, prefix) = of_bucket("follow", false, "on-delete = \"remove\"", "");
    let sources = bucket(&server, "framemill-in");
    let results = bucket(&server, "framemill-out");
    let upload = format!("{prefix}a.png");
    let told = created("framemill-in", &upload);
    let version = || {
        let head = results.head(&format!("{prefix}a-16.jpg")).await_here();
        head.expect("it is there").version
    };
    let mut running = service.start();
    let mut versions = Vec::new();
    for number in [1, 2] {
        put(&sources, &upload, &picture(number));
        queue.send(std::slice::from_ref(&told));
        wait(&mut running, "an empty queue", || queue.left() == 0);
        versions.push(version());
    }
    assert_ne!(versions[0], versions[1]);
    sources.delete(&upload).await_here().expect("a delete");
    queue.send(&[told.replace("ObjectCreated:Put", "ObjectRemoved:Delete")]);
    wait(&mut running, "no outputs", || {
        keys(&results, &prefix).is_empty()
    });
    end(running);
}
