// SPDX-License-Identifier: MIT OR Apache-2.0
//! The macroblocks of a frame, row by row: modes, coefficients, prediction,
//! residual, loop filter.

use super::bool_coder::BoolReader;
use super::frame::{Frame, Geometry, Target};
use super::header::Header;
use super::loop_filter::{LoopFilter, Strength};
use super::modes::{LumaMode, Macroblock, ModeInputs, ModeReader};
use super::predict::inter::Inter;
use super::predict::intra::{self, Lines};
use super::quant::Quantizer;
use super::residual;
use super::state::Probabilities;
use super::tokens::{Context, Residual, TokenProbs};
use crate::dsp::{Dsp, Routine};

/// Buffers of a decoder, of no meaning between frames.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    modes: ModeReader,
    tokens: TokenProbs,
    residual: Residual,
    above: Vec<Context>,
    lines: Lines,
    strengths: Vec<Strength>,
    segments: Vec<u8>,
}

impl Scratch {
    /// Before a frame's first row; `segments` is the map that it may renew.
    pub fn start(&mut self, geometry: Geometry, segments: &[u8], probabilities: &Probabilities) {
        self.modes.start(geometry.mb_cols);
        self.tokens.set(&probabilities.coefficients);
        self.above.clear();
        self.above.resize(geometry.mb_cols, Context::default());
        self.lines.start(geometry);
        self.strengths.clear();
        self.strengths.resize(geometry.mb_cols, Strength::default());
        self.segments.clear();
        self.segments.extend_from_slice(segments);
    }

    /// The segments of the frame decoded last.
    pub fn segments(&self) -> &[u8] {
        &self.segments
    }
}

/// What all rows of a frame have in common.
pub(crate) struct Rows<'a> {
    pub dsp: &'static Dsp,
    pub header: &'a Header,
    pub probabilities: &'a Probabilities,
    pub quantizers: [Quantizer; 4],
    pub filter: Option<LoopFilter>,
    /// `None` in key frames.
    pub inter: Option<Inter<'a>>,
}

/// All rows of a frame, to be decoded.
pub(crate) struct Decoding<'a, 'b, 'd> {
    pub rows: &'b Rows<'a>,
    /// The first partition, from the first macroblock on.
    pub first: &'b mut BoolReader<'d>,
    /// The token partitions, which rows take in turns.
    pub tokens: &'b mut [BoolReader<'d>],
    pub scratch: &'b mut Scratch,
    pub frame: &'b mut Frame,
}

impl Routine for Decoding<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.rows
            .decode(self.first, self.tokens, self.scratch, self.frame);
    }
}

impl Rows<'_> {
    #[inline(always)]
    fn decode(
        &self,
        first: &mut BoolReader<'_>,
        tokens: &mut [BoolReader<'_>],
        scratch: &mut Scratch,
        frame: &mut Frame,
    ) {
        let Geometry { mb_cols, mb_rows } = frame.geometry;
        let inputs = ModeInputs {
            header: self.header,
            probabilities: self.probabilities,
            mb_cols,
            mb_rows,
        };
        for y in 0..mb_rows {
            let segments = &mut scratch.segments[y * mb_cols..(y + 1) * mb_cols];
            scratch.modes.read_row(first, &inputs, y, segments);
            let bits = &mut tokens[y % tokens.len()];
            let mut left = Context::default();
            for x in 0..mb_cols {
                self.macroblock(bits, scratch, &mut left, (x, y), frame);
            }
            scratch.lines.keep(frame, y);
            if let Some(filter) = &self.filter {
                filter.row(self.dsp, &scratch.strengths, y, frame);
            }
        }
    }

    #[inline(always)]
    fn macroblock(
        &self,
        bits: &mut BoolReader<'_>,
        scratch: &mut Scratch,
        left: &mut Context,
        (x, y): (usize, usize),
        frame: &mut Frame,
    ) {
        let (block, parts) = scratch.modes.macroblock(x);
        let residual = &mut scratch.residual;
        let above = &mut scratch.above[x];
        let coded = if block.skip {
            skip(block.has_y2(), above, left);
            false
        } else if bits.is_exhausted() {
            // What is missing has no coefficients, yet does not count as skipped.
            residual.ends.fill(0);
            true
        } else {
            let quantizer = &self.quantizers[usize::from(block.segment & 3)];
            residual.read(
                bits,
                &scratch.tokens,
                quantizer,
                block.has_y2(),
                above,
                left,
            )
        };
        if let Some(filter) = &self.filter {
            scratch.strengths[x] = filter.strength(block, coded);
        }
        let (dsp, lines, at) = (self.dsp, &scratch.lines, (x, y));
        let target = &mut frame.target(at);
        prefetch(dsp, target, x);
        match (block.luma, &self.inter) {
            (LumaMode::Intra(mode), _) => {
                intra::luma(dsp, mode, &lines.edges(0, at, target), target);
                chroma(dsp, block, lines, at, target);
            }
            (LumaMode::Subblocks, _) => {
                let stride = target.stride[0];
                let add = |samples: &mut [u8], block: usize, at: usize| {
                    if coded {
                        residual::add_block(dsp, residual, block, samples, at, stride);
                    }
                };
                let edges = lines.edges(0, at, target);
                intra::subblocks(dsp, &parts.modes, &edges, target, add);
                chroma(dsp, block, lines, at, target);
            }
            (_, Some(inter)) => inter.macroblock(block, parts, at, target),
            // Key frames have intra macroblocks only.
            (_, None) => {}
        }
        if coded {
            residual::add(dsp, residual, block.luma, target);
        }
    }
}

/// Asks for a part of where macroblocks further right go: eight columns on, a
/// cache line of luma is four wide, one of chroma eight.
#[inline(always)]
fn prefetch(dsp: &Dsp, target: &Target<'_>, x: usize) {
    let line = |plane: usize, size: usize, row: usize| {
        let at = target.at[plane] + row * target.stride[plane] + 8 * size;
        dsp.prefetch(target.samples, at as isize);
    };
    for row in 0..4 {
        line(0, 16, 4 * (x & 3) + row);
    }
    line(1, 8, x & 7);
    line(2, 8, x & 7);
}

#[inline(always)]
fn chroma(
    dsp: &Dsp,
    block: &Macroblock,
    lines: &Lines,
    at: (usize, usize),
    target: &mut Target<'_>,
) {
    let (u, v) = (lines.edges(1, at, target), lines.edges(2, at, target));
    intra::chroma(dsp, block.chroma, [&u, &v], target);
}

/// Leaves word for the neighbours that a macroblock has no coefficients.
#[inline(always)]
pub(crate) fn skip(has_y2: bool, above: &mut Context, left: &mut Context) {
    above[..8].fill(0);
    left[..8].fill(0);
    if has_y2 {
        (above[8], left[8]) = (0, 0);
    }
}
