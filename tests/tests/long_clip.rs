// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1 and 4, on the clip of six minutes: every frame, and sound and
//! picture that end together. One transcode serves both.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, CHEAP};
use framemill_tests::sound::{first_time, samples, RATE};
use framemill_tests::{manifest, place, streams};
use std::path::Path;

const CLIP: &str = "media__long_1080p_lowbitrate.mp4";

/// By how much the sound ends after the last picture, in seconds.
fn skew(path: &Path) -> f64 {
    let heard = samples(path, 0).len() as f64 / RATE as f64;
    first_time(path, "a:0") + heard - streams::extent(path, "v:0").1
}

#[test]
fn every_frame_and_the_end() {
    let Some(clip) = place::clip("every_frame_and_the_end", CLIP) else {
        return;
    };
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(&clip, &output).flags(CHEAP);
    let run = job.flags("--size 128x72 --chunk 997f --audio aac").ok();

    let (wanted, got) = (skew(&clip), skew(&output));
    assert!(
        (got - wanted).abs() < 1.0 / 30.0,
        "{CLIP}: skew {got:+.4} s, {wanted:+.4} s in the source: {}",
        run.line
    );
    assert_eq!(streams::decoding_fault(&output, "v:0"), None, "{CLIP}");

    // The clip is black throughout: its pictures prove nothing, its times do.
    let found = compare(&Take::of(&clip), &Take::of(&output), (16, 16));
    assert_eq!(
        found.output.pts.len(),
        manifest::line_of(CLIP).decoded,
        "{CLIP}: {}",
        run.line
    );
    assert_eq!(found.fault(38.0), None, "{CLIP}: {}", run.line);
}
