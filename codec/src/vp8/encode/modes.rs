// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modes and motion vectors as booleans (RFC 6386 §11, §16): the way back from
//! what [`ModeReader`](crate::vp8::modes::ModeReader) reads.

use super::field::Field;
use crate::dsp::SubMode;
use crate::vp8::bool_coder::BoolSink;
use crate::vp8::modes::{sub_mv_context, IntraMode, LumaMode, Macroblock, Parts, Split};
use crate::vp8::mv::{self, Bounds, Mv, Near};
use crate::vp8::state::Probabilities;
use crate::vp8::tables::{
    KEY_CHROMA_MODE_PROBS, KEY_LUMA_MODE_PROBS, KEY_SUBBLOCK_MODE_PROBS, MODE_CONTEXTS,
    SPLIT_PROBS, SUBBLOCK_MODE_PROBS, SUB_MV_PROBS,
};

/// What a frame's modes are coded with.
#[derive(Clone, Debug)]
pub(crate) struct ModeCoding {
    pub key: bool,
    /// Probability that a macroblock has coefficients, where that is coded.
    pub skip_prob: Option<u8>,
    pub intra_prob: u8,
    pub last_prob: u8,
    pub golden_prob: u8,
    pub probabilities: Probabilities,
    /// Probabilities of the segments' tree, where the map is sent.
    pub segment_tree: Option<[u8; 3]>,
}

/// Vectors that a macroblock's can be told by, for one reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Predicted {
    pub nearest: Mv,
    pub near: Mv,
    pub best: Mv,
    /// Probabilities of the modes' tree.
    pub probs: [u8; 4],
}

impl Predicted {
    pub fn at(field: &Field, (x, y): (usize, usize), reference: u8) -> Self {
        let geometry = field.geometry();
        let near = Near::find(field.neighbours(x, y), reference, [false; 4]);
        let bounds = Bounds::new(x, y, geometry.mb_cols, geometry.mb_rows);
        Self {
            nearest: near.nearest(&bounds),
            near: near.near(&bounds),
            best: near.best(&bounds),
            probs: std::array::from_fn(|node| MODE_CONTEXTS[near.counts[node].min(5)][node]),
        }
    }
}

impl ModeCoding {
    /// Codes macroblock (x, y) of `field`.
    pub fn macroblock(&self, sink: &mut impl BoolSink, field: &Field, (x, y): (usize, usize)) {
        let (block, parts) = field.block(x, y);
        if let Some(tree) = self.segment_tree {
            let (high, low) = (block.segment & 2 != 0, block.segment & 1 != 0);
            sink.bool(tree[0], high);
            sink.bool(tree[1 + usize::from(high)], low);
        }
        if let Some(prob) = self.skip_prob {
            sink.bool(prob, block.skip);
        }
        if self.key {
            self.key_block(sink, field, (x, y), block, parts);
        } else if block.reference == 0 {
            sink.bool(self.intra_prob, false);
            self.intra_block(sink, block, parts);
        } else {
            sink.bool(self.intra_prob, true);
            self.reference(sink, block.reference);
            let predicted = Predicted::at(field, (x, y), block.reference);
            self.vectors(sink, field, (x, y), &predicted, block, parts);
        }
    }

    fn key_block(
        &self,
        sink: &mut impl BoolSink,
        field: &Field,
        at: (usize, usize),
        block: &Macroblock,
        parts: &Parts,
    ) {
        self.key_luma(sink, block.luma);
        if block.luma == LumaMode::Subblocks {
            let (above, left) = field.around(at.0, at.1);
            for n in 0..16 {
                let above = if n < 4 {
                    above.modes[n + 12]
                } else {
                    parts.modes[n - 4]
                };
                let left = if n % 4 == 0 {
                    left.modes[n + 3]
                } else {
                    parts.modes[n - 1]
                };
                let probs = &KEY_SUBBLOCK_MODE_PROBS[above as usize][left as usize];
                subblock_mode(sink, probs, parts.modes[n]);
            }
        }
        chroma_mode(sink, &KEY_CHROMA_MODE_PROBS, block.chroma);
    }

