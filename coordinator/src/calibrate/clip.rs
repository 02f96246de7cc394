// SPDX-License-Identifier: MIT OR Apache-2.0
//! A clip, where the user gives none: a textured ground that moves, a face of it that
//! moves the other way, and grain. Real clips of the kind to be encoded tell more.

use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Width and height.
pub const SIZE: (usize, usize) = (1280, 720);
/// Frames a second.
pub const RATE: u32 = 24;

/// Writes so many frames as YUV4MPEG2.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, frames: u32) -> io::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    let (width, height) = SIZE;
    writeln!(
        file,
        "YUV4MPEG2 W{width} H{height} F{RATE}:1 Ip A1:1 C420jpeg"
    )?;
    let mut luma = vec![0; width * height];
    let mut grain = 1;
    for frame in 0..frames as usize {
        for (y, row) in luma.chunks_exact_mut(width).enumerate() {
            for (x, sample) in row.iter_mut().enumerate() {
                *sample = texture(x, y, frame, &mut grain);
            }
        }
        file.write_all(b"FRAME\n")?;
        file.write_all(&luma)?;
        for plane in [100, 150] {
            let chroma = vec![plane; (width / 2) * (height / 2)];
            file.write_all(&chroma)?;
        }
    }
    file.flush()
}

fn texture(x: usize, y: usize, frame: usize, grain: &mut u32) -> u8 {
    let (width, height) = SIZE;
    let inside = (width / 3..2 * width / 3).contains(&x) && (height / 4..height / 2).contains(&y);
    let (x, y) = match inside {
        true => (x + 5 * frame, y + 2 * frame),
        false => (x + 4 * width - 3 * frame.min(width), y),
    };
    let wave = |n: usize, period: f64| (n as f64 * std::f64::consts::TAU / period).sin();
    let value = 120.0
        + 40.0 * wave(x, 97.0) * wave(y, 61.0)
        + 25.0 * wave(x + 2 * y, 23.0)
        + 15.0 * wave(3 * x + y, 11.0);
    // Any sequence will do that is the same each time.
    *grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (value + f64::from(*grain >> 29) - 3.5).clamp(0.0, 255.0) as u8
}
