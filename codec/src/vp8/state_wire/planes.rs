// SPDX-License-Identifier: MIT OR Apache-2.0
//! A frame's planes without borders, compressed without loss.
//!
//! ```text
//! code of block bytes, codes of classes 1 to 15: lengths of code words (`code`)
//! four streams of code words (`code`): block bytes, then the symbols of each block
//! ```
//! A plane is cut into strips of 16 rows, a strip into blocks of 16 steps
//! (`predict`). A block byte says where its expectation comes from (`SOURCE`:
//! 0 the samples around, 1 and 2 the same place in a frame before this one) and
//! its class: how large residuals may be, so how many make a symbol, and how
//! large they are on average, so which code suits them.

use super::code::{self, Decoder, Encoder, Reader, Writer, GROUP};
use super::corrupt;
use super::predict::{row_residual, transposed, Front, Tile};
use crate::error::Result;
use crate::vp8::frame::{Frame, Geometry, Layout};
use std::ops::Range;
use std::sync::Arc;

/// Codes of a frame: of block bytes, and of every class but 0.
const CODES: usize = 16;
/// Where the source is in a block byte.
const SOURCE: u32 = 4;

/// Classes by the sum of a block's residuals, sign aside: those below the first
/// bound, below the second, and so on. Class 0 has nothing but zeros.
const QUARTETS: (u8, &[u32]) = (1, &[40, u32::MAX]);
const PAIRS: (u8, &[u32]) = (3, &[128, 192, 272, 384, u32::MAX]);
const SINGLES: (u8, &[u32]) = (8, &[384, 544, 768, 1088, 1536, 2176, 3840, u32::MAX]);

/// Symbols of a block of that class.
const fn symbols_of(class: u8) -> usize {
    match class {
        0 => 0,
        1..=2 => 64,
        3..=7 => 128,
        _ => 256,
    }
}

fn class_of(largest: u8, sum: u32) -> u8 {
    let (first, bounds) = match largest {
        0 => return 0,
        1 => QUARTETS,
        2..=7 => PAIRS,
        _ => SINGLES,
    };
    first + bounds.iter().take_while(|&&bound| sum >= bound).count() as u8
}

/// Puts steps into symbols: 4 of −1 to 1, or 2 of −8 to 7, or 1.
fn pack(class: u8, steps: &Tile, symbols: &mut Vec<u8>) {
    match symbols_of(class) {
        0 => {}
        64 => symbols.extend(steps.chunks_exact(4).flat_map(|s| {
            let biased = |n: usize, lane: usize| s[n][lane].wrapping_add(1) << (2 * n);
            std::array::from_fn::<u8, 16, _>(|l| {
                biased(0, l) | biased(1, l) | biased(2, l) | biased(3, l)
            })
        })),
        128 => symbols.extend(steps.chunks_exact(2).flat_map(|s| {
            let biased = |n: usize, lane: usize| s[n][lane].wrapping_add(8);
            std::array::from_fn::<u8, 16, _>(|l| biased(0, l) | biased(1, l) << 4)
        })),
        _ => symbols.extend_from_slice(steps.as_flattened()),
    }
}

/// What [`pack`] packed.
fn unpack(class: u8, symbols: &Tile) -> Tile {
    let mut steps = [[0; 16]; 16];
    match symbols_of(class) {
        0 => {}
        64 => {
            for (steps, symbols) in steps.chunks_exact_mut(4).zip(symbols) {
                for (n, step) in steps.iter_mut().enumerate() {
                    *step = symbols.map(|s| (s >> (2 * n) & 3).wrapping_sub(1));
                }
            }
        }
        128 => {
            for (steps, symbols) in steps.chunks_exact_mut(2).zip(symbols) {
                steps[0] = symbols.map(|s| (s & 15).wrapping_sub(8));
                steps[1] = symbols.map(|s| (s >> 4).wrapping_sub(8));
            }
        }
        _ => steps = *symbols,
    }
    steps
}

/// A strip of 16 rows of a plane; the last may have fewer.
struct Strip {
    layout: Layout,
    y: usize,
    rows: usize,
    blocks: usize,
}

impl Strip {
    /// All strips of a frame, plane by plane.
    fn all(geometry: Geometry) -> impl Iterator<Item = Self> {
        (0..3).flat_map(move |plane| {
            let layout = geometry.plane(plane);
            (0..layout.height).step_by(16).map(move |y| Self {
                layout,
                y,
                rows: (layout.height - y).min(16),
                blocks: (layout.width + 15).div_ceil(16),
            })
        })
    }

