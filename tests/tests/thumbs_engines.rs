// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill thumb` on engines: the same files as threads of one process make, a broken
//! picture stops no other, and a second run takes what the first has left.

use framemill_tests::place;
use framemill_tests::process::{ffmpeg, Done, Running};
use framemill_tests::worker::HttpWorker;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Six pictures of which one is broken, and a video.
fn sources(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for n in 0..5 {
        let name = format!("{n}.{}", ["png", "jpg"][n % 2]);
        let source = format!("testsrc2=size={}x180:rate=1:duration=1", 240 + 40 * n);
        let to = folder.join(&name).display().to_string();
        let _ = ffmpeg(&["-f", "lavfi", "-i", &source, "-frames:v", "1", "-y", &to]);
        names.push(name);
    }
    fs::write(folder.join("broken.png"), b"\x89PNG\r\n\x1a\nand no more").expect("room");
    fs::copy(place::sample("bigbuckbunny.mp4"), folder.join("clip.mp4")).expect("room");
    names.extend(["broken.png", "clip.mp4"].map(str::to_owned));
    names
}

fn thumb(folder: &Path, output: &str, flags: &str) -> Done {
    let mut command = Command::new(place::binary());
    command.arg("thumb").args(sources_of(folder));
    command.args(["-o", output, "--sizes", "64,50x50", "--format", "webp"]);
    command.args(flags.split_whitespace()).current_dir(folder);
    Running::start(command).finish()
}

fn sources_of(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("a file"))
        })
        .collect()
}

#[test]
fn all_engines_make_the_same_files() {
    let folder = place::scratch();
    let at = |name: &str| folder.path().join(name);
    let made = 2 * (sources(folder.path()).len() - 1);
    let worker = HttpWorker::start("--concurrency 2");
    let http = format!(
        "--engine http --engine-url {} --work-dir {}",
        worker.url("run"),
        at("work-http").display()
    );
    let host = "--engine host --workers 2 --work-dir work-host".to_owned();
    let mut first = None;
    for (output, flags) in [("local", String::new()), ("host", host), ("http", http)] {
        let done = thumb(folder.path(), output, &flags);
        assert_eq!(done.code, Some(3), "{output}: {}", done.stderr);
        let said = format!("{made} thumbnails");
        for part in ["framemill: broken.png: ", &said, "2 failed"] {
            assert!(done.stderr.contains(part), "{output}: {}", done.stderr);
        }
        let files = files(&at(output));
        assert_eq!(files.len(), made, "{output}");
        assert!(
            *first.get_or_insert_with(|| files.clone()) == files,
            "{output}"
        );
    }
}

#[test]
fn a_second_run_takes_what_the_first_has_left() {
    let folder = place::scratch();
    let at = |name: &str| folder.path().join(name);
    sources(folder.path());
    let run = |output: &str| thumb(folder.path(), output, "--work-dir work");
    assert_eq!(run("one").code, Some(3));
    let results = || {
        // Records tell what each attempt cost, too.
        let mut results = files(&at("work/out"));
        results.retain(|name, _| !name.ends_with(".json"));
        results
    };
    let first = results();
    // A result that was harmed since is made again; the others are what they were.
    let harmed = first
        .keys()
        .find(|name| name.ends_with(".0"))
        .expect("a result");
    fs::write(at("work/out").join(harmed), b"harmed").expect("room");
    let stamp = |name: &str| {
        let file = fs::metadata(at("work/out").join(name)).expect("a file");
        file.modified().expect("a time")
    };
    let before: BTreeMap<_, _> = first.keys().map(|name| (name, stamp(name))).collect();
    assert_eq!(run("two").code, Some(3));
    assert!(files(&at("one")) == files(&at("two")));
    assert!(results() == first);
    let (key, _) = harmed.split_once('.').expect("a key");
    for (name, before) in before {
        let again = stamp(name) != before;
        assert_eq!(again, name.starts_with(key), "{name}");
    }
}

#[test]
fn engines_that_do_not_reach_the_results_are_refused() {
    let folder = place::scratch();
    sources(folder.path());
    for flags in [
        "--engine host",
        "--engine http --engine-url http://127.0.0.1:9/",
        "--engine lambda --function f",
        "--engine lambda",
        "--engine host --work-dir mem:x",
        "--work-dir https://127.0.0.1/x",
    ] {
        let done = thumb(folder.path(), "out", flags);
        assert_eq!(done.code, Some(2), "{flags}: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{flags}: {}", done.stderr);
    }
    assert!(!folder.path().join("out").exists());
}
