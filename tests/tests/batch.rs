// SPDX-License-Identifier: MIT OR Apache-2.0
//! Batches: everything in a folder or a manifest, whatever breaks on the way.

use framemill_tests::batch::{clip, files, fill, must_decode, outputs_of, picture, PROFILE};
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::process::Signal;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A folder of sources, one for outputs, and the profile.
struct Place {
    _folder: TempDir,
    sources: PathBuf,
    out: PathBuf,
    profile: PathBuf,
}

fn place() -> Place {
    let folder = place::scratch();
    let (sources, out) = (folder.path().join("in"), folder.path().join("out"));
    let profile = folder.path().join("small.toml");
    fs::create_dir(&sources).expect("a folder");
    fs::write(&profile, PROFILE).expect("a profile");
    Place {
        _folder: folder,
        sources,
        out,
        profile,
    }
}

impl Place {
    fn batch(&self, source: &Path) -> Job {
        let job = Job::new("batch", source).to(&self.out);
        job.flag("--profile", &self.profile)
    }
}

fn lines(stdout: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stdout);
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

fn changed(path: &Path) -> SystemTime {
    let meta = fs::metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    meta.modified().expect("a time")
}

/// Breaks ten of the sources, in ways that differ; gives their names.
fn break_ten(folder: &Path, names: &[String]) -> Vec<String> {
    let mut broken = Vec::new();
    for (n, name) in names
        .iter()
        .enumerate()
        .filter(|(n, _)| n % 29 == 7)
        .take(10)
    {
        let path = folder.join(name);
        let bytes = fs::read(&path).expect("a source");
        let bytes = match n % 4 {
            0 => Vec::new(),
            1 => bytes[..bytes.len() / 8].to_vec(),
            2 => vec![0x5a; 300],
            _ => b"<html>not found</html>".to_vec(),
        };
        fs::write(&path, bytes).expect("a source");
        broken.push(name.clone());
    }
    assert_eq!(broken.len(), 10);
    broken
}

#[test]
fn three_hundred_sources_of_which_ten_are_broken_killed_and_resumed() {
    let p = place();
    let names = fill(&p.sources, 40, 260);
    let broken = break_ten(&p.sources, &names);
    let job = p.batch(&p.sources).flags("--json --workers 2 --jobs 8");
    // Killed without a word once some are done, twice.
    let mut before: HashMap<String, SystemTime> = HashMap::new();
    for some in [30, 90] {
        let mut running = job.start();
        let ended = running.wait_until(|| {
            std::thread::sleep(Duration::from_millis(20));
            files(&p.out).len() >= some
        });
        assert!(!ended, "it ended before it was killed");
        running.signal(Signal::KILL);
        running.finish();
        for name in files(&p.out) {
            let time = changed(&p.out.join(&name));
            let known = before.entry(name.clone()).or_insert(time);
            assert_eq!(*known, time, "{name} was made twice");
        }
    }
    let run = job.run();
    assert_eq!(run.done.code, Some(3), "{}", run.done.stderr);
    let said = lines(&run.done.stdout);
    let end = said.last().expect("an end");
    assert_eq!(end["items"], 300);
    assert_eq!(end["failed"], 10);
    assert_eq!(
        end["made"].as_u64().unwrap() + end["skipped"].as_u64().unwrap(),
        290
    );
    assert_eq!(end["outputs"], 580);
    let failures = end["failures"].as_array().expect("a list");
    for name in &broken {
        let named = |f: &&Value| {
            f["input"]
                .as_str()
                .is_some_and(|input| input.ends_with(name))
        };
        let failure = failures.iter().find(named);
        let failure = failure.unwrap_or_else(|| panic!("{name} is not named"));
        assert!(!failure["reason"].as_str().unwrap().is_empty());
    }
    let whole = names.iter().filter(|name| !broken.contains(name));
    let mut expected: Vec<String> = whole.flat_map(|name| outputs_of(name)).collect();
    expected.sort();
    assert_eq!(files(&p.out), expected);
    for (name, time) in before {
        assert_eq!(changed(&p.out.join(&name)), time, "{name} was made twice");
    }
    for name in expected.iter().step_by(37) {
        must_decode(&p.out.join(name));
    }
    nothing_is_done_again(&p, &job);
}

