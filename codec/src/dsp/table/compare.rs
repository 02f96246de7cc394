// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far two blocks are apart: the table and its methods.
//!
//! A block is named as in [`Dsp::sixtap`]: its top left sample is `a[a_at]`,
//! its rows are `a_stride` bytes apart.

#![allow(unsafe_code)]

use crate::dsp::block::{Reach, MAX_STRIDE};
use crate::dsp::Dsp;

/// The shape of a block that an encoder compares: a macroblock, or a part of
/// one that has a motion vector or a mode of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BlockShape {
    /// 16 columns, 16 rows.
    S16x16,
    /// 16 columns, 8 rows.
    S16x8,
    /// 8 columns, 16 rows.
    S8x16,
    /// 8 columns, 8 rows.
    S8x8,
    /// 4 columns, 4 rows.
    S4x4,
}

impl BlockShape {
    /// Every shape, in order: `ALL[i] as u8 == i`.
    pub const ALL: [Self; 5] = [
        Self::S16x16,
        Self::S16x8,
        Self::S8x16,
        Self::S8x8,
        Self::S4x4,
    ];

    /// Samples in a row.
    #[inline]
    pub const fn columns(self) -> usize {
        [16, 16, 8, 8, 4][self as usize]
    }

    /// Rows.
    #[inline]
    pub const fn rows(self) -> usize {
        [16, 8, 16, 8, 4][self as usize]
    }

    #[inline(always)]
    const fn reach(self) -> Reach {
        Reach::block(self.columns(), self.rows())
    }
}

/// Sums over the differences of two blocks, sample by sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Differences {
    /// Of `a - b`.
    pub sum: i32,
    /// Of its squares.
    pub squares: u32,
}

impl Differences {
    /// The squares around the mean, times the number of samples: the variance
    /// that is left once a DC has taken the mean away, as libvpx measures it
    /// (its division rounds down).
    #[inline]
    pub const fn variance(self, shape: BlockShape) -> u32 {
        let samples = shape.columns() * shape.rows();
        let sum = self.sum.unsigned_abs() as u64;
        self.squares - ((sum * sum) >> samples.trailing_zeros()) as u32
    }
}

/// Compares two blocks of a fixed shape: the bytes from each block's first
/// sample on, and its stride. (All of it goes in registers: these kernels take
/// little longer than a call does.)
pub(in crate::dsp) type Measure<T> = unsafe fn(&[u8], usize, &[u8], usize) -> T;
/// A block likewise, then the buffer of four others, their places and their
/// stride.
pub(in crate::dsp) type Four = unsafe fn(&[u8], usize, &[u8], &[usize; 4], usize) -> [u32; 4];
/// Two regions likewise, then their columns and rows.
pub(in crate::dsp) type Region = unsafe fn(&[u8], usize, &[u8], usize, usize, usize) -> u64;

/// Kernels by [`BlockShape`].
#[derive(Debug)]
pub(in crate::dsp) struct Compare {
    pub sad: [Measure<u32>; 5],
    pub sad_16x16_x4: Four,
    pub sse: [Measure<u32>; 5],
    pub sse_region: Region,
    pub differences: [Measure<Differences>; 5],
    pub satd: [Measure<u32>; 5],
}

impl Dsp {
    /// The sum of the absolute differences of two blocks.
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn sad(
        &self,
        shape: BlockShape,
        a: &[u8],
        a_at: usize,
        a_stride: usize,
        b: &[u8],
        b_at: usize,
        b_stride: usize,
    ) -> u32 {
        let a = shape.reach().of(a, a_at, a_stride);
        let b = shape.reach().of(b, b_at, b_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.compare.sad[shape as usize])(a, a_stride, b, b_stride) }
    }

    /// [`sad`](Self::sad) of a macroblock against four others in one buffer.
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    pub fn sad_16x16_x4(
        &self,
        a: &[u8],
        a_at: usize,
        a_stride: usize,
        b: &[u8],
        b_at: [usize; 4],
        b_stride: usize,
    ) -> [u32; 4] {
        let a = BlockShape::S16x16.reach().of(a, a_at, a_stride);
        for at in b_at {
            BlockShape::S16x16.reach().check(b.len(), at, b_stride);
        }
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.compare.sad_16x16_x4)(a, a_stride, b, &b_at, b_stride) }
    }

    /// The sum of the squared differences of two blocks.
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn sse(
        &self,
        shape: BlockShape,
        a: &[u8],
        a_at: usize,
        a_stride: usize,
        b: &[u8],
        b_at: usize,
        b_stride: usize,
    ) -> u32 {
        let a = shape.reach().of(a, a_at, a_stride);
        let b = shape.reach().of(b, b_at, b_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.compare.sse[shape as usize])(a, a_stride, b, b_stride) }
    }

    /// The sum of the squared differences of two regions of any size, whole
    /// planes among them; 0 where they have no samples.
    ///
    /// # Panics
    /// If a region reaches out of its buffer, or has over [`MAX_STRIDE`]
    /// columns or rows.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn sse_region(
        &self,
        a: &[u8],
        a_at: usize,
        a_stride: usize,
        b: &[u8],
        b_at: usize,
        b_stride: usize,
        columns: usize,
        rows: usize,
    ) -> u64 {
        if columns == 0 || rows == 0 {
            return 0;
        }
        let small = columns <= MAX_STRIDE && rows <= MAX_STRIDE;
        assert!(small, "region of {columns} columns and {rows} rows");
        let region = Reach::block(columns, rows);
        let (a, b) = (region.of(a, a_at, a_stride), region.of(b, b_at, b_stride));
        // SAFETY: the CPU has this table's level; the regions are checked above.
        unsafe { (self.compare.sse_region)(a, a_stride, b, b_stride, columns, rows) }
    }

    /// The sums of the differences of two blocks and of their squares.
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn differences(
        &self,
        shape: BlockShape,
        a: &[u8],
        a_at: usize,
        a_stride: usize,
        b: &[u8],
        b_at: usize,
        b_stride: usize,
    ) -> Differences {
        let a = shape.reach().of(a, a_at, a_stride);
        let b = shape.reach().of(b, b_at, b_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.compare.differences[shape as usize])(a, a_stride, b, b_stride) }
    }

    /// The sum of the absolute values of the 4×4 Hadamard transforms of the
    /// differences of two blocks, halved (it is even for each 4×4), which
    /// makes it comparable to [`sad`](Self::sad).
    ///
    /// # Panics
    /// If a block reaches out of its buffer.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn satd(
        &self,
        shape: BlockShape,
        a: &[u8],
        a_at: usize,
        a_stride: usize,
        b: &[u8],
        b_at: usize,
        b_stride: usize,
    ) -> u32 {
        let a = shape.reach().of(a, a_at, a_stride);
        let b = shape.reach().of(b, b_at, b_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.compare.satd[shape as usize])(a, a_stride, b, b_stride) }
    }
}
