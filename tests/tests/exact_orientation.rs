// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: rotation, mirroring, pixel shape and odd sizes come out as
//! they went in, or as the nearest that container and codec can hold.

use framemill_tests::boxes::{oriented, Orientation, ORIENTATIONS};
use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, CHEAP};
use framemill_tests::sources::{generated, generated_from, plain};
use framemill_tests::{place, streams};

const VIEW: (usize, usize) = (240, 136);

fn short_source() -> std::path::PathBuf {
    generated_from(
        "upright.mp4",
        "-i @0 -t 0.8 -c:v libx264 -preset ultrafast -crf 12 -bf 2 -an",
        &[&plain()],
    )
}

/// What is shown of `output` against the filtered `source`, neither turned by `ffmpeg`.
fn shows(source: &Take, output: &Take) -> Option<String> {
    compare(source, &output.clone().input("-noautorotate"), VIEW).fault(34.0)
}

fn keeps_metadata(how: &Orientation) {
    let (folder, source) = (place::scratch(), oriented(&short_source(), how));
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&source, &output)
        .flags(CHEAP)
        .flags("--chunk 7f")
        .ok();
    let (wanted, got) = (streams::streams(&source), streams::streams(&output));
    let pixels = Take::of(&source).input("-noautorotate");
    if got.matrix() == [65536, 0, 0, 65536] {
        // Turned pixels are as good, where all of it is turned.
        assert_eq!(
            shows(&pixels.through(how.filter), &Take::of(&output)),
            None,
            "{}: {}",
            how.name,
            run.line
        );
        return;
    }
    assert_eq!(
        got.matrix(),
        wanted.matrix(),
        "{}: the display matrix\n{}",
        how.name,
        run.line
    );
    assert_eq!(
        got.size(),
        (320, 180),
        "{}: coded size\n{}",
        how.name,
        run.line
    );
    assert_eq!(
        shows(&pixels, &Take::of(&output)),
        None,
        "{}: {}",
        how.name,
        run.line
    );
}

fn turns_pixels(how: &Orientation) {
    let (folder, source) = (place::scratch(), oriented(&short_source(), how));
    let output = folder.path().join("out.mkv");
    let run = Job::transcode(&source, &output)
        .flags(CHEAP)
        .flags("--chunk 7f")
        .ok();
    let got = streams::streams(&output);
    assert_eq!(
        got.matrix(),
        [65536, 0, 0, 65536],
        "{}: no matrix in mkv",
        how.name
    );
    let size = if how.rotation % 180 == 90 {
        (180, 320)
    } else {
        (320, 180)
    };
    assert_eq!(got.size(), size, "{}: {}", how.name, run.line);
    let wanted = Take::of(&source).input("-noautorotate").through(how.filter);
    assert_eq!(
        shows(&wanted, &Take::of(&output)),
        None,
        "{}: {}",
        how.name,
        run.line
    );
}

#[test]
fn rotation_is_kept_in_mp4() {
    ORIENTATIONS
        .iter()
        .filter(|o| !o.mirrored)
        .for_each(keeps_metadata);
}

#[test]
fn mirroring_is_kept_in_mp4() {
    ORIENTATIONS
        .iter()
        .filter(|o| o.mirrored)
        .for_each(keeps_metadata);
}

#[test]
fn pixels_are_turned_in_mkv() {
    ORIENTATIONS
        .iter()
        .filter(|o| !o.mirrored)
        .for_each(turns_pixels);
}

#[test]
fn pixels_are_mirrored_in_mkv() {
    ORIENTATIONS
        .iter()
        .filter(|o| o.mirrored)
        .for_each(turns_pixels);
}

#[test]
fn pixels_are_turned_in_webm() {
    let (folder, source) = (
        place::scratch(),
        oriented(&short_source(), &ORIENTATIONS[0]),
    );
    let output = folder.path().join("out.webm");
    let run = Job::transcode(&source, &output)
        .flags("--codec vp9 --preset fast --crf 12 --chunk 10f")
        .ok();
    let shown = compare(&Take::of(&source), &Take::of(&output), VIEW);
    assert_eq!(shown.fault(34.0), None, "{}", run.line);
}

