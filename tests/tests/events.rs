// SPDX-License-Identifier: MIT OR Apache-2.0
//! Upload events: buckets with queues, and folders; each upload done once, whatever dies.

mod engines;

use engines::proxy::{Proxy, StoreFaults};
use engines::{bucket, runtime};
use framemill_store::{PutMode, S3Store, Store};
use framemill_tests::batch::{clip, files, fill, must_decode, outputs_of, picture, PROFILE};
use framemill_tests::place;
use framemill_tests::process::{Running, Signal};
use framemill_tests::servers::{deploy, fresh_prefix, Queue, S3Server};
use rand::seq::SliceRandom;
use rand::SeedableRng;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A service of events in the making, and what it works by.
struct Service {
    folder: TempDir,
    args: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Service {
    /// One that works by these rules; `profile = "small.toml"` is [`PROFILE`].
    fn new(rules: &str, args: &str) -> Self {
        let folder = place::scratch();
        fs::write(folder.path().join("small.toml"), PROFILE).expect("a profile");
        let file = folder.path().join("rules.toml");
        fs::write(&file, rules).expect("rules");
        let mut all = vec!["--rules".to_owned(), file.display().to_string()];
        all.extend(args.split_whitespace().map(str::to_owned));
        Self {
            folder,
            args: all,
            environment: Vec::new(),
        }
    }

    fn with(mut self, server: &S3Server) -> Self {
        let all = server
            .environment()
            .map(|(n, v)| (n.to_owned(), v.to_owned()));
        self.environment.extend(all);
        self
    }

    fn command(&self, listen: &str) -> Command {
        let mut command = Command::new(place::binary());
        command.args(["--log-level", "info", "serve", "events", "--listen", listen]);
        command.args(&self.args);
        command.envs(self.environment.iter().map(|(n, v)| (n, v)));
        command
    }

    fn start(&self) -> Running {
        Running::start(self.command("127.0.0.1:0"))
    }
}

/// Waits until `done` is, as long as the service runs.
fn wait(service: &mut Running, what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(240);
    let ended = service.wait_until(|| {
        assert!(Instant::now() < end, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(100));
        done()
    });
    assert!(!ended, "{what}: the service has ended");
}

/// Tells a service to end; it must do so well.
fn end(mut service: Running) -> String {
    service.signal(Signal::TERM);
    let done = service.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    done.stderr
}

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
    runtime().block_on(put).expect("a put");
}

fn rule_of(from: &str, output: &str) -> String {
    format!("[[rule]]\nname = \"all\"\n{from}\nprofile = \"small.toml\"\noutput = \"{output}\"\n")
}

