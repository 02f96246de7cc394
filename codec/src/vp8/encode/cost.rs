// SPDX-License-Identifier: MIT OR Apache-2.0
//! What coding costs, in 1/256 bit.

use crate::vp8::bool_coder::BoolSink;
use crate::vp8::tables::{CATEGORY_3, CATEGORY_4, CATEGORY_5, CATEGORY_6, COEFFICIENT_BANDS};

/// `-256 log2(n / 256)`, rounded; of 0 as of 1.
static BITS: [u16; 257] = {
    let mut table = [0; 257];
    let mut n = 0;
    while n <= 256 {
        table[n] = minus_log2(if n == 0 { 1 } else { n as u64 });
        n += 1;
    }
    table
};

/// By squaring: each one gives a further bit of the logarithm.
const fn minus_log2(n: u64) -> u16 {
    // n / 256 with 30 bits of fraction, scaled to 1..2.
    let whole = 63 - n.leading_zeros();
    let (mut x, mut log, mut bit) = ((n << 30) >> whole, 0u32, 1u32 << 11);
    while bit > 0 {
        x = (x * x) >> 30;
        if x >= 2 << 30 {
            x >>= 1;
            log |= bit;
        }
        bit >>= 1;
    }
    let log = (whole << 12) | log;
    (((8 << 12) - log + 8) >> 4) as u16
}

/// Cost of one boolean that is false with a probability of `prob` in 256.
#[inline(always)]
pub(crate) fn bool_cost(prob: u8, bit: bool) -> u32 {
    let n = if bit {
        256 - usize::from(prob)
    } else {
        usize::from(prob)
    };
    u32::from(BITS[n])
}

/// Adds up what booleans cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost(pub u32);

impl BoolSink for Cost {
    #[inline(always)]
    fn bool(&mut self, prob: u8, bit: bool) {
        self.0 += bool_cost(prob, bit);
    }
}

/// Cost of what `code` codes.
#[inline(always)]
pub(crate) fn cost_of(code: impl FnOnce(&mut Cost)) -> u32 {
    let mut cost = Cost::default();
    code(&mut cost);
    cost.0
}

/// Tokens (§13.2): 0 to 4, six categories of larger values, and the end.
pub(crate) const TOKENS: usize = 12;
/// The token that ends a block.
pub(crate) const END: usize = 11;
/// Largest absolute level.
pub(crate) const MAX_LEVEL: usize = 2048 + 66;

/// The paths to the tokens: nodes of the tree (§13.2) and which way from each.
pub(crate) static PATHS: [&[(u8, bool)]; TOKENS] = [
    &[(0, true), (1, false)],
    &[(0, true), (1, true), (2, false)],
    &[(0, true), (1, true), (2, true), (3, false), (4, false)],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, false),
        (4, true),
        (5, false),
    ],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, false),
        (4, true),
        (5, true),
    ],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (6, false),
        (7, false),
    ],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (6, false),
        (7, true),
    ],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (6, true),
        (8, false),
        (9, false),
    ],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (6, true),
        (8, false),
        (9, true),
    ],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (6, true),
        (8, true),
        (10, false),
    ],
    &[
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (6, true),
        (8, true),
        (10, true),
    ],
    &[(0, false)],
];

/// The token of an absolute level, and by how much the level is over the
/// token's least.
#[inline(always)]
pub(crate) const fn token_of(level: u32) -> (usize, u32) {
    match level {
        0..=4 => (level as usize, 0),
        5..=6 => (5, level - 5),
        7..=10 => (6, level - 7),
        11..=18 => (7, level - 11),
        19..=34 => (8, level - 19),
        35..=66 => (9, level - 35),
        _ => (10, level - 67),
    }
}

/// Probabilities of the bits behind a token.
#[inline(always)]
pub(crate) fn extra_probs(token: usize) -> &'static [u8] {
    match token {
        5 => &[159],
        6 => &[165, 145],
        7 => &CATEGORY_3,
        8 => &CATEGORY_4,
        9 => &CATEGORY_5,
        10 => &CATEGORY_6,
        _ => &[],
    }
}

