// SPDX-License-Identifier: MIT OR Apache-2.0
//! Animations: frames, times, loops, and memory that does not grow with them.

use super::common::*;
use framemill_thumbs::decode::Decoders;
use framemill_thumbs::{thumbnail, Format, Limits, Settings, Thumbnail};

const COLORS: [([u8; 3], u16); 4] = [
    ([200, 20, 20], 70),
    ([20, 200, 20], 130),
    ([20, 20, 200], 500),
    ([200, 200, 20], 20),
];

fn moving(source: &[u8], segments: &str, frames: u32) -> Thumbnail {
    let settings = Settings {
        limits: Limits {
            frames,
            ..Limits::default()
        },
        ..Settings::default()
    };
    thumbnail(source, &options(segments), &settings, &|| false).unwrap()
}

fn loops(bytes: &[u8]) -> u16 {
    let limits = Limits::default();
    let decoders = Decoders::default();
    let source = decoders.open(bytes, &limits).unwrap();
    source.facts().loops
}

#[test]
fn frames_and_their_times_are_kept() {
    let source = gif(64, 48, &COLORS, gif::Repeat::Infinite);
    let webp = moving(&source, "f:webp", 100).bytes;
    for (name, from, to) in [
        ("gif to gif", &source, "gif"),
        ("gif to webp", &source, "webp"),
        ("webp to gif", &webp, "gif"),
        ("webp to webp", &webp, "webp"),
    ] {
        let made = moving(from, &format!("w:32/f:{to}"), 100);
        assert_eq!(made.frames, 4, "{name}");
        let found = frames(&made.bytes);
        assert_eq!(found.len(), 4, "{name}");
        for ((picture, milliseconds), (color, wanted)) in found.iter().zip(COLORS) {
            assert_eq!(*milliseconds, u32::from(wanted), "{name}");
            assert_eq!(
                (picture.size().width, picture.size().height),
                (32, 24),
                "{name}"
            );
            assert!(near(&at(picture, 0.5, 0.5), &color, 8), "{name}");
        }
    }
}

#[test]
fn animations_play_as_often_as_before() {
    for (repeat, wanted) in [(gif::Repeat::Infinite, 0), (gif::Repeat::Finite(2), 3)] {
        let source = gif(16, 16, &COLORS, repeat);
        assert_eq!(loops(&source), wanted);
        for format in ["gif", "webp"] {
            let made = moving(&source, &format!("f:{format}"), 100);
            assert_eq!(loops(&made.bytes), wanted, "{format}");
        }
    }
}

#[test]
fn times_that_browsers_do_not_believe_in_are_a_tenth_of_a_second() {
    let source = gif(
        16,
        16,
        &[([1; 3], 0), ([90; 3], 10), ([200; 3], 20)],
        gif::Repeat::Infinite,
    );
    let times: Vec<u32> = frames(&source).iter().map(|frame| frame.1).collect();
    assert_eq!(times, [100, 100, 20]);
}

#[test]
fn still_formats_and_limits_take_the_first_frames() {
    let source = gif(16, 16, &COLORS, gif::Repeat::Infinite);
    let made = moving(&source, "f:png", 100);
    assert_eq!((made.frames, made.format), (1, Format::Png));
    assert!(near(&at(&decoded(&made.bytes), 0.5, 0.5), &COLORS[0].0, 2));
    assert_eq!(moving(&source, "f:webp", 2).frames, 2);
    let still = moving(&source, "", 1);
    assert_eq!(frames(&still.bytes).len(), 1);
}

#[test]
fn memory_does_not_grow_with_frames() {
    let frames: Vec<([u8; 3], u16)> = (0..250)
        .map(|n| ([n as u8, 99, 255 - n as u8], 50))
        .collect();
    let source = gif(640, 480, &frames, gif::Repeat::Infinite);
    moving(&source, "w:64/f:webp", 3);
    moving(&source, "w:64/f:gif", 3);
    let before = peak();
    for format in ["webp", "gif"] {
        assert_eq!(
            moving(&source, &format!("w:64/f:{format}"), 1000).frames,
            250
        );
    }
    // All frames would be 300 MB, and other tests run beside this one.
    assert!(peak() < before + 100_000, "{} kB more", peak() - before);
}

