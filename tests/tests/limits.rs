// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a job may take, of time and money, and what workers can.

mod engines;

use clap::Parser;
use engines::{local, runtime};
use framemill::cli::transcode::MediaArgs;
use framemill::engine::host::{Faults, HostOptions, HostServer};
use framemill::engine::Payload;
use framemill::job::JobRequest;
use framemill::limits::Limits;
use framemill::plan::span::encode_task;
use framemill_store::MemoryStore;
use framemill_tests::job::{Job, Run};
use framemill_tests::place;
use framemill_tests::sources::{generated, generated_from, plain};
use framemill_tests::work::data_files;
use framemill_worker::{Task, WorkPlace};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

const FLAGS: &str = "--codec h264 --preset fast --chunk 4f --audio none";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    media: MediaArgs,
}

/// Functions that take a second each, one at a time.
fn slow_functions() -> HostServer {
    let options = HostOptions {
        faults: Faults {
            latency: Duration::from_secs(1),
            ..Faults::default()
        },
        ..HostOptions::new(place::worker(), 1)
    };
    std::thread::scope(|scope| {
        let server = scope.spawn(|| runtime().block_on(HostServer::start(options)));
        server.join().expect("no panic").expect("a server")
    })
}

fn on(server: &HostServer, source: &Path, output: &Path, work: &Path) -> Job {
    let set = format!(
        "export AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=B AWS_REGION=us-east-1 \
         AWS_ENDPOINT_URL_LAMBDA={}",
        server.endpoint()
    );
    Job::transcode(source, output)
        .flags("--engine lambda --function f --workers 1")
        .flag("--work-dir", work)
        .after(&set)
}

/// The same job without limits, on this machine and from the same work folder, takes
/// what there is and gives the bytes of any other run.
fn goes_on(output: &Path, work: &Path) {
    let kept = data_files(work).len();
    assert!(kept >= 2, "{kept} results are kept");
    let job = Job::transcode(&plain(), output).flags(FLAGS);
    let (run, report) = job.flag("--work-dir", work).reported();
    assert!(report["totals"]["reused"].as_u64() >= Some(2), "{report}");
    assert!(run.bytes() == local(&plain(), "mp4", FLAGS), "other bytes");
}

/// A run that came upon its limit amid the job.
fn cut_short(job: &Job, words: &[&str]) -> Run {
    let run = job.fails(4, words);
    let more = ["of 25 chunks done", "the same command with more"];
    run.must_fail(4, &more);
    run
}

#[test]
fn a_deadline_ends_a_job_that_goes_on_later() {
    let (server, folder) = (slow_functions(), place::scratch());
    let (output, work) = (folder.path().join("out.mp4"), folder.path().join("work"));
    let job = on(&server, &plain(), &output, &work).flags(FLAGS);
    let job = job.flags("--deadline 6");
    let run = cut_short(&job, &["--deadline 6", "time is up"]);
    assert!(run.done.seconds > 5.0, "{}", run.done.seconds);
    goes_on(&output, &work);
}

#[test]
fn a_budget_ends_a_job_that_goes_on_later() {
    let (server, folder) = (slow_functions(), place::scratch());
    let (output, work) = (folder.path().join("out.mp4"), folder.path().join("work"));
    // A dollar for every second.
    let priced = "--worker-memory 1024 --price-gb-second 1 --price-request 0";
    let hopeless = on(&server, &minute(), &output, &folder.path().join("other"));
    hopeless
        .flags("--codec av1 --encoder rav1e --preset slow --budget 5")
        .flags(priced)
        .fails(2, &["--budget 5", "costs some"]);
    let job = on(&server, &plain(), &output, &work);
    let job = job.flags(FLAGS).flags(priced);
    let report = folder.path().join("report.json");
    let job = job.flags("--budget 5.5").flag("--report", &report);
    cut_short(&job, &["--budget 5.5", "USD are spent"]);
    let report = fs::read_to_string(report).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let spent = report["totals"]["spent_usd"].as_f64().expect("a sum");
    assert!((5.5..8.0).contains(&spent), "{spent}");
    assert!(report["error"]
        .as_str()
        .is_some_and(|e| e.contains("--budget")));
    goes_on(&output, &work);
}

/// A minute that takes rav1e some 40 s.
fn minute() -> PathBuf {
    generated(
        "limits-minute.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=60 -c:v libx264 -preset ultrafast -g 50 \
         -pix_fmt yuv420p",
    )
}

#[test]
fn what_no_machine_could_keep_is_refused_up_front() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(&minute(), &output).flags("--workers 2");
    job.clone()
        .flags("--codec av1 --encoder rav1e --preset slow --deadline 3")
        .fails(2, &["--deadline 3", "2 workers need some"]);
    // An attempt of a second is too short for a frame of that size.
    job.clone()
        .flags("--codec av1 --encoder rav1e --preset slow --size 7680x4320 --task-time 1")
        .fails(2, &["--task-time 1", "7680x4320", "takes some"]);
    job.flags("--codec av1 --worker-memory 300 --size 3840x2160")
        .fails(2, &["--worker-memory 300", "libsvtav1", "3840x2160", "MiB"]);
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn limits_where_they_mean_nothing_are_refused() {
    let folder = place::scratch();
    let job = || Job::transcode(&plain(), &folder.path().join("out.mp4"));
    job().flags("--budget 1").fails(2, &["worker-memory"]);
    let budget = "--budget 1 --worker-memory 1024";
    job().flags(budget).fails(2, &["--engine http or lambda"]);
    job()
        .flags("--deadline -1")
        .fails(2, &["--deadline|unexpected"]);
    job()
        .flags("--worker-memory 1024 --budget -0.5")
        .fails(2, &["budget|unexpected"]);
}

