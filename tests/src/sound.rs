// SPDX-License-Identifier: MIT OR Apache-2.0
//! Samples, clicks, alignment.

use crate::process::{ffmpeg, ffprobe};
use crate::streams::number;
use std::path::Path;

/// Samples a second that everything is looked at with.
pub const RATE: usize = 48_000;

/// A file's audio stream of this number, decoded and mixed to one channel;
/// gaps in its times are silent.
#[must_use]
pub fn samples(path: &Path, track: usize) -> Vec<f32> {
    let map = format!("0:a:{track}");
    let rate = RATE.to_string();
    let path = path.to_str().expect("a path in UTF-8");
    let filled = "aresample=async=1";
    let (bytes, _) = ffmpeg(&[
        "-i", path, "-map", &map, "-af", filled, "-ac", "1", "-ar", &rate, "-f", "f32le", "-",
    ]);
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// Where a pure tone of `frequency` breaks: sample and size of the worst break.
///
/// A tone obeys x[n+1] + x[n−1] = 2·cos(ω)·x[n]; what is left over is noise
/// and clicks. The size is relative to `amplitude`. `edge` samples at both
/// ends do not count.
#[must_use]
pub fn worst_break(samples: &[f32], frequency: f64, amplitude: f64, edge: usize) -> (usize, f64) {
    let turn = 2.0 * (std::f64::consts::TAU * frequency / RATE as f64).cos();
    let inner = edge.max(1)..samples.len().saturating_sub(edge.max(1));
    let left = |n: usize| {
        (f64::from(samples[n + 1]) + f64::from(samples[n - 1]) - turn * f64::from(samples[n])).abs()
            / amplitude
    };
    inner.map(|n| (n, left(n))).fold(
        (0, 0.0),
        |worst, at| if at.1 > worst.1 { at } else { worst },
    )
}

/// The steepest step between neighbouring samples, relative to a tone's own steepest.
#[must_use]
pub fn steepest(samples: &[f32], frequency: f64, amplitude: f64, edge: usize) -> (usize, f64) {
    let own = amplitude * std::f64::consts::TAU * frequency / RATE as f64;
    let inner = edge..samples.len().saturating_sub(edge + 1);
    let step = |n: usize| f64::from((samples[n + 1] - samples[n]).abs()) / own;
    inner.map(|n| (n, step(n))).fold(
        (0, 0.0),
        |worst, at| if at.1 > worst.1 { at } else { worst },
    )
}

/// By how many samples `output` is later than `reference`, within ±`reach`.
#[must_use]
pub fn lag(reference: &[f32], output: &[f32], reach: i64) -> i64 {
    let length = reference.len().min(output.len()) as i64;
    let score = |lag: i64| -> f64 {
        let span = (-lag).max(0)..(length - lag).min(length).max(0);
        span.step_by(3)
            .map(|n| f64::from(reference[n as usize]) * f64::from(output[(n + lag) as usize]))
            .sum()
    };
    (-reach..=reach)
        .max_by(|a, b| score(*a).total_cmp(&score(*b)))
        .unwrap_or(0)
}

/// When the first decoded frame of a stream is shown or heard, in seconds.
#[must_use]
pub fn first_time(path: &Path, stream: &str) -> f64 {
    let entries = "-show_entries frame=best_effort_timestamp_time -read_intervals %+2";
    let list = ffprobe(&format!("-select_streams {stream} {entries}"), path);
    number(&list["frames"][0]["best_effort_timestamp_time"])
}

/// When the sound starts relative to the first picture, in seconds.
#[must_use]
pub fn sound_after_picture(path: &Path) -> f64 {
    first_time(path, "a:0") - first_time(path, "v:0")
}
