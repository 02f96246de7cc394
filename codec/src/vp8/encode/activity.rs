// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where distortion is seen: less in busy macroblocks, more in smooth ones.

use super::quant::Lambda;
use crate::dsp::{BlockShape, Dsp};
use crate::vp8::frame::Frame;

/// How much rates count in each macroblock, relative to a frame's mean.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    weights: Vec<f64>,
    mb_cols: usize,
}

/// Rates count as the variance to this power. More helps SSIM no further, and
/// costs PSNR.
const STRENGTH: f64 = 0.18;
/// Variance that is taken for noise.
const FLOOR: f64 = 4.0;

impl Activity {
    /// Of a source.
    pub fn new(dsp: &Dsp, source: &Frame) -> Self {
        let (geometry, layout) = (source.geometry, source.geometry.plane(0));
        let grey = [128; 16];
        let variance = |at: usize| {
            let (shape, samples) = (BlockShape::S16x16, &source.samples);
            let sums = dsp.differences(shape, samples, at, layout.stride, &grey, 0, 0);
            f64::from(sums.variance(shape)) / 256.0 + FLOOR
        };
        let places = (0..geometry.mb_rows)
            .flat_map(|y| (0..geometry.mb_cols).map(move |x| layout.row(16 * y) + 16 * x));
        let logs: Vec<f64> = places.map(|at| variance(at).ln()).collect();
        let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
        let weight = |log: &f64| (STRENGTH * (log - mean)).exp().clamp(0.25, 4.0);
        Self {
            weights: logs.iter().map(weight).collect(),
            mb_cols: geometry.mb_cols,
        }
    }

    /// What a bit is worth in macroblock (x, y).
    pub fn lambda(&self, (x, y): (usize, usize), lambda: Lambda) -> Lambda {
        lambda.scaled(self.weights[y * self.mb_cols + x])
    }
}
