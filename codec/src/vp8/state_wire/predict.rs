// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each sample is expected to be from those around it.
//!
//! Each expectation needs the sample before it in the row, so 16 rows are
//! worked on at once, each row two samples behind the row above it: a *step*
//! holds column *t − 2r* of row *r*. What it needs of three rows is in the five
//! steps before, the sample above to the right included.

// Plain index loops over lanes become vectors.
#![allow(clippy::needless_range_loop)]

/// A square of samples or residuals: 16 rows of 16 columns, or 16 steps of 16 rows.
pub(super) type Tile = [[u8; 16]; 16];
/// One step's samples less 128, a row each; sums of products fit, too.
type Lanes = [i16; 16];

/// Samples that a linear expectation looks at.
const TAPS: usize = 10;
/// Weights in 1/64; each set sums to 1, so that flat areas are met exactly.
///
/// Of left, above, above left, above right, two left, two above, then (x, y) of
/// (−2, −1), (−1, −2), (1, −2), (−3, 0). Fitted to reconstructions of seven clips
/// by assigning blocks to the set with the least residual and fitting again.
const WEIGHTS: [[i16; TAPS]; 4] = [
    [33, 85, -30, 12, -11, -37, 2, 13, -6, 3],
    [61, 39, -35, 27, -20, -9, 4, 8, -15, 4],
    [37, 61, 4, -1, -11, -25, -8, -1, 4, 4],
    [89, 23, -42, 21, -38, -4, 6, 11, -10, 8],
];
/// Expectations from the frame itself: the median, then the linear ones.
pub(super) const RULES: usize = 1 + WEIGHTS.len();

/// The two rows above a block: of each, 16 samples from the block's second
/// column on, nearest row first.
pub(super) type Above = [[u8; 16]; 2];

/// Which lanes of a step lie in the plane, and what the others hold.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    /// Columns of the plane.
    pub width: usize,
    /// Rows of the strip that are in the plane.
    pub rows: usize,
    /// First column of the block.
    pub start: usize,
    /// What stands left and right of the plane, and below it.
    pub outside: [u8; 2],
}

impl Edge {
    /// Whether lane `r` of step `t` is in the plane.
    #[inline(always)]
    pub fn holds(&self, t: usize, r: usize) -> bool {
        (self.start + t).wrapping_sub(2 * r) < self.width && r < self.rows
    }

    /// Puts what stands outside into the lanes of step `t` that are there.
    #[inline(always)]
    pub fn mend(&self, t: usize, step: &mut [u8; 16]) {
        for (r, sample) in step.iter_mut().enumerate() {
            if !self.holds(t, r) {
                *sample = self.outside[usize::from(self.start + t >= 2 * r)];
            }
        }
    }
}

#[inline(always)]
fn centred(step: &[u8; 16]) -> [u8; 16] {
    let mut centred = [0; 16];
    for r in 0..16 {
        centred[r] = step[r] ^ 128;
    }
    centred
}

#[inline(always)]
fn widened(step: &[u8; 16]) -> Lanes {
    let mut lanes = [0; 16];
    for r in 0..16 {
        lanes[r] = i16::from(step[r].cast_signed());
    }
    lanes
}

/// Steps before a block that its first one looks at.
const BEFORE: usize = 5;
/// Bytes from one step to the next: the sample above that from two rows up, the
/// one above, then the step. So steps seen from one or two rows below lie one
/// or two bytes before.
const PITCH: usize = 32;
const OWN: usize = 16;

/// Where 16 rows stand: the steps of a block and those before, as signed samples
/// less 128.
pub(super) struct Front([[u8; PITCH]; BEFORE + 16]);

impl Front {
    /// At the start of a strip, where all before is `outside`.
    #[inline(always)]
    pub fn new(outside: u8) -> Self {
        Self([[outside ^ 128; PITCH]; BEFORE + 16])
    }

    /// Moves on to the next block.
    #[inline(always)]
    pub fn turn(&mut self, above: &Above) {
        self.0.copy_within(16.., 0);
        for i in 0..16 {
            self.0[BEFORE - 1 + i][OWN - 1] = above[0][i] ^ 128;
            self.0[BEFORE - 3 + i][OWN - 2] = above[1][i] ^ 128;
        }
    }

    #[inline(always)]
    fn put(&mut self, t: usize, step: &[u8; 16]) {
        self.0[BEFORE + t][OWN..].copy_from_slice(&centred(step));
    }

    /// Takes in a block whose samples are known.
    #[inline(always)]
    pub fn fill(&mut self, steps: &Tile) {
        for (t, step) in steps.iter().enumerate() {
            self.put(t, step);
        }
    }

    /// The steps that are `back` before step `t`, seen from `down` rows below.
    #[inline(always)]
    fn tap(&self, t: usize, back: usize, down: usize) -> Lanes {
        let mut step = [0; 16];
        step.copy_from_slice(&self.0[BEFORE + t - back][OWN - down..][..16]);
        widened(&step)
    }

