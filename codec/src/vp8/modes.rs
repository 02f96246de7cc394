// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modes of macroblocks (RFC 6386 §8, §11, §16).

use super::bool_coder::BoolReader;
use super::header::Header;
use super::mv::{Bounds, Mv, Near};
use super::state::Probabilities;
use super::tables::{
    KEY_CHROMA_MODE_PROBS, KEY_LUMA_MODE_PROBS, KEY_SUBBLOCK_MODE_PROBS, MODE_CONTEXTS,
    SPLIT_PROBS, SUBBLOCK_MODE_PROBS, SUB_MV_PROBS,
};
use crate::dsp::SubMode;

/// How a whole block is predicted from its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntraMode {
    Dc,
    Vertical,
    Horizontal,
    TrueMotion,
}

impl IntraMode {
    /// The mode that all its subblocks count as (RFC 6386 §11.3).
    #[inline(always)]
    pub const fn implied(self) -> SubMode {
        match self {
            Self::Dc => SubMode::Dc,
            Self::Vertical => SubMode::Ve,
            Self::Horizontal => SubMode::He,
            Self::TrueMotion => SubMode::Tm,
        }
    }
}

/// How a macroblock is split into parts with vectors of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    TopBottom,
    LeftRight,
    Quarters,
    Sixteenths,
}

/// How luma is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LumaMode {
    Intra(IntraMode),
    /// Every subblock by a mode of its own.
    Subblocks,
    /// By one vector, which is zero by mode.
    Zero,
    /// By one vector.
    Whole,
    /// By several vectors.
    Split(Split),
}

/// What the first partition says of a macroblock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Macroblock {
    pub luma: LumaMode,
    /// Of intra macroblocks.
    pub chroma: IntraMode,
    /// 0 intra, 1 last, 2 golden, 3 altref.
    pub reference: u8,
    pub segment: u8,
    /// Whether it is coded without coefficients.
    pub skip: bool,
    /// Its vector, or that of its last part.
    pub mv: Mv,
}

impl Macroblock {
    /// What lies outside the frame.
    pub const OUTSIDE: Self = Self {
        luma: LumaMode::Intra(IntraMode::Dc),
        chroma: IntraMode::Dc,
        reference: 0,
        segment: 0,
        skip: false,
        mv: Mv::ZERO,
    };

    /// One that is predicted by one vector.
    pub fn by_vector(reference: u8, mv: Mv) -> (Self, Parts) {
        let block = Self {
            luma: match mv {
                Mv::ZERO => LumaMode::Zero,
                _ => LumaMode::Whole,
            },
            reference,
            mv,
            ..Self::OUTSIDE
        };
        let parts = Parts {
            mvs: [mv; 16],
            ..Parts::NONE
        };
        (block, parts)
    }

    pub const fn is_split(&self) -> bool {
        matches!(self.luma, LumaMode::Split(_))
    }

    /// Whether luma's DC coefficients are coded in a block of their own.
    pub const fn has_y2(&self) -> bool {
        !matches!(self.luma, LumaMode::Split(_) | LumaMode::Subblocks)
    }
}

/// A macroblock and its parts: subblock modes, or vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub modes: [SubMode; 16],
    pub mvs: [Mv; 16],
}

impl Parts {
    pub const NONE: Self = Self {
        modes: [SubMode::Dc; 16],
        mvs: [Mv::ZERO; 16],
    };
}

/// One row of macroblocks, with what lies to the left of the frame in front.
#[derive(Clone, Debug, Default)]
struct Row {
    blocks: Vec<Macroblock>,
    parts: Vec<Parts>,
}

impl Row {
    fn reset(&mut self, cols: usize) {
        self.blocks.clear();
        self.blocks.resize(cols + 1, Macroblock::OUTSIDE);
        self.parts.resize(cols + 1, Parts::NONE);
    }

    /// Vector of a subblock.
    fn mv(&self, col: usize, subblock: usize) -> Mv {
        if self.blocks[col].is_split() {
            self.parts[col].mvs[subblock]
        } else {
            self.blocks[col].mv
        }
    }
}

/// Reads the modes of a frame row by row.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModeReader {
    above: Row,
    current: Row,
    /// Modes of the subblocks above; key frames only.
    above_modes: Vec<[SubMode; 4]>,
}

/// What rows need besides the reader.
pub(crate) struct ModeInputs<'a> {
    pub header: &'a Header,
    pub probabilities: &'a Probabilities,
    pub mb_cols: usize,
    pub mb_rows: usize,
}

impl ModeReader {
    /// Before a frame's first row.
    pub fn start(&mut self, mb_cols: usize) {
        self.current.reset(mb_cols);
        self.above.reset(mb_cols);
        self.above_modes.clear();
        self.above_modes.resize(mb_cols, [SubMode::Dc; 4]);
    }

