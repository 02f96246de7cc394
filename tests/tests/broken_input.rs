// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 3: broken input gives a typed error that names the place, and
//! no output; never a crash, a hang or memory without bounds.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, CHEAP};
use framemill_tests::sources::{generated_from, kept, plain};
use framemill_tests::{manifest, place, streams};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::{Path, PathBuf};

/// Where an error can be: any of these words names it.
const PLACE: &str = "stream|frame|packet|offset|byte";

fn fails(source: &Path, words: &[&str]) {
    let folder = place::scratch();
    let run = Job::transcode(source, &folder.path().join("out.mp4"))
        .flags(CHEAP)
        .flags("--chunk 10f")
        .fails(2, words);
    println!("{}", run.done.stderr.trim());
    let name = source
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .to_lowercase();
    assert!(
        run.done.stderr.to_lowercase().contains(&name),
        "the error names {name}: {}",
        run.done.stderr
    );
}

/// A file of the cache with these bytes.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let digest = bytes.iter().fold(bytes.len() as u64, |h, b| {
        h.wrapping_mul(31).wrapping_add(u64::from(*b))
    });
    kept(name, &digest.to_string(), |path| {
        fs::write(path, bytes).expect("a file can be written")
    })
}

fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha8Rng::seed_from_u64(7).fill_bytes(&mut bytes);
    bytes
}

#[test]
fn missing_file() {
    fails(
        Path::new("/nowhere/missing.mp4"),
        &["no such|not found|missing|exist"],
    );
}

#[test]
fn a_folder() {
    fails(place::scratch().path(), &[""]);
}

#[test]
fn empty_file() {
    for name in ["empty.mp4", "empty.mkv", "empty.ts", "empty.264"] {
        fails(
            &file(name, b""),
            &["empty|invalid|recogni|container|no video|readable"],
        );
    }
}

#[test]
fn noise_only() {
    for name in ["noise.mp4", "noise.mkv", "noise.ts", "noise.bin"] {
        fails(
            &file(name, &noise(300_000)),
            &["invalid|recogni|container|no video|format|readable"],
        );
    }
    fails(
        &file(
            "text.mp4",
            "words, and nothing but words\n".repeat(500).as_bytes(),
        ),
        &[""],
    );
}

#[test]
fn no_video() {
    for name in ["media__sample_audio_only.mp4", "mediabunny__ac3.mkv"] {
        let Some(clip) = place::clip("no_video", name) else {
            return;
        };
        fails(&clip, &["no video|video"]);
    }
}

#[test]
fn missing_headers() {
    let bytes = fs::read(plain()).expect("the plain clip");
    let at = streams::top_boxes(&bytes)
        .into_iter()
        .find(|(name, _)| name == "moov")
        .expect("moov")
        .1;
    fails(
        &file("headless.mp4", &bytes[..at]),
        &["moov|invalid|header|index|container|readable"],
    );
    fails(&file("tail-only.mp4", &bytes[bytes.len() / 2..]), &[""]);
}

fn faststart() -> Vec<u8> {
    let source = generated_from(
        "faststart.mp4",
        "-i @0 -map 0 -c copy -movflags +faststart",
        &[&plain()],
    );
    fs::read(source).expect("a clip")
}

#[test]
fn truncated_mp4() {
    let bytes = faststart();
    let source = file("truncated.mp4", &bytes[..bytes.len() * 6 / 10]);
    fails(&source, &[PLACE]);
    let folder = place::scratch();
    let output = folder.path().join("kept.mp4");
    let run = Job::transcode(&source, &output)
        .flags(CHEAP)
        .flags("--damaged keep --chunk 10f")
        .ok();
    let kept = Take::of(&output).times().pts.len();
    let decodable = Take::of(&source).times().pts.len();
    assert!(decodable > 20, "the reference decodes {decodable}");
    assert_eq!(kept, decodable, "frames that survive: {}", run.line);
    run.must_warn(&["warning"]);
}

