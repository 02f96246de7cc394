// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 4: sound is encoded once a track: no transient anywhere, and
//! copies are copies.

use framemill_tests::job::{Job, Run, CHEAP};
use framemill_tests::place;
use framemill_tests::sound::{samples, steepest, worst_break, RATE};
use framemill_tests::sources::{generated, plain};
use framemill_tests::streams::{self, streams};
use std::path::{Path, PathBuf};

const TONE: f64 = 440.0;

/// The amplitude of FFmpeg's `sine`.
const LOUD: f64 = 0.125;

/// Small pictures for eight seconds, with the given sound.
fn with_sound(name: &str, sound: &str, codec: &str) -> PathBuf {
    let picture = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=8";
    generated(
        name,
        &format!("{picture} -f lavfi -i {sound} -c:v libx264 -preset ultrafast -g 50 -c:a {codec}"),
    )
}

fn tone() -> PathBuf {
    with_sound(
        "tone.mkv",
        "sine=frequency=440:sample_rate=48000:duration=8",
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

fn is_smooth(output: &Path, line: &str) {
    let heard = samples(output, 0);
    assert!(
        heard.len().abs_diff(8 * RATE) < RATE / 20,
        "{} samples: {line}",
        heard.len()
    );
    let edge = RATE / 20;
    let (at, size) = worst_break(&heard, TONE, LOUD, edge);
    assert!(
        size < 0.04,
        "a break of {size:.3} at {:.4} s: {line}",
        at as f64 / RATE as f64
    );
    let (at, step) = steepest(&heard, TONE, LOUD, edge);
    assert!(
        step < 1.25,
        "a step of {step:.2} times the tone's at {:.4} s: {line}",
        at as f64 / RATE as f64
    );
}

#[test]
fn a_tone_stays_a_tone() {
    let folder = place::scratch();
    for (name, audio) in [
        ("aac.mp4", "aac"),
        ("opus.mkv", "opus"),
        ("opus.mp4", "opus"),
    ] {
        for chunk in ["1000000f", "10f"] {
            let flags = format!("--audio {audio} --audio-bitrate 160k --chunk {chunk} --overwrite");
            let (run, output) = made(folder.path(), &tone(), name, &flags);
            is_smooth(&output, &run.line);
        }
    }
}

#[test]
fn chunks_do_not_change_the_sound() {
    let folder = place::scratch();
    let hash = |chunk: &str| {
        let (_, output) = made(
            folder.path(),
            &tone(),
            "out.mkv",
            &format!("--audio aac --chunk {chunk} --overwrite"),
        );
        samples(&output, 0)
    };
    assert!(
        hash("1000000f") == hash("10f"),
        "the same sound from one chunk and from twenty"
    );
}

#[test]
fn a_part_of_a_tone_stays_a_tone() {
    let folder = place::scratch();
    let (run, output) = made(
        folder.path(),
        &tone(),
        "part.mp4",
        "--audio aac --audio-bitrate 160k --start 1.5 --end 6.5 --chunk 10f",
    );
    let heard = samples(&output, 0);
    assert!(
        heard.len().abs_diff(5 * RATE) <= RATE / 25,
        "{} samples: {}",
        heard.len(),
        run.line
    );
    let (at, size) = worst_break(&heard, TONE, LOUD, RATE / 20);
    assert!(
        size < 0.04,
        "a break of {size:.3} at sample {at}: {}",
        run.line
    );
}

#[test]
fn copied_sound_is_the_same_sound() {
    let folder = place::scratch();
    let (run, output) = made(
        folder.path(),
        &plain(),
        "copy.mp4",
        "--audio copy --chunk 10f",
    );
    let sizes = |path: &Path| {
        streams::packets(path, "a:0")
            .iter()
            .map(|p| p.size)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sizes(&output),
        sizes(&plain()),
        "packets of sound: {}",
        run.line
    );
    assert!(
        samples(&plain(), 0) == samples(&output, 0),
        "samples: {}",
        run.line
    );
    assert_eq!(
        streams::decoding_fault(&output, "a:0"),
        None,
        "{}",
        run.line
    );
}

#[test]
fn auto_copies_what_fits() {
    let folder = place::scratch();
    let aac = plain();
    for (name, codec, wanted) in [
        ("a.mp4", "h264", "aac"),
        ("a.mkv", "h264", "aac"),
        ("a.webm", "vp9", "opus"),
    ] {
        let output = folder.path().join(name);
        let run = Job::transcode(&aac, &output)
            .flags(&format!("--codec {codec} --preset fast"))
            .ok();
        assert_eq!(
            streams(&output).of("audio")[0]["codec_name"],
            wanted,
            "{}",
            run.line
        );
    }
    let (run, output) = made(folder.path(), &tone(), "pcm.mp4", "");
    assert_eq!(streams(&output).of("audio").len(), 1, "{}", run.line);
}

#[test]
fn channels_and_rates_are_kept() {
    let surround = "aevalsrc=0.1*sin(300*t)|0.1*sin(400*t)|0.1*sin(500*t)|0|0.1*sin(600*t)|0.1*sin(700*t):s=44100:d=8:c=5.1";
    let source = with_sound("surround.mkv", surround, "flac");
    let folder = place::scratch();
    for (name, audio, rate) in [("a.mp4", "aac", "44100"), ("o.mkv", "opus", "48000")] {
        let (run, output) = made(folder.path(), &source, name, &format!("--audio {audio}"));
        let sound = streams(&output).of("audio")[0].clone();
        assert_eq!(
            (&sound["channels"], sound["sample_rate"].as_str()),
            (&6.into(), Some(rate)),
            "{}",
            run.line
        );
        let length = samples(&output, 0).len() as f64 / RATE as f64;
        assert!((length - 8.0).abs() < 0.03, "{length} s: {}", run.line);
    }
}
