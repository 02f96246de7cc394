// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inverse transforms (RFC 6386 §14): the table and its methods.
//!
//! All arithmetic is on 16 bits and wraps, at every level. For coefficients
//! that an encoder can make, it agrees with the 32-bit arithmetic of the RFC;
//! a damaged stream gets the same garbage on every machine.

#![allow(unsafe_code)]

use crate::dsp::block::{Dst, Reach};
use crate::dsp::Dsp;

#[derive(Debug)]
pub(in crate::dsp) struct Residual {
    pub iwht: unsafe fn(&[i16; 16]) -> [i16; 16],
    pub idct_add: unsafe fn(&[i16; 16], Dst<'_>),
    pub idct_add_x2: unsafe fn(&[i16; 32], Dst<'_>),
    pub idct_add_x4: unsafe fn(&[i16; 64], Dst<'_>),
    pub idct_dc_add: unsafe fn(i16, Dst<'_>),
    pub idct_dc_add_x4: unsafe fn([i16; 4], Dst<'_>),
}

impl Dsp {
    /// The DC coefficients of the 16 luma blocks, in raster order, from the
    /// dequantised Y2 block, by the inverse Walsh-Hadamard transform of
    /// RFC 6386 §14.3.
    #[inline]
    pub fn iwht(&self, input: &[i16; 16]) -> [i16; 16] {
        // SAFETY: the CPU has this table's level.
        unsafe { (self.residual.iwht)(input) }
    }

    /// Adds the inverse DCT (RFC 6386 §14.4) of one block to 4×4 samples, and
    /// clamps them to bytes. The coefficients are dequantised, in raster order.
    ///
    /// # Panics
    /// If the block reaches out of `buf`.
    #[inline]
    pub fn idct_add(&self, coeffs: &[i16; 16], buf: &mut [u8], at: usize, stride: usize) {
        let dst = place(buf, at, stride, 4);
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.residual.idct_add)(coeffs, dst) }
    }

    /// [`idct_add`](Self::idct_add) of two blocks side by side, to 8×4 samples.
    ///
    /// # Panics
    /// If the blocks reach out of `buf`.
    #[inline]
    pub fn idct_add_x2(&self, coeffs: &[i16; 32], buf: &mut [u8], at: usize, stride: usize) {
        let dst = place(buf, at, stride, 8);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.residual.idct_add_x2)(coeffs, dst) }
    }

    /// [`idct_add`](Self::idct_add) of four blocks side by side, to 16×4
    /// samples.
    ///
    /// # Panics
    /// If the blocks reach out of `buf`.
    #[inline]
    pub fn idct_add_x4(&self, coeffs: &[i16; 64], buf: &mut [u8], at: usize, stride: usize) {
        let dst = place(buf, at, stride, 16);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.residual.idct_add_x4)(coeffs, dst) }
    }

    /// [`idct_add`](Self::idct_add) of a block whose only coefficient is its
    /// DC.
    ///
    /// # Panics
    /// If the block reaches out of `buf`.
    #[inline]
    pub fn idct_dc_add(&self, dc: i16, buf: &mut [u8], at: usize, stride: usize) {
        let dst = place(buf, at, stride, 4);
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.residual.idct_dc_add)(dc, dst) }
    }

    /// [`idct_dc_add`](Self::idct_dc_add) of four blocks side by side, to 16×4
    /// samples.
    ///
    /// # Panics
    /// If the blocks reach out of `buf`.
    #[inline]
    pub fn idct_dc_add_x4(&self, dcs: [i16; 4], buf: &mut [u8], at: usize, stride: usize) {
        let dst = place(buf, at, stride, 16);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.residual.idct_dc_add_x4)(dcs, dst) }
    }
}

#[inline(always)]
fn place(buf: &mut [u8], at: usize, stride: usize, columns: usize) -> Dst<'_> {
    Dst::checked(Reach::block(columns, 4), buf, at, stride)
}