    /// Column `x` of the row read last.
    pub fn macroblock(&self, x: usize) -> (&Macroblock, &Parts) {
        (&self.current.blocks[x + 1], &self.current.parts[x + 1])
    }

    /// Reads row `y`; `segments` is its part of the map, renewed where the frame does so.
    #[inline(always)]
    pub fn read_row(
        &mut self,
        reader: &mut BoolReader<'_>,
        inputs: &ModeInputs<'_>,
        y: usize,
        segments: &mut [u8],
    ) {
        std::mem::swap(&mut self.above, &mut self.current);
        // A copy can live in registers.
        let shared = reader;
        let mut bits = *shared;
        let reader = &mut bits;
        let mut left_modes = [SubMode::Dc; 4];
        for (x, segment) in segments.iter_mut().enumerate() {
            if let Some(tree) = inputs.header.segment_tree {
                *segment = read_segment(reader, tree);
            }
            let skip = inputs.header.skip_prob.is_some_and(|p| reader.bool(p));
            let mut block = if inputs.header.tag.key {
                self.read_key(reader, x, &mut left_modes)
            } else if reader.bool(inputs.header.intra_prob) {
                self.read_inter(reader, inputs, x, y)
            } else {
                self.read_intra(reader, inputs.probabilities, x)
            };
            block.skip = skip;
            block.segment = *segment;
            self.current.blocks[x + 1] = block;
        }
        *shared = bits;
    }

    /// A macroblock of a key frame (§11.2, §11.3).
    #[inline(always)]
    fn read_key(
        &mut self,
        reader: &mut BoolReader<'_>,
        x: usize,
        left_modes: &mut [SubMode; 4],
    ) -> Macroblock {
        let probs = &KEY_LUMA_MODE_PROBS;
        let luma = if !reader.bool(probs[0]) {
            LumaMode::Subblocks
        } else if !reader.bool(probs[1]) {
            LumaMode::Intra(match reader.bool(probs[2]) {
                false => IntraMode::Dc,
                true => IntraMode::Vertical,
            })
        } else {
            LumaMode::Intra(match reader.bool(probs[3]) {
                false => IntraMode::Horizontal,
                true => IntraMode::TrueMotion,
            })
        };
        let above = &mut self.above_modes[x];
        if let LumaMode::Intra(mode) = luma {
            let implied = mode.implied();
            *above = [implied; 4];
            *left_modes = [implied; 4];
        } else {
            let modes = &mut self.current.parts[x + 1].modes;
            for (row, left) in left_modes.iter_mut().enumerate() {
                for (col, above) in above.iter_mut().enumerate() {
                    let probs = &KEY_SUBBLOCK_MODE_PROBS[*above as usize][*left as usize];
                    let mode = read_subblock_mode(reader, probs);
                    modes[4 * row + col] = mode;
                    (*above, *left) = (mode, mode);
                }
            }
        }
        Macroblock {
            luma,
            chroma: read_chroma_mode(reader, &KEY_CHROMA_MODE_PROBS),
            ..Macroblock::OUTSIDE
        }
    }

    /// An intra macroblock of an inter frame (§16.1).
    #[inline(always)]
    fn read_intra(
        &mut self,
        reader: &mut BoolReader<'_>,
        probabilities: &Probabilities,
        x: usize,
    ) -> Macroblock {
        let probs = &probabilities.luma_modes;
        let luma = if !reader.bool(probs[0]) {
            LumaMode::Intra(IntraMode::Dc)
        } else if !reader.bool(probs[1]) {
            LumaMode::Intra(match reader.bool(probs[2]) {
                false => IntraMode::Vertical,
                true => IntraMode::Horizontal,
            })
        } else if !reader.bool(probs[3]) {
            LumaMode::Intra(IntraMode::TrueMotion)
        } else {
            for mode in &mut self.current.parts[x + 1].modes {
                *mode = read_subblock_mode(reader, &SUBBLOCK_MODE_PROBS);
            }
            LumaMode::Subblocks
        };
        Macroblock {
            luma,
            chroma: read_chroma_mode(reader, &probabilities.chroma_modes),
            ..Macroblock::OUTSIDE
        }
    }