    /// Where row `r` of a block's 16 columns are among a frame's samples.
    /// Those that are not the plane's own are in its borders.
    fn columns(&self, r: usize, block: usize) -> Range<usize> {
        let start = self.layout.row(self.y + r) + 16 * block - r;
        start..start + 16
    }

    /// The samples over a block's row 0; zeros over the plane.
    fn above(&self, samples: &[u8], block: usize) -> [u8; 16] {
        let mut above = [0; 16];
        if self.y > 0 {
            let start = self.layout.row(self.y - 1) + 16 * block;
            above.copy_from_slice(&samples[start..start + 16]);
        }
        above
    }
}

/// Residuals of a strip against one source, by rows, with zeros around.
struct Residuals {
    rows: Vec<u8>,
    stride: usize,
}

impl Residuals {
    fn new(geometry: Geometry) -> Self {
        let stride = geometry.plane(0).width.next_multiple_of(16) + 48;
        Self {
            rows: vec![0; 16 * stride],
            stride,
        }
    }

    /// Starts a strip; `fill(r, out)` gives row `r`.
    fn fill(&mut self, strip: &Strip, mut fill: impl FnMut(usize, &mut [u8])) {
        for (r, row) in self.rows.chunks_exact_mut(self.stride).enumerate() {
            let (own, after) = row[16..].split_at_mut(strip.layout.width);
            if r < strip.rows {
                fill(r, own);
            } else {
                own.fill(0);
            }
            after.fill(0);
        }
    }

    /// Row `r` of a block.
    fn row(&self, block: usize, r: usize) -> &[u8; 16] {
        let rest = &self.rows[r * self.stride + 16 + 16 * block - r..];
        rest.first_chunk().unwrap_or(&[0; 16])
    }

    /// A block's rows.
    fn block(&self, block: usize) -> Tile {
        std::array::from_fn(|r| *self.row(block, r))
    }

    /// Sum and largest of a block, sign aside.
    fn magnitude(&self, block: usize) -> (u32, u8) {
        let mut sums = [0u16; 16];
        let mut largest = [0u8; 16];
        for r in 0..16 {
            for (x, &residual) in self.row(block, r).iter().enumerate() {
                let magnitude = residual.min(residual.wrapping_neg());
                sums[x] += u16::from(magnitude);
                largest[x] = largest[x].max(magnitude);
            }
        }
        let sum = sums.iter().copied().map(u32::from).sum();
        (sum, largest.into_iter().fold(0, u8::max))
    }
}

/// Appends a frame; `earlier` are those that a reader has already, at most two
/// of the same size.
pub(super) fn write(out: &mut Vec<u8>, frame: &Frame, earlier: &[Arc<Frame>]) {
    let (blocks, symbols) = analyse(frame, earlier);
    let mut counts = vec![[0; 256]; CODES];
    let mut rest = symbols.as_slice();
    for &block in &blocks {
        let class = block & 15;
        let (own, after) = rest.split_at(symbols_of(class));
        rest = after;
        counts[0][usize::from(block)] += 1;
        let counts = &mut counts[usize::from(class)];
        for &symbol in own {
            counts[usize::from(symbol)] += 1;
        }
    }
    let lengths: Vec<_> = counts.iter().map(code::lengths).collect();
    for lengths in &lengths {
        code::write_lengths(out, lengths);
    }
    let codes: Vec<_> = lengths.iter().map(Encoder::new).collect();
    let mut writer = Writer::new(blocks.len() + symbols.len());
    writer.write(&codes[0], &blocks);
    let mut rest = symbols.as_slice();
    for &block in &blocks {
        let class = block & 15;
        let (own, after) = rest.split_at(symbols_of(class));
        rest = after;
        writer.write(&codes[usize::from(class)], own);
    }
    writer.finish(out);
}

