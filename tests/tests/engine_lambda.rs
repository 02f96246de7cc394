// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--engine lambda`: the real SDK against the Invoke API of our own host, whose
//! workers are real processes.

mod engines;

use engines::contract::{holds, program, Rig};
use engines::{index_task, invocation, local, runtime, transcode};
use framemill::engine::host::{Faults, HostOptions, HostServer};
use framemill::engine::{files, Engine, InvokeError, LambdaEngine, LambdaOptions};
use framemill_store::DirStore;
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::sources::plain;
use framemill_tests::web::{Reply, Web};
use framemill_tests::work::data_files;
use framemill_worker::{Failure, WorkPlace};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const FLAGS: &str = "--codec h264 --preset fast --chunk 10f --audio aac";
/// A function's credentials, none of which may ever be shown.
const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKCANARYLAMBDA"),
    ("AWS_SECRET_ACCESS_KEY", "canary/Secret+Lambda"),
    ("AWS_REGION", "us-east-1"),
];

fn engine(endpoint: &str, time: Duration, work: &Path) -> LambdaEngine {
    for (name, value) in KEYS {
        std::env::set_var(name, value);
    }
    let place = WorkPlace {
        handle: runtime().handle().clone(),
        work: Arc::new(DirStore::new(work)),
        prefix: String::new(),
        simd: None,
    };
    let options = LambdaOptions {
        function: "framemill".into(),
        endpoint: Some(endpoint.to_owned()),
        slots: 4,
        time,
    };
    let work = work.display().to_string();
    let made = LambdaEngine::connect(options, (&place, &work));
    std::thread::scope(|scope| {
        let made = scope.spawn(|| runtime().block_on(made));
        made.join().expect("no panic").expect("an engine")
    })
}

fn server(options: HostOptions) -> HostServer {
    std::thread::scope(|scope| {
        let server = scope.spawn(|| runtime().block_on(HostServer::start(options)));
        server.join().expect("no panic").expect("a server")
    })
}

/// Servers that live as long as the test.
#[derive(Default)]
struct Behind(Mutex<Vec<HostServer>>);

impl Rig for Behind {
    fn engine(&self, program: Option<&Path>, time: Duration, work: &Path) -> Arc<dyn Engine> {
        let task = program.map(|p| format!("--task-program={}", p.display()));
        let server = server(HostOptions {
            args: task.into_iter().map(Into::into).collect(),
            time,
            ..HostOptions::new(place::worker(), 1)
        });
        let engine = engine(&server.endpoint(), time, work);
        self.0.lock().expect("no panic").push(server);
        Arc::new(engine)
    }
}

#[test]
fn the_contract_of_engines_holds() {
    holds(&Behind::default());
}

/// A job of the program's on a server of ours.
fn job(server: &HostServer, output: &Path, work: &Path) -> Job {
    let set = KEYS.map(|(name, value)| format!("export {name}='{value}'"));
    let set = format!(
        "{}\nexport AWS_ENDPOINT_URL_LAMBDA='{}'",
        set.join("\n"),
        server.endpoint()
    );
    Job::transcode(&plain(), output)
        .flags("--engine lambda --function framemill --workers 20")
        .flag("--work-dir", work)
        .after(&set)
}

#[test]
fn a_job_gives_the_bytes_of_a_local_run() {
    let server = server(HostOptions::new(place::worker(), 2));
    let folder = place::scratch();
    let output = folder.path().join("lambda.mp4");
    let job = job(&server, &output, &folder.path().join("work"));
    let (run, report) = job.flags(FLAGS).flags("--log-level trace").reported();
    assert_eq!(report["engine"], "lambda");
    assert!(
        run.bytes() == local(&plain(), "mp4", FLAGS),
        "other bytes than locally"
    );
    let shown = format!("{}{}{report}", run.stdout(), run.done.stderr);
    assert!(
        !shown.contains("canary") && !shown.contains("AKCANARY"),
        "{shown}"
    );
}

/// Attempts at a task that may fail; throttled ones are none.
const ATTEMPTS: u64 = 6;

#[test]
fn a_coordinator_that_is_killed_amid_faults_goes_on() {
    const SMALL: &str = "--codec h264 --preset fast --chunk 3f --audio aac";
    let server = server(HostOptions {
        faults: Faults {
            seed: 11,
            latency: Duration::from_millis(20),
            throttles: 0.2,
            crashes: 0.05,
            time_outs: 0.05,
            stragglers: 0.05,
            slowness: 10.0,
            ..Faults::default()
        },
        ..HostOptions::new(place::worker(), 3)
    });
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let work = folder.path().join("work");
    let job = job(&server, &output, &work).flags(SMALL);
    let done = || data_files(&work).len();
    for kill in 1..=3 {
        let mut running = job.start();
        let wanted = kill * 8;
        let ended = running.wait_until(|| done() >= wanted);
        assert!(!ended, "it was done before it could be killed");
        running.signal(Signal::KILL);
        running.finish();
        assert!(!output.exists(), "half an output has the final name");
    }
    let (run, report) = job.reported();
    assert!(
        run.bytes() == local(&plain(), "mp4", SMALL),
        "other bytes than locally"
    );
    assert!(report["totals"]["reused"].as_u64().expect("a number") >= 20);
    for invocation in report["invocations"].as_array().expect("a list") {
        let outcome = invocation["outcome"].as_str().expect("a word");
        let named = ["ok", "throttled", "crashed", "timed out", "cancelled"];
        assert!(named.iter().any(|n| outcome.contains(n)), "{outcome}");
        assert!(invocation["attempt"].as_u64().expect("a number") <= ATTEMPTS);
    }
}

