// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loop filters at every level.

use super::{at_every_level, canvas, Canvas, Shape};
use crate::dsp::{Dsp, EdgeLimits};
use proptest::prelude::*;

at_every_level! {
    mb_left: super::mb_left_agrees;
    mb_top: super::mb_top_agrees;
    inner_left: super::inner_left_agrees;
    inner_top: super::inner_top_agrees;
    mb_left_chroma: super::mb_left_chroma_agrees;
    mb_top_chroma: super::mb_top_chroma_agrees;
    inner_left_chroma: super::inner_left_chroma_agrees;
    inner_top_chroma: super::inner_top_chroma_agrees;
    simple_mb_left: super::simple_mb_left_agrees;
    simple_mb_top: super::simple_mb_top_agrees;
    simple_inner_left: super::simple_inner_left_agrees;
    simple_inner_top: super::simple_inner_top_agrees;
}

type Luma = fn(&Dsp, &mut [u8], usize, usize, EdgeLimits);
type Chroma = fn(&Dsp, &mut [u8], usize, usize, usize, EdgeLimits);

/// The columns before and the rows over a vertical edge that may change.
const LEFT: Shape = edge(4, 0);
const TOP: Shape = edge(0, 4);

const fn edge(left: usize, above: usize) -> Shape {
    Shape {
        above,
        left,
        columns: if left > 0 { 4 } else { 16 },
        rows: if above > 0 { 4 } else { 16 },
    }
}

pub(super) fn limits() -> impl Strategy<Value = EdgeLimits> {
    let edge = prop_oneof![0u8..=255, Just(0), Just(254), Just(255), 4u8..=193];
    let interior = prop_oneof![0u8..=255, 0u8..12, Just(63)];
    let hev = prop_oneof![0u8..=4, 0u8..=255];
    let any = (edge, interior, hev);
    // Limits that most lines pass, so that the arithmetic after them is seen.
    let wide = (150u8..=255, 60u8..=255, prop_oneof![Just(255u8), 0u8..20]);
    prop_oneof![any, wide].prop_map(|(edge, interior, hev)| EdgeLimits {
        edge,
        interior,
        hev,
    })
}

fn luma_agrees(shape: Shape, dsps: [&'static Dsp; 2], filter: Luma) {
    let config = ProptestConfig::with_cases(4096);
    proptest!(config, |(c in canvas(shape), limits in limits())| {
        let (mut got, mut want) = (c.clone(), c.data.clone());
        filter(dsps[0], &mut got.data, c.at, c.stride, limits);
        filter(dsps[1], &mut want, c.at, c.stride, limits);
        prop_assert_eq!(&got.data, &want);
        got.assert_only(&c.data, shape)?;
    });
}

/// `shape` is that of luma; U and V of half the size go into one buffer, V
/// under U or beside it, in either order.
fn chroma_agrees(shape: Shape, dsps: [&'static Dsp; 2], filter: Chroma) {
    let half = Shape {
        columns: shape.columns.min(8),
        rows: shape.rows.min(8),
        ..shape
    };
    let (width, height) = (half.left + half.columns, half.above + half.rows);
    let config = ProptestConfig::with_cases(4096);
    proptest!(config, |(under: bool, swap: bool, limits in limits(), c in prop::bool::ANY
        .prop_flat_map(move |_| canvas(Shape {
            columns: half.columns + width,
            rows: half.rows + height,
            ..half
        })))| {
        let first = c.at;
        let second = if under { c.at + height * c.stride } else { c.at + width };
        let (u, v) = if swap { (second, first) } else { (first, second) };
        let (mut got, mut want) = (c.clone(), c.data.clone());
        filter(dsps[0], &mut got.data, u, v, c.stride, limits);
        filter(dsps[1], &mut want, u, v, c.stride, limits);
        prop_assert_eq!(&got.data, &want);
        // Both blocks masked in turn leave nothing else changed.
        let mut before = c.data.clone();
        let u_only = Canvas { at: u, ..got.clone() };
        copy_block(&mut before, &u_only, half);
        Canvas { at: v, ..got }.assert_only(&before, half)?;
    });
}

/// Copies the samples of `shape` from `from` into `to`.
fn copy_block(to: &mut [u8], from: &Canvas, shape: Shape) {
    for y in 0..shape.above + shape.rows {
        let start = from.at + y * from.stride - shape.above * from.stride - shape.left;
        let row = start..start + shape.left + shape.columns;
        to[row.clone()].copy_from_slice(&from.data[row]);
    }
}

fn mb_left_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    luma_agrees(LEFT, [dsp, oracle], Dsp::filter_mb_left);
}

fn mb_top_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    luma_agrees(TOP, [dsp, oracle], Dsp::filter_mb_top);
}

fn inner_left_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    luma_agrees(Shape::block(16, 16), [dsp, oracle], Dsp::filter_inner_left);
}

fn inner_top_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    luma_agrees(Shape::block(16, 16), [dsp, oracle], Dsp::filter_inner_top);
}

fn mb_left_chroma_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    chroma_agrees(LEFT, [dsp, oracle], Dsp::filter_mb_left_chroma);
}

fn mb_top_chroma_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    chroma_agrees(TOP, [dsp, oracle], Dsp::filter_mb_top_chroma);
}

fn inner_left_chroma_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let block = Shape::block(16, 16);
    chroma_agrees(block, [dsp, oracle], Dsp::filter_inner_left_chroma);
}

fn inner_top_chroma_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let block = Shape::block(16, 16);
    chroma_agrees(block, [dsp, oracle], Dsp::filter_inner_top_chroma);
}

fn simple_mb_left_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    luma_agrees(LEFT, [dsp, oracle], |dsp, buf, at, stride, limits| {
        dsp.simple_mb_left(buf, at, stride, limits.edge);
    });
}

fn simple_mb_top_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    luma_agrees(TOP, [dsp, oracle], |dsp, buf, at, stride, limits| {
        dsp.simple_mb_top(buf, at, stride, limits.edge);
    });
}

fn simple_inner_left_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let block = Shape::block(16, 16);
    luma_agrees(block, [dsp, oracle], |dsp, buf, at, stride, limits| {
        dsp.simple_inner_left(buf, at, stride, limits.edge);
    });
}

fn simple_inner_top_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let block = Shape::block(16, 16);
    luma_agrees(block, [dsp, oracle], |dsp, buf, at, stride, limits| {
        dsp.simple_inner_top(buf, at, stride, limits.edge);
    });
}
