// SPDX-License-Identifier: MIT OR Apache-2.0
//! Chunks that continue from the state of the one before: the same bytes
//! however they are made, one key frame a batch, and pictures that decode.

use framemill_tests::job::{work_dir, Job};
use framemill_tests::place;
use framemill_tests::process::{ffmpeg, Signal};
use framemill_tests::sources::{generated, plain};
use framemill_tests::streams;
use framemill_tests::work::{data_files, Harm};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// 34 chunks of 100 frames in batches of 9, 9, 9 and 7.
const FLAGS: &str =
    "--codec vp8 --seam rebase --chunk 3f --batch 9 --preset fast --crf 30 --size 160x-1 --audio none";

fn job(output: &Path) -> Job {
    Job::transcode(&plain(), output).flags(FLAGS)
}

/// The bytes of a run by one worker, and how long it took.
fn whole() -> &'static (Vec<u8>, f64) {
    static WHOLE: OnceLock<(Vec<u8>, f64)> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = place::scratch();
        let output = folder.path().join("out.webm");
        let run = job(&output).flags("--workers 1 --verify").ok();
        (run.bytes(), run.done.seconds)
    })
}

/// Video packets that are key frames, by number.
fn keys(path: &Path) -> Vec<usize> {
    let words = "-v error -select_streams v -show_entries packet=flags -of csv=p=0";
    let output = std::process::Command::new("ffprobe")
        .args(words.split(' '))
        .arg(path)
        .output()
        .expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let packets = text.lines().enumerate();
    let keys = packets.filter(|(_, flags)| flags.starts_with('K'));
    keys.map(|(n, _)| n).collect()
}

#[test]
fn one_key_frame_a_batch_and_all_frames_decode() {
    let folder = place::scratch();
    for container in ["webm", "mkv"] {
        let output = folder.path().join(format!("out.{container}"));
        let (_, report) = job(&output).flags("--verify").reported();
        assert_eq!(keys(&output), [0, 27, 54, 81]);
        let invocations = report["invocations"].as_array().expect("a list");
        let count = |kind: &str| invocations.iter().filter(|i| i["kind"] == kind).count();
        assert_eq!((count("encode"), count("rebase")), (34, 30));
        // Silence means that FFmpeg's own decoder is content.
        let words = ["-v", "error", "-i"].map(String::from);
        let mut words = words.to_vec();
        words.push(output.display().to_string());
        words.extend(["-f", "null", "-"].map(String::from));
        let _ = ffmpeg(&words);
    }
}

#[test]
fn the_same_bytes_for_any_workers_and_order() {
    let folder = place::scratch();
    let output = folder.path().join("out.webm");
    for way in [
        "--workers 2",
        "--workers 7",
        "--workers 1 --order-seed 11",
        "--workers 2 --order-seed 12",
        "--workers 7 --order-seed 13",
    ] {
        let run = job(&output).flags("--overwrite").flags(way).ok();
        assert!(run.bytes() == whole().0, "other bytes: {}", run.line);
    }
}

#[test]
fn the_same_bytes_after_kills() {
    let seconds = whole().1;
    for seed in 0..4 {
        let folder = place::scratch();
        let output = folder.path().join("out.webm");
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..2 {
            let delay = Duration::from_secs_f64(random.random_range(0.0..seconds));
            let started = Instant::now();
            let mut running = job(&output).flags("--workers 3").start();
            if running.wait_until(|| started.elapsed() >= delay) {
                break;
            }
            running.signal(Signal::KILL);
            running.finish();
        }
        let _ = fs::remove_file(&output);
        let run = job(&output).ok();
        assert!(run.bytes() == whole().0, "seed {seed}: other bytes");
    }
}

/// A work folder where everything is done but the stitch, which could not write.
fn stuck_before_stitch(folder: &Path) -> PathBuf {
    let output = folder.join("out.webm");
    let limit = whole().0.len() / 1024 * 3 / 4;
    let stuck = job(&output).after(&format!("ulimit -f {limit}; trap '' XFSZ"));
    stuck.fails(3, &[]);
    output
}

