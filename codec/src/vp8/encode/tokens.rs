// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coefficients as tokens (RFC 6386 §13): kept while a frame is coded, counted
//! for its probabilities, then written with them.

use super::cost::{bool_cost, extra_probs, token_of, END, PATHS, TOKENS};
use crate::vp8::bool_coder::{BoolSink, BoolWriter};
use crate::vp8::tables::{COEFFICIENT_BANDS, COEFFICIENT_UPDATE_PROBS, ZIGZAG};
use crate::vp8::tokens::{Context, BLOCKS, Y2};

/// Probabilities of a frame, by kind, band, context and node.
pub(crate) type Probs = [[[[u8; 11]; 3]; 8]; 4];

/// Kinds of blocks (§13.3).
pub(crate) const LUMA_WITHOUT_DC: usize = 0;
/// Second-order luma.
pub(crate) const SECOND_ORDER: usize = 1;
/// Chroma.
pub(crate) const CHROMA: usize = 2;
/// Luma with its DC.
pub(crate) const LUMA: usize = 3;

/// Levels of one macroblock, each block in raster order, and where they end in
/// coding order; 0 is none. A luma block whose DC is coded elsewhere begins at
/// position 1, and ends there at the least, or at 0.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    pub blocks: [[i16; 16]; BLOCKS],
    pub ends: [u8; BLOCKS],
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            blocks: [[0; 16]; BLOCKS],
            ends: [0; BLOCKS],
        }
    }
}

/// The order of blocks in a macroblock: which they are, their kind, their
/// first position, and where their context lies above and to the left.
pub(crate) fn order(has_y2: bool) -> impl Iterator<Item = Place> {
    let (kind, first) = if has_y2 {
        (LUMA_WITHOUT_DC, 1)
    } else {
        (LUMA, 0)
    };
    let y2 = has_y2.then_some(Place {
        block: Y2,
        kind: SECOND_ORDER,
        first: 0,
        above: 8,
        left: 8,
    });
    let luma = (0..16).map(move |block| Place {
        block,
        kind,
        first,
        above: block & 3,
        left: block >> 2,
    });
    let chroma = (16..24).map(|block| {
        let plane = 4 + (block - 16) / 4 * 2;
        Place {
            block,
            kind: CHROMA,
            first: 0,
            above: plane + (block & 1),
            left: plane + (block >> 1 & 1),
        }
    });
    y2.into_iter().chain(luma).chain(chroma)
}

/// A block in the coding order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub block: usize,
    pub kind: usize,
    pub first: usize,
    pub above: usize,
    pub left: usize,
}

/// One token: row of probabilities (7 bits), token (4), whether an end could
/// not be here (1), sign (1), what is over the token's least level (11).
#[derive(Clone, Copy, Debug)]
struct Token(u32);

impl Token {
    const fn new(row: usize, token: usize, after_zero: bool, sign: bool, over: u32) -> Self {
        Self(
            row as u32
                | (token as u32) << 7
                | (after_zero as u32) << 11
                | (sign as u32) << 12
                | over << 13,
        )
    }

    const fn row(self) -> usize {
        (self.0 & 127) as usize
    }

    const fn token(self) -> usize {
        (self.0 >> 7 & 15) as usize
    }

    const fn after_zero(self) -> bool {
        self.0 >> 11 & 1 == 1
    }
}

/// Bands, contexts.
const ROWS: usize = 4 * 8 * 3;

/// The tokens of a frame, or of some of its rows.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    list: Vec<Token>,
    /// Where each row of macroblocks ends.
    rows: Vec<usize>,
    /// How often each occurred, by row and whether an end could not be there.
    counts: Box<[[[u32; TOKENS]; 2]; ROWS]>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            rows: Vec::new(),
            counts: Box::new([[[0; TOKENS]; 2]; ROWS]),
        }
    }
}

impl Tokens {
    pub fn clear(&mut self) {
        self.list.clear();
        self.rows.clear();
        self.counts.as_flattened_mut().fill([0; TOKENS]);
    }

    /// Takes a macroblock's levels, after the contexts left by its neighbours,
    /// which it renews.
    #[inline(always)]
    pub fn macroblock(
        &mut self,
        levels: &Levels,
        has_y2: bool,
        above: &mut Context,
        left: &mut Context,
    ) {
        for place in order(has_y2) {
            let context = usize::from(above[place.above] + left[place.left]);
            let end = usize::from(levels.ends[place.block]);
            self.block(place, context, &levels.blocks[place.block], end);
            let any = u8::from(end > 0);
            (above[place.above], left[place.left]) = (any, any);
        }
    }

