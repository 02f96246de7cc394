// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forward transforms: the table and its methods.
//!
//! They are libvpx's, bit for bit, so that its quantisers' tables mean the
//! same here. A block is 16 values in raster order; blocks follow one another.
//!
//! Differences of bytes never leave the ranges named below. Beyond them, sums
//! wrap in 16 bits, at every level.

#![allow(unsafe_code)]

use crate::dsp::block::Reach;
use crate::dsp::Dsp;

/// Source and prediction, each the bytes from its first sample on and its
/// stride, and room for the blocks.
pub(in crate::dsp) type Subtract<const N: usize> =
    unsafe fn(&[u8], usize, &[u8], usize, &mut [i16; N]);

#[derive(Debug)]
pub(in crate::dsp) struct Forward {
    pub residual_4x4: Subtract<16>,
    pub residual_8x8: Subtract<64>,
    pub residual_16x16: Subtract<256>,
    pub fdct: unsafe fn(&[i16; 16], &mut [i16; 16]),
    pub fdct_x2: unsafe fn(&[i16; 32], &mut [i16; 32]),
    pub fdct_x4: unsafe fn(&[i16; 64], &mut [i16; 64]),
    pub fwht: unsafe fn(&[i16; 16]) -> [i16; 16],
}

impl Dsp {
    /// Source minus prediction, of one 4×4 block.
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn residual_4x4(
        &self,
        src: &[u8],
        at: usize,
        src_stride: usize,
        pred: &[u8],
        pred_at: usize,
        pred_stride: usize,
        out: &mut [i16; 16],
    ) {
        let block = Reach::block(4, 4);
        let src = block.of(src, at, src_stride);
        let pred = block.of(pred, pred_at, pred_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.forward.residual_4x4)(src, src_stride, pred, pred_stride, out) }
    }

    /// Source minus prediction, of 8×8 samples: the four 4×4 blocks of a
    /// chroma block, in raster order.
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn residual_8x8(
        &self,
        src: &[u8],
        at: usize,
        src_stride: usize,
        pred: &[u8],
        pred_at: usize,
        pred_stride: usize,
        out: &mut [i16; 64],
    ) {
        let block = Reach::block(8, 8);
        let src = block.of(src, at, src_stride);
        let pred = block.of(pred, pred_at, pred_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.forward.residual_8x8)(src, src_stride, pred, pred_stride, out) }
    }

    /// Source minus prediction, of 16×16 samples: the sixteen 4×4 blocks of a
    /// macroblock's luma, in raster order.
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn residual_16x16(
        &self,
        src: &[u8],
        at: usize,
        src_stride: usize,
        pred: &[u8],
        pred_at: usize,
        pred_stride: usize,
        out: &mut [i16; 256],
    ) {
        let block = Reach::block(16, 16);
        let src = block.of(src, at, src_stride);
        let pred = block.of(pred, pred_at, pred_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.forward.residual_16x16)(src, src_stride, pred, pred_stride, out) }
    }

    /// The forward DCT of one block: libvpx's `vp8_short_fdct4x4`, for values
    /// in -255..=255. Coefficients come in raster order, and are within ±2,040.
    ///
    /// A residual of zeros has a coefficient of 1 in place 1, as in libvpx: its
    /// rounding counts on a quantiser. Beyond the range, the odd outputs of the
    /// first pass saturate; all else wraps.
    #[inline]
    pub fn fdct(&self, residual: &[i16; 16], coeffs: &mut [i16; 16]) {
        // SAFETY: the CPU has this table's level.
        unsafe { (self.forward.fdct)(residual, coeffs) }
    }

    /// [`fdct`](Self::fdct) of two blocks.
    #[inline]
    pub fn fdct_x2(&self, residual: &[i16; 32], coeffs: &mut [i16; 32]) {
        // SAFETY: the CPU has this table's level.
        unsafe { (self.forward.fdct_x2)(residual, coeffs) }
    }

    /// [`fdct`](Self::fdct) of four blocks.
    #[inline]
    pub fn fdct_x4(&self, residual: &[i16; 64], coeffs: &mut [i16; 64]) {
        // SAFETY: the CPU has this table's level.
        unsafe { (self.forward.fdct_x4)(residual, coeffs) }
    }

    /// The Y2 block from the DC coefficients of the 16 luma blocks, in raster
    /// order: libvpx's `vp8_short_walsh4x4`, for values in -2040..=2040.
    ///
    /// Beyond, the first pass wraps.
    #[inline]
    pub fn fwht(&self, dcs: &[i16; 16]) -> [i16; 16] {
        // SAFETY: the CPU has this table's level.
        unsafe { (self.forward.fwht)(dcs) }
    }
}
