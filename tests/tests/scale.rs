// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 6: thousands of chunks with few open files; memory that does
//! not grow with the length of the source.

use framemill_tests::frames::Take;
use framemill_tests::job::{Job, Run};
use framemill_tests::place;
use framemill_tests::sources::{generated, generated_from};
use framemill_tests::streams;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Tiny pictures, this many, a key frame every 12.
fn long(frames: u64) -> PathBuf {
    let piece = generated(
        "piece.mp4",
        "-f lavfi -i testsrc2=size=64x64:rate=60 -frames:v 1500 -c:v libx264 -preset ultrafast -crf 30 -g 12 -bf 0 -pix_fmt yuv420p",
    );
    let loops = frames / 1500 - 1;
    generated_from(
        &format!("long-{frames}.mp4"),
        &format!("-stream_loop {loops} -i @0 -c copy"),
        &[&piece],
    )
}

fn tiny(source: &Path, output: &Path, chunk: &str) -> (Run, Value) {
    let flags = "--codec h264 --encoder-opt preset=ultrafast --crf 40 --size 32x32 --workers 2";
    Job::transcode(source, output)
        .flags(flags)
        .flag("--chunk", chunk)
        // Freed blocks that threads keep for themselves would count as in use.
        .after("ulimit -n 256; export GLIBC_TUNABLES=glibc.malloc.tcache_count=0")
        .reported()
}

/// Heap in use when all chunks were done.
fn live(report: &Value) -> u64 {
    report["totals"]["live_memory"].as_u64().unwrap_or(0)
}

#[test]
fn thousands_of_chunks_and_few_files() {
    let folder = place::scratch();
    let (short, source) = (long(7_500), long(31_500));
    let (_, few) = tiny(&short, &folder.path().join("short.mp4"), "6f");
    assert_eq!(few["totals"]["chunks"], 1250, "{}", few["totals"]);
    let output = folder.path().join("long.mp4");
    let (run, report) = tiny(&source, &output, "6f");
    assert!(
        report["totals"]["chunks"].as_u64() > Some(5000),
        "{}",
        report["totals"]
    );
    assert_eq!(report["totals"]["frames"], 31_500, "{}", report["totals"]);
    let list = streams::packets(&output, "v:0");
    assert_eq!(list.len(), 31_500, "{}", run.line);
    assert_eq!(
        streams::decoding_fault(&output, "v:0"),
        None,
        "{}",
        run.line
    );
    assert_eq!(Take::of(&output).times().pts.len(), 31_500, "{}", run.line);

    let [small, large] = [&few, &report].map(live);
    let grown = large.saturating_sub(small);
    println!(
        "live memory: {small} bytes for 7,500 frames, {large} bytes for 31,500: {:.0} a frame",
        grown as f64 / 24_000.0
    );
    // Index, plan, and what each of the 4,000 chunks more leaves behind.
    let allowed = 24_000 * 64;
    assert!(
        small > 0 && grown <= allowed,
        "{grown} bytes more for 24,000 frames more, {allowed} are allowed: {}",
        run.line
    );
}

#[test]
fn a_chunk_for_every_frame() {
    let folder = place::scratch();
    let output = folder.path().join("out.mkv");
    let (run, report) = tiny(&long(1_500), &output, "1f");
    assert_eq!(
        (
            report["totals"]["chunks"].as_u64(),
            report["totals"]["frames"].as_u64()
        ),
        (Some(1500), Some(1500)),
        "{}",
        run.line
    );
    assert!(
        streams::packets(&output, "v:0").iter().all(|p| p.key),
        "{}",
        run.line
    );
}

#[test]
fn memory_is_bounded_by_the_pictures() {
    let folder = place::scratch();
    let source = generated(
        "hd.mp4",
        "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=4 -c:v libx264 -preset ultrafast -crf 20 -g 25 -pix_fmt yuv420p",
    );
    let double = generated_from("hd-long.mp4", "-stream_loop 3 -i @0 -c copy", &[&source]);
    let peak = |source: &Path, name: &str| {
        let output = folder.path().join(name);
        let flags = "--codec h264 --preset fast --chunk 25f --workers 2";
        let (run, report) = Job::transcode(source, &output).flags(flags).reported();
        let list = report["invocations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let told = list
            .iter()
            .filter_map(|i| i["peak_memory"].as_u64())
            .max()
            .unwrap_or(0);
        assert!(
            told > 0 && told <= run.done.peak_memory * 11 / 10 + (32 << 20),
            "{told} is told, {} was seen",
            run.done.peak_memory
        );
        run.done.peak_memory
    };
    let (short, long) = (peak(&source, "short.mp4"), peak(&double, "long.mp4"));
    println!("peak memory: {short} bytes for 100 pictures, {long} bytes for 400");
    // What is freed is not always given back, so that a longer run may need somewhat more.
    assert!(
        long <= short * 8 / 5 + (24 << 20),
        "{short} bytes for 100 pictures, {long} bytes for 400"
    );
    assert!(
        long < 1280 * 720 * 3 / 2 * 500,
        "{long} bytes are more than 500 pictures"
    );
}

#[test]
fn planning_does_not_read_the_media() {
    let folder = place::scratch();
    let source = long(60_000);
    let plan = Job::new("plan", &source)
        .to(&folder.path().join("out.mp4"))
        .flags("--codec h264 --json --chunk 12f")
        .json();
    assert_eq!(plan["frames"], 60_000, "{}", plan["tasks"]);
    let chunks = plan["chunks"].as_array().expect("chunks");
    assert_eq!(
        (chunks.len(), plan["tasks"]["encode"].as_u64()),
        (5000, Some(5000))
    );
    assert_eq!(
        chunks
            .iter()
            .filter_map(|c| c["frames"].as_u64())
            .sum::<u64>(),
        60_000
    );
    let starts = chunks.windows(2).all(|w| {
        (w[0]["end_s"].as_f64().unwrap_or(0.0) - w[1]["start_s"].as_f64().unwrap_or(1.0)).abs()
            < 1e-6
    });
    assert!(starts, "chunks tile the source");
}