    /// Codes a key frame's luma mode, without those of subblocks.
    pub fn key_luma(&self, sink: &mut impl BoolSink, luma: LumaMode) {
        let p = &KEY_LUMA_MODE_PROBS;
        let LumaMode::Intra(mode) = luma else {
            return sink.bool(p[0], false);
        };
        sink.bool(p[0], true);
        let later = matches!(mode, IntraMode::Horizontal | IntraMode::TrueMotion);
        sink.bool(p[1], later);
        let second = matches!(mode, IntraMode::Vertical | IntraMode::TrueMotion);
        sink.bool(p[2 + usize::from(later)], second);
    }

    fn intra_block(&self, sink: &mut impl BoolSink, block: &Macroblock, parts: &Parts) {
        self.intra_luma(sink, block.luma);
        if block.luma == LumaMode::Subblocks {
            for &mode in &parts.modes {
                subblock_mode(sink, &SUBBLOCK_MODE_PROBS, mode);
            }
        }
        chroma_mode(sink, &self.probabilities.chroma_modes, block.chroma);
    }

    /// Codes an inter frame's intra luma mode, without those of subblocks.
    pub fn intra_luma(&self, sink: &mut impl BoolSink, luma: LumaMode) {
        for (node, bit) in intra_luma_path(luma) {
            sink.bool(self.probabilities.luma_modes[node], bit);
        }
    }

    pub fn reference(&self, sink: &mut impl BoolSink, reference: u8) {
        sink.bool(self.last_prob, reference > 1);
        if reference > 1 {
            sink.bool(self.golden_prob, reference == 3);
        }
    }

    /// Codes how an inter macroblock's vectors follow from `predicted`.
    pub fn vectors(
        &self,
        sink: &mut impl BoolSink,
        field: &Field,
        at: (usize, usize),
        predicted: &Predicted,
        block: &Macroblock,
        parts: &Parts,
    ) {
        let p = &predicted.probs;
        let whole = block.luma == LumaMode::Whole;
        if block.luma == LumaMode::Zero {
            return sink.bool(p[0], false);
        }
        sink.bool(p[0], true);
        if whole && block.mv == predicted.nearest {
            return sink.bool(p[1], false);
        }
        sink.bool(p[1], true);
        if whole && block.mv == predicted.near {
            return sink.bool(p[2], false);
        }
        sink.bool(p[2], true);
        let probs = &self.probabilities.mv;
        if let LumaMode::Split(split) = block.luma {
            sink.bool(p[3], true);
            split_mode(sink, split);
            for part in SubVectors::of(field, at, split, parts) {
                part.write(sink, probs, predicted.best);
            }
        } else {
            sink.bool(p[3], false);
            mv::write(sink, probs, block.mv.minus(predicted.best));
        }
    }
}

/// The nodes on the way to an intra mode in inter frames (§16.1).
pub(crate) fn intra_luma_path(luma: LumaMode) -> impl Iterator<Item = (usize, bool)> {
    let path: &[(usize, bool)] = match luma {
        LumaMode::Intra(IntraMode::Dc) => &[(0, false)],
        LumaMode::Intra(IntraMode::Vertical) => &[(0, true), (1, false), (2, false)],
        LumaMode::Intra(IntraMode::Horizontal) => &[(0, true), (1, false), (2, true)],
        LumaMode::Intra(IntraMode::TrueMotion) => &[(0, true), (1, true), (3, false)],
        _ => &[(0, true), (1, true), (3, true)],
    };
    path.iter().copied()
}

/// The nodes on the way to a chroma mode (§8.2).
pub(crate) fn chroma_path(mode: IntraMode) -> impl Iterator<Item = (usize, bool)> {
    let path: &[(usize, bool)] = match mode {
        IntraMode::Dc => &[(0, false)],
        IntraMode::Vertical => &[(0, true), (1, false)],
        IntraMode::Horizontal => &[(0, true), (1, true), (2, false)],
        IntraMode::TrueMotion => &[(0, true), (1, true), (2, true)],
    };
    path.iter().copied()
}

/// Codes a chroma mode.
pub(crate) fn chroma_mode(sink: &mut impl BoolSink, probs: &[u8; 3], mode: IntraMode) {
    for (node, bit) in chroma_path(mode) {
        sink.bool(probs[node], bit);
    }
}

