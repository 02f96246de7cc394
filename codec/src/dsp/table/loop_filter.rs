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

/// The edges of one macroblock that are filtered, by the normal filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MacroblockEdges {
    /// Whether the edge to the macroblock on the left is.
    pub left: bool,
    /// Whether the edge to the macroblock above is.
    pub top: bool,
    /// Whether the edges between its subblocks are.
    pub inside: bool,
    /// The limits of its left and top edge.
    pub outer: EdgeLimits,
    /// The limits of the edges between its subblocks.
    pub inner: EdgeLimits,
}

/// Filters all planes of a macroblock: (buffer, places of the planes, strides
/// of luma and chroma, edges).
pub(in crate::dsp) type Whole = unsafe fn(&mut [u8], &[usize; 3], &[usize; 2], &MacroblockEdges);
/// Filters one block of luma: (buffer, place, stride, limits).
pub(in crate::dsp) type Luma = unsafe fn(&mut [u8], usize, usize, EdgeLimits);
/// Filters one block of U and of V: (buffer, place of U, of V, stride, limits).
pub(in crate::dsp) type Chroma = unsafe fn(&mut [u8], usize, usize, usize, EdgeLimits);
/// Filters one block of luma: (buffer, place, stride, edge limit).
pub(in crate::dsp) type Simple = unsafe fn(&mut [u8], usize, usize, u8);

#[derive(Debug)]
pub(in crate::dsp) struct LoopFilter {
    /// Where there is none, edges are filtered one by one.
    pub macroblock: Option<Whole>,
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
    /// Filters the edges of a macroblock in all planes, in the order of RFC
    /// 6386 §15.1. `at` is where Y, U and V begin; `stride` is luma's and chroma's.
    ///
    /// # Panics
    /// If the planes reach out of `buf`, or where the edge is filtered, the 4
    /// rows above or the 4 columns to the left, or 4 columns to the right of
    /// chroma.
    #[inline]
    pub fn filter_macroblock(
        &self,
        buf: &mut [u8],
        at: [usize; 3],
        stride: [usize; 2],
        edges: &MacroblockEdges,
    ) {
        let Some(whole) = self.filter.macroblock else {
            return self.filter_edges(buf, at, stride, edges);
        };
        let (left, above) = (4 * usize::from(edges.left), 4 * usize::from(edges.top));
        for (plane, at) in at.into_iter().enumerate() {
            let luma = plane == 0;
            let reach = Reach {
                above,
                left,
                rows: if luma { 16 } else { 8 },
                columns: if luma { 16 } else { 8 + left },
            };
            reach.check(buf.len(), at, stride[usize::from(!luma)]);
        }
        // SAFETY: the CPU has this table's level; the planes are checked above.
        unsafe { whole(buf, &at, &stride, edges) }
    }

    fn filter_edges(
        &self,
        buf: &mut [u8],
        [y, u, v]: [usize; 3],
        [stride, chroma]: [usize; 2],
        edges: &MacroblockEdges,
    ) {
        let (outer, inner) = (edges.outer, edges.inner);
        if edges.left {
            self.filter_mb_left(buf, y, stride, outer);
            self.filter_mb_left_chroma(buf, u, v, chroma, outer);
        }
        if edges.inside {
            self.filter_inner_left(buf, y, stride, inner);
            self.filter_inner_left_chroma(buf, u, v, chroma, inner);
        }
        if edges.top {
            self.filter_mb_top(buf, y, stride, outer);
            self.filter_mb_top_chroma(buf, u, v, chroma, outer);
        }
        if edges.inside {
            self.filter_inner_top(buf, y, stride, inner);
            self.filter_inner_top_chroma(buf, u, v, chroma, inner);
        }
    }

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