    #[inline(always)]
    fn block(&mut self, place: Place, context: usize, levels: &[i16; 16], end: usize) {
        let row = |position: usize, context: usize| {
            let band = usize::from(COEFFICIENT_BANDS[position & 15]);
            (place.kind * 8 + band) * 3 + context
        };
        let (mut context, mut after_zero) = (context, false);
        for position in place.first..end {
            let level = levels[usize::from(ZIGZAG[position])];
            let (token, over) = token_of(u32::from(level.unsigned_abs()));
            let row = row(position, context);
            self.push(Token::new(row, token, after_zero, level < 0, over));
            context = token.min(2);
            after_zero = token == 0;
        }
        if end < 16 {
            let row = row(end.max(place.first), context);
            self.push(Token::new(row, END, false, false, 0));
        }
    }

    #[inline(always)]
    fn push(&mut self, token: Token) {
        self.counts[token.row()][usize::from(token.after_zero())][token.token()] += 1;
        self.list.push(token);
    }

    /// Ends a row of macroblocks.
    pub fn end_row(&mut self) {
        self.rows.push(self.list.len());
    }

    /// Counts the tokens of other rows, too.
    pub fn count_also(&mut self, other: &Self) {
        let own = self.counts.as_flattened_mut().as_flattened_mut();
        let other = other.counts.as_flattened().as_flattened();
        for (own, other) in own.iter_mut().zip(other) {
            *own += other;
        }
    }

    /// How often each node of a row went left and right.
    fn nodes(&self, row: usize) -> [[u32; 2]; 11] {
        let mut nodes = [[0; 2]; 11];
        for (after_zero, counts) in self.counts[row].iter().enumerate() {
            for (path, &count) in PATHS.iter().zip(counts) {
                for &(node, bit) in &path[usize::from(after_zero == 1)..] {
                    nodes[node as usize][usize::from(bit)] += count;
                }
            }
        }
        nodes
    }

    /// The probabilities that code these tokens with the fewest bits, the
    /// updates themselves counted in (§13.4).
    pub fn best_probs(&self, old: &Probs) -> Probs {
        let mut probs = *old;
        for kind in 0..4 {
            for band in 0..8 {
                for context in 0..3 {
                    let nodes = self.nodes((kind * 8 + band) * 3 + context);
                    let updates = &COEFFICIENT_UPDATE_PROBS[kind][band][context];
                    let probs = &mut probs[kind][band][context];
                    for ((prob, &update), counts) in probs.iter_mut().zip(updates).zip(nodes) {
                        *prob = better_prob(*prob, fitting_prob(counts), counts, update, 8);
                    }
                }
            }
        }
        probs
    }

    /// Writes row `row` of those that were ended here.
    pub fn write(&self, row: usize, probs: &Probs, writer: &mut BoolWriter) {
        let rows = probs.as_flattened().as_flattened();
        let start = if row == 0 { 0 } else { self.rows[row - 1] };
        for token in &self.list[start..self.rows[row]] {
            let p = &rows[token.row()];
            let which = token.token();
            for &(node, bit) in &PATHS[which][usize::from(token.after_zero())..] {
                writer.bool(p[node as usize], bit);
            }
            if matches!(which, 0 | END) {
                continue;
            }
            let over = token.0 >> 13;
            let extra = extra_probs(which);
            for (n, &prob) in extra.iter().enumerate() {
                writer.bool(prob, over >> (extra.len() - 1 - n) & 1 == 1);
            }
            writer.bit(token.0 >> 12 & 1 == 1);
        }
    }
}

/// The probability that fits `counts` of false and true, 1 to 255.
pub(crate) fn fitting_prob([zeros, ones]: [u32; 2]) -> u8 {
    let all = u64::from(zeros) + u64::from(ones);
    if all == 0 {
        return 128;
    }
    let prob = (u64::from(zeros) * 256 + all / 2) / all;
    prob.clamp(1, 255) as u8
}

/// Cost of booleans that occurred so often.
pub(crate) fn counts_cost(prob: u8, [zeros, ones]: [u32; 2]) -> u64 {
    let cost = |count: u32, bit| u64::from(count) * u64::from(bool_cost(prob, bit));
    cost(zeros, false) + cost(ones, true)
}

/// `new`, where sending it in `bits` bits costs less than it saves over so many
/// booleans, else `old`. `update` is the probability of no update.
pub(crate) fn better_prob(old: u8, new: u8, counts: [u32; 2], update: u8, bits: i64) -> u8 {
    let saved = counts_cost(old, counts) as i64 - counts_cost(new, counts) as i64;
    let sent = i64::from(bool_cost(update, true)) - i64::from(bool_cost(update, false));
    if saved > sent + 256 * bits {
        new
    } else {
        old
    }
}
