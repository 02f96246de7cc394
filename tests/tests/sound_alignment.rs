// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 4: sound is aligned within a millisecond. That it ends with the
//! picture is in long_clip.rs.

use framemill_tests::job::{Job, Run, CHEAP};
use framemill_tests::place;
use framemill_tests::sound::{lag, samples, sound_after_picture, RATE};
use framemill_tests::sources::{generated, generated_from};
use std::path::{Path, PathBuf};

/// Small pictures for eight seconds, with the given sound.
fn with_sound(name: &str, sound: &str, codec: &str) -> PathBuf {
    let picture = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=8";
    generated(
        name,
        &format!("{picture} -f lavfi -i {sound} -c:v libx264 -preset ultrafast -g 50 -c:a {codec}"),
    )
}

/// Noise with an envelope, so that only one lag fits.
fn speech() -> PathBuf {
    with_sound(
        "bursts.mkv",
        "aevalsrc=0.5*random(0)*gt(sin(2*PI*1.3*t*t)\\,0.3):s=48000:d=8",
        "pcm_s16le",
    )
}

fn made(folder: &Path, source: &Path, name: &str, flags: &str) -> (Run, PathBuf) {
    let output = folder.join(name);
    let run = Job::transcode(source, &output)
        .flags(CHEAP)
        .flags(flags)
        .ok();
    (run, output)
}

/// How much later the sound is relative to the picture than in the source, in seconds.
fn late(source: &Path, output: &Path, source_track: usize) -> f64 {
    let (wanted, got) = (samples(source, source_track), samples(output, 0));
    let moved = lag(&wanted, &got, 4000) as f64 / RATE as f64;
    moved + sound_after_picture(output) - sound_after_picture(source)
}

/// What is wrong with the alignment or the length of the sound, if anything.
fn misaligned(source: &Path, (name, flags): (&str, &str)) -> Option<String> {
    let folder = place::scratch();
    let (run, output) = made(folder.path(), source, name, flags);
    let late = late(source, &output, 0);
    if late.abs() > 0.001 {
        return Some(format!("{:+.2} ms late: {}", late * 1000.0, run.line));
    }
    let (wanted, got) = (
        samples(source, 0).len() as f64,
        samples(&output, 0).len() as f64,
    );
    let longer = (got - wanted) / RATE as f64;
    (longer.abs() > 0.04).then(|| format!("{:+.1} ms longer: {}", longer * 1000.0, run.line))
}

fn all_aligned(source: &Path, cases: &[(&str, &str)]) {
    let faults: Vec<String> = cases
        .iter()
        .filter_map(|case| misaligned(source, *case))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn aligned_in_mp4() {
    all_aligned(
        &speech(),
        &[
            ("aac.mp4", "--audio aac --chunk 30f"),
            ("opus.mp4", "--audio opus"),
        ],
    );
}

#[test]
fn aligned_in_mkv() {
    all_aligned(
        &speech(),
        &[
            ("aac.mkv", "--audio aac --chunk 30f"),
            ("opus.mkv", "--audio opus"),
        ],
    );
}

#[test]
fn aligned_from_aac() {
    let aac = generated_from(
        "primed.mp4",
        "-i @0 -c:v copy -c:a aac -b:a 128k",
        &[&speech()],
    );
    all_aligned(
        &aac,
        &[
            ("aac.mp4", "--audio aac"),
            ("opus.mkv", "--audio opus"),
            ("copy.mp4", "--audio copy"),
            ("copy.mkv", "--audio copy"),
        ],
    );
}

#[test]
fn aligned_from_opus() {
    let opus = generated_from(
        "primed.mkv",
        "-i @0 -c:v copy -c:a libopus -b:a 96k",
        &[&speech()],
    );
    all_aligned(
        &opus,
        &[
            ("aac.mp4", "--audio aac"),
            ("copy.mkv", "--audio copy"),
            ("copy.mp4", "--audio copy"),
        ],
    );
}

const BOTH: [(&str, &str); 2] = [
    ("aac.mp4", "--audio aac --chunk 30f"),
    ("opus.mkv", "--audio opus --chunk 30f"),
];

#[test]
fn aligned_when_sound_starts_late() {
    let source = generated_from(
        "late-sound.mkv",
        "-i @0 -itsoffset 0.5 -i @0 -map 0:v -map 1:a -c copy -t 8",
        &[&speech()],
    );
    assert!(
        (sound_after_picture(&source) - 0.5).abs() < 0.03,
        "the source is off by half a second"
    );
    all_aligned(&source, &BOTH);
}

#[test]
fn aligned_when_the_picture_starts_late() {
    let source = generated_from(
        "late-picture.mkv",
        "-itsoffset 0.5 -i @0 -i @0 -map 0:v -map 1:a -c copy -t 8",
        &[&speech()],
    );
    assert!(
        (sound_after_picture(&source) + 0.5).abs() < 0.03,
        "the source is off by half a second"
    );
    all_aligned(&source, &BOTH);
}

#[test]
fn aligned_after_a_late_start() {
    let source = generated_from(
        "late-ts.ts",
        "-i @0 -c:v copy -c:a mp2 -b:a 192k -output_ts_offset 9.9",
        &[&speech()],
    );
    all_aligned(&source, &BOTH);
}

#[test]
fn aligned_at_a_cut() {
    let folder = place::scratch();
    let (run, output) = made(
        folder.path(),
        &speech(),
        "cut.mp4",
        "--audio aac --start 2 --end 6 --chunk 30f",
    );
    let whole = samples(&speech(), 0);
    let moved = lag(&whole[2 * RATE..6 * RATE], &samples(&output, 0), 4000) as f64 / RATE as f64;
    let late = moved + sound_after_picture(&output);
    assert!(
        late.abs() <= 0.001,
        "{:+.2} ms: {}",
        late * 1000.0,
        run.line
    );
}

/// How late the sound of a shared clip comes out, where that is too much.
fn misaligned_clip((file, name, flags): (&str, &str, &str)) -> Option<String> {
    let clip = place::clip("aligned_on_shared_clips", file)?;
    let folder = place::scratch();
    let output = folder.path().join(name);
    let codec = match name.ends_with("webm") {
        true => "--codec vp9 --preset fast --crf 50",
        false => CHEAP,
    };
    let job = Job::transcode(&clip, &output).flags(codec);
    let run = job.flags("--size 64x64").flags(flags).ok();
    let late = late(&clip, &output, 0);
    (late.abs() > 0.001).then(|| format!("{file}: {:+.2} ms: {}", late * 1000.0, run.line))
}

#[test]
fn aligned_on_shared_clips() {
    let cases = [
        ("mediabunny__edts.mp4", "a.mp4", "--audio aac"),
        ("mediabunny__edts.mp4", "a.mkv", "--audio opus"),
        (
            "media__sample_with_increasing_timestamps_360p.mp4",
            "a.mp4",
            "--audio aac",
        ),
        (
            "media__sample_partially_fragmented.mp4",
            "a.mp4",
            "--audio aac",
        ),
        ("lpms__test.flv", "a.mp4", "--audio aac"),
        ("media__sample.avi", "a.mp4", "--audio aac"),
        (
            "shared-assets__tears-of-steel-battle-clip-medium.webm",
            "a.mkv",
            "--audio opus",
        ),
        ("media__sample_edit_list.mp4", "a.mp4", "--audio aac"),
        (
            "libwebm__bbb_480p_vp9_opus_1second.webm",
            "a.webm",
            "--audio copy",
        ),
    ];
    let faults: Vec<String> = cases.into_iter().filter_map(misaligned_clip).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