#[test]
fn probe_names_the_orientation() {
    for how in &ORIENTATIONS {
        let source = oriented(&short_source(), how);
        let video = Job::new("probe", &source).flags("--json").json()["video"].clone();
        assert_eq!(video["mirrored"], how.mirrored, "{}: {video}", how.name);
        assert_eq!(video["rotation"], how.rotation, "{}: {video}", how.name);
    }
}

#[test]
fn smaller_pictures_are_not_enlarged_where_that_is_said() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    for (size, wanted) in [
        ("-1x400", (320, 180)),
        ("640x-1", (320, 180)),
        ("-1x90", (160, 90)),
    ] {
        let job = Job::transcode(&plain(), &output).flags(CHEAP);
        let run = job
            .flags(&format!("--overwrite --no-enlarge --size {size}"))
            .ok();
        assert_eq!(streams::streams(&output).size(), wanted, "{}", run.line);
    }
}

#[test]
fn a_requested_size_is_the_displayed_one() {
    let source = oriented(&short_source(), &ORIENTATIONS[0]);
    let folder = place::scratch();
    for container in ["mp4", "mkv"] {
        let output = folder.path().join(format!("out.{container}"));
        let run = Job::transcode(&source, &output)
            .flags(CHEAP)
            .flags("--size 90x-1")
            .ok();
        let got = streams::streams(&output);
        let (w, h) = got.size();
        let displayed = if got.matrix()[0] == 0 { (h, w) } else { (w, h) };
        assert_eq!(displayed, (90, 160), "{}", run.line);
        let shown = compare(&Take::of(&source), &Take::of(&output), (90, 160));
        assert_eq!(shown.fault(26.0), None, "{}", run.line);
    }
}

/// A ratio that `ffprobe` writes as `16:11`.
fn ratio(text: &serde_json::Value) -> f64 {
    let parts = text.as_str().and_then(|t| t.split_once(':'));
    let (a, b) = parts.unwrap_or_else(|| panic!("{text} is no ratio"));
    a.parse::<f64>().unwrap_or(0.0) / b.parse::<f64>().unwrap_or(1.0)
}

#[test]
fn pixel_shape_is_kept() {
    let source = generated(
        "anamorphic.mp4",
        "-f lavfi -i testsrc2=size=180x144:rate=25:duration=1,setsar=16/11 -c:v libx264 -preset ultrafast -crf 14",
    );
    let folder = place::scratch();
    for (codec, container) in [
        ("h264", "mp4"),
        ("h264", "mkv"),
        ("hevc", "mp4"),
        ("av1", "mkv"),
        ("av1", "mp4"),
        ("vp9", "webm"),
    ] {
        let output = folder.path().join(format!("{codec}.{container}"));
        let run = Job::transcode(&source, &output)
            .flags(&format!("--codec {codec} --preset fast --chunk 100f"))
            .ok();
        let got = streams::streams(&output);
        // Matroska says the display size in whole pixels.
        let shape = ratio(&got.video()["sample_aspect_ratio"]);
        let off = (shape * 11.0 / 16.0 - 1.0).abs();
        let bound = if container == "mp4" {
            1e-9
        } else {
            0.5 / 180.0
        };
        assert!(off <= bound, "pixels of {shape}: {}", run.line);
        assert_eq!(got.size(), (180, 144), "{}", run.line);
    }
    let output = folder.path().join("square.mp4");
    let run = Job::transcode(&source, &output)
        .flags(CHEAP)
        .flags("--size -1x72")
        .ok();
    let got = streams::streams(&output);
    let displayed = ratio(&got.video()["display_aspect_ratio"]);
    assert!(
        (displayed - 180.0 / 144.0 * 16.0 / 11.0).abs() < 0.03,
        "displayed as {displayed}: {}",
        run.line
    );
}

