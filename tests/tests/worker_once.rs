// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill-worker once`: tasks come out as they do in this process, and what
//! cannot be done is refused in one line.

mod engines;

use async_trait::async_trait;
use engines::{done_here, essence, index_task, local, runtime, transcode};
use framemill::engine::answer::{judge, request};
use framemill::engine::{Engine, Invocation, InvokeError};
use framemill_invocation::{Answer, Refusal, Response, TaskRef, BODY_LIMIT};
use framemill_tests::place;
use framemill_tests::sources::{generated, plain};
use framemill_worker::{needs, Failure, Outcome, Task, WorkPlace};
use serde_json::{json, Value};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

type Said = Answer<Outcome, Failure>;

/// What `framemill-worker ARGS once` says to `body`.
async fn say(args: &[&str], body: &[u8]) -> Said {
    let mut child = Command::new(place::worker())
        .args(args)
        .arg("once")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may have refused before it has read everything.
    let _ = stdin.write_all(body).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("the worker ends");
    assert!(output.status.success(), "{:?}", output.status);
    let response: Response<Outcome, Failure> =
        serde_json::from_slice(&output.stdout).expect("a response");
    response.answer
}

fn body(task: &Task, work: &Path) -> Value {
    let work = work.display().to_string();
    let time = Duration::from_secs(200);
    let request = request(TaskRef::Inline(task), &task.key(), &work, time);
    serde_json::to_value(request).expect("a request")
}

fn ask(args: &[&str], body: &Value) -> Said {
    runtime().block_on(say(args, &serde_json::to_vec(body).expect("JSON")))
}

fn refusal(args: &[&str], body: &Value) -> Refusal {
    match ask(args, body) {
        Answer::Refused(refusal) => {
            assert!(!refusal.to_string().contains('\n'), "{refusal}");
            refusal
        }
        other => panic!("{other:?}"),
    }
}

/// An engine that starts the worker for every task.
struct Once {
    work: String,
}

#[async_trait]
impl Engine for Once {
    fn name(&self) -> &'static str {
        "once"
    }

    fn slots(&self) -> u32 {
        2
    }

    fn speculates(&self) -> bool {
        false
    }

    fn at(&self, _: &WorkPlace, work: &str) -> Arc<dyn Engine> {
        let work = work.to_owned();
        Arc::new(Self { work })
    }

    async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError> {
        let task = &*invocation.task;
        let request = request(
            TaskRef::Inline(task),
            &task.key(),
            &self.work,
            Duration::from_secs(200),
        );
        let said = say(&[], &serde_json::to_vec(&request).expect("JSON")).await;
        if let Answer::Done(outcome) = &said {
            let (needs, used) = (needs::memory(task), outcome.stats.peak_memory);
            println!(
                "{} needs {} MiB, used {} MiB",
                task.kind(),
                needs >> 20,
                used >> 20
            );
            assert!(used < needs, "{}: {used} bytes of {needs}", task.kind());
        }
        judge(said, &task.key())
    }
}

fn same_as_local(source: &Path, container: &str, flags: &str) {
    let folder = place::scratch();
    let output = folder.path().join(format!("once.{container}"));
    let work = folder.path().join("work");
    let once = |work: &str| Once { work: work.into() };
    transcode(once, (source, &output, &work), flags).expect("the job is done");
    let made = fs::read(&output).expect("an output");
    assert!(
        made == local(source, container, flags),
        "other bytes than locally"
    );
}

#[test]
fn chunks_and_tracks_come_out_as_locally() {
    same_as_local(
        &plain(),
        "mp4",
        "--codec h264 --preset fast --chunk 25f --audio aac",
    );
    same_as_local(
        &place::sample("interlaced.ts"),
        "mkv",
        "--codec av1 --preset fast --chunk 20f",
    );
}

#[test]
fn chunks_that_continue_come_out_as_locally() {
    same_as_local(
        &plain(),
        "webm",
        "--codec vp8 --seam rebase --chunk 5f --batch 4 --preset fast --crf 30 --end 1 --audio none",
    );
}

#[test]
fn every_encoder_fits_into_what_it_is_said_to_need() {
    let hd = generated(
        "needs-hd.mp4",
        "-f lavfi -i testsrc2=size=1280x720:rate=25 -frames:v 60 -c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p",
    );
    for flags in [
        "--codec h264 --preset slow",
        "--codec hevc --preset slow",
        "--codec av1 --preset fast",
        "--codec vp9 --preset fast",
        "--codec vp8 --preset fast",
    ] {
        println!("{flags}");
        same_as_local(&hd, "mkv", &format!("{flags} --chunk 60f"));
    }
}

