// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoders that return smaller pictures: what becomes of them is as if they had not.

use super::common::*;
use framemill_thumbs::{Format, Picture};

/// Slow waves in all directions, so that a shift by part of a pixel is seen.
fn waves(width: u32, height: u32) -> Vec<u8> {
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (x, y) = (f64::from(x), f64::from(y));
            for phase in [(x + y) / 45.0, (x - y) / 60.0, x / 50.0] {
                samples.push((phase.sin() * 110.0 + 128.0) as u8);
            }
        }
    }
    samples
}

/// Mean of the squares of differences.
fn error(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.size(), a.layout()), (b.size(), b.layout()));
    let pairs = a.samples().iter().zip(b.samples());
    let sum: f64 = pairs
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
        .sum();
    sum / a.samples().len() as f64
}

#[test]
fn smaller_pictures_keep_their_places() {
    // No side is a multiple of a square's side, or of an eighth.
    let (width, height) = (1003, 701);
    let rgb = waves(width, height);
    let exact = by_image_crate(Format::Bmp, width, height, &rgb);
    let rgba: Vec<u8> = rgb
        .chunks_exact(3)
        .flat_map(|p| [p[0], p[1], p[2], 255])
        .collect();
    let sixteen: Vec<u8> = rgb.iter().flat_map(|sample| [*sample; 2]).collect();
    let depth = png::BitDepth::Eight;
    let sources = [
        ("png", rgb_png(width, height, &rgb)),
        (
            "with alpha",
            png(width, height, png::ColorType::Rgba, depth, &rgba),
        ),
        (
            "of sixteen bits",
            png(
                width,
                height,
                png::ColorType::Rgb,
                png::BitDepth::Sixteen,
                &sixteen,
            ),
        ),
        ("jpeg", jpeg(width, height, &rgb)),
    ];
    for segments in [
        "w:90",
        "w:40",
        "rs:fill:60:60:0:0/g:soea",
        "c:500:500:noea/w:50",
        "t:5/w:90",
    ] {
        let wanted = decoded(&make(&exact, &format!("{segments}/f:png")).unwrap().bytes);
        for (name, source) in &sources {
            let found = decoded(&make(source, &format!("{segments}/f:png")).unwrap().bytes);
            let error = error(&found, &wanted);
            assert!(error < 3.0, "{name}, {segments}: {error}");
        }
    }
}

#[test]
fn what_lets_nothing_through_has_no_colour_in_smaller_pictures_either() {
    let row = [[250, 0, 0, 255].repeat(301), [0, 255, 255, 0].repeat(300)].concat();
    let rgba = row.repeat(400);
    let source = png(601, 400, png::ColorType::Rgba, png::BitDepth::Eight, &rgba);
    let small = decoded(&make(&source, "w:31/f:png").unwrap().bytes);
    let seen = small
        .samples()
        .chunks_exact(4)
        .filter(|pixel| pixel[3] > 60);
    for pixel in seen {
        assert!(near(&pixel[..3], &[250, 0, 0], 8), "{pixel:?}");
    }
    assert_eq!((at(&small, 0.1, 0.5)[3], at(&small, 0.9, 0.5)[3]), (255, 0));
}
