// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loop filters (RFC 6386 §15): the table and its methods.
//!
//! An edge is named by the side of the macroblock it is on: `left` edges are
//! vertical and filtered across columns, `top` edges are horizontal. All work
//! in place. `at` is the top left sample of the macroblock, or of its 8×8
//! chroma block.

#![allow(unsafe_code)]

use crate::dsp::block::Reach;
use crate::dsp::Dsp;

/// The thresholds of the normal loop filter for one edge (RFC 6386 §15.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EdgeLimits {
    /// A line across the edge is filtered where
    /// `|p0 - q0| * 2 + |p1 - q1| / 2`, saturated to 255, is at most this. (At
    /// most 193 in a VP8 stream, so the saturation never shows there.)
    pub edge: u8,
    /// And where no two neighbours among its four samples on either side
    /// differ by more than this.
    pub interior: u8,
    /// The line has high edge variance where `|p1 - p0|` or `|q1 - q0|` is
    /// over this.
    pub hev: u8,
}

/// Filters one block of luma: (buffer, place, stride, limits).
pub(in crate::dsp) type Luma = unsafe fn(&mut [u8], usize, usize, EdgeLimits);
/// Filters one block of U and of V: (buffer, place of U, of V, stride, limits).
pub(in crate::dsp) type Chroma = unsafe fn(&mut [u8], usize, usize, usize, EdgeLimits);
/// Filters one block of luma: (buffer, place, stride, edge limit).
pub(in crate::dsp) type Simple = unsafe fn(&mut [u8], usize, usize, u8);

#[derive(Debug)]
pub(in crate::dsp) struct LoopFilter {
    pub mb_left: Luma,
    pub mb_top: Luma,
    pub inner_left: Luma,
    pub inner_top: Luma,
    pub mb_left_chroma: Chroma,
    pub mb_top_chroma: Chroma,
    pub inner_left_chroma: Chroma,
    pub inner_top_chroma: Chroma,
    pub simple_mb_left: Simple,
    pub simple_mb_top: Simple,
    pub simple_inner_left: Simple,
    pub simple_inner_top: Simple,
}

/// Four columns on each side of the left edge of a block of `rows` rows.
const fn left_edge(rows: usize) -> Reach {
    Reach {
        above: 0,
        left: 4,
        rows,
        columns: 4,
    }
}

/// Four rows on each side of the top edge of a block of `columns` columns.
const fn top_edge(columns: usize) -> Reach {
    Reach {
        above: 4,
        left: 0,
        rows: 4,
        columns,
    }
}

impl Dsp {
    /// Filters the left edge of a luma macroblock, 16 rows.
    ///
    /// # Panics
    /// If the 4 columns before and after the edge reach out of `buf`.
    #[inline]
    pub fn filter_mb_left(&self, buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
        left_edge(16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the edge is checked above.
        unsafe { (self.filter.mb_left)(buf, at, stride, limits) }
    }

    /// Filters the top edge of a luma macroblock, 16 columns.
    ///
    /// # Panics
    /// If the 4 rows before and after the edge reach out of `buf`.
    #[inline]
    pub fn filter_mb_top(&self, buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
        top_edge(16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the edge is checked above.
        unsafe { (self.filter.mb_top)(buf, at, stride, limits) }
    }

    /// Filters the vertical edges at columns 4, 8 and 12 of a luma macroblock,
    /// in that order.
    ///
    /// # Panics
    /// If the macroblock reaches out of `buf`.
    #[inline]
    pub fn filter_inner_left(&self, buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
        Reach::block(16, 16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.filter.inner_left)(buf, at, stride, limits) }
    }

    /// Filters the horizontal edges at rows 4, 8 and 12 of a luma macroblock,
    /// in that order.
    ///
    /// # Panics
    /// If the macroblock reaches out of `buf`.
    #[inline]
    pub fn filter_inner_top(&self, buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
        Reach::block(16, 16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.filter.inner_top)(buf, at, stride, limits) }
    }

