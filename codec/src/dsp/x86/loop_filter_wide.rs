// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop filter of a whole macroblock in 256 bits: the lines of luma's edge
//! in one lane, and those of U and V in the other.

#![allow(unsafe_code)]
// As in `loop_filter`.
#![allow(clippy::needless_range_loop)]

use super::edge::filter;
use super::loop_filter::{all_left_wide, left, next_top};
use super::memory::*;
use super::transpose::*;
use crate::dsp::edge::Kind;
use crate::dsp::MacroblockEdges;
use std::arch::x86_64::*;

/// Where the planes of a macroblock lie.
#[derive(Clone, Copy)]
struct Planes {
    /// Luma, and from one of its rows to the next.
    y: *mut u8,
    stride: usize,
    u: *mut u8,
    v: *mut u8,
    chroma: usize,
}

/// Filters all edges of a macroblock that `edges` names.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn macroblock(
    buf: &mut [u8],
    at: &[usize; 3],
    stride: &[usize; 2],
    edges: &MacroblockEdges,
) {
    let p = buf.as_mut_ptr();
    let planes = Planes {
        y: p.add(at[0]),
        stride: stride[0],
        u: p.add(at[1]),
        v: p.add(at[2]),
        chroma: stride[1],
    };
    let (outer, inner) = (Kind::Mb(edges.outer), Kind::Inner(edges.inner));
    if edges.left {
        outer_left(planes, outer);
    }
    if edges.inside {
        all_left_wide(planes.y, planes.stride, edges.inner);
        left(planes.u.add(4), planes.v.add(4), planes.chroma, inner);
    }
    if edges.top {
        outer_top(planes, outer);
    }
    if edges.inside {
        inner_top(planes, inner);
    }
}

/// The edge to the macroblock on the left. Reads 12 columns from the edge on.
#[inline(always)]
unsafe fn outer_left(planes: Planes, kind: Kind) {
    let (stride, chroma) = (planes.stride, planes.chroma);
    let (y, u, v) = (planes.y.sub(4), planes.u.sub(4), planes.v.sub(4));
    let mut rows = [_mm256_setzero_si256(); 16];
    for i in 0..8 {
        rows[i] = load16x2(y.add(i * stride), u.add(i * chroma));
        rows[i + 8] = load16x2(y.add((i + 8) * stride), v.add(i * chroma));
    }
    let mut lines = rows_to_columns8_wide(rows);
    if !filter(&mut lines, kind) {
        return;
    }
    for (i, rows) in columns8_to_rows_wide(lines).into_iter().enumerate() {
        let to = y.add(2 * i * stride);
        store8x2(to, to.add(stride), _mm256_castsi256_si128(rows));
        let to = if i < 4 { u } else { v }.add(i % 4 * 2 * chroma);
        store8x2(to, to.add(chroma), _mm256_extracti128_si256::<1>(rows));
    }
}

/// Row `i` of luma, and those of U and V.
#[inline(always)]
unsafe fn row(planes: Planes, i: isize) -> __m256i {
    let (y, chroma) = (
        planes.y.offset(i * planes.stride as isize),
        i * planes.chroma as isize,
    );
    let uv = load8x2(planes.u.offset(chroma), planes.v.offset(chroma));
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load16(y)), uv)
}

/// Stores a [`row`].
#[inline(always)]
unsafe fn put(planes: Planes, i: isize, row: __m256i) {
    let chroma = i * planes.chroma as isize;
    store16(
        planes.y.offset(i * planes.stride as isize),
        _mm256_castsi256_si128(row),
    );
    let uv = _mm256_extracti128_si256::<1>(row);
    store8x2(planes.u.offset(chroma), planes.v.offset(chroma), uv);
}

/// The edge to the macroblock above.
#[inline(always)]
unsafe fn outer_top(planes: Planes, kind: Kind) {
    let mut lines = [_mm256_setzero_si256(); 8];
    for i in 0..8 {
        lines[i] = row(planes, i as isize - 4);
    }
    if filter(&mut lines, kind) {
        for i in 1..7 {
            put(planes, i as isize - 4, lines[i]);
        }
    }
}

/// The horizontal edges at row 4 of all planes, then luma's at 8 and 12.
#[inline(always)]
unsafe fn inner_top(planes: Planes, kind: Kind) {
    let mut lines = [_mm256_setzero_si256(); 8];
    for i in 0..8 {
        lines[i] = row(planes, i as isize);
    }
    if filter(&mut lines, kind) {
        for i in 2..6 {
            put(planes, i as isize, lines[i]);
        }
    }
    let mut rows = [_mm_setzero_si128(); 4];
    for i in 0..4 {
        rows[i] = _mm256_castsi256_si128(lines[i + 4]);
    }
    next_top(
        &mut rows,
        planes.y.add(4 * planes.stride),
        planes.stride,
        kind,
    );
    next_top(
        &mut rows,
        planes.y.add(8 * planes.stride),
        planes.stride,
        kind,
    );
}
