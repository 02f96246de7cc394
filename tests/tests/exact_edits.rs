// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked for is what comes out: `--start`, `--end`, `--fps`, `--crop`,
//! `--size`, `--bitrate`.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, Run, CHEAP};
use framemill_tests::sources::{generated, one_gop, plain};
use framemill_tests::{place, streams};
use std::path::Path;

const VIEW: (usize, usize) = (320, 180);

/// Transcodes in chunks of 7 frames and compares with the filtered source.
fn equals(source: &Path, flags: &str, filter: &str) -> Run {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(source, &output)
        .flags(CHEAP)
        .flags("--chunk 7f")
        .flags(flags)
        .ok();
    let found = compare(&Take::of(source).through(filter), &Take::of(&output), VIEW);
    if let Some(fault) = found.fault(33.0) {
        panic!("{fault}\n{}", run.line);
    }
    run
}

#[test]
fn start_and_end() {
    equals(&one_gop(), "--start 1 --end 2.5", "trim=start=1:end=2.5");
    equals(
        &one_gop(),
        "--start 1.001 --end 2.52",
        "trim=start=1.001:end=2.52",
    );
    equals(&one_gop(), "--start 3", "trim=start=3");
    equals(&one_gop(), "--end 0.04", "trim=end_frame=1");
    equals(&plain(), "--end 00:00:01.2", "trim=end=1.2");
}

#[test]
fn start_and_end_count_from_the_start_of_the_file() {
    let source = framemill_tests::sources::generated_from(
        "late-start.mkv",
        "-i @0 -map 0 -c copy -output_ts_offset 12.345",
        &[&plain()],
    );
    equals(&source, "--start 1 --end 2.5", "trim=start=1:end=2.5");
}

#[test]
fn spans_that_hold_nothing_are_refused() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    for (flags, words) in [
        ("--start 2 --end 1", ["start|end", ""]),
        ("--start 99", ["start", "4.0|4 s|end|frame|no"]),
        ("--start 1.001 --end 1.002", ["frame|start|nothing", ""]),
    ] {
        Job::transcode(&one_gop(), &output)
            .flags(CHEAP)
            .flags(flags)
            .fails(2, &words);
    }
}

#[test]
fn frame_rates() {
    equals(&one_gop(), "--fps 24", "fps=24");
    equals(&one_gop(), "--fps 60", "fps=60");
    equals(&one_gop(), "--fps 30000/1001", "fps=30000/1001");
    equals(&one_gop(), "--fps 25", "null");
    equals(&place::sample("vfr.mp4"), "--fps 30", "fps=30");
}

#[test]
fn a_frame_rate_of_a_part() {
    equals(
        &one_gop(),
        "--start 1 --end 3 --fps 10",
        "trim=start=1:end=3,setpts=PTS-STARTPTS,fps=10",
    );
}

#[test]
fn crop_and_size() {
    equals(
        &one_gop(),
        "--crop 160x90+32+20",
        "crop=160:90:32:20:exact=1",
    );
    equals(&one_gop(), "--size 160x-1", "scale=160:90:flags=bicubic");
    equals(&one_gop(), "--size -1x90", "scale=160:90:flags=bicubic");
    equals(&one_gop(), "--size 200x160", "scale=200:160:flags=bicubic");
    let run = equals(&one_gop(), "--crop 100x80+10+8 --size 200x-1 --start 1 --end 2 --fps 20", 
        "trim=start=1:end=2,setpts=PTS-STARTPTS,fps=20,crop=100:80:10:8:exact=1,scale=200:160:flags=bicubic");
    println!("{}", run.line);
}

#[test]
fn sizes_come_out_as_asked() {
    let folder = place::scratch();
    let cases = [
        ("--size 160x-1", (160, 90)),
        ("--size -1x90", (160, 90)),
        ("--size 200x100", (200, 100)),
        ("--crop 128x96", (128, 96)),
    ];
    for (flags, size) in cases {
        let output = folder.path().join("out.mp4");
        let run = Job::transcode(&one_gop(), &output)
            .flags(CHEAP)
            .flags("--end 0.2 --overwrite")
            .flags(flags)
            .ok();
        assert_eq!(streams::streams(&output).size(), size, "{}", run.line);
    }
}

#[test]
fn impossible_edits_are_refused() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    for flags in [
        "--size 0x0",
        "--size 100",
        "--size -1x-1",
        "--size 100000x100000",
        "--size axb",
        "--crop 0x0",
        "--crop 400x100",
        "--crop 100x100+300+0",
        "--fps 0",
        "--fps -5",
        "--fps 1/0",
        "--fps 1e9",
        "--start -1",
        "--start x",
        "--end 0",
    ] {
        let mut job = Job::transcode(&one_gop(), &output);
        let (name, value) = flags.split_once(' ').expect("a flag and its value");
        job = job.flags(&format!("{CHEAP} {name}={value}"));
        job.fails(2, &[name.trim_start_matches('-')]);
    }
}

/// A minute whose parts differ in difficulty.
fn uneven() -> std::path::PathBuf {
    generated(
        "uneven.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=22 -f lavfi -i color=gray:size=320x180:rate=30:duration=12 \
         -f lavfi -i mandelbrot=size=320x180:rate=30:end_pts=200 -f lavfi -i smptebars=size=320x180:rate=30:duration=12 \
         -filter_complex [1:v]noise=alls=12:allf=t+u[n];[2:v]trim=duration=20[m];[0:v][n][m][3:v]concat=n=4:v=1,format=yuv420p \
         -c:v libx264 -preset ultrafast -crf 10",
    )
}

fn bitrate_of(output: &Path) -> f64 {
    let list = streams::packets(output, "v:0");
    let (start, end) = streams::extent(output, "v:0");
    list.iter().map(|p| p.size as f64 * 8.0).sum::<f64>() / (end - start)
}

fn hits_bitrate(flags: &str, container: &str, wanted: f64) {
    let folder = place::scratch();
    let output = folder.path().join(format!("out.{container}"));
    let run = Job::transcode(&uneven(), &output)
        .flags(flags)
        .flags(&format!("--bitrate {wanted}"))
        .ok();
    let got = bitrate_of(&output);
    let off = (got / wanted - 1.0) * 100.0;
    assert!(
        off.abs() <= 3.0,
        "{got:.0} b/s instead of {wanted} ({off:+.1} %): {}",
        run.line
    );
}

#[test]
fn bitrate_x264() {
    hits_bitrate("--codec h264 --preset fast --chunk 5s", "mp4", 400_000.0);
}

#[test]
fn bitrate_svt_av1() {
    hits_bitrate("--codec av1 --preset fast", "mkv", 300_000.0);
}

#[test]
fn bitrate_vp9() {
    hits_bitrate(
        "--codec vp9 --preset fast --chunk 10s --size 160x-1",
        "webm",
        150_000.0,
    );
}

#[test]
fn highest_bitrate_is_kept() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&uneven(), &output)
        .flags("--codec h264 --preset fast --bitrate 400k --maxrate 600k --chunk 5s")
        .ok();
    let list = streams::packets(&output, "v:0");
    let mut worst = 0.0_f64;
    for from in 0..60 {
        let window = f64::from(from)..f64::from(from) + 4.0;
        worst = worst.max(
            list.iter()
                .filter(|p| window.contains(&p.pts))
                .map(|p| p.size as f64 * 8.0)
                .sum::<f64>()
                / 4.0,
        );
    }
    assert!(
        worst <= 600_000.0 * 1.35,
        "{worst:.0} b/s over four seconds: {}",
        run.line
    );
}
