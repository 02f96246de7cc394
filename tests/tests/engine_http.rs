// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--engine http`, and `framemill-worker http` behind it.

mod engines;

use engines::contract::{holds, program, Rig};
use engines::{done_here, index_task, invocation, local, runtime};
use framemill::engine::{Engine, HttpEngine, InvokeError};
use framemill_invocation::{Answer, Refusal, Response, BODY_LIMIT};
use framemill_store::DirStore;
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::sources::plain;
use framemill_tests::web::{Reply, Web};
use framemill_tests::worker::HttpWorker;
use framemill_worker::{Failure, Outcome, WorkPlace};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(100);

fn engine(url: &str, time: Duration, work: &Path) -> Arc<dyn Engine> {
    let place = WorkPlace {
        handle: runtime().handle().clone(),
        work: Arc::new(DirStore::new(work)),
        prefix: String::new(),
        simd: None,
    };
    let work = work.display().to_string();
    let made = HttpEngine::new(url, (&place, &work), 4, time);
    Arc::new(made.expect("an engine"))
}

/// Workers that live as long as the test.
#[derive(Default)]
struct Behind(Mutex<Vec<HttpWorker>>);

impl Rig for Behind {
    fn engine(&self, program: Option<&Path>, time: Duration, work: &Path) -> Arc<dyn Engine> {
        let program = program.map(|p| format!("--task-program {}", p.display()));
        let worker = HttpWorker::start(&program.unwrap_or_default());
        let engine = engine(&worker.url("run"), time, work);
        self.0.lock().expect("no panic").push(worker);
        engine
    }
}

#[test]
fn the_contract_of_engines_holds() {
    holds(&Behind::default());
}

fn same_as_local(source: &Path, container: &str, flags: &str) {
    let worker = HttpWorker::start("--concurrency 2");
    let folder = place::scratch();
    let output = folder.path().join(format!("http.{container}"));
    let job = Job::transcode(source, &output)
        .flags(flags)
        .flag("--work-dir", folder.path().join("work"))
        .flags("--engine http --workers 5 --engine-url")
        .flags(&worker.url("run"));
    let (run, report) = job.reported();
    assert_eq!(report["engine"], "http");
    assert!(
        run.bytes() == local(source, container, flags),
        "other bytes than locally"
    );
}

#[test]
fn a_job_gives_the_bytes_of_a_local_run() {
    same_as_local(
        &plain(),
        "mp4",
        "--codec h264 --preset fast --chunk 10f --audio aac",
    );
    same_as_local(
        &plain(),
        "webm",
        "--codec vp8 --seam rebase --chunk 5f --batch 4 --preset fast --crf 30 --audio none",
    );
}

/// What an engine makes of an answer.
fn judged(reply: impl Fn() -> Reply + Send + Sync + 'static) -> InvokeError {
    let web = Web::serve(move |_| reply());
    let work = place::scratch();
    let engine = engine(&web.url("run?token=secret"), TIME, work.path());
    let task = index_task(&plain());
    let got = runtime().block_on(engine.invoke(invocation(task)));
    let error = got.expect_err("no outcome");
    assert!(!error.to_string().contains("secret"), "{error}");
    error
}

