// SPDX-License-Identifier: MIT OR Apache-2.0
//! Classes of blocks: how large residuals may be, so how many make a symbol,
//! and how large they are on average, so which code suits them.

// Plain index loops over lanes become vectors.
#![allow(clippy::needless_range_loop)]

use super::predict::Tile;

/// Codes of a frame: of block bytes, and of every class but 0.
pub(super) const CODES: usize = 16;

/// Classes by the sum of a block's residuals, sign aside: those below the first
/// bound, below the second, and so on. Class 0 has nothing but zeros.
const QUARTETS: (u8, &[u32]) = (1, &[40, u32::MAX]);
const PAIRS: (u8, &[u32]) = (3, &[128, 192, 272, 384, u32::MAX]);
const SINGLES: (u8, &[u32]) = (8, &[384, 544, 768, 1088, 1536, 2176, 3840, u32::MAX]);

/// Symbols of a block of that class.
#[inline(always)]
pub(super) const fn symbols_of(class: u8) -> usize {
    match class {
        0 => 0,
        1..=2 => 64,
        3..=7 => 128,
        _ => 256,
    }
}

/// The class of a block's residuals.
#[inline(always)]
pub(super) fn class_of(residuals: &Tile) -> u8 {
    let (sum, largest) = magnitude(residuals);
    let (first, bounds) = match largest {
        0 => return 0,
        1 => QUARTETS,
        2..=7 => PAIRS,
        _ => SINGLES,
    };
    first + bounds.iter().take_while(|&&bound| sum >= bound).count() as u8
}

/// Sum and largest of a block, sign aside.
#[inline(always)]
fn magnitude(residuals: &Tile) -> (u32, u8) {
    let mut sums = [0u16; 16];
    let mut largest = [0u8; 16];
    for step in residuals {
        for r in 0..16 {
            let magnitude = step[r].min(step[r].wrapping_neg());
            sums[r] += u16::from(magnitude);
            largest[r] = largest[r].max(magnitude);
        }
    }
    let sum = sums.iter().copied().map(u32::from).sum();
    (sum, largest.into_iter().fold(0, u8::max))
}

/// Puts steps into symbols: 4 of −1 to 1, or 2 of −8 to 7, or 1.
#[inline(always)]
pub(super) fn pack(class: u8, steps: &Tile, symbols: &mut Vec<u8>) {
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
#[inline(always)]
pub(super) fn unpack(class: u8, symbols: &Tile) -> Tile {
    let mut steps = [[0; 16]; 16];
    match symbols_of(class) {
        0 => {}
        64 => {
            for (steps, symbols) in steps.chunks_exact_mut(4).zip(symbols) {
                for (n, step) in steps.iter_mut().enumerate() {
                    for r in 0..16 {
                        step[r] = (symbols[r] >> (2 * n) & 3).wrapping_sub(1);
                    }
                }
            }
        }
        128 => {
            for (steps, symbols) in steps.chunks_exact_mut(2).zip(symbols) {
                for r in 0..16 {
                    steps[0][r] = (symbols[r] & 15).wrapping_sub(8);
                    steps[1][r] = (symbols[r] >> 4).wrapping_sub(8);
                }
            }
        }
        _ => steps = *symbols,
    }
    steps
}
