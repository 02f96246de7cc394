// SPDX-License-Identifier: MIT OR Apache-2.0
//! Intra prediction (RFC 6386 §12): the table and its methods.
//!
//! The samples around a block are handed in, since a decoder keeps them apart
//! from the picture (the picture's own may be filtered already).

#![allow(unsafe_code)]

use crate::dsp::block::{Dst, Reach};
use crate::dsp::Dsp;

/// The size of an intra-predicted block: a luma macroblock or a chroma block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BlockSize {
    /// 8×8 samples.
    B8,
    /// 16×16 samples.
    B16,
}

impl BlockSize {
    /// The side in samples.
    #[inline]
    pub const fn samples(self) -> usize {
        8 << self as usize
    }
}

/// The prediction mode of a 4×4 luma subblock, in the order of RFC 6386 §8.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SubMode {
    /// The rounded mean of the 4 samples above and the 4 to the left.
    Dc,
    /// True motion: above + left - corner, clamped.
    Tm,
    /// Vertical, smoothed.
    Ve,
    /// Horizontal, smoothed.
    He,
    /// Down and left, 45 degrees.
    Ld,
    /// Down and right, 45 degrees.
    Rd,
    /// Down and slightly right.
    Vr,
    /// Down and slightly left.
    Vl,
    /// Right and slightly down.
    Hd,
    /// Right and slightly up.
    Hu,
}

impl SubMode {
    /// Every mode, in order: `ALL[i] as u8 == i`.
    pub const ALL: [Self; 10] = [
        Self::Dc,
        Self::Tm,
        Self::Ve,
        Self::He,
        Self::Ld,
        Self::Rd,
        Self::Vr,
        Self::Vl,
        Self::Hd,
        Self::Hu,
    ];
}

/// Copies a row or column of neighbours over a block.
pub(in crate::dsp) type Spread = unsafe fn(&[u8], Dst<'_>);
/// (above, left, corner, destination).
pub(in crate::dsp) type TrueMotion = unsafe fn(&[u8], &[u8], u8, Dst<'_>);
/// (mode, above, left, corner, destination).
pub(in crate::dsp) type Sub = unsafe fn(SubMode, &[u8; 8], &[u8; 4], u8, Dst<'_>);

/// Kernels by [`BlockSize`]. Slices of neighbours hold at least a side.
#[derive(Debug)]
pub(in crate::dsp) struct Intra {
    pub fill: [unsafe fn(u8, Dst<'_>); 2],
    pub vertical: [Spread; 2],
    pub horizontal: [Spread; 2],
    pub true_motion: [TrueMotion; 2],
    pub sub: Sub,
}

impl Dsp {
    /// Fills a block with one value: DC prediction, once the mean is known.
    ///
    /// # Panics
    /// If the block reaches out of `buf`.
    #[inline]
    pub fn intra_fill(&self, size: BlockSize, value: u8, buf: &mut [u8], at: usize, stride: usize) {
        let dst = place(buf, at, stride, size.samples());
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.intra.fill[size as usize])(value, dst) }
    }

    /// Copies the row `above` to each row of a block.
    ///
    /// # Panics
    /// If the block reaches out of `buf`, or `above` is shorter than a side.
    #[inline]
    pub fn intra_vertical(
        &self,
        size: BlockSize,
        above: &[u8],
        buf: &mut [u8],
        at: usize,
        stride: usize,
    ) {
        let dst = place(buf, at, stride, size.samples());
        let above = &above[..size.samples()];
        // SAFETY: the CPU has this table's level; lengths are checked above.
        unsafe { (self.intra.vertical[size as usize])(above, dst) }
    }

    /// Copies the column `left`, top first, to each column of a block.
    ///
    /// # Panics
    /// If the block reaches out of `buf`, or `left` is shorter than a side.
    #[inline]
    pub fn intra_horizontal(
        &self,
        size: BlockSize,
        left: &[u8],
        buf: &mut [u8],
        at: usize,
        stride: usize,
    ) {
        let dst = place(buf, at, stride, size.samples());
        let left = &left[..size.samples()];
        // SAFETY: the CPU has this table's level; lengths are checked above.
        unsafe { (self.intra.horizontal[size as usize])(left, dst) }
    }

    /// Predicts a block by true motion: above + left - corner, clamped.
    ///
    /// # Panics
    /// If the block reaches out of `buf`, or `above` or `left` is shorter than
    /// a side.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn intra_true_motion(
        &self,
        size: BlockSize,
        above: &[u8],
        left: &[u8],
        corner: u8,
        buf: &mut [u8],
        at: usize,
        stride: usize,
    ) {
        let dst = place(buf, at, stride, size.samples());
        let (above, left) = (&above[..size.samples()], &left[..size.samples()]);
        // SAFETY: the CPU has this table's level; lengths are checked above.
        unsafe { (self.intra.true_motion[size as usize])(above, left, corner, dst) }
    }

    /// Predicts a 4×4 subblock (RFC 6386 §12.3). `above` holds the 4 samples
    /// above it and the 4 above and to the right; `left` is top first.
    ///
    /// # Panics
    /// If the block reaches out of `buf`.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn intra_4x4(
        &self,
        mode: SubMode,
        above: &[u8; 8],
        left: &[u8; 4],
        corner: u8,
        buf: &mut [u8],
        at: usize,
        stride: usize,
    ) {
        let dst = place(buf, at, stride, 4);
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.intra.sub)(mode, above, left, corner, dst) }
    }
}

#[inline(always)]
fn place(buf: &mut [u8], at: usize, stride: usize, side: usize) -> Dst<'_> {
    Dst::checked(Reach::block(side, side), buf, at, stride)
}