/// A batch that has ended knows all that it did, and has left no results behind.
fn nothing_is_done_again(p: &Place, job: &Job) {
    let work = p.out.join(".framemill/jobs/open");
    let left = if work.is_dir() {
        files(&work)
    } else {
        Vec::new()
    };
    assert_eq!(left, Vec::<String>::new(), "results of ended jobs");
    let again = job.run();
    assert_eq!(again.done.code, Some(3));
    let said = lines(&again.done.stdout);
    let end = said.last().expect("an end");
    assert_eq!((&end["made"], &end["skipped"]), (&0.into(), &290.into()));
}

#[test]
fn manifests_filters_and_names() {
    let p = place();
    fs::copy(clip(1), p.sources.join("a.mp4")).expect("a copy");
    fs::copy(clip(2), p.sources.join("a.mov")).expect("a copy");
    fs::copy(picture(1), p.sources.join("a.png")).expect("a copy");
    fs::write(p.sources.join("notes.txt"), "x").expect("a file");
    let run = p.batch(&p.sources).flags("--type video").ok();
    assert_eq!(
        files(&p.out),
        [
            "a.mov-64.mp4",
            "a.mov-poster.jpg",
            "a.mp4-64.mp4",
            "a.mp4-poster.jpg"
        ]
    );
    let text = String::from_utf8_lossy(&run.done.stdout).into_owned();
    assert!(
        text.contains("2 of 2 done") && text.contains("1 left out, 1 no media"),
        "{text}"
    );

    let manifest = p.sources.join("list.jsonl");
    let list = "{\"input\": \"a.mov\", \"name\": \"films/first\"}\n{\"input\": \"absent.mp4\"}\n";
    fs::write(&manifest, list).expect("a manifest");
    let run = p.batch(&manifest).run();
    assert_eq!(run.done.code, Some(3));
    assert!(
        run.done.stderr.contains("absent.mp4: "),
        "{}",
        run.done.stderr
    );
    assert!(p.out.join("films/first-64.mp4").is_file());
    fs::write(&manifest, "{\"inpt\": \"a.mov\"}").expect("a manifest");
    let run = p.batch(&manifest).run();
    assert_eq!(run.done.code, Some(2));
    let words = "list.jsonl: line 1: unknown key inpt; the nearest is input";
    assert!(run.done.stderr.contains(words), "{}", run.done.stderr);
}

#[test]
fn outputs_of_others_are_never_replaced_unasked() {
    let p = place();
    fs::copy(clip(1), p.sources.join("a.mp4")).expect("a copy");
    fs::copy(picture(1), p.sources.join("b.png")).expect("a copy");
    fs::create_dir(&p.out).expect("a folder");
    for name in ["a-64.mp4", "b-16.jpg"] {
        fs::write(p.out.join(name), "mine").expect("a file");
    }
    let run = p.batch(&p.sources).run();
    assert_eq!(run.done.code, Some(3));
    assert!(
        run.done.stderr.contains("a-64.mp4: exists"),
        "{}",
        run.done.stderr
    );
    for name in ["a-64.mp4", "b-16.jpg"] {
        assert_eq!(fs::read(p.out.join(name)).expect("a file"), b"mine");
    }
    p.batch(&p.sources).flags("--overwrite").ok();
    must_decode(&p.out.join("a-64.mp4"));
    must_decode(&p.out.join("b-16.jpg"));
    // A source that has changed is done anew, but over what is there only if asked to.
    fs::copy(clip(2), p.sources.join("a.mp4")).expect("a copy");
    assert_eq!(p.batch(&p.sources).run().done.code, Some(3));
    p.batch(&p.sources).flags("--overwrite").ok();
}

