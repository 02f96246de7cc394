// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: depth, HDR, chroma and alpha come out as they went in, or as
//! the nearest that the codec can hold, with a warning.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, Run, CHEAP};
use framemill_tests::place::{self, sample};
use framemill_tests::process::ffprobe;
use framemill_tests::sources::generated;
use framemill_tests::streams::{number, streams};
use serde_json::Value;
use std::path::{Path, PathBuf};

const VIEW: (usize, usize) = (240, 136);

fn made(folder: &Path, source: &Path, name: &str, flags: &str) -> (Run, PathBuf) {
    let output = folder.join(name);
    let run = Job::transcode(source, &output).flags(flags).ok();
    (run, output)
}

/// Side data of the stream and of its first frame, by type.
fn side_data(path: &Path, kind: &str) -> Option<Value> {
    let first = ffprobe(
        "-select_streams v:0 -show_frames -read_intervals %+#1",
        path,
    );
    let from_frame = first["frames"][0]["side_data_list"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let from_stream = streams(path).video()["side_data_list"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    from_stream
        .into_iter()
        .chain(from_frame)
        .find(|s| s["side_data_type"] == kind)
}

/// A number or a fraction such as `34000/50000`.
fn fraction(value: &Value) -> f64 {
    match value.as_str().and_then(|s| s.split_once('/')) {
        Some((n, d)) => n.parse::<f64>().unwrap_or(f64::NAN) / d.parse::<f64>().unwrap_or(f64::NAN),
        None => number(value),
    }
}

/// Encodes up to `end` seconds.
fn keeps_hdr10(source: &Path, codec: &str, container: &str, end: f64) {
    let folder = place::scratch();
    let flags = format!("--codec {codec} --preset fast --crf 14 --chunk 17f --end {end}");
    let (run, output) = made(folder.path(), source, &format!("out.{container}"), &flags);
    let (wanted, got) = (streams(source), streams(&output));
    assert_eq!(got.video()["pix_fmt"], "yuv420p10le", "{}", run.line);
    for field in [
        "color_primaries",
        "color_transfer",
        "color_space",
        "color_range",
    ] {
        assert_eq!(
            got.video()[field],
            wanted.video()[field],
            "{field}: {}",
            run.line
        );
    }
    for kind in ["Mastering display metadata", "Content light level metadata"] {
        let (Some(wanted), Some(got)) = (side_data(source, kind), side_data(&output, kind)) else {
            panic!(
                "{kind} is in the source: {}, in the output: {}: {}",
                side_data(source, kind).is_some(),
                side_data(&output, kind).is_some(),
                run.line
            );
        };
        for (name, value) in wanted
            .as_object()
            .expect("side data")
            .iter()
            .filter(|(n, _)| *n != "side_data_type")
        {
            let (a, b) = (fraction(value), fraction(&got[name]));
            assert!(
                (a - b).abs() <= 0.0002 + a.abs() * 1e-4,
                "{kind} {name}: {a} became {b}: {}",
                run.line
            );
        }
    }
    let wanted = Take::of(source).through(&format!("trim=end={end}"));
    let found = compare(&wanted, &Take::of(&output), VIEW);
    assert_eq!(found.fault(34.0), None, "{}", run.line);
}

#[test]
fn hdr10_is_kept_in_hevc() {
    keeps_hdr10(&sample("hdr10.mp4"), "hevc", "mp4", 9.0);
    keeps_hdr10(&sample("hdr10.mp4"), "hevc", "mkv", 9.0);
}

#[test]
fn hdr10_is_kept_in_av1() {
    keeps_hdr10(&sample("hdr10.mp4"), "av1", "mp4", 9.0);
    keeps_hdr10(&sample("hdr10.mp4"), "av1", "mkv", 9.0);
    keeps_hdr10(&sample("hdr10.mp4"), "av1 --encoder rav1e", "mp4", 0.5);
}

#[test]
fn hdr10_boxes_of_a_shared_clip_are_kept() {
    let test = "hdr10_boxes_of_a_shared_clip_are_kept";
    let Some(clip) = place::clip(test, "media__sample_with_colr_mdcv_and_clli.mp4") else {
        return;
    };
    keeps_hdr10(&clip, "av1 --size 480x-1", "mp4", 0.4);
}

#[test]
fn hdr_is_mapped_for_h264() {
    let (folder, source) = (place::scratch(), sample("hdr10.mp4"));
    let (run, output) = made(
        folder.path(),
        &source,
        "out.mp4",
        &format!("{CHEAP} --chunk 17f"),
    );
    run.must_warn(&[
        "warning",
        "hdr|pq|bt.2020|smpte2084",
        "bt.709|bt709|tone|sdr",
    ]);
    let got = streams(&output);
    assert_eq!(got.video()["pix_fmt"], "yuv420p", "{}", run.line);
    for field in ["color_primaries", "color_transfer", "color_space"] {
        assert_eq!(got.video()[field], "bt709", "{field}: {}", run.line);
    }
    assert!(
        side_data(&output, "Mastering display metadata").is_none(),
        "{}",
        run.line
    );
    let mapped = Take::of(&source).through(
        "zscale=tin=smpte2084:pin=2020:min=2020_ncl:rin=limited:t=linear:npl=100,format=gbrpf32le,zscale=p=709,\
         tonemap=hable:desat=0,zscale=t=709:m=709:p=709:r=limited",
    );
    let found = compare(&mapped, &Take::of(&output), VIEW);
    assert_eq!(found.fault(26.0), None, "{}", run.line);
}

#[test]
fn hdr_can_be_mapped_or_refused_anywhere() {
    let (folder, source) = (place::scratch(), sample("hdr10.mp4"));
    let (run, output) = made(
        folder.path(),
        &source,
        "out.mkv",
        "--codec av1 --preset fast --hdr tonemap",
    );
    assert_eq!(
        streams(&output).video()["color_transfer"],
        "bt709",
        "{}",
        run.line
    );
    for (flags, words) in [
        ("--codec av1 --hdr refuse", ["hdr|pq", ""]),
        (
            "--codec h264 --hdr keep",
            ["hdr|pq|10 bit|10-bit", "hevc|av1"],
        ),
    ] {
        let refused = folder.path().join("refused.mp4");
        Job::transcode(&source, &refused)
            .flags(flags)
            .fails(2, &words);
    }
    let plain = framemill_tests::sources::plain();
    let (_, _) = made(
        folder.path(),
        &plain,
        "sdr.mp4",
        &format!("{CHEAP} --hdr refuse"),
    );
}

#[test]
fn ten_bits_without_hdr_are_kept() {
    let source = generated(
        "ten-bit.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -pix_fmt yuv420p10le -c:v ffv1 -color_primaries bt709 \
         -color_trc bt709 -colorspace bt709 -color_range tv",
    );
    let folder = place::scratch();
    for codec in ["av1", "hevc", "vp9"] {
        let (run, output) = made(
            folder.path(),
            &source,
            &format!("{codec}.mkv"),
            &format!("--codec {codec} --preset fast --crf 12"),
        );
        assert_eq!(
            streams(&output).video()["pix_fmt"],
            "yuv420p10le",
            "{}",
            run.line
        );
    }
}

#[test]
fn full_chroma_is_reduced_with_a_warning() {
    let source = generated(
        "full-chroma.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -pix_fmt yuv444p -c:v ffv1",
    );
    let folder = place::scratch();
    for (codec, container) in [("h264", "mp4"), ("av1", "mp4"), ("vp9", "webm")] {
        let flags = format!("--codec {codec} --preset fast --crf 12 --chunk 9f");
        let (run, output) = made(
            folder.path(),
            &source,
            &format!("{codec}.{container}"),
            &flags,
        );
        assert_eq!(
            streams(&output).video()["pix_fmt"],
            "yuv420p",
            "{}",
            run.line
        );
        run.must_warn(&["warning", "4:4:4|yuv444p"]);
        assert_eq!(
            compare(&Take::of(&source), &Take::of(&output), VIEW).fault(30.0),
            None,
            "{}",
            run.line
        );
    }
}

#[test]
fn alpha_is_dropped_with_a_warning() {
    let source = generated(
        "alpha.mov",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1,format=rgba,colorchannelmixer=aa=0.5 -c:v qtrle -pix_fmt argb",
    );
    let folder = place::scratch();
    let (run, output) = made(
        folder.path(),
        &source,
        "out.mp4",
        &format!("{CHEAP} --chunk 9f"),
    );
    assert_eq!(
        streams(&output).video()["pix_fmt"],
        "yuv420p",
        "{}",
        run.line
    );
    run.must_warn(&["warning", "alpha|argb|transparen"]);
    let shown = compare(&Take::of(&source), &Take::of(&output), VIEW);
    assert_eq!(
        shown.count_fault().or(shown.time_fault()),
        None,
        "{}",
        run.line
    );
}

#[test]
fn full_range_is_kept() {
    let source = generated(
        "full-range.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -vf scale=out_range=full -pix_fmt yuvj420p -c:v libx264 -preset ultrafast -crf 12",
    );
    let folder = place::scratch();
    for (codec, container) in [("h264", "mp4"), ("hevc", "mkv"), ("av1", "mkv")] {
        let flags = format!("--codec {codec} --preset fast --crf 12");
        let (run, output) = made(
            folder.path(),
            &source,
            &format!("{codec}.{container}"),
            &flags,
        );
        assert_eq!(
            streams(&output).video()["color_range"],
            "pc",
            "{}",
            run.line
        );
        let found = compare(&Take::of(&source), &Take::of(&output), VIEW);
        assert_eq!(found.fault(32.0), None, "{}", run.line);
    }
}

#[test]
fn probe_names_fields_and_hdr() {
    let video = Job::new("probe", &sample("interlaced.ts"))
        .flags("--json")
        .json()["video"]
        .clone();
    assert!(
        ["tt", "top first", "tff", "tb"]
            .iter()
            .any(|w| video["field_order"] == *w),
        "{video}"
    );
    let video = Job::new("probe", &sample("hdr10.mp4"))
        .flags("--json")
        .json()["video"]
        .clone();
    assert_eq!(video["hdr"]["kind"], "pq", "{video}");
    assert!(
        !video["hdr"]["mastering"].is_null() && !video["hdr"]["content_light"].is_null(),
        "{video}"
    );
    assert_eq!(
        (&video["colour"]["primaries"], &video["pix_fmt"]),
        (&Value::from("bt2020"), &Value::from("yuv420p10le"))
    );
}
