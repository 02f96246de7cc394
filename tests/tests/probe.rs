// SPDX-License-Identifier: MIT OR Apache-2.0
//! `probe` and `plan` say what is so.

use framemill_tests::frames::Take;
use framemill_tests::job::Job;
use framemill_tests::sources::{generated, plain};
use framemill_tests::streams::{self, number, streams};
use framemill_tests::{manifest, place};
use serde_json::Value;
use std::path::Path;

fn probed(source: &Path) -> Value {
    let found = Job::new("probe", source).flags("--json").json();
    assert_eq!(found["version"], 1, "{found}");
    found
}

/// Fields that `ffprobe` knows too.
fn agrees(source: &Path) -> Result<Value, String> {
    let (ours, theirs) = (probed(source), streams(source));
    let (video, known) = (&ours["video"], theirs.video());
    for (name, theirs) in [
        ("codec", "codec_name"),
        ("width", "width"),
        ("height", "height"),
        ("pix_fmt", "pix_fmt"),
        ("stream", "index"),
    ] {
        if video[name] != known[theirs] {
            return Err(format!(
                "{name} is {} and {theirs} is {}",
                video[name], known[theirs]
            ));
        }
    }
    for (name, theirs) in [
        ("primaries", "color_primaries"),
        ("transfer", "color_transfer"),
        ("matrix", "color_space"),
        ("range", "color_range"),
    ] {
        let (a, b) = (&video["colour"][name], &known[theirs]);
        let unknown = |v: &Value| v.is_null() || v == "unknown" || v == "unspecified" || v == "";
        // VP8 has one matrix by definition, which containers need not say.
        if a != b && !unknown(b) {
            return Err(format!("colour {name} is {a} and {theirs} is {b}"));
        }
    }
    Ok(ours)
}