#[test]
fn truncated_elsewhere() {
    let mkv = generated_from("copied.mkv", "-i @0 -map 0 -c copy", &[&plain()]);
    let ts = generated_from("copied.ts", "-i @0 -map 0 -c copy", &[&plain()]);
    for (name, source) in [("cut.mkv", mkv), ("cut.ts", ts)] {
        let bytes = fs::read(source).expect("a clip");
        let cut = file(name, &bytes[..bytes.len() * 6 / 10]);
        let folder = place::scratch();
        let output = folder.path().join("out.mp4");
        // Neither container says how long it should be: whole packets may pass, and must then all be there.
        let run = Job::transcode(&cut, &output)
            .flags(CHEAP)
            .flags("--quiet")
            .run();
        match run.done.code {
            Some(0) => {
                let found = compare(&Take::of(&cut), &Take::of(&output), (160, 90));
                assert_eq!(
                    found.count_fault().or(found.time_fault()),
                    None,
                    "{}",
                    run.line
                );
            }
            _ => run.must_fail(2, &[PLACE]),
        }
        Job::transcode(&cut, &output)
            .flags(CHEAP)
            .flags("--damaged keep --overwrite")
            .ok();
        assert_eq!(
            Take::of(&output).times().pts.len(),
            Take::of(&cut).times().pts.len(),
            "{name}: frames that survive"
        );
    }
}

#[test]
fn a_damaged_shared_clip() {
    let name = "decord__corrupted.mp4";
    let Some(clip) = place::clip("a_damaged_shared_clip", name) else {
        return;
    };
    fails(&clip, &[PLACE]);
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&clip, &output)
        .flags(CHEAP)
        .flags("--damaged keep --chunk 10f")
        .ok();
    run.must_warn(&["warning"]);
    let found = compare(&Take::of(&clip), &Take::of(&output), (240, 136));
    assert_eq!(
        found.output.pts.len(),
        manifest::line_of(name).decoded,
        "{}",
        run.line
    );
    assert_eq!(found.time_fault(), None, "{}", run.line);
}

#[test]
fn damage_before_the_first_key_frame_is_a_warning() {
    let name = "mediabunny__no-initial-keyframe.ts";
    let Some(clip) = place::clip("damage_before_the_first_key_frame_is_a_warning", name) else {
        return;
    };
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&clip, &output)
        .flags(CHEAP)
        .flags("--audio none --chunk 4f")
        .ok();
    run.must_warn(&["warning", "key frame|keyframe|before"]);
    let found = compare(&Take::of(&clip), &Take::of(&output), (240, 136));
    assert_eq!(
        found.output.pts.len(),
        manifest::line_of(name).decoded,
        "{}",
        run.line
    );
    assert_eq!(found.fault(36.0), None, "{}", run.line);
}

#[test]
fn damage_in_the_middle() {
    let mut bytes = faststart();
    let source = file("whole.mp4", &bytes);
    let packets = streams::packets(&source, "v:0");
    let hit = packets
        .iter()
        .filter(|p| p.pts > 1.9 && p.size > 600)
        .nth(2)
        .expect("a packet in the middle");
    let (from, to) = (hit.pos as usize + 8, (hit.pos + hit.size) as usize);
    bytes[from..to].copy_from_slice(&noise(to - from));
    let damaged = file("holed.mp4", &bytes);
    fails(&damaged, &[PLACE]);
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&damaged, &output)
        .flags(CHEAP)
        .flags("--damaged keep --chunk 10f")
        .ok();
    let found = compare(&Take::of(&damaged), &Take::of(&output), (240, 136));
    let (kept, decodable) = (found.output.pts.len(), found.reference.pts.len());
    assert!(
        kept.abs_diff(decodable) <= 2 && kept >= 95,
        "{kept} frames survive, ffmpeg decodes {decodable}: {}",
        run.line
    );
    run.must_warn(&["warning"]);
}

#[test]
fn a_broken_track_counts_while_it_is_selected() {
    let mut bytes = faststart();
    let source = file("whole.mp4", &bytes);
    for packet in streams::packets(&source, "a:0").iter().skip(60).take(6) {
        let (from, to) = (packet.pos as usize, (packet.pos + packet.size) as usize);
        bytes[from..to].copy_from_slice(&noise(to - from));
    }
    let broken = file("broken-track.mp4", &bytes);
    let folder = place::scratch();
    let to = |name: &str| Job::transcode(&broken, &folder.path().join(name)).flags(CHEAP);
    let run = to("selected.mp4")
        .flags("--audio opus")
        .fails(2, &["stream 1|track 1|audio"]);
    println!("{}", run.done.stderr.trim());
    to("none.mp4").flags("--audio none").ok();
    let run = to("kept.mp4").flags("--audio opus --damaged keep").ok();
    assert_eq!(
        streams::streams(run.path()).of("audio").len(),
        1,
        "{}",
        run.line
    );
}