/// Costs of extra bits and sign, by absolute level.
static EXTRA_COSTS: std::sync::LazyLock<Vec<u16>> = std::sync::LazyLock::new(|| {
    let extra = |level: u32| {
        let (token, over) = token_of(level);
        let probs = extra_probs(token);
        let bits = (0..probs.len()).rev().map(|bit| over >> bit & 1 == 1);
        let cost: u32 = probs.iter().zip(bits).map(|(&p, b)| bool_cost(p, b)).sum();
        (cost + if level > 0 { 256 } else { 0 }) as u16
    };
    (0..=MAX_LEVEL as u32).map(extra).collect()
});

/// Costs of tokens at one position, by context.
pub(crate) type PositionCosts = [[u16; TOKENS]; 3];

/// Costs of coefficients with a frame's probabilities.
#[derive(Clone, Debug)]
pub(crate) struct TokenCosts {
    /// By kind of block and position.
    positions: Vec<[PositionCosts; 17]>,
    /// Of saying that there is a token, by kind, position and context.
    more: Vec<[[u16; 3]; 17]>,
    extra: &'static [u16],
}

impl TokenCosts {
    pub fn new(probs: &[[[[u8; 11]; 3]; 8]; 4]) -> Self {
        let token = |p: &[u8; 11], token: usize| {
            let path = PATHS[token].iter();
            path.map(|&(node, bit)| bool_cost(p[node as usize], bit))
                .sum::<u32>() as u16
        };
        let band = |position: usize| usize::from(COEFFICIENT_BANDS[position.min(15)]);
        let at = |kind: usize, position: usize, context: usize| {
            std::array::from_fn(|n| token(&probs[kind][band(position)][context], n))
        };
        let positions = (0..4)
            .map(|k| std::array::from_fn(|p| std::array::from_fn(|c| at(k, p, c))))
            .collect();
        let more = |k: usize, p: usize, c: usize| bool_cost(probs[k][band(p)][c][0], true) as u16;
        Self {
            positions,
            more: (0..4)
                .map(|k| std::array::from_fn(|p| std::array::from_fn(|c| more(k, p, c))))
                .collect(),
            extra: &EXTRA_COSTS,
        }
    }

    /// Of tokens by position and context.
    #[inline(always)]
    pub fn tokens(&self, kind: usize) -> &[PositionCosts; 17] {
        &self.positions[kind]
    }

    /// What a token costs less after a zero, where no end can be.
    #[inline(always)]
    pub fn more(&self, kind: usize) -> &[[u16; 3]; 17] {
        &self.more[kind]
    }

    /// Of what follows the token of an absolute level.
    #[inline(always)]
    pub fn extra(&self, level: u32) -> u32 {
        u32::from(self.extra[(level as usize).min(MAX_LEVEL)])
    }

    /// Of a block's levels in coding order from `first` up to `end`.
    #[inline(always)]
    pub fn block(
        &self,
        kind: usize,
        first: usize,
        context: usize,
        levels: &[i16; 16],
        end: usize,
    ) -> u32 {
        use crate::vp8::tables::ZIGZAG;
        let (tokens, more) = (self.tokens(kind), self.more(kind));
        let (mut cost, mut context) = (0, context);
        for position in first..end {
            let level = u32::from(levels[usize::from(ZIGZAG[position])].unsigned_abs());
            let (token, _) = token_of(level);
            cost += u32::from(tokens[position][context][token]) + self.extra(level);
            if context == 0 && position > first {
                cost -= u32::from(more[position][0]);
            }
            context = token.min(2);
        }
        if end < 16 {
            cost += u32::from(tokens[end.max(first)][context][END]);
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_logarithms() {
        for n in 1..=256u32 {
            let exact = -256.0 * (f64::from(n) / 256.0).log2();
            assert!((f64::from(BITS[n as usize]) - exact).abs() < 0.7, "{n}");
        }
    }
}