    /// Filters the left edges of the two chroma blocks of a macroblock, 8 rows
    /// each.
    ///
    /// # Panics
    /// If the 4 columns before and after an edge reach out of `buf`.
    #[inline]
    pub fn filter_mb_left_chroma(
        &self,
        buf: &mut [u8],
        u_at: usize,
        v_at: usize,
        stride: usize,
        limits: EdgeLimits,
    ) {
        left_edge(8).check(buf.len(), u_at, stride);
        left_edge(8).check(buf.len(), v_at, stride);
        // SAFETY: the CPU has this table's level; the edges are checked above.
        unsafe { (self.filter.mb_left_chroma)(buf, u_at, v_at, stride, limits) }
    }

    /// Filters the top edges of the two chroma blocks of a macroblock, 8
    /// columns each.
    ///
    /// # Panics
    /// If the 4 rows before and after an edge reach out of `buf`.
    #[inline]
    pub fn filter_mb_top_chroma(
        &self,
        buf: &mut [u8],
        u_at: usize,
        v_at: usize,
        stride: usize,
        limits: EdgeLimits,
    ) {
        top_edge(8).check(buf.len(), u_at, stride);
        top_edge(8).check(buf.len(), v_at, stride);
        // SAFETY: the CPU has this table's level; the edges are checked above.
        unsafe { (self.filter.mb_top_chroma)(buf, u_at, v_at, stride, limits) }
    }

    /// Filters the vertical edge at column 4 of the two chroma blocks of a
    /// macroblock.
    ///
    /// # Panics
    /// If a block reaches out of `buf`.
    #[inline]
    pub fn filter_inner_left_chroma(
        &self,
        buf: &mut [u8],
        u_at: usize,
        v_at: usize,
        stride: usize,
        limits: EdgeLimits,
    ) {
        Reach::block(8, 8).check(buf.len(), u_at, stride);
        Reach::block(8, 8).check(buf.len(), v_at, stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.filter.inner_left_chroma)(buf, u_at, v_at, stride, limits) }
    }

    /// Filters the horizontal edge at row 4 of the two chroma blocks of a
    /// macroblock.
    ///
    /// # Panics
    /// If a block reaches out of `buf`.
    #[inline]
    pub fn filter_inner_top_chroma(
        &self,
        buf: &mut [u8],
        u_at: usize,
        v_at: usize,
        stride: usize,
        limits: EdgeLimits,
    ) {
        Reach::block(8, 8).check(buf.len(), u_at, stride);
        Reach::block(8, 8).check(buf.len(), v_at, stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.filter.inner_top_chroma)(buf, u_at, v_at, stride, limits) }
    }

    /// Filters the left edge of a luma macroblock by the simple filter
    /// (RFC 6386 §15.2), 16 rows. `edge` is as [`EdgeLimits::edge`].
    ///
    /// # Panics
    /// If the 4 columns before and after the edge reach out of `buf`.
    #[inline]
    pub fn simple_mb_left(&self, buf: &mut [u8], at: usize, stride: usize, edge: u8) {
        left_edge(16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the edge is checked above.
        unsafe { (self.filter.simple_mb_left)(buf, at, stride, edge) }
    }

    /// Filters the top edge of a luma macroblock by the simple filter, 16
    /// columns.
    ///
    /// # Panics
    /// If the 4 rows before and after the edge reach out of `buf`.
    #[inline]
    pub fn simple_mb_top(&self, buf: &mut [u8], at: usize, stride: usize, edge: u8) {
        top_edge(16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the edge is checked above.
        unsafe { (self.filter.simple_mb_top)(buf, at, stride, edge) }
    }

    /// Filters the vertical edges at columns 4, 8 and 12 of a luma macroblock
    /// by the simple filter, in that order.
    ///
    /// # Panics
    /// If the macroblock reaches out of `buf`.
    #[inline]
    pub fn simple_inner_left(&self, buf: &mut [u8], at: usize, stride: usize, edge: u8) {
        Reach::block(16, 16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.filter.simple_inner_left)(buf, at, stride, edge) }
    }

    /// Filters the horizontal edges at rows 4, 8 and 12 of a luma macroblock
    /// by the simple filter, in that order.
    ///
    /// # Panics
    /// If the macroblock reaches out of `buf`.
    #[inline]
    pub fn simple_inner_top(&self, buf: &mut [u8], at: usize, stride: usize, edge: u8) {
        Reach::block(16, 16).check(buf.len(), at, stride);
        // SAFETY: the CPU has this table's level; the block is checked above.
        unsafe { (self.filter.simple_inner_top)(buf, at, stride, edge) }
    }
}
