// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checkers themselves: each must see the fault that it is there for.

use framemill_tests::frames::{compare, Comparison, Take};
use framemill_tests::sources::{generated, generated_from, plain};
use framemill_tests::{place, sound, streams};
use std::path::{Path, PathBuf};

const VIEW: (usize, usize) = (240, 136);

/// A good transcode of [`plain`] by `ffmpeg` itself, through a filter.
fn remade(name: &str, filter: &str) -> PathBuf {
    let args = format!("-i @0 -vf {filter} -fps_mode passthrough -enc_time_base 1/12800 -c:v libx264 -preset ultrafast -crf 14 -an");
    generated_from(name, &args, &[&plain()])
}

fn of_remade(output: &Path) -> Comparison {
    compare(&Take::of(&plain()), &Take::of(output), VIEW)
}

#[test]
fn a_good_transcode_passes() {
    let found = of_remade(&remade("good.mp4", "null"));
    assert_eq!(found.frames.len(), 100);
    assert_eq!(found.fault(32.0), None, "least {:.1} dB", found.least());
}

#[test]
fn pictures_one_frame_late_are_seen() {
    let late = of_remade(&remade(
        "late.mp4",
        "trim=end_frame=99,tpad=start=1:start_mode=clone,settb=1/12800,setpts=N*512",
    ));
    assert_eq!(
        late.count_fault().or(late.time_fault()),
        None,
        "only the pictures are shifted"
    );
    let fault = late
        .picture_fault(0.0)
        .expect("a shift that leaves the times right");
    assert!(fault.contains("shows the picture of frame"), "{fault}");
}

#[test]
fn two_swapped_pictures_are_seen() {
    let swapped = of_remade(&remade("swapped.mp4", "shuffleframes=0|1|2|4|3"));
    let fault = swapped.picture_fault(0.0).expect("swapped pictures");
    assert!(fault.starts_with("frame 3 "), "{fault}");
}

#[test]
fn a_lost_frame_is_seen() {
    let lost = of_remade(&remade("lost.mp4", "select=not(eq(n\\,50))"));
    assert!(lost.count_fault().is_some_and(|f| f.contains("99 frames")));
    assert!(lost.time_fault().is_some_and(|f| f.contains("frame 50")));
    assert!(lost.picture_fault(0.0).is_some());
}

#[test]
fn a_frame_moved_by_a_tick_is_seen() {
    let moved = of_remade(&remade("moved.mp4", "settb=1/12800,setpts=PTS+eq(N\\,7)"));
    assert!(
        moved.time_fault().is_some_and(|f| f.contains("frame 7")),
        "{:?}",
        moved.output
    );
}

#[test]
fn another_picture_is_seen() {
    let other = of_remade(&remade("other.mp4", "hflip=enable='eq(n\\,33)'"));
    let fault = other.picture_fault(32.0).expect("a mirrored picture");
    assert!(fault.contains("frame 33"), "{fault}");
}

#[test]
fn a_mkv_passes_within_its_ticks() {
    let source = plain();
    let mkv = generated_from("copied.mkv", "-i @0 -map 0 -c copy", &[&source]);
    assert_eq!(
        compare(&Take::of(&source), &Take::of(&mkv), VIEW).fault(90.0),
        None
    );
    assert_eq!(streams::decoding_fault(&mkv, "v:0"), None);
}

#[test]
fn a_click_in_a_tone_is_heard() {
    let whole = generated(
        "tone.wav",
        "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=3",
    );
    let pieces = generated(
        "spliced.wav",
        "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=1.4003 \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration=1.6 -filter_complex concat=v=0:a=1",
    );
    let [whole, pieces] = [&whole, &pieces].map(|p| sound::samples(p, 0));
    assert!(sound::worst_break(&whole, 440.0, 0.125, 480).1 < 0.01);
    let (at, size) = sound::worst_break(&pieces, 440.0, 0.125, 480);
    assert!(
        size > 0.1 && at.abs_diff(67_214) < 4,
        "a break of {size} at {at}"
    );
    assert!(sound::steepest(&whole, 440.0, 0.125, 480).1 < 1.05);
}

#[test]
fn late_sound_is_measured() {
    let source = generated(
        "noise.wav",
        "-f lavfi -i anoisesrc=seed=3:sample_rate=48000:duration=2:amplitude=0.5",
    );
    let samples = sound::samples(&source, 0);
    let late: Vec<f32> = vec![0.0; 37]
        .into_iter()
        .chain(samples.iter().copied())
        .collect();
    assert_eq!(sound::lag(&samples, &late, 200), 37);
    assert_eq!(sound::lag(&late, &samples, 200), -37);
}

#[test]
fn generated_media_lies_in_the_target_folder() {
    assert!(plain().starts_with(place::cache()));
}