    /// An inter macroblock (§16.2, §16.3).
    #[inline(always)]
    fn read_inter(
        &mut self,
        reader: &mut BoolReader<'_>,
        inputs: &ModeInputs<'_>,
        x: usize,
        y: usize,
    ) -> Macroblock {
        let header = inputs.header;
        let mut reference = 1;
        if reader.bool(header.last_prob) {
            reference = 2 + u8::from(reader.bool(header.golden_prob));
        }
        let [golden, altref] = header.sign_bias;
        let (above, current) = (&self.above.blocks, &self.current.blocks);
        let neighbours = [&above[x + 1], &current[x], &above[x]];
        let near = Near::find(neighbours, reference, [false, false, golden, altref]);
        let bounds = Bounds::new(x, y, inputs.mb_cols, inputs.mb_rows);
        let prob = |node: usize| MODE_CONTEXTS[near.counts[node].min(5)][node];
        let (luma, mv) = if !reader.bool(prob(0)) {
            (LumaMode::Zero, Mv::ZERO)
        } else if !reader.bool(prob(1)) {
            (LumaMode::Whole, near.nearest(&bounds))
        } else if !reader.bool(prob(2)) {
            (LumaMode::Whole, near.near(&bounds))
        } else {
            let best = near.best(&bounds);
            if reader.bool(prob(3)) {
                let split = self.read_split(reader, &inputs.probabilities.mv, x, best);
                (LumaMode::Split(split), self.current.parts[x + 1].mvs[15])
            } else {
                let mv = Mv::read(reader, &inputs.probabilities.mv, best);
                (LumaMode::Whole, mv)
            }
        };
        Macroblock {
            luma,
            reference,
            mv,
            ..Macroblock::OUTSIDE
        }
    }

    /// The vectors of a split macroblock's parts, each at all its subblocks.
    #[inline(always)]
    fn read_split(
        &mut self,
        reader: &mut BoolReader<'_>,
        probs: &[[u8; 19]; 2],
        x: usize,
        best: Mv,
    ) -> Split {
        let (split, width, height) = if !reader.bool(SPLIT_PROBS[0]) {
            (Split::Sixteenths, 1, 1)
        } else if !reader.bool(SPLIT_PROBS[1]) {
            (Split::Quarters, 2, 2)
        } else if !reader.bool(SPLIT_PROBS[2]) {
            (Split::TopBottom, 4, 2)
        } else {
            (Split::LeftRight, 2, 4)
        };
        for row in (0..4).step_by(height) {
            for col in (0..4).step_by(width) {
                let first = 4 * row + col;
                let left = match col {
                    0 => self.current.mv(x, first + 3),
                    _ => self.current.parts[x + 1].mvs[first - 1],
                };
                let above = match row {
                    0 => self.above.mv(x + 1, first + 12),
                    _ => self.current.parts[x + 1].mvs[first - 4],
                };
                let mv = read_sub_mv(reader, probs, left, above, best);
                let mvs = &mut self.current.parts[x + 1].mvs;
                for row in row..row + height {
                    mvs[4 * row + col..4 * row + col + width].fill(mv);
                }
            }
        }
        split
    }
}

/// Which of [`SUB_MV_PROBS`] code a part's vector, by those around it.
#[inline(always)]
pub(crate) fn sub_mv_context(left: Mv, above: Mv) -> usize {
    match (left == above, left == Mv::ZERO, above == Mv::ZERO) {
        (true, true, _) => 4,
        (true, false, _) => 1,
        (false, _, true) => 3,
        (false, true, false) => 2,
        (false, false, false) => 0,
    }
}

/// The vector of a part of a split macroblock.
#[inline(always)]
fn read_sub_mv(
    reader: &mut BoolReader<'_>,
    probs: &[[u8; 19]; 2],
    left: Mv,
    above: Mv,
    best: Mv,
) -> Mv {
    let context = &SUB_MV_PROBS[sub_mv_context(left, above)];
    if !reader.bool(context[0]) {
        left
    } else if !reader.bool(context[1]) {
        above
    } else if !reader.bool(context[2]) {
        Mv::ZERO
    } else {
        Mv::read(reader, probs, best)
    }
}

#[inline(always)]
fn read_segment(reader: &mut BoolReader<'_>, tree: [u8; 3]) -> u8 {
    let high = reader.bool(tree[0]);
    let low = reader.bool(tree[1 + usize::from(high)]);
    2 * u8::from(high) + u8::from(low)
}

#[inline(always)]
fn read_chroma_mode(reader: &mut BoolReader<'_>, probs: &[u8; 3]) -> IntraMode {
    if !reader.bool(probs[0]) {
        IntraMode::Dc
    } else if !reader.bool(probs[1]) {
        IntraMode::Vertical
    } else if !reader.bool(probs[2]) {
        IntraMode::Horizontal
    } else {
        IntraMode::TrueMotion
    }
}

#[inline(always)]
fn read_subblock_mode(reader: &mut BoolReader<'_>, probs: &[u8; 9]) -> SubMode {
    // The tree of §11.2, leaf by leaf.
    if !reader.bool(probs[0]) {
        SubMode::Dc
    } else if !reader.bool(probs[1]) {
        SubMode::Tm
    } else if !reader.bool(probs[2]) {
        SubMode::Ve
    } else if !reader.bool(probs[3]) {
        if !reader.bool(probs[4]) {
            SubMode::He
        } else if !reader.bool(probs[5]) {
            SubMode::Rd
        } else {
            SubMode::Vr
        }
    } else if !reader.bool(probs[6]) {
        SubMode::Ld
    } else if !reader.bool(probs[7]) {
        SubMode::Vl
    } else if !reader.bool(probs[8]) {
        SubMode::Hd
    } else {
        SubMode::Hu
    }
}
