// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks for what suits each block, then writes a frame's half.

// Plain index loops over lanes become vectors.
#![allow(clippy::needless_range_loop)]

use super::{half_of, SOURCE};
use crate::dsp::{Dsp, Routine};
use crate::vp8::frame::{Frame, Geometry};
use crate::vp8::state_wire::classes::{class_of, pack, symbols_of, CODES};
use crate::vp8::state_wire::code::{self, Encoder};
use crate::vp8::state_wire::predict::{Edge, Front, Tile, RULES};
use crate::vp8::state_wire::streams::{Writer, GROUP};
use crate::vp8::state_wire::strips::{Half, Strip};
use std::sync::Arc;

/// Appends a frame's half; `earlier` are those that a reader has already, at
/// most two.
pub(super) fn write_half(out: &mut Vec<u8>, frame: &Frame, earlier: &[Arc<Frame>], half: usize) {
    let dsp = Dsp::best();
    let earlier: Vec<_> = earlier.iter().map(|frame| half_of(frame, half)).collect();
    let analysed = dsp.run(Analysis {
        geometry: frame.geometry,
        half,
        samples: half_of(frame, half),
        earlier: &earlier,
    });
    let lengths: Vec<_> = analysed.counts.iter().map(code::lengths).collect();
    for lengths in &lengths {
        code::write_lengths(out, lengths);
    }
    let codes = lengths.iter().map(Encoder::new).collect();
    dsp.run(Writing { analysed, codes }).finish(out);
}

/// What is to be written of a frame's half.
struct Analysed {
    /// Block bytes, filled up with zeros to a group.
    blocks: Vec<u8>,
    symbols: Vec<u8>,
    /// How often each symbol of each code occurs.
    counts: Vec<[u32; 256]>,
}

/// Looks for each block's best source.
struct Analysis<'a> {
    geometry: Geometry,
    half: usize,
    samples: Half<&'a [u8]>,
    earlier: &'a [Half<&'a [u8]>],
}

impl Routine for Analysis<'_> {
    type Output = Analysed;

    #[inline(always)]
    fn run(self) -> Analysed {
        let mut blocks = Vec::new();
        let mut symbols = Vec::with_capacity(self.samples.iter().map(|s| s.len()).sum());
        for strip in Strip::all(self.geometry, self.half) {
            let outside = strip.outside(self.samples[strip.plane]);
            let mut front = Front::new(outside[0]);
            for block in 0..strip.blocks {
                let (source, residuals) = self.block(&strip, block, &mut front, outside);
                let class = class_of(&residuals);
                blocks.push(class | (source << SOURCE) as u8);
                pack(class, &residuals, &mut symbols);
            }
        }
        blocks.resize(blocks.len().next_multiple_of(GROUP), 0);
        let counts = counts(&blocks, &symbols);
        Analysed {
            blocks,
            symbols,
            counts,
        }
    }
}

impl Analysis<'_> {
    /// A block's source and residuals.
    #[inline(always)]
    fn block(
        &self,
        strip: &Strip,
        block: usize,
        front: &mut Front,
        outside: [u8; 2],
    ) -> (usize, Tile) {
        let samples = self.samples[strip.plane];
        let edge = strip.edge(block, outside);
        let above = strip.above(samples, block, outside);
        let steps = strip.steps(samples, block, edge);
        front.turn(&above);
        front.fill(&steps);
        let (mut score, mut source) = (u32::MAX, 0);
        for (n, earlier) in self.earlier.iter().enumerate() {
            let distance = strip.distance(samples, earlier[strip.plane], block, edge);
            if distance < score {
                (score, source) = (distance, RULES + n);
            }
        }
        if score > 0 {
            for (n, own) in front.scores().into_iter().enumerate() {
                if own < score {
                    (score, source) = (own, n);
                }
            }
        }
        if let Some(n) = source.checked_sub(RULES) {
            let other = strip.steps(self.earlier[n][strip.plane], block, edge);
            return (source, difference(&steps, &other));
        }
        let mut residuals = front.residuals(source);
        if let Some(edge) = edge {
            let zero = Edge {
                outside: [0; 2],
                ..edge
            };
            for (t, step) in residuals.iter_mut().enumerate() {
                zero.mend(t, step);
            }
        }
        (source, residuals)
    }
}

/// What has to be added to `other`.
#[inline(always)]
fn difference(steps: &Tile, other: &Tile) -> Tile {
    let mut residuals = [[0; 16]; 16];
    for t in 0..16 {
        for r in 0..16 {
            residuals[t][r] = steps[t][r].wrapping_sub(other[t][r]);
        }
    }
    residuals
}

/// How often each symbol of each code occurs.
#[inline(always)]
fn counts(blocks: &[u8], symbols: &[u8]) -> Vec<[u32; 256]> {
    // Two tables in turn: one would wait for itself where symbols repeat.
    let mut counts = vec![[[0; 256]; 2]; CODES];
    let mut rest = symbols;
    for &block in blocks {
        let class = block & 15;
        let (own, after) = rest.split_at(symbols_of(class));
        rest = after;
        counts[0][0][usize::from(block)] += 1;
        let [even, odd] = &mut counts[usize::from(class)];
        for pair in own.chunks_exact(2) {
            even[usize::from(pair[0])] += 1;
            odd[usize::from(pair[1])] += 1;
        }
    }
    let sum = |[even, odd]: &[[u32; 256]; 2]| std::array::from_fn(|n| even[n] + odd[n]);
    counts.iter().map(sum).collect()
}

/// Puts block bytes and symbols into streams.
struct Writing {
    analysed: Analysed,
    codes: Vec<Encoder>,
}

impl Routine for Writing {
    type Output = Writer;

    #[inline(always)]
    fn run(self) -> Writer {
        let Analysed {
            blocks, symbols, ..
        } = self.analysed;
        let mut writer = Writer::new(blocks.len() + symbols.len());
        writer.write(&self.codes[0], &blocks);
        let mut rest = symbols.as_slice();
        for &block in &blocks {
            let class = block & 15;
            let (own, after) = rest.split_at(symbols_of(class));
            rest = after;
            writer.write(&self.codes[usize::from(class)], own);
        }
        writer
    }
}