/// Invocations that do real work, by kind.
fn redone(report: &Value) -> Vec<&str> {
    let list = report["invocations"].as_array().expect("a list");
    let kinds = list.iter().filter_map(|i| i["kind"].as_str());
    kinds.filter(|k| *k != "stitch").collect()
}

#[test]
fn harmed_results_are_made_again_and_nothing_else() {
    let folder = place::scratch();
    for (extension, harm) in [
        ("state", Harm::BitFlipped),
        ("state", Harm::Deleted),
        ("data", Harm::BitFlipped),
        ("json", Harm::Truncated),
    ] {
        let _ = fs::remove_dir_all(folder.path().join(".out.webm.framemill"));
        let _ = fs::remove_file(folder.path().join("out.webm"));
        let output = stuck_before_stitch(folder.path());
        let files = data_files(&work_dir(&output));
        let files = files.iter().map(|f| f.with_extension(extension));
        let files: Vec<_> = files.filter(|f| f.is_file()).collect();
        assert!(files.len() > 25, "{extension}: {}", files.len());
        harm.to(&files[files.len() / 2]);
        let (run, report) = job(&output).reported();
        assert!(run.bytes() == whole().0, "{extension} {harm:?}");
        assert_eq!(redone(&report).len(), 1, "{extension} {harm:?}: {report}");
    }
}

#[test]
fn a_constant_rate_and_deinterlacing() {
    let folder = place::scratch();
    for (source, flags) in [
        ("vfr.mp4", "--fps 30 --size 200x-1"),
        ("vfr.mp4", "--fps 7 --size 200x-1"),
        ("interlaced.ts", "--size 160x-1"),
    ] {
        let bytes = ["--workers 1", "--workers 5 --order-seed 3"].map(|way| {
            let output = folder.path().join("out.webm");
            let job = Job::transcode(&place::sample(source), &output)
                .flags("--overwrite --codec vp8 --seam rebase --chunk 5f --batch 4 --preset fast");
            job.flags("--audio none --verify")
                .flags(flags)
                .flags(way)
                .ok()
                .bytes()
        });
        assert!(bytes[0] == bytes[1], "{source} {flags}: other bytes");
    }
}

/// Six seconds, two of them hard to code.
fn burst() -> PathBuf {
    generated(
        "burst.mkv",
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=6 -vf noise=alls=40:allf=t:enable='between(t,2,4)' \
         -c:v libx264 -preset ultrafast -crf 10",
    )
}

/// Bits a second, and how empty a buffer of two seconds of `max` ever gets.
fn rate(output: &Path, max: f64) -> (f64, f64) {
    let packets = streams::packets(output, "v:0");
    let (start, end) = streams::extent(output, "v:0");
    let bits = |size: u64| size as f64 * 8.0;
    let total: f64 = packets.iter().map(|p| bits(p.size)).sum();
    let (mut level, mut least, mut before) = (2.0 * max, 2.0 * max, start);
    for packet in &packets {
        level = (level + max * (packet.pts - before)).min(2.0 * max) - bits(packet.size);
        least = least.min(level);
        before = packet.pts;
    }
    (total / (end - start), least / max)
}

#[test]
fn a_bit_rate_is_met_and_a_limit_kept() {
    let folder = place::scratch();
    let run = |rate: &str, way: &str| {
        let output = folder.path().join("out.webm");
        let job = Job::transcode(&burst(), &output);
        let job = job.flags("--overwrite --codec vp8 --seam rebase --batch 10 --preset fast");
        let run = job.flags(rate).flags(way).ok();
        let stderr = &run.done.stderr;
        assert!(!stderr.contains("bit rate"), "{}: {stderr}", run.line);
        (run.bytes(), output)
    };
    let (free, output) = run("--bitrate 400k", "--workers 1");
    let (got, least) = rate(&output, 480e3);
    assert!((got / 400e3 - 1.0).abs() < 0.03, "{got} b/s");
    assert!(least < 0.0, "the limit would be kept without one: {least}");
    assert!(run("--bitrate 400k", "--workers 5 --order-seed 2").0 == free);
    for pass in ["own", "libvpx"] {
        let way = format!("--workers 2 --first-pass {pass}");
        let (_, output) = run("--bitrate 400k --maxrate 480k", &way);
        let (got, least) = rate(&output, 480e3);
        assert!((got / 400e3 - 1.0).abs() < 0.03, "{pass}: {got} b/s");
        assert!(least >= 0.0, "{pass}: the buffer lacks {least} s");
    }
}

