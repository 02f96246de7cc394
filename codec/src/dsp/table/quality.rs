// SPDX-License-Identifier: MIT OR Apache-2.0
//! What PSNR and SSIM are made of: the table and its methods.
//!
//! Rows are slices, so that planes of any width and stride will do.

#![allow(unsafe_code)]

use crate::dsp::Dsp;

/// Sums over each 4×4 block of a row of blocks. All are whole numbers.
#[derive(Debug)]
pub struct SsimSums<'a> {
    /// Of the samples of a.
    pub a: &'a mut [f64],
    /// Of the samples of b.
    pub b: &'a mut [f64],
    /// Of the squares of both.
    pub squares: &'a mut [f64],
    /// Of their products.
    pub products: &'a mut [f64],
}

/// Four rows of a and of b, and as many blocks in all of the sums.
pub(in crate::dsp) type SumBlocks = unsafe fn(&[&[u8]; 4], &[&[u8]; 4], SsimSums<'_>);

#[derive(Debug)]
pub(in crate::dsp) struct Quality {
    pub ssim_sums: SumBlocks,
}

impl Dsp {
    /// The sum of the squared differences of two rows.
    ///
    /// # Panics
    /// If their lengths differ.
    #[inline]
    pub fn sse_row(&self, a: &[u8], b: &[u8]) -> u64 {
        assert_eq!(a.len(), b.len(), "rows of one length");
        // SAFETY: the CPU has this table's level; the rows hold the columns.
        unsafe { (self.compare.sse_region)(a, 0, b, 0, a.len(), 1) }
    }

    /// The sums of a row of 4×4 blocks, from its four rows of samples; as many
    /// blocks as there is room for sums.
    ///
    /// # Panics
    /// If the sums are not of one length, or a row is shorter than the blocks.
    #[inline]
    pub fn ssim_sums(&self, a: &[&[u8]; 4], b: &[&[u8]; 4], sums: SsimSums<'_>) {
        let blocks = sums.a.len();
        let others = [sums.b.len(), sums.squares.len(), sums.products.len()];
        assert_eq!(others, [blocks; 3], "sums of one length");
        let long = |row: &&[u8]| row.len() / 4 >= blocks;
        assert!(a.iter().chain(b).all(long), "rows of {blocks} blocks");
        // SAFETY: the CPU has this table's level; lengths are checked above.
        unsafe { (self.quality.ssim_sums)(a, b, sums) }
    }
}
