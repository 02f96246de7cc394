// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exit code 130: the first Ctrl-C stops cleanly and says how to resume.

use framemill_tests::job::{work_dir, Job};
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::sources::generated;
use framemill_tests::work::data_files;
use std::fs;
use std::path::{Path, PathBuf};

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
fn interrupted(
    job: &Job,
    output: &Path,
    signal: Signal,
    results: usize,
) -> framemill_tests::job::Run {
    let work = work_dir(output);
    let mut running = job.start();
    let ended = running.wait_until(|| data_files(&work).len() >= results);
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