#[test]
fn faults_change_no_byte() {
    let server = server(HostOptions {
        faults: Faults {
            seed: 5,
            throttles: 0.2,
            crashes: 0.1,
            time_outs: 0.1,
            ..Faults::default()
        },
        ..HostOptions::new(place::worker(), 3)
    });
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let work = folder.path().join("work");
    let lambda = |work: &str| {
        engine(
            &server.endpoint(),
            Duration::from_secs(100),
            Path::new(work),
        )
    };
    transcode(lambda, (&plain(), &output, &work), FLAGS).expect("the job is done");
    let made = fs::read(&output).expect("an output");
    assert!(
        made == local(&plain(), "mp4", FLAGS),
        "other bytes than locally"
    );
}

/// Hundreds of real workers at once, each with a child that answers after a moment.
#[test]
fn hundreds_of_workers_at_once() {
    const WORKERS: u32 = 300;
    files::allow(WORKERS, 8).expect("enough open files");
    let work = place::scratch();
    let answer = r#"{"answer":{"failed":{"failure":"full","detail":"of it"}}}"#;
    let script = format!("while read -r line; do sleep 3; echo '{answer}'; done");
    let program = program(work.path(), &script);
    let server = server(HostOptions {
        args: vec![format!("--task-program={}", program.display()).into()],
        ..HostOptions::new(place::worker(), WORKERS)
    });
    let engine = Arc::new(engine(
        &server.endpoint(),
        Duration::from_secs(60),
        work.path(),
    ));
    let task = index_task(&plain());
    let started = Instant::now();
    let attempts: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (engine, attempt) = (engine.clone(), invocation(task.clone()));
            runtime().spawn(async move { engine.invoke(attempt).await })
        })
        .collect();
    for attempt in attempts {
        let got = runtime().block_on(attempt).expect("no panic");
        assert!(
            matches!(got, Err(InvokeError::Task(Failure::Full { .. }))),
            "{got:?}"
        );
    }
    println!(
        "{WORKERS} workers: {:.1} s",
        started.elapsed().as_secs_f64()
    );
}

/// What an engine makes of an answer of the service.
fn judged(reply: impl Fn() -> Reply + Send + Sync + 'static) -> InvokeError {
    let web = Web::serve(move |_| reply());
    let work = place::scratch();
    let engine = engine(
        web.url("").trim_end_matches('/'),
        Duration::from_secs(60),
        work.path(),
    );
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    let error = got.expect_err("no outcome");
    assert!(!error.to_string().contains("canary"), "{error}");
    error
}

#[test]
fn answers_of_the_service_are_told_apart() {
    let service = |status: u16, code: &'static str| {
        judged(move || {
            let body = r#"{"message":"you sent canary"}"#;
            Reply::of(status, body).with("x-amzn-errortype", code)
        })
    };
    let throttled = service(429, "TooManyRequestsException");
    assert!(
        matches!(throttled, InvokeError::Throttled { .. }),
        "{throttled:?}"
    );
    let throttled = service(502, "EC2ThrottledException");
    assert!(
        matches!(throttled, InvokeError::Throttled { .. }),
        "{throttled:?}"
    );
    for code in ["ResourceNotFoundException", "AccessDeniedException"] {
        let refused = service(403, code);
        assert!(
            matches!(refused, InvokeError::Refused { .. }),
            "{refused:?}"
        );
        assert!(refused.to_string().contains(code), "{refused}");
    }
    let broken = service(500, "ServiceException");
    assert!(
        matches!(broken, InvokeError::Task(Failure::Transient { .. })),
        "{broken:?}"
    );
}

#[test]
fn the_ends_of_functions_are_told_apart() {
    let function = |body: &'static str| {
        judged(move || Reply::of(200, body).with("x-amz-function-error", "Unhandled"))
    };
    let late = function(r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1"}"#);
    assert!(matches!(late, InvokeError::TimedOut { .. }), "{late:?}");
    let late = function(r#"{"errorMessage":"2026-01-01 Task timed out after 3.00 seconds"}"#);
    assert!(matches!(late, InvokeError::TimedOut { .. }), "{late:?}");
    let died = function(r#"{"errorType":"Runtime.ExitError","errorMessage":"signal: killed"}"#);
    assert!(matches!(died, InvokeError::Crashed { .. }), "{died:?}");
    let died = function("nonsense");
    assert!(matches!(died, InvokeError::Crashed { .. }), "{died:?}");
    let init = function(r#"{"errorType":"Runtime.InitError","errorMessage":"no task program"}"#);
    assert!(matches!(init, InvokeError::Refused { .. }), "{init:?}");
    let other = judged(|| Reply::of(200, r#"{"hello":"world"}"#));
    assert!(matches!(other, InvokeError::Refused { .. }), "{other:?}");
}

#[test]
fn wrong_command_lines_are_refused() {
    let folder = place::scratch();
    let job = || Job::transcode(&plain(), &folder.path().join("out.mp4"));
    job().flags("--engine lambda").fails(2, &["--function"]);
    job()
        .flags("--engine lambda --function f")
        .fails(2, &["--work-dir"]);
    job().flags("--function f").fails(2, &["--engine lambda"]);
    job()
        .flags("--engine lambda --function f --workers 4096")
        .flag("--work-dir", folder.path().join("work"))
        .after("export AWS_REGION=us-east-1\nulimit -n 1024")
        .fails(2, &["open files", "1024"]);
}
