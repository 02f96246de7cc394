// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 5: after `kill -9` anywhere the next run gives the same bytes;
//! it re-does nothing that is whole and everything that is not.

use framemill_tests::job::{work_dir, Job, Run};
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::sources::plain;
use framemill_tests::work::{copy, data_files, Harm};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const FLAGS: &str = "--codec h264 --preset medium --crf 20 --chunk 5f --audio aac --workers 2";
const CHUNKS: u64 = 20;

fn job(output: &Path) -> Job {
    Job::transcode(&plain(), output).flags(FLAGS)
}

/// The bytes of a run that nobody interrupted, and how long it took.
fn whole() -> &'static (Vec<u8>, f64) {
    static WHOLE: OnceLock<(Vec<u8>, f64)> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = place::scratch();
        let run = job(&folder.path().join("out.mp4")).ok();
        (run.bytes(), run.done.seconds)
    })
}

/// Kills a run as soon as `ready`; gives whether it was killed.
fn killed(output: &Path, ready: impl FnMut() -> bool) -> bool {
    let mut running = job(output).start();
    if running.wait_until(ready) {
        return false;
    }
    running.signal(Signal::KILL);
    running.finish();
    if let Ok(bytes) = fs::read(output) {
        assert!(
            bytes == whole().0,
            "{}: part of an output after kill -9",
            output.display()
        );
    }
    true
}

fn ends_the_same(output: &Path, when: &str) -> (Run, Value) {
    let job = job(output).flags(if output.exists() { "--overwrite" } else { "" });
    let (run, report) = job.reported();
    assert!(
        run.bytes() == whole().0,
        "killed {when}: other bytes after the resume: {}",
        run.line
    );
    assert_eq!(report["totals"]["frames"], 100, "killed {when}: {report}");
    (run, report)
}

#[test]
fn killed_at_random_moments() {
    let seconds = whole().1;
    for seed in 0..8 {
        let folder = place::scratch();
        let output = folder.path().join("out.mp4");
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let delay = Duration::from_secs_f64(random.random_range(0.0..seconds));
        let started = Instant::now();
        killed(&output, || started.elapsed() >= delay);
        ends_the_same(&output, &format!("after {delay:?}, seed {seed}"));
    }
}

#[test]
fn killed_again_and_again() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let mut random = ChaCha8Rng::seed_from_u64(99);
    let mut kills = 0;
    for _ in 0..12 {
        let delay = Duration::from_secs_f64(random.random_range(0.02..0.25));
        let started = Instant::now();
        if !killed(&output, || started.elapsed() >= delay) {
            break;
        }
        kills += 1;
    }
    println!("killed {kills} times");
    ends_the_same(&output, "again and again");
}

#[test]
fn killed_after_each_stage() {
    // After the index, amid the chunks, and when all is there but the stitch.
    for results in [1, 2, 6, 15, CHUNKS as usize + 2] {
        let folder = place::scratch();
        let output = folder.path().join("out.mp4");
        let work = work_dir(&output);
        let stopped = killed(&output, || data_files(&work).len() >= results);
        let there = data_files(&work).len() as u64;
        let (_, report) = ends_the_same(&output, &format!("at {results} results"));
        if stopped && work.exists() {
            let reused = report["totals"]["reused"].as_u64().unwrap_or(0);
            assert!(
                reused + 4 >= there,
                "{there} results were there, {reused} were reused"
            );
        }
    }
}

/// A work folder where everything is done but the stitch, which could not write.
fn stuck_before_stitch(folder: &Path) -> PathBuf {
    let output = folder.join("out.mp4");
    let limit = whole().0.len() / 1024 * 3 / 4;
    let stuck = job(&output).after(&format!("ulimit -f {limit}; trap '' XFSZ"));
    stuck.fails(3, &[]);
    assert!(
        data_files(&work_dir(&output)).len() as u64 > CHUNKS,
        "all chunks are kept"
    );
    output
}