#[test]
fn a_dry_run_does_nothing() {
    let p = place();
    let names = fill(&p.sources, 2, 1);
    let run = p.batch(&p.sources).flags("--dry-run").ok();
    let text = String::from_utf8_lossy(&run.done.stdout).into_owned();
    for output in names.iter().flat_map(|name| outputs_of(name)) {
        assert!(text.contains(&output), "{output}: {text}");
    }
    assert!(
        text.contains("USD") && text.contains("3 sources, 6 outputs"),
        "{text}"
    );
    assert!(!p.out.exists());
}

#[test]
fn bad_command_lines_get_one_line() {
    let p = place();
    fs::write(p.sources.join("a.txt"), "x").expect("a file");
    let of = |flags: &str, source: &Path| {
        let run = Job::new("batch", source).to(&p.out).flags(flags).run();
        assert_eq!(run.done.code, Some(2), "{flags}");
        assert_eq!(run.done.stderr.lines().count(), 1, "{}", run.done.stderr);
        run.done.stderr
    };
    assert!(of("--profile web", &p.sources).contains("no video and no picture"));
    fs::copy(picture(1), p.sources.join("a.png")).expect("a copy");
    assert!(of("", &p.sources).contains("give --profile"));
    assert!(of("--profile wob", &p.sources).contains("no profile is named wob"));
    assert!(of("--profile web --include [", &p.sources).contains("--include"));
    assert!(of("--profile web --min-size big", &p.sources).contains("no size"));
    assert!(of("--profile web", &p.sources.join("absent")).contains("no such file"));
    let run = Job::new("batch", &p.sources)
        .flags("-o s3://framemill-out/x --profile web")
        .run();
    assert!(
        run.done.stderr.contains("--work-dir"),
        "{}",
        run.done.stderr
    );
    assert!(!p.out.exists());
}

#[test]
fn jobs_are_seen_stopped_and_tried_again() {
    let p = place();
    fs::copy(clip(1), p.sources.join("a.mp4")).expect("a copy");
    fs::write(p.sources.join("b.mp4"), "no video").expect("a file");
    assert_eq!(p.batch(&p.sources).run().done.code, Some(3));
    let work = p.out.join(".framemill");
    let jobs = |words: &str| {
        let job = Job::bare(&format!("jobs {words}"));
        job.flag("--work-dir", &work).run()
    };
    let listed = lines(&jobs("list --json").done.stdout);
    assert_eq!(listed.len(), 2, "{listed:?}");
    let id = |status: &str| {
        let job = listed.iter().find(|job| job["status"] == status);
        job.expect(status)["job"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    let (done, failed) = (id("done"), id("failed"));
    let shown = jobs(&format!("show {done}"));
    let shown: Value = serde_json::from_slice(&shown.done.stdout).expect("JSON");
    assert_eq!(shown["outputs"].as_array().expect("a list").len(), 2);
    let refused = jobs(&format!("retry {done}"));
    assert_eq!(refused.done.code, Some(2));
    assert!(
        refused.done.stderr.contains("is done"),
        "{}",
        refused.done.stderr
    );
    assert_eq!(jobs(&format!("retry {failed}")).done.code, Some(0));
    assert_eq!(
        lines(&jobs("list --json --status open").done.stdout).len(),
        1
    );
    assert_eq!(jobs(&format!("cancel {failed}")).done.code, Some(0));
    let cancelled = lines(&jobs("list --json --status cancelled").done.stdout);
    assert_eq!(cancelled[0]["job"], failed.as_str());
    assert_eq!(jobs("show 0123456789abcdef-01234567").done.code, Some(2));
    let gone = jobs("gc --older-than 0");
    let text = String::from_utf8_lossy(&gone.done.stdout).into_owned();
    assert!(text.contains("2 jobs forgotten"), "{text}");
    assert!(lines(&jobs("list --json").done.stdout).is_empty());
}
