// SPDX-License-Identifier: MIT OR Apache-2.0
//! Baseline pictures at an eighth of their size, where a block of brightness is a pixel.
//!
//! libjpeg-turbo takes each code by itself there, too. Of most blocks only the first coefficient
//! is wanted, so that what lies behind it is skipped here by several codes at once, and rows
//! become colours as they come. The result is libjpeg-turbo's, bit by bit.

use super::frame::{Channel, Frame};
use super::huffman::{Bits, Skips, Values};
use crate::picture::{byte_count, Layout, Picture};
use crate::plan::Size;

/// The picture, in RGB, of grey or of brightness and two differences of colour; `None` where it
/// is of another kind, or damaged in any way.
pub(super) fn decode(bytes: &[u8], size: Size) -> Option<Picture> {
    let frame = Frame::read(bytes)?;
    if (frame.width, frame.height) != (size.width, size.height) {
        return None;
    }
    let mut planes = planes(&frame)?;
    let (width, height) = (size.width.div_ceil(8), size.height.div_ceil(8));
    let rows = planes[0].down as usize;
    let across = size.width.div_ceil(8 * planes[0].across);
    let small = Size::new(width, height);
    let mut samples = vec![0; byte_count(small, Layout::Rgb).ok()?];
    let mut scan = Scan {
        bits: Bits::new(frame.scan),
        restart: frame.restart,
        left: frame.restart,
        expected: 0,
    };
    for band in samples.chunks_mut(width as usize * 3 * rows) {
        scan.band(&mut planes, across)?;
        for (y, row) in band.chunks_exact_mut(width as usize * 3).enumerate() {
            to_rgb(&planes, y, row);
        }
    }
    // Whatever follows is the library's to judge.
    (scan.bits.marker()? == END).then_some(())?;
    Picture::new(small, Layout::Rgb, samples).ok()
}

/// The marker at the end of a picture.
const END: u8 = 0xd9;

/// The first of the eight markers of restarts.
const RESTART: u8 = 0xd0;

/// Rows of a channel that a row of macroblocks has, and how they are read.
struct Plane {
    across: u32,
    down: u32,
    first: Values,
    rest: Rest,
    /// The first coefficient of the block before, not scaled.
    last: i32,
    /// The first coefficient's quantiser.
    quantiser: i32,
    samples: Vec<u8>,
    stride: usize,
    /// How often a sample is repeated across and down.
    repeats: (usize, usize),
}

/// What becomes of a block's other coefficients.
enum Rest {
    /// The block is one sample: they are skipped.
    Skipped(Skips),
    /// The block is two by two samples: of colours that have half as many as brightness.
    Used(Values, Box<[Part; 64]>),
}

/// The channels, if they are of a kind that is read here.
fn planes(frame: &Frame) -> Option<Vec<Plane>> {
    let (across, down) = match &frame.channels[..] {
        // A single channel's blocks come one by one, whatever it states.
        [_] => (1, 1),
        [first, others @ ..] => {
            let single = |c: &Channel| c.across == 1 && c.down == 1;
            let most = (1..=2).contains(&first.across) && (1..=2).contains(&first.down);
            let usual = others.len() == 2 && others.iter().all(single) && most;
            usual.then_some((first.across, first.down))?
        }
        [] => return None,
    };
    let macroblocks = frame.width.div_ceil(8 * across) as usize;
    let plane = |(index, channel): (usize, &Channel)| {
        let halved = index > 0 && (across, down) == (2, 2);
        let (own_across, own_down) = if index == 0 { (across, down) } else { (1, 1) };
        let side = if halved { 2 } else { 1 };
        let stride = macroblocks * own_across as usize * side;
        Some(Plane {
            across: own_across,
            down: own_down,
            first: Values::new(&channel.first)?,
            rest: match halved {
                true => {
                    let parts = Box::new(parts(&channel.quantisers));
                    Rest::Used(Values::new(&channel.rest)?, parts)
                }
                false => Rest::Skipped(Skips::new(&channel.rest)?),
            },
            last: 0,
            quantiser: i32::from(channel.quantisers[0]),
            samples: vec![0; stride * own_down as usize * side],
            stride,
            repeats: match index > 0 && !halved {
                true => (across as usize, down as usize),
                false => (1, 1),
            },
        })
    };
    frame.channels.iter().enumerate().map(plane).collect()
}

/// Where a scan is read.
struct Scan<'a> {
    bits: Bits<'a>,
    restart: u32,
    /// Macroblocks up to the next restart.
    left: u32,
    /// The number of the next restart.
    expected: u8,
}

impl Scan<'_> {
    /// Reads a row of macroblocks.
    fn band(&mut self, planes: &mut [Plane], across: u32) -> Option<()> {
        for column in 0..across {
            if self.restart > 0 {
                if self.left == 0 {
                    self.begin_again(planes)?;
                }
                self.left -= 1;
            }
            for plane in &mut *planes {
                plane.macroblock(&mut self.bits, column as usize)?;
            }
        }
        Some(())
    }

    fn begin_again(&mut self, planes: &mut [Plane]) -> Option<()> {
        (self.bits.marker()? == RESTART + self.expected).then_some(())?;
        self.expected = (self.expected + 1) % 8;
        self.left = self.restart;
        planes.iter_mut().for_each(|plane| plane.last = 0);
        Some(())
    }
}

