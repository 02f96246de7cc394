// SPDX-License-Identifier: MIT OR Apache-2.0
//! Motion vectors: coding (RFC 6386 §17) and prediction from neighbours (§16.3).

use super::bool_coder::{BoolReader, BoolSink};
use super::modes::Macroblock;

/// A motion vector in quarter samples of luma, which are eighths of chroma.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mv {
    /// Downwards.
    pub row: i16,
    /// To the right.
    pub col: i16,
}

impl Mv {
    pub const ZERO: Self = Self { row: 0, col: 0 };

    fn negated(self) -> Self {
        Self {
            row: self.row.wrapping_neg(),
            col: self.col.wrapping_neg(),
        }
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            row: self.row.wrapping_add(other.row),
            col: self.col.wrapping_add(other.col),
        }
    }

    pub fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    /// The larger component's size.
    pub const fn farthest(self) -> u16 {
        let (row, col) = (self.row.unsigned_abs(), self.col.unsigned_abs());
        if row > col {
            row
        } else {
            col
        }
    }

    /// A vector coded as its difference from `best`.
    #[inline(always)]
    pub fn read(reader: &mut BoolReader<'_>, probs: &[[u8; 19]; 2], best: Self) -> Self {
        let row = read_component(reader, &probs[0]);
        let col = read_component(reader, &probs[1]);
        best.plus(Self { row, col })
    }
}

/// Largest absolute component of a difference between vectors.
pub(crate) const MAX_DIFFERENCE: i32 = (1 << LONG_BITS) - 1;

/// The booleans that code a component: which probability each has, and which
/// way it goes.
#[inline(always)]
pub(crate) fn component(value: i16, mut visit: impl FnMut(usize, bool)) {
    let size = value.unsigned_abs();
    let bit = |n: usize| size >> n & 1 == 1;
    let long = size > 7;
    visit(0, long);
    if long {
        for n in (0..3).chain((4..LONG_BITS).rev()) {
            visit(9 + n, bit(n));
        }
        if size > 15 {
            visit(9 + 3, bit(3));
        }
    } else {
        let (high, middle) = (bit(2), bit(1));
        let (h, m) = (usize::from(high), usize::from(middle));
        visit(2, high);
        visit(2 + 1 + 3 * h, middle);
        visit(2 + 2 + 3 * h + m, bit(0));
    }
    if size > 0 {
        visit(1, value < 0);
    }
}

/// Codes a difference between vectors.
#[inline(always)]
pub(crate) fn write(sink: &mut impl BoolSink, probs: &[[u8; 19]; 2], difference: Mv) {
    component(difference.row, |n, bit| sink.bool(probs[0][n], bit));
    component(difference.col, |n, bit| sink.bool(probs[1][n], bit));
}

/// Bits of the long form of a component.
const LONG_BITS: usize = 10;

/// A component (§17.2): short ones by a tree, long ones bit by bit.
#[inline(always)]
fn read_component(reader: &mut BoolReader<'_>, probs: &[u8; 19]) -> i16 {
    let (short, long) = (&probs[2..9], &probs[9..]);
    let mut value = 0;
    if reader.bool(probs[0]) {
        for bit in (0..3).chain((4..LONG_BITS).rev()) {
            value |= i16::from(reader.bool(long[bit])) << bit;
        }
        // Without a higher bit it must be set, or the short form would do.
        if value & !15 == 0 || reader.bool(long[3]) {
            value |= 8;
        }
    } else {
        let high = usize::from(reader.bool(short[0]));
        let middle = usize::from(reader.bool(short[1 + 3 * high]));
        let low = usize::from(reader.bool(short[2 + 3 * high + middle]));
        value = (4 * high + 2 * middle + low) as i16;
    }
    if value != 0 && reader.bool(probs[1]) {
        -value
    } else {
        value
    }
}

/// How far predicted vectors may point past the frame's edges, for one macroblock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    rows: (i32, i32),
    cols: (i32, i32),
}

impl Bounds {
    /// One macroblock past the edges.
    pub fn new(mb_x: usize, mb_y: usize, mb_cols: usize, mb_rows: usize) -> Self {
        let range = |at: usize, count: usize| {
            let quarters = |macroblocks: usize| (macroblocks * 64) as i32;
            (-quarters(at + 1), quarters(count - at))
        };
        Self {
            rows: range(mb_y, mb_rows),
            cols: range(mb_x, mb_cols),
        }
    }

    fn clamp(&self, mv: Mv) -> Mv {
        let clamp = |value: i16, (low, high)| i32::from(value).clamp(low, high) as i16;
        Mv {
            row: clamp(mv.row, self.rows),
            col: clamp(mv.col, self.cols),
        }
    }
}

/// What the vectors above, to the left and above left tell of a macroblock's.
pub(crate) struct Near {
    /// Zero, nearest, near; and a third that only counts.
    mvs: [Mv; 4],
    /// Weights of the same; the fourth becomes that of split neighbours.
    pub counts: [usize; 4],
}

impl Near {
    /// Collects the vectors of the neighbours, in this order: above, left,
    /// above left. `bias` tells for each reference whether its vectors count
    /// backwards.
    #[inline(always)]
    pub fn find(neighbours: [&Macroblock; 3], reference: u8, bias: [bool; 4]) -> Self {
        let (mut mvs, mut counts, mut found) = ([Mv::ZERO; 4], [0; 4], 0);
        for (neighbour, weight) in neighbours.into_iter().zip([2, 2, 1]) {
            if neighbour.reference == 0 {
                continue;
            }
            if neighbour.mv == Mv::ZERO {
                counts[0] += weight;
                continue;
            }
            let turned = bias[neighbour.reference as usize & 3] != bias[reference as usize & 3];
            let mv = if turned {
                neighbour.mv.negated()
            } else {
                neighbour.mv
            };
            if found == 0 || mvs[found] != mv {
                found += 1;
                mvs[found] = mv;
            }
            counts[found] += weight;
        }
        if counts[3] > 0 && mvs[3] == mvs[1] {
            counts[1] += 1;
        }
        if counts[2] > counts[1] {
            counts.swap(1, 2);
            mvs.swap(1, 2);
        }
        counts[3] = 0;
        for (neighbour, weight) in neighbours.into_iter().zip([2, 2, 1]) {
            counts[3] += if neighbour.is_split() { weight } else { 0 };
        }
        Self { mvs, counts }
    }

    pub fn nearest(&self, bounds: &Bounds) -> Mv {
        bounds.clamp(self.mvs[1])
    }

    pub fn near(&self, bounds: &Bounds) -> Mv {
        bounds.clamp(self.mvs[2])
    }

    /// What new vectors are coded as differences from.
    pub fn best(&self, bounds: &Bounds) -> Mv {
        bounds.clamp(self.mvs[usize::from(self.counts[1] >= self.counts[0])])
    }
}