#[test]
fn an_upload_comes_out_by_way_of_queue_and_function() {
    let server = S3Server::ministack();
    let prefix = fresh_prefix("events");
    let name = prefix.trim_end_matches('/').to_owned();
    deploy(&server, &name);
    let queue = Queue::new(&server, &name, Some(("framemill-in", &prefix)));
    let rules = rule_of(
        &format!("bucket = \"framemill-in\"\nprefix = \"{prefix}\""),
        &format!("s3://framemill-out/{prefix}"),
    );
    let args = format!(
        "--queue {} --work-dir s3://framemill-work/{prefix} --engine lambda --function {name} --workers 2",
        queue.url
    );
    let service = Service::new(&rules, &args).with(&server);
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
        let url = runtime().block_on(async {
            let key = format!("{prefix}{name}");
            results.presigned_read(&key, Duration::from_secs(60)).await
        });
        let answer = runtime().block_on(async {
            let client = framemill_store::http_client_builder().expect("a client");
            let client = client.no_proxy().build().expect("a client");
            client.get(url.expect("a URL").as_str()).send().await
        });
        let answer = answer.expect("an answer");
        assert_eq!(answer.headers()["content-type"], kind, "{name}");
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

#[test]
fn two_hundred_uploads_told_twice_and_in_disorder_while_coordinators_die() {
    let server = S3Server::ministack();
    let proxy = Proxy::start(&server.endpoint, StoreFaults::NONE);
    let prefix = fresh_prefix("burst");
    let name = prefix.trim_end_matches('/').to_owned();
    deploy(&server, &name);
    let queue = Queue::new(&server, &name, None);
    let rules = rule_of(
        &format!("bucket = \"framemill-in\"\nprefix = \"{prefix}\""),
        &format!("s3://framemill-out/{prefix}"),
    );
    let args = format!(
        "--queue {} --work-dir s3://framemill-work/{prefix} --engine lambda --function {name} \
         --workers 4 --jobs 6 --hold 4",
        queue.url
    );
    let mut service = Service::new(&rules, &args).with(&server);
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
    // What a coordinator had under its hands when it was killed may be written once more.
    let mut puts: BTreeMap<String, u32> = BTreeMap::new();
    for (method, target) in proxy.seen() {
        let path = target.split('?').next().unwrap_or_default();
        if method == "PUT" && path.starts_with(&format!("/framemill-out/{prefix}")) {
            *puts.entry(path.to_owned()).or_default() += 1;
        }
    }
    let twice: u32 = puts.values().map(|count| count - 1).sum();
    assert_eq!(puts.len(), expected.len());
    assert!(twice <= 2 * 6 * 2, "{twice} outputs were written again");
}

#[test]
fn what_cannot_be_done_is_kept_with_the_reason() {
    let server = S3Server::ministack();
    let prefix = fresh_prefix("dead");
    let name = prefix.trim_end_matches('/').to_owned();
    let queue = Queue::new(&server, &name, None);
    let rules = rule_of(
        &format!("bucket = \"framemill-in\"\nprefix = \"{prefix}\"\non-delete = \"remove\""),
        &format!("s3://framemill-out/{prefix}"),
    );
    let args = format!(
        "--queue {} --work-dir s3://framemill-work/{prefix}",
        queue.url
    );
    let service = Service::new(&rules, &args).with(&server);
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
            let text = runtime()
                .block_on(work.get(&key, 1 << 20))
                .expect("a letter");
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
    // An upload that replaces another replaces its outputs, and one that goes takes them along.
    let before = runtime()
        .block_on(results.head(&format!("{prefix}a-16.jpg")))
        .expect("it is there");
    put(&sources, &format!("{prefix}a.png"), &picture(2));
    queue.send(&[told("a.png")]);
    wait(&mut running, "an empty queue", || queue.left() == 0);
    let after = runtime()
        .block_on(results.head(&format!("{prefix}a-16.jpg")))
        .expect("it is there");
    assert_ne!(before.version, after.version);
    runtime()
        .block_on(sources.delete(&format!("{prefix}a.png")))
        .expect("a delete");
    queue.send(&[told("a.png").replace("ObjectCreated:Put", "ObjectRemoved:Delete")]);
    wait(&mut running, "no outputs", || {
        keys(&results, &prefix).is_empty()
    });
    end(running);
}

/// A folder of uploads, one of outputs, and a service of them.
fn watching(args: &str) -> (Service, PathBuf, PathBuf) {
    let folder = place::scratch();
    // It lasts as long as the test's process, which is one test.
    let root = folder.keep();
    let (uploads, out) = (root.join("in"), root.join("out"));
    fs::create_dir(&uploads).expect("a folder");
    let rules = rule_of(
        &format!("folder = \"{}\"", uploads.display()),
        &out.display().to_string(),
    );
    let work = root.join("work");
    let args = format!("--work-dir {} --settle 0.3 --hold 3 {args}", work.display());
    (Service::new(&rules, &args), uploads, out)
}

#[test]
fn a_folder_is_watched_and_a_restart_does_nothing_twice() {
    let (service, uploads, out) = watching("");
    fs::copy(clip(1), uploads.join("early.mp4")).expect("a copy");
    let mut running = service.start();
    wait(&mut running, "what was there before", || {
        files(&out).len() == 2
    });
    fs::create_dir(uploads.join("sub")).expect("a folder");
    fs::copy(picture(1), uploads.join("sub/p.png")).expect("a copy");
    // Written in two steps, with a rest that is shorter than what counts as settled.
    let whole = fs::read(clip(2)).expect("a clip");
    fs::write(uploads.join("slow.mp4"), &whole[..whole.len() / 2]).expect("half");
    std::thread::sleep(Duration::from_millis(150));
    fs::write(uploads.join("slow.mp4"), &whole).expect("all");
    fs::write(uploads.join(".hidden.mp4"), &whole).expect("a file");
    fs::write(uploads.join("notes.txt"), "x").expect("a file");
    wait(&mut running, "what came later", || files(&out).len() == 6);
    let mut expected: Vec<String> = ["early.mp4", "slow.mp4", "sub/p.png"]
        .map(outputs_of)
        .concat();
    expected.sort();
    let log = end(running);
    assert_eq!(files(&out), expected, "{log}");
    let times = |names: &[String]| -> Vec<_> {
        let time = |name: &String| fs::metadata(out.join(name)).and_then(|m| m.modified());
        names
            .iter()
            .map(|name| time(name).expect("a time"))
            .collect()
    };
    let before = times(&expected);
    let mut running = service.start();
    fs::copy(picture(2), uploads.join("last.png")).expect("a copy");
    wait(&mut running, "one more", || files(&out).len() == 8);
    let log = end(running);
    assert_eq!(times(&expected), before, "{log}");
    for name in expected {
        must_decode(&out.join(name));
    }
    let _ = fs::remove_dir_all(uploads.parent().expect("a root"));
}

#[test]
fn health_metrics_and_a_graceful_end() {
    let (service, uploads, out) = watching("--workers 1");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address").to_string();
    drop(port);
    let mut running = Running::start(service.command(&address));
    let at = address.parse().expect("an address");
    let get = |path: &str| framemill_tests::thumbs::get(at, path);
    fs::copy(picture(1), uploads.join("p.png")).expect("a copy");
    wait(&mut running, "an output", || files(&out).len() == 2);
    wait(&mut running, "a count", || {
        String::from_utf8_lossy(&get("/metrics").1)
            .contains("framemill_jobs_total{status=\"done\"} 1")
    });
    assert_eq!(get("/health").0, 200);
    assert_eq!(get("/ready").0, 200);
    assert_eq!(get("/other").0, 404);
    // A job that is under way is brought to its end.
    let long = framemill_tests::sources::plain();
    fs::copy(long, uploads.join("long.mp4")).expect("a copy");
    wait(&mut running, "a job at work", || {
        String::from_utf8_lossy(&get("/metrics").1).contains("framemill_jobs_running 1")
    });
    end(running);
    assert!(out.join("long-64.mp4").is_file());
    let _ = fs::remove_dir_all(uploads.parent().expect("a root"));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let refused = |rules: &str, args: &str| {
        let service = Service::new(rules, args);
        let done = Running::start(service.command("127.0.0.1:0")).finish();
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        done.stderr
    };
    let rules = rule_of("bucket = \"uploads\"", "s3://uploads/out");
    assert!(refused(&rules, "--work-dir /tmp/x").contains("would be an upload for rule all"));
    let rules = rule_of("bucket = \"uploads\"", "s3://results/");
    assert!(refused(&rules, "--work-dir s3://uploads/w --queue https://h/1/q").contains("kept in"));
    assert!(refused(&rules, "--work-dir /tmp/x").contains("give --queue"));
    assert!(refused(&rules, "--work-dir /tmp/x --queue q").contains("--queue q"));
    let rules = rule_of("folder = \"/absent-folder\"", "/tmp/out");
    assert!(refused(&rules, "--work-dir /tmp/x").contains("/absent-folder"));
    let good = Service::new(&rules, "--work-dir /tmp/x --check");
    let done = Running::start(good.command("127.0.0.1:0")).finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}

#[test]
fn a_job_that_is_opened_again_is_taken_up_from_its_record_alone() {
    let (service, uploads, out) = watching("");
    let root = uploads.parent().expect("a root").to_owned();
    // A batch of another folder, over the service's own work place, meets a file that is there.
    let (sources, results) = (root.join("batch"), root.join("results"));
    fs::create_dir(&sources).expect("a folder");
    fs::create_dir(&results).expect("a folder");
    fs::copy(picture(1), sources.join("p.png")).expect("a copy");
    fs::write(results.join("p-16.jpg"), "mine").expect("a file");
    let work = root.join("work").display().to_string();
    let run = |line: &str| {
        let mut command = Command::new(place::binary());
        command.args(line.split_whitespace());
        Running::start(command).finish()
    };
    let profile = service.folder.path().join("small.toml");
    let batch = format!(
        "batch {} -o {} --profile {} --work-dir {work}",
        sources.display(),
        results.display(),
        profile.display()
    );
    assert_eq!(run(&batch).code, Some(3));
    fs::remove_file(results.join("p-16.jpg")).expect("it is there");
    let again = run(&format!("jobs retry --failed --work-dir {work}"));
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let mut running = service.start();
    wait(&mut running, "outputs", || files(&results).len() == 2);
    let log = end(running);
    must_decode(&results.join("p-16.jpg"));
    assert!(files(&out).is_empty(), "{log}");
    let _ = fs::remove_dir_all(root);
}