impl Plane {
    fn macroblock(&mut self, bits: &mut Bits, column: usize) -> Option<()> {
        let across = self.across as usize;
        for y in 0..self.down as usize {
            for x in column * across..(column + 1) * across {
                self.last = self.last.wrapping_add(self.first.first(bits)?);
                let first = self.last.wrapping_mul(self.quantiser);
                match &self.rest {
                    Rest::Skipped(skips) => {
                        skips.rest(bits)?;
                        self.samples[y * self.stride + x] = sample(first, 3);
                    }
                    Rest::Used(values, parts) => {
                        let quarters = quarters(values, bits, first, parts)?;
                        let at = y * 2 * self.stride + x * 2;
                        self.samples[at..at + 2].copy_from_slice(&quarters[..2]);
                        let at = at + self.stride;
                        self.samples[at..at + 2].copy_from_slice(&quarters[2..]);
                    }
                }
            }
        }
        Some(())
    }

    fn row(&self, y: usize) -> &[u8] {
        let y = y / self.repeats.1;
        &self.samples[y * self.stride..(y + 1) * self.stride]
    }
}

/// A sample from a sum that is scaled by 2^`shift`, rounded, around 128.
fn sample(sum: i32, shift: u32) -> u8 {
    let rounded = (sum.wrapping_add(1 << (shift - 1))) >> shift;
    rounded.saturating_add(128).clamp(0, 255) as u8
}

/// Places of coefficients in the order of the zigzag: eight times the row, and the column.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What a frequency adds to the difference of both halves of eight samples, scaled by 2^13 as in
/// libjpeg's `jidctred.c`. Even ones are in both alike.
const ODD: [i32; 8] = [0, 29_692, 0, -10_426, 0, 6967, 0, -5906];

/// Sums of a block's coefficients down its columns, each scaled by 2^15: eight means, eight
/// differences of the halves, and what belongs to neither.
type Sums = [i32; 17];

/// Where a coefficient goes among the sums, and its factor.
#[derive(Clone, Copy)]
struct Part {
    sum: usize,
    factor: i32,
}

/// The parts of all coefficients, in the order of the zigzag.
fn parts(quantisers: &[u16; 64]) -> [Part; 64] {
    std::array::from_fn(|at| {
        let (row, column) = (usize::from(ZIGZAG[at]) / 8, usize::from(ZIGZAG[at]) % 8);
        let quantiser = i32::from(quantisers[at]);
        let (sum, factor) = match (row, ODD[row]) {
            (0, _) => (column, 1 << 15),
            (_, 0) => (16, 0),
            (_, odd) => (8 + column, odd),
        };
        let factor = quantiser.wrapping_mul(factor);
        Part { sum, factor }
    })
}

/// A block as two by two samples, each the mean of a quarter of it. All roundings are libjpeg's.
#[inline(always)]
fn quarters(values: &Values, bits: &mut Bits, first: i32, parts: &[Part; 64]) -> Option<[u8; 4]> {
    let mut sums: Sums = [0; 17];
    let any = values.rest(bits, |at, value| {
        let part = parts.get(at as usize)?;
        let sum = sums.get_mut(part.sum)?;
        *sum = sum.wrapping_add(value.wrapping_mul(part.factor));
        Some(())
    })?;
    if !any {
        return Some([sample(first, 3); 4]);
    }
    sums[0] = first.wrapping_shl(15);
    let scaled = |sum: i32| sum.wrapping_add(1 << 12) >> 13;
    let (mut above, mut below) = (0i32, 0i32);
    for column in [1, 3, 5, 7] {
        let (mean, odd) = (sums[column], sums[8 + column]);
        let part = |sum| scaled(sum).wrapping_mul(ODD[column]);
        above = above.wrapping_add(part(mean.wrapping_add(odd)));
        below = below.wrapping_add(part(mean.wrapping_sub(odd)));
    }
    let means = [sums[0].wrapping_add(sums[8]), sums[0].wrapping_sub(sums[8])];
    let (mean_above, mean_below) = (scaled(means[0]) << 15, scaled(means[1]) << 15);
    Some([
        sample(mean_above.wrapping_add(above), 20),
        sample(mean_above.wrapping_sub(above), 20),
        sample(mean_below.wrapping_add(below), 20),
        sample(mean_below.wrapping_sub(below), 20),
    ])
}

/// A row of the planes as RGB, by JFIF's matrix in libjpeg's roundings.
fn to_rgb(planes: &[Plane], y: usize, row: &mut [u8]) {
    let [light, blue, red] = planes else {
        let light = planes[0].row(y);
        for (out, light) in row.chunks_exact_mut(3).zip(light) {
            out.fill(*light);
        }
        return;
    };
    let repeats = blue.repeats.0;
    let (light, blue, red) = (light.row(y), blue.row(y), red.row(y));
    let convert = |out: &mut [u8], light: u8, blue: u8, red: u8| {
        let (light, blue, red) = (
            i32::from(light),
            i32::from(blue) - 128,
            i32::from(red) - 128,
        );
        let half = 1 << 15;
        out[0] = (light + ((91_881 * red + half) >> 16)).clamp(0, 255) as u8;
        out[1] = (light + ((-22_554 * blue - 46_802 * red + half) >> 16)).clamp(0, 255) as u8;
        out[2] = (light + ((116_130 * blue + half) >> 16)).clamp(0, 255) as u8;
    };
    let pixels = row.chunks_exact_mut(3).zip(light);
    if repeats == 1 {
        for ((out, light), (blue, red)) in pixels.zip(blue.iter().zip(red)) {
            convert(out, *light, *blue, *red);
        }
    } else {
        for (x, (out, light)) in pixels.enumerate() {
            convert(out, *light, blue[x / repeats], red[x / repeats]);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
