// SPDX-License-Identifier: MIT OR Apache-2.0
//! Buffers to run kernels in: a block somewhere among bytes that a kernel must
//! leave alone.

use crate::dsp::block::Reach;
use proptest::prelude::*;

/// What a buffer is filled with.
#[derive(Clone, Debug)]
enum Pattern {
    Flat(u8),
    /// 0 and 255, changing every so many bytes.
    Alternating(usize),
    Random(u64),
    /// Neighbours in both directions differ by up to so much.
    Smooth(u64, u8),
}

/// What a kernel touches: the block's columns and rows, and as much around it
/// as it reads.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub above: usize,
    pub left: usize,
    pub columns: usize,
    pub rows: usize,
}

impl Shape {
    pub const fn block(columns: usize, rows: usize) -> Self {
        Self {
            above: 0,
            left: 0,
            columns,
            rows,
        }
    }
}

/// A filled buffer, and the place of a block in it.
#[derive(Clone, Debug)]
pub struct Canvas {
    pub data: Vec<u8>,
    pub at: usize,
    pub stride: usize,
}

impl Canvas {
    /// Fails unless all but the bytes of `shape` are as in `before`.
    pub fn assert_only(&self, before: &[u8], shape: Shape) -> Result<(), TestCaseError> {
        let mut masked = self.data.clone();
        for y in 0..shape.above + shape.rows {
            let start = self.at + y * self.stride - shape.above * self.stride - shape.left;
            let row = start..start + shape.left + shape.columns;
            masked[row.clone()].copy_from_slice(&before[row]);
        }
        prop_assert!(masked == before, "wrote outside of the block");
        Ok(())
    }
}

/// A generator good enough for samples (xorshift64*).
pub struct Samples(u64);

impl Samples {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        Just(Pattern::Flat(0)),
        Just(Pattern::Flat(255)),
        (1usize..6).prop_map(Pattern::Alternating),
        any::<u64>().prop_map(Pattern::Random),
        (any::<u64>(), 0u8..12).prop_map(|(seed, step)| Pattern::Smooth(seed, step)),
        (any::<u64>(), 0u8..80).prop_map(|(seed, step)| Pattern::Smooth(seed, step)),
    ]
}

/// A line that moves by up to `step` at a time.
fn walk(samples: &mut Samples, step: u8, len: usize) -> Vec<i32> {
    let step = u64::from(step);
    let mut at = samples.next() as i32 % 128;
    let mut next = || {
        at += (samples.next() % (2 * step + 1)) as i32 - step as i32;
        at = at.clamp(-20, 147);
        at
    };
    (0..len).map(|_| next()).collect()
}

fn fill(pattern: &Pattern, len: usize, stride: usize) -> Vec<u8> {
    match *pattern {
        Pattern::Flat(value) => vec![value; len],
        Pattern::Alternating(run) => (0..len).map(|i| (i / run % 2 * 255) as u8).collect(),
        Pattern::Random(seed) => {
            let mut samples = Samples::new(seed);
            (0..len).map(|_| samples.next() as u8).collect()
        }
        Pattern::Smooth(seed, step) => {
            let mut samples = Samples::new(seed);
            let across = walk(&mut samples, step, stride);
            let down = walk(&mut samples, step, len / stride + 1);
            let sample = |i: usize| across[i % stride] + down[i / stride];
            (0..len).map(|i| sample(i).clamp(0, 255) as u8).collect()
        }
    }
}

/// Buffers that hold `shape`, often no more than that on one side or both.
pub fn canvas(shape: Shape) -> impl Strategy<Value = Canvas> {
    let slack = || prop_oneof![Just(0usize), 0usize..40];
    let width = shape.left + shape.columns;
    let parts = (width..width + 70, slack(), slack(), pattern());
    parts.prop_map(move |(stride, before, after, pattern)| {
        let at = before + shape.above * stride + shape.left;
        let len = at + (shape.rows - 1) * stride + shape.columns + after;
        let reach = Reach {
            above: shape.above,
            left: shape.left,
            rows: shape.rows,
            columns: shape.columns,
        };
        reach.check(len, at, stride);
        // A box as tight as can be, for tools that watch the heap.
        let data = fill(&pattern, len, stride).into_boxed_slice().into_vec();
        Canvas { data, at, stride }
    })
}
