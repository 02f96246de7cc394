// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels of whole macroblocks at every level. The oracle goes block by block.

use super::loop_filter::limits;
use super::{at_every_level, canvas, Shape};
use crate::dsp::{Dsp, MacroblockEdges, Motion};
use proptest::prelude::*;

at_every_level! {
    filter: super::filter_agrees;
    sixtap: super::sixtap_agrees;
}

/// Three planes in one buffer: luma, then V under U or beside it, in either
/// order.
#[derive(Clone, Debug)]
struct Planes {
    data: Vec<u8>,
    at: [usize; 3],
    stride: [usize; 2],
}

/// Planes of a macroblock with so many samples around each block, before it
/// and after it.
fn planes(before: usize, after: usize) -> impl Strategy<Value = Planes> {
    let shape = |columns: usize, rows: usize| Shape {
        above: before,
        left: before,
        columns: columns + after,
        rows: rows + after,
    };
    let side = before + 8 + after;
    let parts = (
        canvas(shape(16, 16)),
        canvas(shape(8 + side, 8 + side)),
        any::<bool>(),
        any::<bool>(),
    );
    parts.prop_map(move |(luma, chroma, under, swap)| {
        let first = luma.data.len() + chroma.at;
        let second = first + if under { side * chroma.stride } else { side };
        let (u, v) = if swap {
            (second, first)
        } else {
            (first, second)
        };
        Planes {
            at: [luma.at, u, v],
            stride: [luma.stride, chroma.stride],
            data: [luma.data, chroma.data].concat(),
        }
    })
}

fn filter_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let config = ProptestConfig::with_cases(4096);
    let edges = (any::<[bool; 3]>(), limits(), limits());
    proptest!(config, |(planes in planes(4, 4), (which, outer, inner) in edges)| {
        let [left, top, inside] = which;
        let edges = MacroblockEdges { left, top, inside, outer, inner };
        let Planes { data, at, stride } = planes;
        let (mut got, mut want) = (data.clone(), data);
        dsp.filter_macroblock(&mut got, at, stride, &edges);
        oracle.filter_macroblock(&mut want, at, stride, &edges);
        prop_assert_eq!(got, want);
    });
}

fn sixtap_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let config = ProptestConfig::with_cases(4096);
    let fractions = || (0usize..8, 0usize..8);
    // Some sources have room for loads that take more along, others do not.
    let from = prop_oneof![planes(2, 3), planes(2, 6)];
    let case = (from, planes(0, 0), fractions(), fractions());
    proptest!(config, |((from, to, luma, chroma) in case)| {
        let motion = Motion {
            from: from.at,
            from_stride: from.stride,
            to: to.at,
            to_stride: to.stride,
            luma,
            chroma,
        };
        let (mut got, mut want) = (to.data.clone(), to.data);
        dsp.sixtap_macroblock(&from.data, &mut got, &motion);
        oracle.sixtap_macroblock(&from.data, &mut want, &motion);
        prop_assert_eq!(got, want);
    });
}