#[test]
fn every_exact_clip() {
    let mut faults = Vec::new();
    for line in manifest::clips()
        .into_iter()
        .filter(|c| c.expect == "exact")
    {
        let Some(clip) = place::clip("every_exact_clip", &line.file) else {
            return;
        };
        match agrees(&clip) {
            Err(fault) => faults.push(format!("{}: {fault}", line.file)),
            Ok(found) if found["video"]["frames"] != line.decoded as u64 => {
                faults.push(format!(
                    "{}: {} frames, {} is right",
                    line.file, found["video"]["frames"], line.decoded
                ));
            }
            Ok(_) => {}
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn constant_or_variable_rate() {
    for (source, vfr) in [(plain(), false), (place::sample("vfr.mp4"), true)] {
        assert_eq!(probed(&source)["video"]["vfr"], vfr, "{}", source.display());
    }
    for (file, vfr) in [
        ("mediabunny__cursed-vfr.mp4", true),
        ("mediabunny__edts.mp4", false),
        ("moviepy__big_buck_bunny_0_30.webm", false),
    ] {
        let Some(clip) = place::clip("constant_or_variable_rate", file) else {
            return;
        };
        assert_eq!(
            probed(&clip)["video"]["vfr"],
            vfr,
            "{file}: ticks of a millisecond are not a variable rate"
        );
    }
    assert_eq!(probed(&plain())["video"]["frame_rate"], "25/1");
}

#[test]
fn key_frames() {
    let found = probed(&plain());
    let times: Vec<f64> = found["video"]["key_frames"]
        .as_array()
        .expect("key frames")
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    let wanted: Vec<f64> = streams::packets(&plain(), "v:0")
        .iter()
        .filter(|p| p.key)
        .map(|p| p.pts)
        .collect();
    assert_eq!(times.len(), wanted.len(), "{times:?} against {wanted:?}");
    assert!(
        times
            .iter()
            .zip(&wanted)
            .all(|(a, b)| (a - b).abs() < 0.001),
        "{times:?} against {wanted:?}"
    );
}

#[test]
fn durations_and_starts() {
    for (file, start) in [
        ("torchcodec__test_non_zero_start.mp4", 8.333),
        ("mediabunny__edts.mp4", 0.0),
    ] {
        let Some(clip) = place::clip("durations_and_starts", file) else {
            return;
        };
        let (found, known) = (probed(&clip), streams(&clip));
        let seen = found["start_s"].as_f64().unwrap_or(f64::NAN);
        assert!(
            (seen - start).abs() < 0.01,
            "{file} starts at {start}: {seen}"
        );
        let (a, b) = (
            found["duration_s"].as_f64().unwrap_or(f64::NAN),
            number(&known.0["format"]["duration"]),
        );
        assert!((a - b).abs() < 0.5, "{file}: {a} s and {b} s");
    }
}

#[test]
fn shape_and_tracks() {
    let found = probed(&place::sample("interlaced.ts"));
    assert_eq!(found["video"]["sar"], "16/15", "{found}");
    let found = probed(&place::sample("tracks.mkv"));
    let list = |kind: &str, name: &str| -> Vec<Value> {
        found[kind]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .iter()
            .map(|t| t[name].clone())
            .collect()
    };
    assert_eq!(list("audio", "language"), ["eng", "fra"], "{found}");
    assert_eq!(list("audio", "title"), ["Original", "Doublage"]);
    assert_eq!(list("audio", "default"), [true, false]);
    assert_eq!(list("audio", "codec"), ["opus", "opus"]);
    assert_eq!(list("subtitles", "language"), ["eng"]);
    assert_eq!(found["chapters"], 2);
}

#[test]
fn for_people() {
    let run = Job::new("probe", &place::sample("tracks.mkv")).ok();
    for word in ["vp9", "321", "241", "opus", "fra", "25"] {
        assert!(
            run.stdout().to_lowercase().contains(word),
            "`{word}` is missing: {}",
            run.stdout()
        );
    }
    let run = Job::new("plan", &plain())
        .flags("--codec h264 --chunk 25f")
        .ok();
    assert!(run.stdout().lines().count() >= 5, "{}", run.stdout());
}

#[test]
fn plans_tile_the_source() {
    for (source, chunk, count) in [
        (plain(), "25f", 4),
        (plain(), "7f", 15),
        (place::sample("vfr.mp4"), "20f", 0),
    ] {
        let plan = Job::new("plan", &source)
            .flags("--codec h264 --json")
            .flag("--chunk", chunk)
            .json();
        let chunks = plan["chunks"].as_array().expect("chunks");
        assert!(
            count == 0 || chunks.len() == count,
            "--chunk {chunk}: {} chunks",
            chunks.len()
        );
        let frames: u64 = chunks.iter().filter_map(|c| c["frames"].as_u64()).sum();
        assert_eq!(
            frames,
            Take::of(&source).times().pts.len() as u64,
            "--chunk {chunk}"
        );
        assert_eq!(plan["frames"].as_u64(), Some(frames));
        for (i, c) in chunks.iter().enumerate() {
            assert_eq!(c["chunk"], i as u64, "{c}");
            assert!(
                c["start_s"].as_f64() < c["end_s"].as_f64()
                    && c["packets"].as_u64() >= c["frames"].as_u64(),
                "{c}"
            );
            assert!(
                c["read_bytes"].as_u64() > Some(0) && c["range_bytes"].as_u64() > Some(0),
                "{c}"
            );
        }
        let gap = chunks.windows(2).find(|w| {
            (w[0]["end_s"].as_f64().unwrap_or(0.0) - w[1]["start_s"].as_f64().unwrap_or(9.9)).abs()
                > 1e-6
        });
        assert!(gap.is_none(), "--chunk {chunk}: {gap:?}");
    }
}

#[test]
fn measure_knows_the_same_from_another() {
    let same = Job::new("measure", &plain()).flag("--json", plain()).json();
    assert_eq!(same["frames"], 100, "{same}");
    assert!(
        same["psnr"]["average"].as_f64().is_none_or(|p| p >= 99.0)
            && same["ssim"]["all"].as_f64() > Some(0.9999),
        "{same}"
    );
    let worse = generated(
        "worse.mp4",
        &format!(
            "-i {} -c:v libx264 -preset ultrafast -crf 40 -an",
            plain().display()
        ),
    );
    let found = Job::new("measure", &plain())
        .flags("--json --frames")
        .flag("--log-level=error", worse.clone())
        .json();
    let (text, _) = framemill_tests::process::ffmpeg(&[
        "-i",
        worse.to_str().expect("UTF-8"),
        "-i",
        plain().to_str().expect("UTF-8"),
        "-lavfi",
        "[0:v]settb=1/25,setpts=N[a];[1:v]settb=1/25,setpts=N[b];[a][b]psnr=stats_file=-",
        "-f",
        "null",
        "-",
    ]);
    let text = String::from_utf8_lossy(&text).into_owned();
    let of_ffmpeg: Vec<f64> = text
        .split_whitespace()
        .filter_map(|w| w.strip_prefix("psnr_avg:")?.parse().ok())
        .collect();
    let ours = found["per_frame"].as_array().expect("per_frame");
    assert_eq!(
        (ours.len(), of_ffmpeg.len()),
        (100, 100),
        "{}",
        found["frames"]
    );
    for (i, (a, b)) in ours.iter().zip(&of_ffmpeg).enumerate() {
        let a = a["psnr"].as_f64().unwrap_or(f64::NAN);
        assert!((a - b).abs() < 0.05, "frame {i}: {a} dB, {b} dB by ffmpeg");
    }
}