#[test]
fn a_track_of_no_known_codec() {
    let test = "a_track_of_no_known_codec";
    let Some(clip) = place::clip(test, "media__sample_missing_stsd.mp4") else {
        return;
    };
    let folder = place::scratch();
    let to = |name: &str| Job::transcode(&clip, &folder.path().join(name)).flags(CHEAP);
    for audio in ["auto", "aac", "copy"] {
        let job = to("asked.mp4").flags(&format!("--audio {audio}"));
        job.fails(2, &["stream 1|audio|track"]);
    }
    to("none.mp4").flags("--audio none").ok();
    to("kept.mp4").flags("--damaged keep").ok();
}

/// Bytes changed at random: whatever comes, it comes in time and in words.
fn shaken(name: &str, bytes: &[u8], seeds: std::ops::Range<u64>, region: std::ops::Range<usize>) {
    let folder = place::scratch();
    for seed in seeds {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut bytes = bytes.to_vec();
        for _ in 0..random.random_range(1..12) {
            bytes[random.random_range(region.clone())] = random.random();
        }
        // Beside the build, so that it is there to look at when the test fails.
        let source = place::cache().join(format!("shaken-{seed}-{name}"));
        fs::write(&source, bytes).expect("a file can be written");
        let output = folder.path().join(format!("{seed}.mp4"));
        let mode = ["fail", "keep"][(seed % 2) as usize];
        let run = Job::transcode(&source, &output)
            .flags(CHEAP)
            .flags(&format!("--quiet --damaged {mode} --size 64x64"))
            .run();
        let memory = run.done.peak_memory;
        assert!(
            memory < 1 << 30,
            "seed {seed}: {memory} bytes: {}",
            run.line
        );
        match run.done.code {
            Some(0) => assert!(output.is_file(), "seed {seed}: {}", run.line),
            _ => run.must_fail(2, &[]),
        }
        fs::remove_file(&source).expect("the file can be removed");
    }
}

#[test]
fn shaken_mp4_headers() {
    let bytes = faststart();
    let moov = streams::top_boxes(&bytes);
    let mdat = moov
        .iter()
        .find(|(name, _)| name == "mdat")
        .expect("mdat")
        .1;
    shaken("shaken.mp4", &bytes, 0..24, 0..mdat);
}

#[test]
fn shaken_mkv() {
    let mkv = generated_from("copied.mkv", "-i @0 -map 0 -c copy", &[&plain()]);
    let bytes = fs::read(mkv).expect("a clip");
    let end = bytes.len();
    shaken("headers.mkv", &bytes, 100..112, 0..2000);
    shaken("all.mkv", &bytes, 200..212, 0..end);
}

#[test]
fn shaken_ts() {
    let ts = generated_from("copied.ts", "-i @0 -map 0 -c copy", &[&plain()]);
    let bytes = fs::read(ts).expect("a clip");
    let end = bytes.len();
    shaken("shaken.ts", &bytes, 300..312, 0..end);
}

#[test]
fn sizes_beyond_limits() {
    let folder = place::scratch();
    for (w, h) in [(100_000, 100_000), (65_535, 65_535), (0, 16)] {
        let source = folder.path().join(format!("{w}x{h}.y4m"));
        fs::write(
            &source,
            format!(
                "YUV4MPEG2 W{w} H{h} F25:1 Ip C420\nFRAME\n{}",
                "x".repeat(4000)
            ),
        )
        .expect("a file");
        let run = Job::transcode(&source, &folder.path().join("out.mp4"))
            .flags(CHEAP)
            .fails(2, &[]);
        assert!(
            run.done.peak_memory < 512 << 20,
            "{w}×{h}: {} bytes",
            run.done.peak_memory
        );
    }
}
