// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exit code 130: the first Ctrl-C stops cleanly and says how to resume.

mod engines;

use engines::runtime;
use framemill::engine::host::{HostOptions, HostServer};
use framemill_tests::job::{work_dir, Job, Run};
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::sources::generated;
use framemill_tests::work::data_files;
use framemill_tests::worker::HttpWorker;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn source() -> PathBuf {
    generated(
        "minute.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=40 -f lavfi -i sine=sample_rate=48000:duration=40 -c:v libx264 \
         -preset ultrafast -crf 18 -g 50 -c:a aac",
    )
}

fn job(output: &Path) -> Job {
    Job::transcode(&source(), output).flags("--codec h264 --preset medium --chunk 20f --workers 2")
}

/// Interrupts a run by `signal` once `results` are there.
fn interrupted(job: &Job, output: &Path, signal: Signal, results: usize) -> Run {
    interrupted_in(&work_dir(output), job, output, signal, results)
}

/// The same with the work in a folder of its own.
fn interrupted_in(work: &Path, job: &Job, output: &Path, signal: Signal, results: usize) -> Run {
    let mut running = job.start();
    let ended = running.wait_until(|| data_files(work).len() >= results);
    assert!(
        !ended,
        "{}: over before it could be interrupted",
        job.line()
    );
    running.signal(signal);
    let run = job.after_end(running.finish());
    assert_eq!(
        run.done.code,
        Some(130),
        "{}: signal {:?}: {}",
        run.line,
        run.done.signal,
        run.done.stderr
    );
    assert!(
        !output.exists(),
        "{}: an output after an interrupt",
        run.line
    );
    assert!(work.is_dir(), "{}: the work is kept", run.line);
    run
}

#[test]
fn stops_says_how_to_resume_and_resumes() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = job(&output);
    let run = interrupted(&job, &output, Signal::INT, 8);
    let stderr = run.done.stderr.to_lowercase();
    assert!(
        stderr.contains("resume") || stderr.contains("same command"),
        "{}: no word on how to resume: {stderr}",
        run.line
    );
    let (run, report) = job.reported();
    assert!(
        report["totals"]["reused"].as_u64() >= Some(7),
        "{}: {}",
        run.line,
        report["totals"]
    );
    assert_eq!(
        (
            report["totals"]["frames"].as_u64(),
            report["totals"]["chunks"].as_u64()
        ),
        (Some(1000), Some(50))
    );
    let fresh = self::job(&folder.path().join("fresh.mp4")).ok();
    assert!(
        run.bytes() == fresh.bytes(),
        "{}: other bytes than without an interrupt",
        run.line
    );
}

#[test]
fn at_once() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = job(&output);
    let mut running = job.start();
    let work = work_dir(&output);
    running.wait_until(|| work.exists());
    running.signal(Signal::INT);
    let run = job.after_end(running.finish());
    assert!(
        run.done.code == Some(130) || run.done.signal == Some(2),
        "{}: {:?}",
        run.line,
        run.done
    );
    assert!(!output.exists(), "{}", run.line);
    job.ok();
}

#[test]
fn one_line_when_quiet() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let run = interrupted(&job(&output).flags("--quiet"), &output, Signal::INT, 4);
    let lines: Vec<&str> = run.done.stderr.lines().collect();
    assert!(lines.len() <= 1, "{}: {lines:?}", run.line);
    assert!(
        lines.iter().all(|l| l.starts_with("framemill: ")),
        "{lines:?}"
    );
}

#[test]
fn by_a_terminal_that_goes_away() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = job(&output);
    let mut running = job.start();
    let work = work_dir(&output);
    assert!(!running.wait_until(|| data_files(&work).len() >= 4));
    running.signal(Signal::TERM);
    let run = job.after_end(running.finish());
    assert!(
        run.done.code != Some(0),
        "{}: {:?}",
        run.line,
        run.done.code
    );
    assert!(!output.exists(), "{}", run.line);
    job.ok();
}

#[test]
fn a_second_one_leaves_nothing_behind_either() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = job(&output);
    let mut running = job.start();
    let work = work_dir(&output);
    assert!(!running.wait_until(|| data_files(&work).len() >= 4));
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    let run = job.after_end(running.finish());
    assert!(
        run.done.code == Some(130) || run.done.signal == Some(2),
        "{}: {:?}",
        run.line,
        run.done
    );
    assert!(!output.exists(), "{}", run.line);
    let left: Vec<_> = fs::read_dir(folder.path())
        .expect("the folder")
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert!(
        left.iter().all(|n| n.to_string_lossy().starts_with('.')),
        "{}: left behind: {left:?}",
        run.line
    );
    job.ok();
}

/// Interrupts a job on other processes by either signal, and lets it go on.
fn elsewhere(flags: &str, set: &str) {
    let fresh = place::scratch();
    let fresh = job(&fresh.path().join("fresh.mp4")).ok().bytes();
    for signal in [Signal::INT, Signal::TERM] {
        let folder = place::scratch();
        let (output, work) = (folder.path().join("out.mp4"), folder.path().join("work"));
        let job = job(&output).flags(flags).flag("--work-dir", &work);
        let job = job.after(set);
        let run = interrupted_in(&work, &job, &output, signal, 6);
        assert!(
            run.done.seconds < 60.0,
            "{}: {}",
            run.line,
            run.done.seconds
        );
        let (run, report) = job.reported();
        assert!(
            report["totals"]["reused"].as_u64() >= Some(5),
            "{}",
            run.line
        );
        assert!(run.bytes() == fresh, "{}: other bytes", run.line);
    }
}

/// Whether a process of this machine has `word` in its command line or environment.
fn runs(word: &str) -> bool {
    let all = fs::read_dir("/proc").expect("Linux").flatten();
    let mut texts = all.filter_map(|e| fs::read(e.path().join("environ")).ok());
    texts.any(|text| String::from_utf8_lossy(&text).contains(word))
}

#[test]
fn worker_processes_end_with_the_job() {
    // What they inherit tells them from those of other tests.
    let mark = format!("FRAMEMILL_TEST_MARK={:016x}", rand::random::<u64>());
    elsewhere("--engine host", &format!("export {mark}"));
    let started = Instant::now();
    while runs(&mark) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "workers are left"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn workers_behind_a_url_are_let_go() {
    let worker = HttpWorker::start("--concurrency 2");
    elsewhere(
        &format!("--engine http --engine-url {}", worker.url("run")),
        "",
    );
}

#[test]
fn functions_are_let_go() {
    let options = HostOptions::new(place::worker(), 2);
    let server = std::thread::scope(|scope| {
        let server = scope.spawn(|| runtime().block_on(HostServer::start(options)));
        server.join().expect("no panic").expect("a server")
    });
    let set = format!(
        "export AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=B AWS_REGION=us-east-1 \
         AWS_ENDPOINT_URL_LAMBDA={}",
        server.endpoint()
    );
    elsewhere("--engine lambda --function f", &set);
}
