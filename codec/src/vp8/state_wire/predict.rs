// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each sample is expected to be from those around it.
//!
//! The expectation is LOCO-I's: the median of left, above, and left + above −
//! above left. Each needs the sample before it in the row, so a decoder does
//! 16 rows at once, each row one sample behind the row above it: a *step* holds
//! column *t − r* of row *r*, and all that it needs are the two steps before.

/// A square of samples or residuals: 16 rows of 16 columns, or 16 steps of 16 rows.
pub(super) type Tile = [[u8; 16]; 16];

#[inline(always)]
fn expected(left: u8, above: u8, above_left: u8) -> u8 {
    let (low, high) = (left.min(above), left.max(above));
    let corner = above_left.max(low).min(high);
    low.wrapping_add(high).wrapping_sub(corner)
}

/// What is left of a row when expectations are taken off; samples left of a row are 0.
pub(super) fn row_residual(out: &mut [u8], row: &[u8], above: &[u8]) {
    let Some((first, out)) = out.split_first_mut() else {
        return;
    };
    *first = row[0].wrapping_sub(above[0]);
    let neighbours = row.iter().zip(&above[1..]).zip(above);
    for ((out, sample), ((left, up), corner)) in out.iter_mut().zip(&row[1..]).zip(neighbours) {
        *out = sample.wrapping_sub(expected(*left, *up, *corner));
    }
}

/// Where 16 rows stand: the step before, and what was above it.
#[derive(Default)]
pub(super) struct Front {
    left: [u8; 16],
    above_left: [u8; 16],
}

impl Front {
    /// Turns residuals into samples, step by step; `above` are the samples over
    /// row 0.
    pub fn restore(&mut self, steps: &mut Tile, above: &[u8; 16]) {
        let (mut left, mut above_left) = (self.left, self.above_left);
        for (step, &first) in steps.iter_mut().zip(above) {
            let above = behind(left, first);
            for lane in 0..16 {
                let expected = expected(left[lane], above[lane], above_left[lane]);
                step[lane] = step[lane].wrapping_add(expected);
            }
            (left, above_left) = (*step, above);
        }
        (self.left, self.above_left) = (left, above_left);
    }

    /// Goes on after steps that did without expectations.
    pub fn pass(&mut self, steps: &Tile, above: &[u8; 16]) {
        self.left = steps[15];
        self.above_left = behind(steps[14], above[15]);
    }
}

/// Every row's sample from the step before, moved one row down, below `first`.
#[inline(always)]
fn behind(step: [u8; 16], first: u8) -> [u8; 16] {
    (u128::from_le_bytes(step) << 8 | u128::from(first)).to_le_bytes()
}

/// Columns for rows.
pub(super) fn transposed(tile: &Tile) -> Tile {
    let mut tile = *tile;
    // Four perfect shuffles of rows with those half a tile below.
    for _ in 0..4 {
        let mut next = [[0; 16]; 16];
        for n in 0..8 {
            let (a, b) = (tile[n], tile[n + 8]);
            for k in 0..8 {
                next[2 * n][2 * k] = a[k];
                next[2 * n][2 * k + 1] = b[k];
                next[2 * n + 1][2 * k] = a[k + 8];
                next[2 * n + 1][2 * k + 1] = b[k + 8];
            }
        }
        tile = next;
    }
    tile
}
