// SPDX-License-Identifier: MIT OR Apache-2.0
//! What workers are told and may reach: no secret goes where it is kept or logged, and
//! a worker reads nothing but what its task names.

mod engines;

use engines::contract::program;
use engines::proxy::{Proxy, StoreFaults};
use engines::{runtime, transcode, uploaded};
use framemill::engine::host::{HostOptions, HostServer};
use framemill::engine::{Engine, HostEngine, HttpEngine, LambdaEngine, LambdaOptions};
use framemill_store::{open, Location};
use framemill_tests::job::{Job, Run};
use framemill_tests::place;
use framemill_tests::servers::{fresh_prefix, S3Server};
use framemill_tests::sources::plain;
use framemill_tests::web::{Reply, Web};
use framemill_tests::worker::HttpWorker;
use framemill_worker::WorkPlace;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const FLAGS: &str = "--codec h264 --preset fast --chunk 10f --audio none";
const TIME: Duration = Duration::from_secs(100);

/// Secrets of a coordinator's environment, none of which is for workers behind a URL.
const SECRETS: &str = "export AWS_ACCESS_KEY_ID=canaryId AWS_SECRET_ACCESS_KEY=canarySecret \
                       AWS_SESSION_TOKEN=canaryToken AWS_REGION=us-east-1 MY_TOKEN=canaryOther";

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

fn holds_canary(bytes: &[u8]) -> bool {
    // `user:canaryP` in Base64 too.
    [&b"canary"[..], b"dXNlcjpjYW5hcnlQ"]
        .iter()
        .any(|word| bytes.windows(word.len()).any(|w| w == *word))
}

/// Fails where a run shows a secret, or leaves one in its folder.
fn no_canary(run: &Run, folder: &Path) {
    let shown = format!("{}{}", run.stdout(), run.done.stderr);
    assert!(!holds_canary(shown.as_bytes()), "{}", run.line);
    for file in files(folder) {
        let bytes = fs::read(&file).expect("a file");
        assert!(!holds_canary(&bytes), "{}: {}", run.line, file.display());
    }
}

/// A source whose URL holds a password and a signature.
fn signed_source() -> (Web, String) {
    let body = fs::read(plain()).expect("a source");
    let web = Web::serve(move |request| Reply::file(request, &body, Some("\"one\"")));
    let url = format!(
        "http://user:canaryP@{}/clip.mp4?X-Amz-Signature=canaryQ",
        web.authority()
    );
    (web, url)
}

fn job(source: &str, folder: &Path, engine: &str) -> Job {
    Job::transcode(Path::new(source), &folder.join("out.mp4"))
        .flags(FLAGS)
        .flags(engine)
        .flags("--log-level trace --json")
        .flag("--work-dir", folder.join("work"))
        .flag("--report", folder.join("report.json"))
        .after(SECRETS)
}

#[test]
fn secrets_of_sources_reach_workers_and_stay_nowhere() {
    let (web, source) = signed_source();
    let worker = HttpWorker::start("--concurrency 2");
    let options = HostOptions::new(place::worker(), 2);
    let server = std::thread::scope(|scope| {
        let server = scope.spawn(|| runtime().block_on(HostServer::start(options)));
        server.join().expect("no panic").expect("a server")
    });
    let url = worker.url("run");
    let url = url.replace("http://", "http://user:canaryP@");
    let lambda = format!(
        "{SECRETS}\nexport AWS_ENDPOINT_URL_LAMBDA={}",
        server.endpoint()
    );
    for (engine, set) in [
        ("--engine host --workers 2".to_owned(), SECRETS),
        (
            format!("--engine http --engine-url {url}?code=canaryC"),
            SECRETS,
        ),
        ("--engine lambda --function f".to_owned(), lambda.as_str()),
    ] {
        let folder = place::scratch();
        let run = job(&source, folder.path(), &engine).after(set).run();
        assert_eq!(run.done.code, Some(0), "{engine}: {}", run.done.stderr);
        no_canary(&run, folder.path());
        // The index that is kept has no secrets, and serves all the same.
        let again = job(&source, folder.path(), &engine).flags("--overwrite");
        let again = again.after(set).run();
        assert_eq!(again.done.code, Some(0), "{engine}: {}", again.done.stderr);
        assert!(
            again.stdout().contains("\"reused\":11"),
            "{}",
            again.stdout()
        );
    }
    let used = web.requests();
    let used = used.iter().all(|r| r.target.contains("canaryQ"));
    assert!(used, "they are used");
}

