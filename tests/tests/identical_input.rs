// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 2: what a worker feeds its encoder is that stretch of a linear
//! run, filters included, and it reads little more than its packets.

use framemill_codec::dsp::Level;
use framemill_tests::boxes::{oriented, ORIENTATIONS};
use framemill_tests::frames::Times;
use framemill_tests::pictures::{fed, linear, Fed};
use framemill_tests::sources::{generated, one_gop, plain};
use framemill_tests::{manifest, place};
use std::path::Path;

/// One linear run.
const LINEAR: &str = "1000000f";

fn feed(source: &Path, flags: &str, chunk: &str) -> Fed {
    fed(source, &format!("{flags} --chunk {chunk}"))
}

/// Every chunking gives the linear run's pictures; that run is given.
fn same_in_chunks(source: &Path, flags: &str, chunks: &[&str]) -> Fed {
    let whole = feed(source, flags, LINEAR);
    assert_eq!(whole.chunk_count(), 1, "{}: a linear run", source.display());
    for chunk in chunks {
        let parts = feed(source, flags, chunk);
        assert!(
            parts.chunk_count() > 1,
            "{}: --chunk {chunk} makes chunks",
            source.display()
        );
        if let Some(difference) = parts.differs_from(&whole) {
            panic!(
                "{} {flags} --chunk {chunk}, chunks against the linear run: {difference}",
                source.display()
            );
        }
        if let Some(greedy) = parts.reads_too_much() {
            panic!("{} {flags} --chunk {chunk}: {greedy}", source.display());
        }
    }
    whole
}

/// The linear run is FFmpeg's own, through `filter`.
fn same_as_ffmpeg(source: &Path, whole: &Fed, filter: &str, pix_fmt: &str) -> Times {
    let (times, hashes) = linear(source, filter, pix_fmt);
    if let Some(difference) = whole.hashes_differ_from(&hashes) {
        panic!(
            "{}, framemill's linear run against ffmpeg's: {difference}",
            source.display()
        );
    }
    times
}

#[test]
fn on_and_off_key_frames() {
    // Key frames are 25 apart: on them, off them, inside B-frame groups, one frame a chunk.
    let whole = same_in_chunks(&plain(), "--codec h264", &["25f", "10f", "7f", "1s", "1f"]);
    let times = same_as_ffmpeg(&plain(), &whole, "", "yuv420p");
    let (first, pts) = (whole.pictures[0].0, whole.pictures.iter().map(|p| p.0));
    let shifted: Vec<i64> = pts.map(|p| p - first).collect();
    let wanted: Vec<i64> = times.pts.iter().map(|p| p - times.pts[0]).collect();
    assert_eq!(
        shifted, wanted,
        "times of the pictures in {}",
        whole.time_base
    );
}

#[test]
fn inside_one_long_gop() {
    let whole = same_in_chunks(&one_gop(), "--codec h264", &["13f", "40f"]);
    same_as_ffmpeg(&one_gop(), &whole, "", "yuv420p");
}

/// VP8 is decoded by our own decoder, all else by libav's. `--simd` chooses its
/// kernels, which all give the same pictures.
#[test]
fn vp8_sources() {
    let base = "-f lavfi -i testsrc2=size=322x242:rate=25:duration=4 -vf crop=321:241:0:0:exact=1,format=yuv420p";
    let hidden = generated(
        "vp8-altref.webm",
        &format!("{base} -c:v libvpx -b:v 300k -g 40 -auto-alt-ref 1 -lag-in-frames 16 -arnr-maxframes 5"),
    );
    let whole = same_in_chunks(&hidden, "--codec vp9", &["25f", "7f", "1f"]);
    same_as_ffmpeg(&hidden, &whole, "", "yuv420p");
    let simple = generated(
        "vp8-profile-3.webm",
        &format!("{base} -c:v libvpx -b:v 200k -g 30 -profile:v 3 -slices 4"),
    );
    let whole = same_in_chunks(&simple, "--codec vp9", &["30f", "11f"]);
    same_as_ffmpeg(&simple, &whole, "", "yuv420p");
    for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
        let at_level = feed(&hidden, &format!("--codec vp9 --simd {level}"), "25f");
        same_as_ffmpeg(&hidden, &at_level, "", "yuv420p");
    }
}

#[test]
fn chunks_by_scene_and_by_rule() {
    let source = generated(
        "scenes.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -f lavfi -i mandelbrot=size=320x180:rate=25 \
         -f lavfi -i smptebars=size=320x180:rate=25:duration=2 -filter_complex [1:v]trim=duration=2[m];[0:v][m][2:v]concat=n=3:v=1,format=yuv420p \
         -c:v libx264 -preset veryfast -crf 18",
    );
    let whole = feed(&source, "--codec h264", LINEAR);
    for chunk in ["scenes", "auto"] {
        let parts = feed(&source, "--codec h264", chunk);
        assert_eq!(parts.differs_from(&whole), None, "--chunk {chunk}");
    }
    same_as_ffmpeg(&source, &whole, "", "yuv420p");
}

#[test]
fn open_gops() {
    let base = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4";
    let x264 = generated(
        "open-x264.mp4",
        &format!("{base} -c:v libx264 -preset veryfast -crf 16 -x264-params open-gop=1:keyint=20:min-keyint=20:bframes=3:b-adapt=0:scenecut=0"),
    );
    let whole = same_in_chunks(&x264, "--codec h264", &["20f", "9f"]);
    same_as_ffmpeg(&x264, &whole, "", &linear_format(&x264));
    let x265 = generated(
        "open-x265.mp4",
        &format!("{base} -c:v libx265 -preset veryfast -crf 14 -x265-params open-gop=1:keyint=20:min-keyint=20:bframes=4:b-adapt=0:scenecut=0:log-level=none"),
    );
    let whole = same_in_chunks(&x265, "--codec h264", &["20f", "9f"]);
    same_as_ffmpeg(&x265, &whole, "format=yuv420p", "yuv420p");
}