fn kinds(report: &Value) -> Vec<String> {
    let list = report["invocations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    list.iter()
        .map(|i| i["kind"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Invocations that do real work.
fn redone(report: &Value) -> Vec<String> {
    kinds(report)
        .into_iter()
        .filter(|k| matches!(k.as_str(), "index" | "encode" | "track"))
        .collect()
}

#[test]
fn nothing_whole_is_done_again() {
    let folder = place::scratch();
    let output = stuck_before_stitch(folder.path());
    let (_, report) = ends_the_same(&output, "before the stitch");
    assert_eq!(redone(&report), [""; 0], "{report}");
    assert!(
        report["totals"]["reused"].as_u64() >= Some(CHUNKS),
        "{report}"
    );
}

#[test]
fn no_resume_does_everything() {
    let folder = place::scratch();
    let output = stuck_before_stitch(folder.path());
    let (run, report) = job(&output).flags("--no-resume").reported();
    let encodes = kinds(&report).iter().filter(|k| *k == "encode").count() as u64;
    assert_eq!(
        (encodes, report["totals"]["reused"].as_u64()),
        (CHUNKS, Some(0)),
        "{}",
        run.line
    );
    assert!(run.bytes() == whole().0, "other bytes: {}", run.line);
}

/// Harms one result after another; each is found and done again, alone.
fn harmed(extension: &str, harm: Harm) {
    let folder = place::scratch();
    let output = stuck_before_stitch(folder.path());
    let (work, saved) = (work_dir(&output), folder.path().join("saved"));
    copy(&work, &saved);
    let names = data_files(&work);
    for (i, name) in names.iter().enumerate().step_by(names.len() / 5) {
        let _ = fs::remove_dir_all(&work);
        let _ = fs::remove_file(&output);
        copy(&saved, &work);
        harm.to(&name.with_extension(extension));
        let (run, report) = ends_the_same(&output, &format!("and result {i} {harm:?}"));
        let redone = redone(&report);
        assert_eq!(
            redone.len(),
            1,
            "{extension} {i} {harm:?}: done again: {redone:?}: {}",
            run.line
        );
    }
}

#[test]
fn a_deleted_result_is_done_again() {
    harmed("data", Harm::Deleted);
}

#[test]
fn a_truncated_result_is_done_again() {
    harmed("data", Harm::Truncated);
}

#[test]
fn an_empty_result_is_done_again() {
    harmed("data", Harm::Emptied);
}

#[test]
fn a_flipped_bit_is_found() {
    harmed("data", Harm::BitFlipped);
}

#[test]
fn a_lost_record_is_done_again() {
    harmed("json", Harm::Deleted);
    harmed("json", Harm::Truncated);
}

#[test]
fn every_result_harmed_at_once() {
    let folder = place::scratch();
    let output = stuck_before_stitch(folder.path());
    let files = data_files(&work_dir(&output));
    for (i, path) in files.iter().enumerate() {
        Harm::ALL[i % Harm::ALL.len()].to(path);
    }
    let (_, report) = ends_the_same(&output, "and all harmed");
    assert_eq!(redone(&report).len(), files.len(), "{report}");
}

#[test]
fn a_changed_source_is_not_resumed() {
    let folder = place::scratch();
    let (source, output) = (
        folder.path().join("source.mp4"),
        folder.path().join("out.mp4"),
    );
    fs::copy(plain(), &source).expect("a copy");
    let flags = "--codec h264 --encoder-opt preset=ultrafast --chunk 5f --audio none";
    Job::transcode(&source, &output)
        .flags(flags)
        .after("ulimit -f 100; trap '' XFSZ")
        .fails(3, &[]);
    fs::copy(framemill_tests::sources::one_gop(), &source).expect("another source");
    let run = Job::transcode(&source, &output).flags(flags).ok();
    let fresh = folder.path().join("fresh.mp4");
    let other = Job::transcode(&source, &fresh).flags(flags).ok();
    assert!(
        run.bytes() == other.bytes(),
        "results of the old source are in the output: {}",
        run.line
    );
}

#[test]
fn other_settings_reuse_only_what_they_share() {
    let folder = place::scratch();
    let output = stuck_before_stitch(folder.path());
    let (run, report) = Job::transcode(&plain(), &output)
        .flags(&FLAGS.replace("--crf 20", "--crf 30"))
        .reported();
    let encodes = kinds(&report).iter().filter(|k| *k == "encode").count() as u64;
    assert_eq!(encodes, CHUNKS, "{}", run.line);
    assert!(run.bytes() != whole().0, "{}: the other quality", run.line);
}

#[test]
fn a_given_work_folder_is_used() {
    let folder = place::scratch();
    let (work, output) = (folder.path().join("w"), folder.path().join("out.mp4"));
    let with_work = |output: &Path| job(output).flag("--work-dir", work.clone());
    let limit = whole().0.len() / 1024 * 3 / 4;
    with_work(&output)
        .after(&format!("ulimit -f {limit}; trap '' XFSZ"))
        .fails(3, &[]);
    assert!(
        data_files(&work).len() as u64 > CHUNKS,
        "results lie in the given folder"
    );
    assert!(!work_dir(&output).exists(), "and in no other");
    let (run, report) = with_work(&folder.path().join("other.mp4")).reported();
    assert_eq!(redone(&report), [""; 0], "{}", run.line);
    assert!(run.bytes() == whole().0, "{}", run.line);
}
