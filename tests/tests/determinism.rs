// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 5: the same bytes for every number of workers and every order,
//! in every container.

use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::sources::{generated, plain};
use std::path::Path;

/// Ways to run a job that must not change its output.
const WAYS: [&str; 5] = [
    "--workers 2",
    "--workers 7",
    "--workers 1 --order-seed 11",
    "--workers 2 --order-seed 12",
    "--workers 7 --order-seed 13",
];

/// Where two outputs first differ.
fn difference(a: &[u8], b: &[u8]) -> Option<String> {
    let at = a.iter().zip(b).position(|(x, y)| x != y);
    let at = at.or_else(|| (a.len() != b.len()).then(|| a.len().min(b.len())))?;
    Some(format!("byte {at} of {} against {}", a.len(), b.len()))
}

fn same_bytes(source: &Path, container: &str, flags: &str, ways: &[&str]) {
    let folder = place::scratch();
    let output = folder.path().join(format!("out.{container}"));
    let job = Job::transcode(source, &output)
        .flags("--overwrite")
        .flags(flags);
    let wanted = job.clone().flags("--workers 1").ok().bytes();
    for way in ways {
        let run = job.clone().flags(way).ok();
        if let Some(difference) = difference(&wanted, &run.bytes()) {
            panic!("differs from --workers 1 at {difference}: {}", run.line);
        }
    }
}

#[test]
fn x264_in_mp4() {
    same_bytes(
        &plain(),
        "mp4",
        "--codec h264 --preset fast --chunk 9f --audio aac",
        &WAYS,
    );
}

#[test]
fn x264_in_mkv() {
    same_bytes(
        &plain(),
        "mkv",
        "--codec h264 --preset fast --chunk 9f --audio opus",
        &WAYS,
    );
}

#[test]
fn svt_av1_in_mp4() {
    same_bytes(
        &plain(),
        "mp4",
        "--codec av1 --preset fast --chunk 12f",
        &WAYS,
    );
}

#[test]
fn svt_av1_in_mkv() {
    same_bytes(
        &plain(),
        "mkv",
        "--codec av1 --preset fast --chunk 12f",
        &WAYS[..3],
    );
}

#[test]
fn svt_av1_in_webm() {
    same_bytes(
        &plain(),
        "webm",
        "--codec av1 --preset fast --chunk 12f",
        &WAYS[..3],
    );
}

#[test]
fn other_encoders() {
    for (container, flags) in [
        (
            "webm",
            "--codec vp9 --preset fast --chunk 30f --size 160x-1",
        ),
        (
            "webm",
            "--codec vp8 --preset fast --chunk 30f --size 160x-1",
        ),
        ("mp4", "--codec hevc --preset fast --chunk 30f"),
        (
            "mp4",
            "--codec av1 --encoder rav1e --preset fast --chunk 8f --end 0.64 --size 160x-1",
        ),
    ] {
        same_bytes(&plain(), container, flags, &WAYS[1..3]);
    }
}

#[test]
fn rate_control_over_chunks() {
    same_bytes(
        &plain(),
        "mp4",
        "--codec h264 --preset fast --chunk 1s --bitrate 300k",
        &WAYS[..3],
    );
}

#[test]
fn filters_and_tracks() {
    same_bytes(
        &place::sample("interlaced.ts"),
        "mp4",
        "--codec h264 --preset fast --chunk 5f --audio aac",
        &WAYS[1..4],
    );
    same_bytes(
        &place::sample("tracks.mkv"),
        "mkv",
        "--codec vp9 --preset fast --chunk 20f --size 160x-1",
        &WAYS[1..3],
    );
    same_bytes(
        &place::sample("vfr.mp4"),
        "mp4",
        "--codec h264 --preset fast --chunk 20f --fps 30 --size 200x-1",
        &WAYS[1..3],
    );
}

fn four_k() -> std::path::PathBuf {
    generated(
        "four-k.mp4",
        "-f lavfi -i testsrc2=size=3840x2160:rate=24 -frames:v 6 -c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p",
    )
}

#[test]
fn four_k_svt_av1() {
    same_bytes(
        &four_k(),
        "mp4",
        "--codec av1 --preset fast --chunk 3f",
        &["--workers 2", "--workers 7 --order-seed 4"],
    );
}

#[test]
fn four_k_x264() {
    same_bytes(
        &four_k(),
        "mkv",
        "--codec h264 --preset fast --chunk 2f",
        &["--workers 7 --order-seed 4"],
    );
}

#[test]
fn twice_the_same() {
    let folder = place::scratch();
    for container in ["mp4", "mov", "mkv"] {
        let made = |name: &str| {
            let output = folder.path().join(format!("{name}.{container}"));
            Job::transcode(&plain(), &output)
                .flags("--codec h264 --preset fast --chunk 25f --audio aac")
                .ok()
                .bytes()
        };
        let [a, b] = ["a", "another-name"].map(made);
        assert_eq!(difference(&a, &b), None, "two runs into {container}");
    }
}