#[test]
fn drafts_may_be_made_by_libvpx() {
    let folder = place::scratch();
    let bytes = ["--workers 1", "--workers 5 --order-seed 3"].map(|way| {
        let output = folder.path().join("out.webm");
        let job = job(&output).flags("--overwrite --verify --first-pass libvpx");
        let bytes = job.flags(way).ok().bytes();
        assert_eq!(keys(&output), [0, 27, 54, 81]);
        bytes
    });
    assert!(bytes[0] == bytes[1] && bytes[0] != whole().0);
}

#[test]
fn batches_begin_at_scenes() {
    let folder = place::scratch();
    let output = folder.path().join("out.webm");
    let flags = "--codec vp8 --seam rebase --chunk scenes --batch 2 --preset fast --crf 30";
    let run = Job::transcode(&plain(), &output).flags(flags);
    run.flags("--size 160x-1 --audio none --verify").ok();
    let keys = keys(&output);
    // Chunks have 24 frames at most, so none of two is longer than 48.
    assert!(
        keys.len() >= 3 && keys.windows(2).all(|k| k[1] - k[0] <= 48),
        "{keys:?}"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = place::scratch();
    let cases: [(&str, &str, &[&str]); 8] = [
        ("a.webm", "--codec vp9", &["rebase", "vp9", "vp8"]),
        ("a.mp4", "--codec vp8", &["mp4", "webm"]),
        (
            "a.webm",
            "--codec vp8 --bitrate 1M --maxrate 900k",
            &["maxrate", "bitrate"],
        ),
        ("a.webm", "--codec vp8 --chunk 60f", &["60 frames", "48"]),
        (
            "a.webm",
            "--codec vp8 --encoder libvpx",
            &["libvpx", "framemill"],
        ),
        (
            "a.webm",
            "--codec vp8 --encoder-opt x=1",
            &["encoder-opt x"],
        ),
        ("a.webm", "--codec vp8 --crf 64", &["crf", "63"]),
        (
            "a.webm",
            "--codec vp8 --size 16384x16",
            &["16384x16", "large"],
        ),
    ];
    for (name, flags, words) in cases {
        let job = Job::transcode(&plain(), &folder.path().join(name));
        job.flags("--seam rebase").flags(flags).fails(2, words);
    }
    let job = Job::transcode(&plain(), &folder.path().join("a.webm"));
    job.flags("--codec vp8 --seam rebase --batch 0")
        .fails(2, &["batch"]);
    for alone in ["--first-pass libvpx", "--batch 5", "--parallelism 5"] {
        let job = Job::transcode(&plain(), &folder.path().join("a.webm"));
        let name = alone.trim_start_matches('-');
        let name = name.split(' ').next().unwrap();
        job.flags("--codec vp8")
            .flags(alone)
            .fails(2, &[name, "seam rebase"]);
    }
}

#[test]
fn lengths_are_chosen_by_what_is_declared() {
    let plan = |flags: &str| {
        let job = Job::new("plan", &plain()).flags("--json --codec vp8 --seam rebase");
        let plan = job.flags(flags).json();
        let batch = &plan["batch"];
        let number = |name: &str| batch[name].as_u64().unwrap();
        let chosen = (number("frames_a_chunk"), number("chunks"));
        let frames = plan["chunks"][0]["frames"].as_u64().unwrap();
        assert_eq!(frames, chosen.0);
        (chosen, batch["expected_s"].as_f64().unwrap())
    };
    let (usual, seconds) = plan("");
    assert_eq!(usual.0 * usual.1, 240);
    for workers in [1, 7] {
        assert_eq!(plan(&format!("--workers {workers}")), (usual, seconds));
    }
    assert_eq!(plan("--parallelism 1").0 .0, 24);
    let (hurried, sooner) = plan("--deadline 0.01");
    assert!(
        sooner < seconds && hurried.0 * hurried.1 < 240,
        "{hurried:?}"
    );
    assert_eq!(plan("--chunk 10f --batch 3").0, (10, 3));
}