#[test]
fn an_outcome_is_that_of_this_process() {
    let (here, there) = (place::scratch(), place::scratch());
    let task = index_task(&plain());
    let wanted = done_here(&task, here.path());
    let Answer::Done(outcome) = ask(&[], &body(&task, there.path())) else {
        panic!("no outcome");
    };
    assert_eq!(essence(&outcome), essence(&wanted));
    let blob = |folder: &Path| fs::read(folder.join(task.key().data_key())).expect("a blob");
    assert!(blob(here.path()) == blob(there.path()));
}

#[test]
fn a_task_may_lie_in_the_work_store() {
    let work = place::scratch();
    let task = index_task(&plain());
    let mut asked = body(&task, work.path());
    asked["task"] = json!({"stored": {"key": "in/task.json"}});
    let Answer::Failed(failure) = ask(&[], &asked) else {
        panic!("there is no task yet");
    };
    assert!(matches!(failure, Failure::BadInput { .. }), "{failure:?}");
    fs::create_dir(work.path().join("in")).expect("a folder");
    let text = serde_json::to_vec(&task).expect("JSON");
    fs::write(work.path().join("in/task.json"), text).expect("a file");
    assert!(matches!(ask(&[], &asked), Answer::Done(_)));
}

#[test]
fn a_failure_comes_back_as_it_is() {
    let work = place::scratch();
    let source = work.path().join("no-video.mp4");
    fs::write(&source, b"this is no video at all").expect("a file");
    let task = index_task(&source);
    let answer = ask(&[], &body(&task, work.path()));
    assert!(
        matches!(answer, Answer::Failed(Failure::BadInput { .. })),
        "{answer:?}"
    );
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_begun() {
    let work = place::scratch();
    let task = index_task(&plain());
    let good = body(&task, work.path());
    let with = |field: &str, value: Value| {
        let mut asked = good.clone();
        asked[field] = value;
        asked
    };
    let kinds = [
        refusal(&[], &with("protocol", json!(99))),
        refusal(&[], &with("build", json!("framemill of yesterday"))),
        refusal(&[], &with("key", json!("00"))),
        refusal(&[], &with("time_ms", json!(20))),
        refusal(&[], &with("task", json!({"inline": {"task": "unknown"}}))),
        refusal(&["--memory", "40"], &good),
        refusal(&[], &json!({"no": "request"})),
    ];
    let [protocol, build, key, time, unknown, memory, no_request] = kinds;
    assert!(matches!(protocol, Refusal::Protocol { asked: 99, .. }));
    assert!(matches!(build, Refusal::Build { .. }));
    assert!(build.to_string().contains("framemill of yesterday"));
    assert!(matches!(key, Refusal::Request { .. }), "{key}");
    assert!(matches!(time, Refusal::Time { left_ms: 20, .. }));
    assert!(unknown.to_string().contains("unknown"), "{unknown}");
    assert!(memory.to_string().contains("40 MiB"), "{memory}");
    assert!(matches!(no_request, Refusal::Request { .. }));
    let left = fs::read_dir(work.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing was begun");
}

#[test]
fn a_request_that_is_too_long_is_refused() {
    let text = vec![b' '; BODY_LIMIT + 1];
    let answer = runtime().block_on(say(&[], &text));
    assert!(
        matches!(answer, Answer::Refused(Refusal::TooLarge { .. })),
        "{answer:?}"
    );
}

/// A program that does tasks in its own way.
fn program(folder: &Path, script: &str) -> String {
    let path = folder.join("task-program");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&path, mode).expect("a program");
    path.display().to_string()
}

#[test]
fn a_process_that_dies_or_hangs_is_an_answer() {
    let work = place::scratch();
    let mut asked = body(&index_task(&plain()), work.path());
    for (script, word) in [
        ("exit 7", "exit status: 7"),
        ("kill -9 $$", "signal: 9"),
        ("read line; echo nonsense", "sense"),
    ] {
        let program = program(work.path(), script);
        match ask(&["--task-program", &program], &asked) {
            Answer::Crashed { detail } => assert!(detail.contains(word), "{detail}"),
            other => panic!("{script}: {other:?}"),
        }
    }
    asked["time_ms"] = json!(1500);
    let program = program(work.path(), "exec sleep 600");
    let started = Instant::now();
    let answer = ask(&["--task-program", &program], &asked);
    assert!(
        matches!(answer, Answer::TimedOut { time_ms: 1500 }),
        "{answer:?}"
    );
    let took = started.elapsed();
    assert!(
        took > Duration::from_millis(1500) && took < Duration::from_secs(30),
        "{took:?}"
    );
}

#[test]
fn the_worker_itself_links_no_codec_library() {
    let program = fs::read(place::worker()).expect("the worker");
    for name in ["libavcodec.so", "libavformat.so", "libavutil.so"] {
        let found = program.windows(name.len()).any(|w| w == name.as_bytes());
        assert!(!found, "{name}");
    }
}
