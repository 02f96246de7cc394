// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: what the shared clips lack — open GOPs, pyramids, variable
//! rate, odd starts, fragments — keeps every frame, its time and its picture.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, CHEAP};
use framemill_tests::sources::{generated, generated_from, one_gop, plain};
use framemill_tests::{place, streams};
use std::path::Path;

const VIEW: (usize, usize) = (240, 136);

/// Transcodes to each container and demands the same frames.
fn exact(name: &str, source: &Path, flags: &str, containers: &[&str]) {
    let folder = place::scratch();
    for container in containers {
        let output = folder.path().join(format!("out.{container}"));
        let run = Job::transcode(source, &output).flags(flags).ok();
        let found = compare(&Take::of(source), &Take::of(&output), VIEW);
        assert!(
            found.reference.pts.len() > 2,
            "{name}: the source has frames"
        );
        if let Some(fault) = found.fault(36.0) {
            panic!("{name} in {container}: {fault}\n{}", run.line);
        }
        assert_eq!(
            streams::decoding_fault(&output, "v:0"),
            None,
            "{name}\n{}",
            run.line
        );
    }
}

fn cheap(chunk: &str) -> String {
    format!("{CHEAP} --chunk {chunk}")
}

fn pattern(name: &str, rest: &str) -> std::path::PathBuf {
    generated(
        name,
        &format!("-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 {rest}"),
    )
}

#[test]
fn open_gop_x264() {
    let source = pattern(
        "open-x264.mp4",
        "-c:v libx264 -preset veryfast -crf 16 -x264-params open-gop=1:keyint=20:min-keyint=20:bframes=3:b-adapt=0:scenecut=0",
    );
    exact("open GOP x264", &source, &cheap("7f"), &["mp4"]);
    exact(
        "open GOP x264 on key frames",
        &source,
        &cheap("20f"),
        &["mp4"],
    );
}

#[test]
fn open_gop_x265() {
    let source = pattern(
        "open-x265.mp4",
        "-c:v libx265 -preset veryfast -crf 14 \
         -x265-params open-gop=1:keyint=20:min-keyint=20:bframes=4:b-adapt=0:scenecut=0:log-level=none",
    );
    exact("open GOP x265", &source, &cheap("9f"), &["mp4"]);
    exact(
        "open GOP x265 on key frames",
        &source,
        &cheap("20f"),
        &["mkv"],
    );
}

#[test]
fn b_pyramid() {
    let source = pattern(
        "pyramid.mkv",
        "-c:v libx264 -preset veryfast -crf 16 -x264-params b-pyramid=normal:bframes=7:b-adapt=0:keyint=50:scenecut=0:ref=5",
    );
    exact("B-pyramid", &source, &cheap("13f"), &["mp4", "mkv"]);
}

#[test]
fn b_frames_out_as_well() {
    let flags =
        "--codec h264 --encoder-opt preset=veryfast --encoder-opt bf=3 --crf 16 --chunk 11f";
    exact("B-frames out", &one_gop(), flags, &["mp4", "mkv"]);
}

#[test]
fn one_key_frame() {
    exact("one key frame", &one_gop(), &cheap("10f"), &["mp4"]);
}

#[test]
fn one_frame_a_chunk() {
    let source = generated_from(
        "short.mp4",
        "-i @0 -t 0.6 -c:v libx264 -preset ultrafast -bf 2 -an",
        &[&plain()],
    );
    exact("one frame a chunk", &source, &cheap("1f"), &["mp4", "mkv"]);
}

#[test]
fn one_frame_in_all() {
    let source = generated_from(
        "single.mp4",
        "-i @0 -frames:v 1 -c:v libx264 -preset ultrafast -an",
        &[&plain()],
    );
    let folder = place::scratch();
    for container in ["mp4", "mkv"] {
        let output = folder.path().join(format!("out.{container}"));
        Job::transcode(&source, &output).flags(CHEAP).ok();
        let found = compare(&Take::of(&source), &Take::of(&output), VIEW);
        assert_eq!(found.fault(36.0), None, "one frame in {container}");
        assert_eq!(found.output.pts.len(), 1);
    }
}

#[test]
fn every_codec() {
    let source = generated_from(
        "short.mp4",
        "-i @0 -t 0.6 -c:v libx264 -preset ultrafast -bf 2 -an",
        &[&plain()],
    );
    for (codec, container) in [
        ("av1", "mp4"),
        ("av1", "webm"),
        ("hevc", "mp4"),
        ("vp9", "webm"),
        ("vp8", "webm"),
        ("vp9", "mp4"),
    ] {
        let flags = format!("--codec {codec} --preset fast --crf 12 --chunk 5f");
        exact(codec, &source, &flags, &[container]);
    }
    exact(
        "rav1e",
        &source,
        "--codec av1 --encoder rav1e --preset fast --crf 40 --chunk 8f",
        &["mkv"],
    );
}

#[test]
fn every_container() {
    for container in ["mp4", "mov", "mkv"] {
        exact(container, &plain(), &cheap("30f"), &[container]);
    }
}

