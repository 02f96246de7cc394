// SPDX-License-Identifier: MIT OR Apache-2.0
//! A place in a plane, and the one bounds check.

/// The largest stride, in bytes. VP8 pictures are at most 16,383 samples wide;
/// the bound keeps offset arithmetic from wrapping.
pub const MAX_STRIDE: usize = 1 << 20;

/// The tallest block, in rows; bounds offset arithmetic as [`MAX_STRIDE`] does.
pub(super) const MAX_HEIGHT: usize = 64;

/// Where a kernel reads: sample (0, 0) is `data[at]`.
#[derive(Clone, Copy)]
pub(super) struct Src<'a> {
    pub data: &'a [u8],
    pub at: usize,
    pub stride: usize,
}

impl<'a> Src<'a> {
    /// `len` samples of row `y` from column `x`; both may be negative.
    #[inline]
    pub fn row(&self, y: isize, x: isize, len: usize) -> &'a [u8] {
        let start = (self.at as isize + y * self.stride as isize + x) as usize;
        &self.data[start..start + len]
    }
}

/// Where a kernel writes: sample (0, 0) is `data[at]`.
pub(super) struct Dst<'a> {
    pub data: &'a mut [u8],
    pub at: usize,
    pub stride: usize,
}

impl<'a> Dst<'a> {
    /// Room that holds `reach`.
    ///
    /// # Panics
    /// As [`Reach::check`].
    #[inline(always)]
    pub fn checked(reach: Reach, data: &'a mut [u8], at: usize, stride: usize) -> Self {
        reach.check(data.len(), at, stride);
        Self { data, at, stride }
    }

    /// `len` samples of row `y`.
    #[inline]
    pub fn row(&mut self, y: usize, len: usize) -> &mut [u8] {
        let start = self.at + y * self.stride;
        &mut self.data[start..start + len]
    }
}

/// The samples a kernel touches around its place: `above` rows over it and
/// `left` columns before it; `rows` and `columns` counted from it.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub above: usize,
    pub left: usize,
    pub rows: usize,
    pub columns: usize,
}

impl Reach {
    /// A block with nothing around it.
    #[inline(always)]
    pub const fn block(columns: usize, rows: usize) -> Self {
        Self {
            above: 0,
            left: 0,
            rows,
            columns,
        }
    }

    /// Checks that a buffer of `len` bytes holds all of it.
    ///
    /// This is what makes the kernels' pointer loads and stores sound: with
    /// the strides and heights bounded, nothing here wraps.
    ///
    /// # Panics
    /// If it reaches out of the buffer, or the stride is over [`MAX_STRIDE`].
    #[inline(always)]
    pub fn check(self, len: usize, at: usize, stride: usize) {
        let before = self.above * stride + self.left;
        let after = (self.rows - 1) * stride + self.columns;
        let inside =
            (stride <= MAX_STRIDE) & (at >= before) & (at <= len) & (len.wrapping_sub(at) >= after);
        if !inside {
            out_of_bounds(len, at, stride);
        }
    }

    /// The bytes from sample (0, 0) on, once all of it is known to be there.
    ///
    /// # Panics
    /// As [`check`](Self::check).
    #[inline(always)]
    pub fn of(self, data: &[u8], at: usize, stride: usize) -> &[u8] {
        self.check(data.len(), at, stride);
        &data[at..]
    }
}

#[cold]
#[inline(never)]
fn out_of_bounds(len: usize, at: usize, stride: usize) -> ! {
    panic!("block at {at} with stride {stride} reaches out of a buffer of {len} bytes");
}