#[test]
fn what_is_sent_to_a_platform_holds_no_secret() {
    let (_web, source) = signed_source();
    let platform = Web::serve(|_| Reply::of(502, "canary of another"));
    let folder = place::scratch();
    let url = platform.url("run?code=canaryC");
    let url = url.replace("http://", "http://user:canaryP@");
    let engine = format!("--engine http --engine-url {url}");
    let run = job(&source, folder.path(), &engine).run();
    assert_eq!(run.done.code, Some(3), "{}", run.done.stderr);
    no_canary(&run, folder.path());
    let asked = platform.requests();
    assert!(!asked.is_empty());
    for request in asked {
        assert!(!holds_canary(&request.body), "{}", request.target);
        let name = |(name, _): &&(String, String)| name != "authorization";
        for (name, value) in request.headers.iter().filter(name) {
            assert!(!value.contains("canary"), "{name}: {value}");
        }
    }
}

/// What workers of an engine ask of the store, when the coordinator has a way of its own.
fn asked_by_workers<E: Engine + 'static>(
    engine: impl FnOnce(&Proxy, (&WorkPlace, &str)) -> E,
) -> (String, Vec<(String, String)>) {
    let server = S3Server::ministack();
    for (name, value) in server.environment() {
        std::env::set_var(name, value);
    }
    let prefix = fresh_prefix("reach");
    let source = uploaded(&server, &format!("{prefix}clip.mp4"), &plain());
    let work = format!("s3://framemill-work/{prefix}job");
    let proxy = Proxy::start(&server.endpoint, StoreFaults::NONE);
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let made = |at: &str| {
        let location = Location::parse_place(at).expect("a place");
        let place = tokio::task::block_in_place(|| {
            runtime().handle().block_on(async {
                let (work, prefix) = open(&location).await.expect("a store");
                WorkPlace {
                    handle: runtime().handle().clone(),
                    work,
                    prefix,
                    simd: None,
                }
            })
        });
        engine(&proxy, (&place, at))
    };
    let paths = (Path::new(&source), output.as_path(), Path::new(&work));
    transcode(made, paths, FLAGS).expect("the job is done");
    (prefix, proxy.seen())
}

/// Fails unless workers have read the source alone and written outputs alone.
fn nothing_else((prefix, asked): (String, Vec<(String, String)>)) {
    let source = format!("/framemill-in/{prefix}clip.mp4");
    let outputs = format!("/framemill-work/{prefix}job/out/");
    let (mut reads, mut writes) = (0, 0);
    for (method, target) in &asked {
        let path = target.split('?').next().expect("a path");
        // A store is opened by a look at its bucket, which names no key.
        if [
            "/framemill-in/",
            "/framemill-work/",
            "/framemill-in",
            "/framemill-work",
        ]
        .contains(&path)
        {
            continue;
        }
        match method.as_str() {
            "GET" | "HEAD" => {
                reads += 1;
                assert_eq!(path, source, "{method} {target}");
            }
            "PUT" => {
                writes += 1;
                assert!(path.starts_with(&outputs), "{method} {target}");
            }
            _ => panic!("{method} {target}"),
        }
    }
    // Ten chunks and the index, a blob and a record each.
    assert!(
        reads >= 10 && writes >= 22,
        "{reads} reads, {writes} writes"
    );
}

/// A worker that finds the store behind the proxy.
fn worker_over(proxy: &Proxy, folder: &Path) -> PathBuf {
    let script = format!(
        "export AWS_ENDPOINT_URL_S3={}\nexec '{}' \"$@\"",
        proxy.endpoint(),
        place::worker().display()
    );
    program(folder, &script)
}

#[test]
fn workers_on_this_machine_read_their_source_and_no_more() {
    let folder = place::scratch();
    nothing_else(asked_by_workers(|proxy, place| {
        let options = HostOptions::new(worker_over(proxy, folder.path()), 2);
        HostEngine::new(options, place)
    }));
}

#[test]
fn workers_behind_a_url_read_their_source_and_no_more() {
    let mut worker = None;
    nothing_else(asked_by_workers(|proxy, place| {
        let direct = std::env::var("AWS_ENDPOINT_URL_S3").expect("it is set");
        std::env::set_var("AWS_ENDPOINT_URL_S3", proxy.endpoint());
        let worker = worker.insert(HttpWorker::start("--concurrency 2"));
        std::env::set_var("AWS_ENDPOINT_URL_S3", direct);
        HttpEngine::new(&worker.url("run"), place, 2, TIME).expect("an engine")
    }));
}

#[test]
fn functions_read_their_source_and_no_more() {
    let folder = place::scratch();
    let mut server = None;
    nothing_else(asked_by_workers(|proxy, place| {
        let options = HostOptions::new(worker_over(proxy, folder.path()), 2);
        tokio::task::block_in_place(|| {
            runtime().handle().block_on(async {
                let server = server.insert(HostServer::start(options).await.expect("a server"));
                let options = LambdaOptions {
                    function: "f".into(),
                    endpoint: Some(server.endpoint()),
                    slots: 2,
                    time: TIME,
                };
                let engine = LambdaEngine::connect(options, place).await;
                engine.expect("an engine")
            })
        })
    }));
}