/// 20 × 20: a red canvas, then a green dot that is to be disposed of in some way, then a blue one.
fn disposing(method: gif::DisposalMethod) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), 20, 20, &[]).unwrap();
    let red = [255, 0, 0].repeat(400);
    encoder
        .write_frame(&gif::Frame::from_rgb(20, 20, &red))
        .unwrap();
    for (color, left, method) in [
        ([0, 255, 0], 2, method),
        ([0, 0, 255], 12, gif::DisposalMethod::Keep),
    ] {
        let mut dot = gif::Frame::from_rgb(4, 4, &color.repeat(16));
        (dot.left, dot.top, dot.dispose) = (left, 2, method);
        encoder.write_frame(&dot).unwrap();
    }
    encoder.into_inner().unwrap()
}

#[test]
fn frames_are_disposed_of_as_the_file_says() {
    use gif::DisposalMethod::{Background, Keep, Previous};
    for (method, wanted) in [
        (Keep, vec![0, 255, 0, 255]),
        (Background, vec![0, 0, 0, 0]),
        (Previous, vec![255, 0, 0, 255]),
    ] {
        let found = frames(&disposing(method));
        assert_eq!(found.len(), 3);
        assert_eq!(at(&found[1].0, 0.2, 0.2), [0, 255, 0, 255]);
        assert_eq!(at(&found[2].0, 0.2, 0.2), wanted, "{method:?}");
        assert_eq!(at(&found[2].0, 0.7, 0.2), [0, 0, 255, 255]);
        assert_eq!(at(&found[2].0, 0.9, 0.9), [255, 0, 0, 255]);
    }
}

#[test]
fn frames_that_stand_out_are_cut() {
    let mut encoder = gif::Encoder::new(Vec::new(), 10, 10, &[]).unwrap();
    let mut frame = gif::Frame::from_rgb(20, 20, &[9, 9, 9].repeat(400));
    (frame.left, frame.top) = (5, 5);
    encoder.write_frame(&frame).unwrap();
    let mut frame = gif::Frame::from_rgb(5, 5, &[99, 99, 99].repeat(25));
    (frame.left, frame.top) = (500, 0);
    encoder.write_frame(&frame).unwrap();
    let found = frames(&encoder.into_inner().unwrap());
    assert_eq!(
        (at(&found[0].0, 0.9, 0.9)[0], at(&found[0].0, 0.1, 0.1)[3]),
        (9, 0)
    );
    assert_eq!(found[0].0, found[1].0);
}

#[test]
fn smart_gravity_stays_where_it_was_in_the_first_frame() {
    let mut encoder = gif::Encoder::new(Vec::new(), 80, 40, &[]).unwrap();
    for left in [0, 60] {
        let mut rgb = [120u8; 80 * 40 * 3];
        for y in 10..30 {
            for x in left..left + 20 {
                let value = if (x / 3 + y / 3) % 2 == 0 {
                    [240, 190, 160]
                } else {
                    [20; 3]
                };
                rgb[(y * 80 + x) * 3..][..3].copy_from_slice(&value);
            }
        }
        encoder
            .write_frame(&gif::Frame::from_rgb(80, 40, &rgb))
            .unwrap();
    }
    let source = encoder.into_inner().unwrap();
    let made = moving(&source, "rs:fill:40:40/g:sm", 10);
    let found = frames(&made.bytes);
    assert_ne!(found[0].0, found[1].0);
    let flat = |picture: &framemill_thumbs::Picture| {
        picture.samples().iter().max().unwrap()
            - picture.samples().iter().filter(|s| **s > 0).min().unwrap()
    };
    assert!(flat(&found[1].0) > 0);
    assert!(near(&at(&found[1].0, 0.5, 0.5), &[120; 3], 6));
}

#[test]
fn frames_whose_rows_are_interlaced_stand_among_others() {
    let palette: Vec<u8> = (0..8u8).flat_map(|n| [n * 30, n, 200]).collect();
    let mut encoder = gif::Encoder::new(Vec::new(), 8, 8, &palette).unwrap();
    let plain: Vec<u8> = (0..8).flat_map(|row| [row; 8]).collect();
    let passes: Vec<u8> = [0, 4, 2, 6, 1, 3, 5, 7]
        .iter()
        .flat_map(|row| [*row; 8])
        .collect();
    for (rows, interlaced) in [(&plain, false), (&passes, true), (&plain, false)] {
        let mut frame = gif::Frame::from_indexed_pixels(8, 8, rows.clone(), None);
        (frame.palette, frame.interlaced) = (None, interlaced);
        encoder.write_frame(&frame).unwrap();
    }
    let found = frames(&encoder.into_inner().unwrap());
    assert_eq!(found.len(), 3);
    for (picture, _) in &found {
        for row in 0..8u8 {
            let pixel = at(picture, 0.5, (f64::from(row) + 0.5) / 8.0);
            assert_eq!(pixel, [row * 30, row, 200, 255]);
        }
    }
}