/// A socket for each invocation: the soft limit of open files is raised, the hard one is not.
#[test]
fn open_files_are_raised_or_the_job_is_refused_up_front() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = |engine: &str| Job::transcode(&plain(), &output).flags(FLAGS).flags(engine);
    job("--engine host --workers 4000")
        .after("ulimit -n 1000")
        .fails(
            2,
            &[
                "4000 tasks at once",
                "open files",
                "1000 are allowed",
                "--workers",
            ],
        );
    assert!(!output.exists());
    job("--engine host --workers 2").after("ulimit -Sn 64").ok();
}

/// The longest request of a plan of a long film whose chunks are cut by `rule`, in bytes.
fn longest_request(source: &Path, rule: &str) -> usize {
    let words = [
        "framemill",
        &source.display().to_string(),
        "--codec",
        "h264",
    ];
    let line = Line::parse_from(words.into_iter().chain(["--chunk", rule]));
    let request = JobRequest {
        input: line.media.input.clone(),
        options: line.media.options("out.mp4"),
        workers: 1,
        work_dir: Some("mem:longest-request".into()),
        resume: false,
        overwrite: true,
        verify: false,
        order_seed: None,
        report: None,
        simd: None,
        // So much that nothing is cut further.
        limits: Limits {
            task_time: Duration::from_secs(100_000_000),
            ..Limits::default()
        },
    };
    runtime().block_on(async {
        let (cancel, progress) = (CancellationToken::new(), Arc::default());
        let mut job = framemill::job::Job::new(request, cancel, progress)
            .await
            .expect("a job");
        let (index, plan) = job.plan_only().await.expect("a plan");
        let place = WorkPlace {
            handle: Handle::current(),
            work: Arc::new(MemoryStore::new()),
            prefix: String::new(),
            simd: None,
        };
        let mut longest = 0;
        for chunk in &plan.chunks {
            let task = encode_task(&index, &plan.timeline, &plan.video, chunk, true, 0);
            let task = Task::Encode(Box::new(task));
            let key = task.key();
            let at = (&place, "s3://a-bucket-with-a-long-name/and/a/long/prefix");
            let payload = Payload::of((&task, &key), at.0, at.1, Duration::from_secs(900));
            let payload = payload.await.expect("a request");
            longest = longest.max(payload.body.len());
            payload.clear(&place).await;
        }
        longest
    })
}

#[test]
fn requests_of_a_long_film_stay_far_below_what_functions_take() {
    // Eight hours.
    let film = film(960);
    let usual = longest_request(&film, "auto");
    assert!(usual < 64 << 10, "{usual} bytes");
    // The longest that are sent as they are, and those that are stored.
    for rule in ["20000f", "100000f", "1000000f"] {
        let longest = longest_request(&film, rule);
        assert!(longest < 300 << 10, "{rule}: {longest} bytes");
    }
}

/// A 4K film of this many half minutes of one picture.
fn film(pieces: u32) -> PathBuf {
    let piece = generated(
        "film-4k.mp4",
        "-f lavfi -i color=gray:size=3840x2160:rate=24:duration=30 -c:v libx264 -preset ultrafast \
         -g 240 -bf 0 -pix_fmt yuv420p",
    );
    let args = format!("-stream_loop {} -i @0 -c copy", pieces - 1);
    generated_from(&format!("film-4k-{pieces}.mp4"), &args, &[&piece])
}

#[test]
fn a_4k_film_fits_into_workers_of_3008_mb() {
    let plan = |flags: &str| {
        let job = Job::new("plan", &film(10)).flags("--json --worker-memory 3008");
        job.flags(flags).json()
    };
    for flags in [
        "--codec av1",
        "--codec av1 --preset slow",
        "--codec h264 --preset slow",
        "--codec hevc --preset slow",
        "--codec vp9 --preset slow",
        "--codec vp8 --preset slow",
        "--codec vp8 --seam rebase --preset slow",
    ] {
        let plan = plan(flags);
        let expected = &plan["expected"];
        let memory = expected["task_memory"].as_u64().expect("bytes");
        assert!(memory <= 3008 << 20, "{flags}: {expected}");
        assert!(
            expected["longest_task_s"].as_f64() < Some(450.0),
            "{flags}: {expected}"
        );
        assert!(expected["usd"].as_f64() > Some(0.0), "{flags}: {expected}");
        let frames = plan["chunks"].as_array().expect("a list").iter();
        let frames: u64 = frames
            .map(|c| c["frames"].as_u64().expect("a number"))
            .sum();
        assert_eq!(frames, 7200, "{flags}");
    }
    // What would take too long is cut further, and says so.
    let slow = plan("--codec hevc --preset slow");
    let warned = slow["warnings"].to_string();
    assert!(warned.contains("cut to"), "{warned}");
    let longest = slow["chunks"].as_array().expect("a list").iter();
    let longest = longest.filter_map(|c| c["frames"].as_u64()).max();
    assert!(longest <= Some(220), "{longest:?}");
}