#[test]
fn variable_rate() {
    let source = generated(
        "vfr.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=60:duration=3 \
         -vf select='if(lt(t,1),1,if(lt(t,2),not(mod(n,7)),not(mod(n,3))))' -fps_mode vfr -c:v libx264 -preset veryfast -crf 16 -bf 2",
    );
    exact("variable rate", &source, &cheap("9f"), &["mp4", "mkv"]);
    exact(
        "variable rate sample",
        &place::sample("vfr.mp4"),
        &cheap("17f"),
        &["mp4", "mkv"],
    );
    let b_frames =
        "--codec h264 --encoder-opt preset=veryfast --encoder-opt bf=3 --crf 16 --chunk 17f";
    exact(
        "variable rate and B-frames",
        &place::sample("vfr.mp4"),
        b_frames,
        &["mp4", "mkv"],
    );
    exact(
        "variable rate to HEVC",
        &place::sample("vfr.mp4"),
        "--codec hevc --preset fast --crf 14 --chunk 50f",
        &["mp4"],
    );
}

#[test]
fn starts_late() {
    let source = generated_from(
        "late-start.mkv",
        "-i @0 -map 0 -c copy -output_ts_offset 12.345",
        &[&plain()],
    );
    exact("late start", &source, &cheap("9f"), &["mp4", "mkv"]);
    let ts = generated_from(
        "late-start.ts",
        "-i @0 -map 0 -c copy -output_ts_offset 7.7",
        &[&plain()],
    );
    exact("late start in TS", &ts, &cheap("23f"), &["mp4"]);
}

#[test]
fn starts_before_zero() {
    let flags = "-i @0 -map 0:v -c copy -avoid_negative_ts disabled -output_ts_offset -0.4";
    let source = generated_from("negative.mp4", flags, &[&plain()]);
    assert!(
        streams::packets(&source, "v:0")[0].pts < -0.3,
        "the source starts before zero"
    );
    exact("negative start", &source, &cheap("9f"), &["mp4", "mkv"]);
    let flags = "-i @0 -map 0 -c copy -movflags +negative_cts_offsets";
    let source = generated_from("negative-offsets.mp4", flags, &[&plain()]);
    exact(
        "negative composition offsets",
        &source,
        &cheap("9f"),
        &["mp4", "mkv"],
    );
}

#[test]
fn edit_list_into_a_gop() {
    // Copying from the middle of a GOP leaves an edit list that drops the lead-in.
    let source = generated_from("cut-in.mp4", "-ss 0.56 -i @0 -map 0:v -c copy", &[&plain()]);
    let all = streams::packets(&source, "v:0").len();
    let shown = Take::of(&source).times().pts.len();
    assert!(
        shown < all,
        "the source drops frames by its edit list: {shown} of {all}"
    );
    exact(
        "edit list into a GOP",
        &source,
        &cheap("9f"),
        &["mp4", "mkv"],
    );
}

#[test]
fn fragmented_mp4() {
    let flags = "-movflags +frag_keyframe+empty_moov+default_base_moof";
    let source = generated_from(
        "fragmented.mp4",
        &format!("-i @0 -map 0 -c copy {flags}"),
        &[&plain()],
    );
    exact("fragmented MP4", &source, &cheap("9f"), &["mp4"]);
    let source = generated_from(
        "fragments.mp4",
        "-i @0 -map 0 -c copy -movflags +frag_every_frame+empty_moov",
        &[&plain()],
    );
    exact(
        "a fragment for every frame",
        &source,
        &cheap("27f"),
        &["mp4"],
    );
}

#[test]
fn without_cues() {
    let source = generated_from("live.mkv", "-i @0 -map 0 -c copy -live 1", &[&plain()]);
    exact("Matroska without cues", &source, &cheap("27f"), &["mkv"]);
}

#[test]
fn intra_only_and_uncompressed() {
    let mjpeg = pattern("intra.mov", "-t 1 -c:v mjpeg -q:v 2 -pix_fmt yuvj420p");
    exact("MJPEG", &mjpeg, &cheap("9f"), &["mp4"]);
    let raw = pattern("raw.nut", "-t 0.6 -c:v rawvideo -pix_fmt yuv420p");
    exact("uncompressed NUT", &raw, &cheap("4f"), &["mp4"]);
    let ffv1 = pattern("lossless.mkv", "-t 1 -c:v ffv1 -pix_fmt yuv420p");
    exact("FFV1", &ffv1, &cheap("9f"), &["mkv"]);
}

#[test]
fn hidden_vp8_frames() {
    let source = pattern(
        "altref.webm",
        "-c:v libvpx -b:v 300k -auto-alt-ref 1 -lag-in-frames 16 -g 40 -deadline good -cpu-used 4",
    );
    let shown = Take::of(&source).times().pts.len();
    println!(
        "{} packets, {shown} frames",
        streams::packets(&source, "v:0").len()
    );
    exact("VP8 with hidden frames", &source, &cheap("9f"), &["mp4"]);
}

#[test]
fn the_size_changes_on_the_way() {
    // Two H.264 streams of different sizes one after the other: FFmpeg scales to the first.
    let small = pattern(
        "change-a.h264",
        "-t 1 -c:v libx264 -preset ultrafast -crf 16 -bf 0 -f h264",
    );
    let large = generated("change-b.h264", "-f lavfi -i testsrc2=size=480x270:rate=25:duration=1 -c:v libx264 -preset ultrafast -crf 16 -bf 0 -f h264");
    let both =
        framemill_tests::sources::kept("change.h264", &format!("{small:?}{large:?}"), |path| {
            let bytes = [small, large]
                .map(|p| std::fs::read(p).expect("a part"))
                .concat();
            std::fs::write(path, bytes).expect("the whole can be written");
        });
    exact("size change", &both, &cheap("9f"), &["mp4"]);
}
