// SPDX-License-Identifier: MIT OR Apache-2.0
//! What cannot be done is refused before any work, in one line, with exit 2.

use framemill_tests::job::{work_dir, Job, CHEAP};
use framemill_tests::place;
use framemill_tests::sources::{one_gop, plain};
use std::fs;

/// Refused with exit 2 and words, and nothing was begun.
fn refused(name: &str, flags: &str, words: &[&str]) {
    let folder = place::scratch();
    let output = folder.path().join(name);
    let run = Job::transcode(&plain(), &output)
        .flags(flags)
        .fails(2, words);
    assert!(
        !work_dir(&output).exists(),
        "{}: a work folder for nothing",
        run.line
    );
    assert_eq!(
        fs::read_dir(folder.path()).expect("the folder").count(),
        0,
        "{}: something is left",
        run.line
    );
}

#[test]
fn containers_refuse_what_they_cannot_hold() {
    let cases: [(&str, &str, &[&str]); 12] = [
        (
            "a.webm",
            "--codec h264",
            &["webm", "h264", "vp9|av1|mp4|mkv"],
        ),
        (
            "a.webm",
            "--codec hevc",
            &["webm", "hevc", "vp9|av1|mp4|mkv"],
        ),
        ("a.mp4", "--codec vp8", &["mp4", "vp8", "webm|mkv"]),
        ("a.mov", "--codec av1", &["mov", "av1", "mp4|mkv|webm"]),
        ("a.mov", "--codec vp9", &["mov", "vp9", "mp4|mkv|webm"]),
        ("a.mov", "--codec vp8", &["mov", "vp8", "mkv|webm"]),
        ("a.mov", "", &["mov", "av1"]),
        (
            "a.webm",
            "--codec vp9 --audio aac",
            &["webm", "aac", "opus"],
        ),
        (
            "a.webm",
            "--codec vp9 --audio copy",
            &["webm", "aac", "opus|mkv|mp4"],
        ),
        (
            "a.mov",
            "--codec h264 --audio opus",
            &["mov", "opus", "aac|mp4|mkv"],
        ),
        ("a.xyz", "--codec h264", &["xyz", "mp4|mkv"]),
        (
            "noextension",
            "--codec h264",
            &["noextension|extension", "mp4|mkv"],
        ),
    ];
    for (name, flags, words) in cases {
        refused(name, flags, words);
    }
}

#[test]
fn encoders_refuse_what_they_cannot_do() {
    let cases: [(&str, &[&str]); 9] = [
        ("--codec h264 --encoder svt-av1", &["svt-av1", "x264"]),
        ("--codec av1 --encoder x264", &["x264", "svt-av1|rav1e"]),
        ("--codec vp9 --encoder nonsense", &["nonsense", "libvpx"]),
        ("--codec h264 --crf 99", &["crf", "51"]),
        ("--codec av1 --crf 64", &["crf", "63"]),
        ("--codec h264 --crf 20 --bitrate 1M", &["crf", "bitrate"]),
        ("--codec h264 --maxrate 1M", &["bitrate"]),
        ("--codec h264 --bitrate 0", &["bitrate"]),
        ("--codec h264 --encoder-opt nonsense=1", &["nonsense"]),
    ];
    for (flags, words) in cases {
        refused("a.mkv", flags, words);
    }
}

#[test]
fn flags_refuse_nonsense() {
    for flags in [
        "--codec mpeg2",
        "--chunk 0f",
        "--chunk abc",
        "--chunk 0s",
        "--chunk=-1s",
        "--workers 0",
        "--workers many",
        "--engine cloud",
        "--preset warp",
        "--hdr maybe",
        "--audio mp3",
        "--damaged perhaps",
        "--bitrate fast",
        "--encoder-opt preset",
        "--nonsense",
        "--subtitles burn",
        "--log-level loud",
    ] {
        refused(
            "a.mkv",
            flags,
            &[flags
                .trim_start_matches('-')
                .split([' ', '='])
                .next()
                .unwrap_or_default()],
        );
    }
}

#[test]
fn an_existing_output_needs_overwrite() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    fs::write(&output, b"precious").expect("a file");
    let run = Job::transcode(&one_gop(), &output)
        .flags(CHEAP)
        .flags("--quiet")
        .run();
    assert_eq!(run.done.code, Some(2), "{}: {}", run.line, run.done.stderr);
    assert!(run.done.stderr.contains("overwrite"), "{}", run.done.stderr);
    assert_eq!(fs::read(&output).expect("the file"), b"precious");
    let run = Job::transcode(&one_gop(), &output)
        .flags(CHEAP)
        .flags("--overwrite")
        .ok();
    assert!(run.bytes().len() > 10_000, "{}", run.line);
}

#[test]
fn the_source_is_not_overwritten() {
    let folder = place::scratch();
    let source = folder.path().join("source.mp4");
    fs::copy(one_gop(), &source).expect("a copy");
    let before = fs::read(&source).expect("the copy");
    let link = folder.path().join("link.mp4");
    std::os::unix::fs::symlink(&source, &link).expect("a link");
    for output in [
        &source,
        &folder
            .path()
            .join("../")
            .join(folder.path().file_name().expect("a name"))
            .join("source.mp4"),
        &link,
    ] {
        let run = Job::transcode(&source, output)
            .flags(CHEAP)
            .flags("--overwrite --quiet")
            .run();
        assert_eq!(run.done.code, Some(2), "{}: {}", run.line, run.done.stderr);
        assert_eq!(
            fs::read(&source).expect("the source"),
            before,
            "{}: the source has changed",
            run.line
        );
    }
}