#[test]
fn turned_pixels_turn_their_shape() {
    let base = generated(
        "anamorphic.mp4",
        "-f lavfi -i testsrc2=size=180x144:rate=25:duration=1,setsar=16/11 -c:v libx264 -preset ultrafast -crf 14",
    );
    let (folder, source) = (place::scratch(), oriented(&base, &ORIENTATIONS[0]));
    let output = folder.path().join("out.mkv");
    let run = Job::transcode(&source, &output).flags(CHEAP).ok();
    let got = streams::streams(&output);
    assert_eq!(
        (got.size(), got.video()["sample_aspect_ratio"].as_str()),
        ((144, 180), Some("11:16")),
        "{}",
        run.line
    );
}

fn odd_source() -> std::path::PathBuf {
    generated(
        "odd.webm",
        "-f lavfi -i testsrc2=size=204x124:rate=25:duration=1,crop=201:121:0:0:exact=1 -c:v libvpx-vp9 -crf 10 -b:v 0 \
         -deadline good -cpu-used 5 -pix_fmt yuv420p",
    )
}

#[test]
fn odd_sizes_are_kept() {
    let (folder, source) = (place::scratch(), odd_source());
    assert_eq!(streams::streams(&source).size(), (201, 121), "the source");
    for (codec, container) in [("av1", "mp4"), ("vp9", "webm"), ("vp8", "mkv")] {
        let output = folder.path().join(format!("{codec}.{container}"));
        let run = Job::transcode(&source, &output)
            .flags(&format!(
                "--codec {codec} --preset fast --crf 14 --chunk 13f"
            ))
            .ok();
        assert_eq!(streams::streams(&output).size(), (201, 121), "{}", run.line);
        let shown = compare(&Take::of(&source), &Take::of(&output), VIEW);
        assert_eq!(shown.fault(30.0), None, "{}", run.line);
    }
}

#[test]
fn odd_sizes_lose_a_line_with_a_warning() {
    let (folder, source) = (place::scratch(), odd_source());
    for codec in ["h264", "hevc"] {
        let output = folder.path().join(format!("{codec}.mkv"));
        let run = Job::transcode(&source, &output)
            .flags(&format!(
                "--codec {codec} --preset fast --crf 12 --chunk 100f"
            ))
            .ok();
        assert_eq!(streams::streams(&output).size(), (200, 120), "{}", run.line);
        run.must_warn(&["warning", "201|121|odd|200"]);
        let cropped = Take::of(&source).through("crop=200:120:0:0:exact=1");
        let shown = compare(&cropped, &Take::of(&output), (200, 120));
        assert_eq!(shown.fault(30.0), None, "{}", run.line);
    }
}

#[test]
fn pictures_under_an_encoders_least_size() {
    let source = generated(
        "tiny.mkv",
        "-f lavfi -i testsrc2=size=80x80:rate=25:duration=1,crop=40:30:0:0:exact=1 -c:v ffv1 -pix_fmt yuv420p",
    );
    let folder = place::scratch();
    for codec in ["av1", "h264", "vp9", "vp8"] {
        let output = folder.path().join(format!("{codec}.mkv"));
        let run = Job::transcode(&source, &output)
            .flags(&format!("--codec {codec} --preset fast --chunk 9f"))
            .ok();
        assert_eq!(streams::streams(&output).size(), (40, 30), "{}", run.line);
        let shown = compare(&Take::of(&source), &Take::of(&output), (40, 30));
        assert_eq!(
            shown.count_fault().or(shown.time_fault()),
            None,
            "{}",
            run.line
        );
    }
    let output = folder.path().join("hevc.mkv");
    let run = Job::transcode(&source, &output)
        .flags("--codec hevc --preset fast --quiet")
        .run();
    match run.done.code {
        Some(0) => assert_eq!(streams::streams(&output).size(), (40, 30), "{}", run.line),
        _ => run.must_fail(2, &["x265|hevc", "40|30|small|least"]),
    }
}