/// Sources that are not 4:2:0 are converted, which FFmpeg does with other flags.
fn linear_format(source: &Path) -> String {
    let streams = framemill_tests::streams::streams(source);
    streams.video()["pix_fmt"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn scaled() {
    same_in_chunks(&plain(), "--codec h264 --size 200x-1", &["25f", "9f"]);
    same_in_chunks(
        &plain(),
        "--codec h264 --size 200x100 --crop 300x150+10+10",
        &["9f"],
    );
}

#[test]
fn cropped() {
    let whole = same_in_chunks(&plain(), "--codec h264 --crop 160x90+32+20", &["9f"]);
    same_as_ffmpeg(&plain(), &whole, "crop=160:90:32:20:exact=1", "yuv420p");
}

#[test]
fn deinterlaced() {
    let source = place::sample("interlaced.ts");
    let whole = same_in_chunks(&source, "--codec h264", &["12f", "5f", "1f"]);
    same_as_ffmpeg(
        &source,
        &whole,
        "bwdif=mode=send_frame:parity=auto:deint=all",
        "yuv420p",
    );
    same_in_chunks(&source, "--codec h264 --size 360x288", &["7f"]);
    let whole = same_in_chunks(&source, "--codec h264 --keep-interlaced", &["7f"]);
    same_as_ffmpeg(&source, &whole, "", "yuv420p");
}

#[test]
fn at_another_rate() {
    for rate in ["24", "60", "10", "30000/1001"] {
        same_in_chunks(
            &plain(),
            &format!("--codec h264 --fps {rate}"),
            &["25f", "7f"],
        );
    }
    let whole = feed(&plain(), "--codec h264 --fps 60", LINEAR);
    same_as_ffmpeg(&plain(), &whole, "fps=60", "yuv420p");
    same_in_chunks(&place::sample("vfr.mp4"), "--codec h264 --fps 30", &["11f"]);
    same_in_chunks(
        &place::sample("interlaced.ts"),
        "--codec h264 --fps 50",
        &["7f"],
    );
}

#[test]
fn a_part_of_the_source() {
    let whole = same_in_chunks(
        &plain(),
        "--codec h264 --start 0.5 --end 3.3",
        &["25f", "9f"],
    );
    same_as_ffmpeg(&plain(), &whole, "trim=start=0.5:end=3.3", "yuv420p");
    let fields = place::sample("interlaced.ts");
    let part = same_in_chunks(&fields, "--codec h264 --start 0.4 --end 0.8", &["3f"]);
    assert!(part.pictures.len() >= 9, "{} pictures", part.pictures.len());
}

#[test]
fn turned() {
    // Without an output that could hold a display matrix, pixels are turned.
    let source = oriented(&plain(), &ORIENTATIONS[0]);
    let whole = same_in_chunks(&source, "--codec vp9", &["9f"]);
    same_as_ffmpeg(&source, &whole, "transpose=clock", "yuv420p");
}

#[test]
fn tone_mapped() {
    same_in_chunks(&place::sample("hdr10.mp4"), "--codec h264", &["11f"]);
    let whole = same_in_chunks(&place::sample("hdr10.mp4"), "--codec hevc", &["11f"]);
    same_as_ffmpeg(&place::sample("hdr10.mp4"), &whole, "", "yuv420p10le");
}

#[test]
fn variable_rate() {
    let source = place::sample("vfr.mp4");
    let whole = same_in_chunks(&source, "--codec h264", &["17f"]);
    same_as_ffmpeg(&source, &whole, "", "yuv420p");
}

/// Reads of shared clips, in chunks of about a seventh.
#[test]
fn shared_clips() {
    for file in [
        "intel__car-detection.mp4",
        "lpms__test.flv",
        "media__sample.avi",
        "media__iibbibb_editlist_videoonly.mp4",
        "mediabunny__cursed-vfr.mp4",
        "mediabunny__edts.mp4",
        "lpms__kryp-1.ts",
        "mp4parser__foreman-hevc-384.mp4",
        "openh264__VID_1280x720_cabac_temporal_direct.264",
        "shared-assets__flower.mp4",
        "torchcodec__test_non_zero_start.mp4",
        "media__sample_partially_fragmented.mp4",
        "shared-assets__tears-of-steel-battle-clip-medium.webm",
    ] {
        let Some(clip) = place::clip("shared_clips", file) else {
            return;
        };
        let format = linear_format(&clip);
        let chunk = format!("{}f", manifest::line_of(file).decoded / 7 + 1);
        let parts = feed(&clip, "--codec h264 --audio none", &chunk);
        assert!(
            parts.chunk_count() > 1,
            "{file}: --chunk {chunk} makes chunks"
        );
        assert_eq!(parts.reads_too_much(), None, "{file} --chunk {chunk}");
        let (_, hashes) = linear(&clip, "", &format);
        if format == "yuv420p" {
            assert_eq!(
                parts.hashes_differ_from(&hashes),
                None,
                "{file} --chunk {chunk}, chunks against ffmpeg"
            );
        } else {
            assert_eq!(parts.pictures.len(), hashes.len(), "{file} --chunk {chunk}");
        }
    }
}