    /// What expectations of step `t` look at, in the order of weights.
    #[inline(always)]
    fn taps(&self, t: usize) -> Taps {
        Taps([
            self.tap(t, 1, 0),
            self.tap(t, 2, 1),
            self.tap(t, 3, 1),
            self.tap(t, 1, 1),
            self.tap(t, 2, 0),
            self.tap(t, 4, 2),
            self.tap(t, 4, 1),
            self.tap(t, 5, 2),
            self.tap(t, 3, 2),
            self.tap(t, 3, 0),
        ])
    }

    /// The sums of residuals of each rule, sign aside, over every fourth step of
    /// a block that was taken in.
    #[inline(always)]
    pub fn scores(&self) -> [u32; RULES] {
        let mut sums = [[0i16; 16]; RULES];
        for t in (2..16).step_by(4) {
            let (step, taps) = (self.tap(t, 0, 0), self.taps(t));
            add_distances(&mut sums[0], &step, &taps.median());
            for n in 0..WEIGHTS.len() {
                add_distances(&mut sums[1 + n], &step, &taps.linear(&WEIGHTS[n]));
            }
        }
        let mut scores = [0; RULES];
        for (score, sums) in scores.iter_mut().zip(&sums) {
            *score = sums.iter().map(|&sum| sum as u32).sum();
        }
        scores
    }

    /// The residuals of a block that was taken in, by a rule.
    #[inline(always)]
    pub fn residuals(&self, rule: usize) -> Tile {
        match rule.checked_sub(1) {
            None => self.subtract(Taps::median),
            Some(n) => self.subtract(|taps| taps.linear(&WEIGHTS[n])),
        }
    }

    #[inline(always)]
    fn subtract(&self, rule: impl Fn(&Taps) -> Lanes) -> Tile {
        let mut residuals = [[0; 16]; 16];
        for t in 0..16 {
            let (step, expected) = (self.tap(t, 0, 0), rule(&self.taps(t)));
            for r in 0..16 {
                residuals[t][r] = (step[r] - expected[r]) as u8;
            }
        }
        residuals
    }

    /// Turns residuals into samples, which it takes in. `edge` is for blocks
    /// that are not wholly in the plane.
    #[inline(always)]
    pub fn restore(&mut self, rule: usize, steps: &mut Tile, above: &Above, edge: Option<Edge>) {
        match (rule.checked_sub(1), edge) {
            (None, edge) => self.add(steps, &above[0], edge, Taps::median),
            (Some(n), None) => self.add(steps, &above[0], None, |taps| taps.linear(&WEIGHTS[n])),
            (Some(n), edge) => self.add(steps, &above[0], edge, |taps| taps.linear(&WEIGHTS[n])),
        }
    }

    #[inline(always)]
    fn add(
        &mut self,
        steps: &mut Tile,
        above: &[u8; 16],
        edge: Option<Edge>,
        rule: impl Fn(&Taps) -> Lanes,
    ) {
        let mut last = [0; 16];
        last.copy_from_slice(&self.0[BEFORE - 1][OWN..]);
        for t in 0..16 {
            let mut taps = self.taps(t);
            // What was written a moment ago cannot be read at another place yet.
            taps.0[3] = widened(&down(&last, above[t] ^ 128));
            let expected = rule(&taps);
            for r in 0..16 {
                steps[t][r] = steps[t][r].wrapping_add(expected[r] as u8 ^ 128);
            }
            if let Some(edge) = edge {
                edge.mend(t, &mut steps[t]);
            }
            last = centred(&steps[t]);
            self.0[BEFORE + t][OWN..].copy_from_slice(&last);
        }
    }
}

/// Every row's sample moved one row down, below `first`.
#[inline(always)]
fn down(s: &[u8; 16], first: u8) -> [u8; 16] {
    [
        first, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12],
        s[13], s[14],
    ]
}

/// The samples around those of a step.
struct Taps([Lanes; TAPS]);

impl Taps {
    /// LOCO-I's expectation: the median of left, above, and left + above − above left.
    #[inline(always)]
    fn median(&self) -> Lanes {
        let [left, above, corner, ..] = &self.0;
        let mut expected = [0; 16];
        for r in 0..16 {
            let (low, high) = (left[r].min(above[r]), left[r].max(above[r]));
            expected[r] = low + high - corner[r].max(low).min(high);
        }
        expected
    }

    /// In 16 bits that wrap: natural samples stay far from their ends.
    #[inline(always)]
    fn linear(&self, weights: &[i16; TAPS]) -> Lanes {
        let mut sums = [32i16; 16];
        for k in 0..TAPS {
            for r in 0..16 {
                sums[r] = sums[r].wrapping_add(self.0[k][r].wrapping_mul(weights[k]));
            }
        }
        for sum in &mut sums {
            *sum = (*sum >> 6).clamp(-128, 127);
        }
        sums
    }
}

/// Adds |a − b| lane by lane.
#[inline(always)]
fn add_distances(sums: &mut Lanes, a: &Lanes, b: &Lanes) {
    for r in 0..16 {
        sums[r] += (a[r] - b[r]).abs();
    }
}

/// Columns for rows. Not inlined: within a routine for AVX2 the compiler sees
/// through the shuffles and moves byte by byte.
#[inline(never)]
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