#[test]
fn statuses_are_told_apart() {
    for (status, after) in [(429, "7"), (503, "7")] {
        let error = judged(move || Reply::of(status, "").with("Retry-After", after));
        let InvokeError::Throttled { after, .. } = error else {
            panic!("{status}: {error:?}");
        };
        assert_eq!(after, Some(Duration::from_secs(7)));
    }
    for status in [500, 502, 0] {
        let error = judged(move || Reply::of(status, ""));
        assert!(
            matches!(error, InvokeError::Crashed { .. }),
            "{status}: {error:?}"
        );
    }
    for status in [408, 504] {
        let error = judged(move || Reply::of(status, ""));
        assert!(
            matches!(error, InvokeError::TimedOut { .. }),
            "{status}: {error:?}"
        );
    }
    for status in [302, 400, 401, 404, 413] {
        let error = judged(move || Reply::of(status, "").with("Location", "http://127.0.0.1:9/"));
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert!(
            matches!(error, InvokeError::Refused { .. }),
            "{status}: {error:?}"
        );
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    for body in ["", "hello", "{}", r#"{"protocol":1,"answer":{"done":{}}}"#] {
        let error = judged(move || Reply::of(200, body));
        assert!(
            matches!(error, InvokeError::Refused { .. }),
            "{body}: {error:?}"
        );
    }
    let error = judged(|| Reply::of(200, r#"{"protocol":9,"result":[]}"#));
    assert!(error.to_string().contains("version 9"), "{error}");
    let error = judged(|| Reply::of(200, vec![b' '; BODY_LIMIT + 1]));
    assert!(matches!(error, InvokeError::Refused { .. }), "{error:?}");
    let refusal = Refusal::Memory {
        needs: 3 << 30,
        has: 1 << 30,
    };
    let answer: Answer<Outcome, Failure> = refusal.clone().into();
    let text = serde_json::to_vec(&Response::from(answer)).expect("JSON");
    let error = judged(move || Reply::of(200, text.clone()));
    assert_eq!(error.to_string(), refusal.to_string());
}

#[test]
fn an_answer_for_another_task_is_a_bug() {
    let folder = place::scratch();
    let other = done_here(&index_task(&place::sample("vfr.mp4")), folder.path());
    let answer: Answer<Outcome, Failure> = Answer::Done(other);
    let text = serde_json::to_vec(&Response::from(answer)).expect("JSON");
    let error = judged(move || Reply::of(200, text.clone()));
    assert!(
        matches!(error, InvokeError::Task(Failure::Bug { .. })),
        "{error:?}"
    );
}

#[test]
fn where_nobody_listens_is_transient() {
    let work = place::scratch();
    let engine = engine("http://127.0.0.1:9/run", TIME, work.path());
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    let error = got.expect_err("no outcome");
    assert!(
        matches!(error, InvokeError::Task(Failure::Transient { .. })),
        "{error:?}"
    );
}

#[test]
fn a_worker_that_is_killed_has_crashed() {
    let work = place::scratch();
    let program = program(work.path(), "exec sleep 20");
    let worker = HttpWorker::start(&format!("--task-program {}", program.display()));
    let engine = engine(&worker.url("run"), TIME, work.path());
    let attempt = invocation(index_task(&plain()));
    let run = runtime().spawn(async move { engine.invoke(attempt).await });
    std::thread::sleep(Duration::from_millis(500));
    worker.signal(Signal::KILL);
    let got = runtime().block_on(run).expect("no panic");
    assert!(matches!(got, Err(InvokeError::Crashed { .. })), "{got:?}");
}

/// Status and body of a request.
fn send(request: reqwest::RequestBuilder) -> (u16, String) {
    runtime().block_on(async {
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.text().await.expect("a body"))
    })
}

fn client() -> reqwest::Client {
    let builder = framemill_store::http_client_builder().expect("TLS");
    builder.build().expect("a client")
}

#[test]
fn a_worker_is_a_well_behaved_server() {
    let worker = HttpWorker::start("");
    let client = client();
    assert_eq!(send(client.get(worker.url("health"))), (200, "ok\n".into()));
    assert_eq!(send(client.get(worker.url("run"))).0, 405);
    assert_eq!(send(client.post(worker.url("health"))).0, 405);
    assert_eq!(send(client.get(worker.url("elsewhere"))).0, 404);
    let (status, body) = send(client.post(worker.url("run")).body("nonsense"));
    assert_eq!(status, 200);
    assert!(body.contains(r#""refused""#), "{body}");
    let long = vec![b' '; BODY_LIMIT + 1];
    let (status, body) = send(client.post(worker.url("run")).body(long));
    assert_eq!(status, 413);
    assert!(body.contains("too_large"), "{body}");
}

#[test]
fn a_worker_that_is_told_to_end_does_what_it_has_begun() {
    let work = place::scratch();
    let task = place::worker().with_file_name("framemill-task");
    let slow = format!("sleep 2\nexec '{}'", task.display());
    let program = program(work.path(), &slow);
    let mut worker = HttpWorker::start(&format!("--task-program {}", program.display()));
    let at = engine(&worker.url("run"), TIME, work.path());
    let attempt = invocation(index_task(&plain()));
    let run = runtime().spawn(async move { at.invoke(attempt).await });
    std::thread::sleep(Duration::from_millis(500));
    worker.signal(Signal::TERM);
    let got = runtime().block_on(run).expect("no panic");
    assert!(got.is_ok(), "{got:?}");
    assert!(worker.wait(Duration::from_secs(10)).success());
}

#[test]
fn what_outlasts_the_grace_is_stopped() {
    let work = place::scratch();
    let program = program(work.path(), "exec sleep 600");
    let args = format!("--grace 1 --task-program {}", program.display());
    let mut worker = HttpWorker::start(&args);
    let at = engine(&worker.url("run"), TIME, work.path());
    let attempt = invocation(index_task(&plain()));
    let run = runtime().spawn(async move { at.invoke(attempt).await });
    std::thread::sleep(Duration::from_millis(500));
    let started = Instant::now();
    worker.signal(Signal::TERM);
    let got = runtime().block_on(run).expect("no panic");
    assert!(matches!(got, Err(InvokeError::Crashed { .. })), "{got:?}");
    assert!(worker.wait(Duration::from_secs(10)).success());
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[test]
fn wrong_command_lines_are_refused() {
    let folder = place::scratch();
    let job = || Job::transcode(&plain(), &folder.path().join("out.mp4"));
    let work = folder.path().join("work");
    job().flags("--engine http").fails(2, &["--engine-url"]);
    job()
        .flags("--engine http --engine-url http://127.0.0.1:9/")
        .fails(2, &["--work-dir"]);
    job()
        .flags("--engine http --engine-url http://127.0.0.1:9/ --work-dir mem:x")
        .fails(2, &["memory"]);
    job()
        .flags("--engine-url http://127.0.0.1:9/")
        .fails(2, &["--engine http"]);
    job()
        .flags("--engine http --engine-url ftp://127.0.0.1/")
        .flag("--work-dir", &work)
        .fails(2, &["--engine-url"]);
}

#[test]
fn a_worker_of_another_build_fails_the_job_with_a_clear_line() {
    let web = Web::serve(|_| {
        let refusal = Refusal::Build {
            asked: "a".into(),
            worker: "framemill of yesterday".into(),
        };
        let answer: Answer<Outcome, Failure> = refusal.into();
        Reply::of(
            200,
            serde_json::to_vec(&Response::from(answer)).expect("JSON"),
        )
    });
    let folder = place::scratch();
    Job::transcode(&plain(), &folder.path().join("out.mp4"))
        .flags("--codec h264 --engine http --engine-url")
        .flags(&web.url("run"))
        .flag("--work-dir", folder.path().join("work"))
        .fails(3, &["another build", "framemill of yesterday"]);
    assert_eq!(web.requests().len(), 1, "it is not asked again");
}