/// A frame's block bytes, filled up with zeros to a group, and its symbols.
fn analyse(frame: &Frame, earlier: &[Arc<Frame>]) -> (Vec<u8>, Vec<u8>) {
    let zeros = vec![0; frame.geometry.plane(0).width];
    let mut residuals: Vec<_> = (0..=earlier.len())
        .map(|_| Residuals::new(frame.geometry))
        .collect();
    let mut blocks = Vec::new();
    let mut symbols = Vec::with_capacity(frame.samples.len());
    for strip in Strip::all(frame.geometry) {
        let row = |samples, y| row_of(samples, &strip.layout, y);
        residuals[0].fill(&strip, |r, out| {
            let above = match strip.y + r {
                0 => &zeros[..strip.layout.width],
                y => row(&frame.samples, y - 1),
            };
            row_residual(out, row(&frame.samples, strip.y + r), above);
        });
        for (residuals, earlier) in residuals[1..].iter_mut().zip(earlier) {
            residuals.fill(&strip, |r, out| {
                let y = strip.y + r;
                let both = row(&frame.samples, y).iter().zip(row(&earlier.samples, y));
                for (out, (a, b)) in out.iter_mut().zip(both) {
                    *out = a.wrapping_sub(*b);
                }
            });
        }
        for block in 0..strip.blocks {
            let (mut source, mut best) = (0, residuals[0].magnitude(block));
            for (n, other) in residuals.iter().enumerate().skip(1) {
                let magnitude = other.magnitude(block);
                if magnitude.0 < best.0 {
                    (source, best) = (n, magnitude);
                }
            }
            let (sum, largest) = best;
            let class = class_of(largest, sum);
            blocks.push(class | (source << SOURCE) as u8);
            if class > 0 {
                let steps = transposed(&residuals[source].block(block));
                pack(class, &steps, &mut symbols);
            }
        }
    }
    blocks.resize(blocks.len().next_multiple_of(GROUP), 0);
    (blocks, symbols)
}

fn row_of<'a>(samples: &'a [u8], layout: &Layout, y: usize) -> &'a [u8] {
    &samples[layout.row(y)..layout.row(y) + layout.width]
}

/// Takes a frame of that size off `from`.
pub(super) fn read(from: &mut &[u8], geometry: Geometry, earlier: &[Arc<Frame>]) -> Result<Frame> {
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        codes.push(Decoder::new(&code::read_lengths(from)?)?);
    }
    let mut reader = Reader::new(from)?;
    let count = Strip::all(geometry)
        .map(|strip| strip.blocks)
        .sum::<usize>();
    let mut blocks = vec![0; count.next_multiple_of(GROUP)];
    reader.read(&codes[0], &mut blocks)?;
    // A few bytes must not get the memory of a large frame.
    reader.check()?;
    if blocks
        .iter()
        .any(|block| usize::from(block >> SOURCE) > earlier.len())
    {
        return Err(corrupt("a block from a frame that is not there"));
    }
    let mut blocks = blocks.into_iter();
    let mut frame = Frame::new(geometry);
    for strip in Strip::all(geometry) {
        let mut front = Front::default();
        for (n, block) in blocks.by_ref().take(strip.blocks).enumerate() {
            let class = block & 15;
            let mut symbols = [[0; 16]; 16];
            if class > 0 {
                let symbols = &mut symbols.as_flattened_mut()[..symbols_of(class)];
                reader.read(&codes[usize::from(class)], symbols)?;
            }
            let mut steps = unpack(class, &symbols);
            let above = strip.above(&frame.samples, n);
            match (block >> SOURCE).checked_sub(1) {
                None => front.restore(&mut steps, &above),
                Some(source) => {
                    add(&mut steps, &strip, &earlier[usize::from(source)], n);
                    front.pass(&steps, &above);
                }
            }
            for (r, row) in transposed(&steps).iter().enumerate() {
                frame.samples[strip.columns(r, n)].copy_from_slice(row);
            }
        }
    }
    reader.finish()?;
    frame.extend();
    Ok(frame)
}

/// Adds the same block of another frame to its steps.
fn add(steps: &mut Tile, strip: &Strip, other: &Frame, block: usize) {
    let rows = std::array::from_fn(|r| {
        let columns = &other.samples[strip.columns(r, block)];
        std::array::from_fn(|x| columns[x])
    });
    for (t, (step, other)) in steps.iter_mut().zip(transposed(&rows)).enumerate() {
        for (r, (sample, other)) in step.iter_mut().zip(other).enumerate() {
            // Left of the plane all is 0.
            let inside = block > 0 || r <= t;
            *sample = if inside {
                sample.wrapping_add(other)
            } else {
                0
            };
        }
    }
}
