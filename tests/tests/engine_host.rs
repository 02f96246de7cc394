// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--engine host`: worker processes of this machine behind the Runtime API.

mod engines;

use engines::contract::{holds, program, Rig};
use engines::{index_task, invocation, local, runtime, transcode};
use framemill::engine::host::{Faults, HostOptions};
use framemill::engine::{Engine, HostEngine, InvokeError};
use framemill_store::DirStore;
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::sources::plain;
use framemill_worker::WorkPlace;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FLAGS: &str = "--codec h264 --preset fast --chunk 10f --audio aac";

fn engine(options: HostOptions, work: &Path) -> HostEngine {
    let place = WorkPlace {
        handle: runtime().handle().clone(),
        work: Arc::new(DirStore::new(work)),
        prefix: String::new(),
        simd: None,
    };
    HostEngine::new(options, (&place, &work.display().to_string()))
}

fn options(workers: u32) -> HostOptions {
    HostOptions {
        time: Duration::from_secs(100),
        ..HostOptions::new(place::worker(), workers)
    }
}

struct Here;

impl Rig for Here {
    fn engine(&self, program: Option<&Path>, time: Duration, work: &Path) -> Arc<dyn Engine> {
        let task = program.map(|p| format!("--task-program={}", p.display()));
        let options = HostOptions {
            args: task.into_iter().map(Into::into).collect(),
            time,
            ..options(1)
        };
        Arc::new(engine(options, work))
    }
}

#[test]
fn the_contract_of_engines_holds() {
    holds(&Here);
}

#[test]
fn a_job_gives_the_bytes_of_a_local_run() {
    let folder = place::scratch();
    for (container, flags) in [
        ("mp4", FLAGS),
        ("mkv", "--codec av1 --preset fast --chunk 20f --size 160x-1"),
        (
            "webm",
            "--codec vp8 --seam rebase --chunk 5f --batch 4 --preset fast --crf 30 --audio none",
        ),
    ] {
        let output = folder.path().join(format!("host.{container}"));
        let job = Job::transcode(&plain(), &output).flags(flags);
        let (run, report) = job.flags("--engine host --workers 3").reported();
        assert_eq!(report["engine"], "host");
        assert!(run.bytes() == local(&plain(), container, flags), "{flags}");
    }
}

#[test]
fn a_warm_worker_is_used_again_and_ended_when_it_idles() {
    let work = place::scratch();
    let engine = engine(
        HostOptions {
            idle: Duration::from_millis(300),
            ..options(2)
        },
        work.path(),
    );
    for _ in 0..3 {
        let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
        assert!(got.is_ok(), "{got:?}");
    }
    assert_eq!((engine.started(), engine.idle()), (1, 1));
    let started = Instant::now();
    while engine.idle() > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it idles for ever"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    assert!(got.is_ok(), "{got:?}");
    assert_eq!(engine.started(), 2);
}

/// What comes of a task whose worker is another program.
fn with_worker(script: &str, time: Duration) -> InvokeError {
    let work = place::scratch();
    let options = HostOptions {
        time,
        ..HostOptions::new(program(work.path(), script), 1)
    };
    let engine = engine(options, work.path());
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    got.expect_err("no outcome")
}

#[test]
fn workers_that_do_not_work_are_told_apart() {
    let long = Duration::from_secs(60);
    let error = with_worker("exit 3", long);
    assert!(matches!(error, InvokeError::Crashed { .. }), "{error:?}");
    assert!(error.to_string().contains("exit status: 3"), "{error}");
    let error = with_worker("exec sleep 60", Duration::from_millis(700));
    assert!(matches!(error, InvokeError::TimedOut { .. }), "{error:?}");
}

/// What comes of a program that does tasks and ends amid one.
fn crash_of(script: &str) -> String {
    let work = place::scratch();
    let task = program(work.path(), script);
    let options = HostOptions {
        args: vec![format!("--task-program={}", task.display()).into()],
        ..options(1)
    };
    let engine = engine(options, work.path());
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    let error = got.expect_err("no outcome");
    assert!(matches!(error, InvokeError::Crashed { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn the_last_words_of_what_does_tasks_reach_the_failure() {
    let text = crash_of("read -r line; printf 'lib\\001x: first\\n\\nout of luck\\n' >&2; exit 3");
    assert!(
        text.ends_with("exit status: 3; it said: libx: first; out of luck"),
        "{text}"
    );
    // A line that does not end comes in pieces, and only its end is passed on.
    let text = crash_of("read -r line; printf '%09999d.' 0 >&2; exit 3");
    assert!(text.ends_with("000."), "{text}");
    assert!(text.len() < 600, "{} bytes", text.len());
}

#[test]
fn a_worker_that_cannot_start_says_why() {
    let (work, alone) = (place::scratch(), place::scratch());
    // Without framemill-task beside it.
    let worker = alone.path().join("framemill-worker");
    fs::copy(place::worker(), &worker).expect("a copy");
    let engine = engine(HostOptions::new(worker, 1), work.path());
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    let error = got.expect_err("no outcome");
    assert!(matches!(error, InvokeError::Refused { .. }), "{error:?}");
    assert!(
        error.to_string().contains("framemill-task is missing"),
        "{error}"
    );
}

#[test]
fn faults_change_no_byte() {
    let folder = place::scratch();
    let wanted = local(&plain(), "mp4", FLAGS);
    for seed in [1, 2] {
        let output = folder.path().join(format!("{seed}.mp4"));
        let work = folder.path().join(format!("work-{seed}"));
        let options = HostOptions {
            faults: Faults {
                seed,
                cold_start: Duration::from_millis(50),
                latency: Duration::from_millis(10),
                throttles: 0.2,
                crashes: 0.1,
                time_outs: 0.1,
                stragglers: 0.1,
                slowness: 10.0,
                duplicates: 0.1,
            },
            ..options(3)
        };
        let host = |work: &str| engine(options, Path::new(work));
        transcode(host, (&plain(), &output, &work), FLAGS).expect("the job is done");
        assert!(
            fs::read(&output).expect("an output") == wanted,
            "seed {seed}"
        );
    }
}