/// Codes a subblock's mode (§11.2).
#[inline(always)]
pub(crate) fn subblock_mode(sink: &mut impl BoolSink, probs: &[u8; 9], mode: SubMode) {
    let path: &[(usize, bool)] = match mode {
        SubMode::Dc => &[(0, false)],
        SubMode::Tm => &[(0, true), (1, false)],
        SubMode::Ve => &[(0, true), (1, true), (2, false)],
        SubMode::He => &[(0, true), (1, true), (2, true), (3, false), (4, false)],
        SubMode::Rd => &[
            (0, true),
            (1, true),
            (2, true),
            (3, false),
            (4, true),
            (5, false),
        ],
        SubMode::Vr => &[
            (0, true),
            (1, true),
            (2, true),
            (3, false),
            (4, true),
            (5, true),
        ],
        SubMode::Ld => &[(0, true), (1, true), (2, true), (3, true), (6, false)],
        SubMode::Vl => &[
            (0, true),
            (1, true),
            (2, true),
            (3, true),
            (6, true),
            (7, false),
        ],
        SubMode::Hd => &[
            (0, true),
            (1, true),
            (2, true),
            (3, true),
            (6, true),
            (7, true),
            (8, false),
        ],
        SubMode::Hu => &[
            (0, true),
            (1, true),
            (2, true),
            (3, true),
            (6, true),
            (7, true),
            (8, true),
        ],
    };
    for &(node, bit) in path {
        sink.bool(probs[node], bit);
    }
}

/// Codes how a macroblock is split (§16.3).
pub(crate) fn split_mode(sink: &mut impl BoolSink, split: Split) {
    let p = &SPLIT_PROBS;
    sink.bool(p[0], split != Split::Sixteenths);
    if split == Split::Sixteenths {
        return;
    }
    sink.bool(p[1], split != Split::Quarters);
    if split != Split::Quarters {
        sink.bool(p[2], split == Split::LeftRight);
    }
}

/// Subblocks across and down of a split's parts.
pub(crate) const fn part_size(split: Split) -> (usize, usize) {
    match split {
        Split::TopBottom => (4, 2),
        Split::LeftRight => (2, 4),
        Split::Quarters => (2, 2),
        Split::Sixteenths => (1, 1),
    }
}

/// A part's vector and those that it may be told by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubVector {
    pub mv: Mv,
    pub left: Mv,
    pub above: Mv,
}

impl SubVector {
    /// Codes the vector as one of its neighbours', as zero, or anew.
    pub fn write(&self, sink: &mut impl BoolSink, probs: &[[u8; 19]; 2], best: Mv) {
        let context = &SUB_MV_PROBS[sub_mv_context(self.left, self.above)];
        if self.mv == self.left {
            return sink.bool(context[0], false);
        }
        sink.bool(context[0], true);
        if self.mv == self.above {
            return sink.bool(context[1], false);
        }
        sink.bool(context[1], true);
        if self.mv == Mv::ZERO {
            return sink.bool(context[2], false);
        }
        sink.bool(context[2], true);
        mv::write(sink, probs, self.mv.minus(best));
    }

    /// Whether the vector is coded anew.
    pub fn is_new(&self) -> bool {
        self.mv != self.left && self.mv != self.above && self.mv != Mv::ZERO
    }
}

/// The parts of a split macroblock in coding order.
pub(crate) struct SubVectors;

impl SubVectors {
    pub fn of<'a>(
        field: &'a Field,
        (x, y): (usize, usize),
        split: Split,
        parts: &'a Parts,
    ) -> impl Iterator<Item = SubVector> + 'a {
        let (above, left) = field.around(x, y);
        let (width, height) = part_size(split);
        let rows = (0..4).step_by(height);
        rows.flat_map(move |row| (0..4).step_by(width).map(move |col| (row, col)))
            .map(move |(row, col)| sub_vector(&above.mvs, &left.mvs, &parts.mvs, row, col))
    }
}

/// The part whose first subblock is at (row, col), by the vectors of the
/// macroblocks above and to the left and those of its own.
#[inline(always)]
pub(crate) fn sub_vector(
    above: &[Mv; 16],
    left: &[Mv; 16],
    own: &[Mv; 16],
    row: usize,
    col: usize,
) -> SubVector {
    let first = 4 * row + col;
    SubVector {
        mv: own[first],
        left: if col == 0 {
            left[first + 3]
        } else {
            own[first - 1]
        },
        above: if row == 0 {
            above[first + 12]
        } else {
            own[first - 4]
        },
    }
}
