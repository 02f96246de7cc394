// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inter prediction at every level.

use super::{at_every_level, canvas, Canvas, Shape};
use crate::dsp::{Dsp, Width};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

const WIDTHS: [Width; 3] = [Width::W4, Width::W8, Width::W16];

at_every_level! {
    sixtap: super::sixtap_agrees;
    bilinear: super::bilinear_agrees;
    copy: super::copy_agrees;
}

#[derive(Clone, Debug)]
struct Case {
    width: Width,
    height: usize,
    mx: usize,
    my: usize,
    src: Canvas,
    dst: Canvas,
}

/// Blocks whose source holds just what a filter of `before` and `after` extra
/// samples reads.
fn case(before: usize, after: usize) -> impl Strategy<Value = Case> {
    let heights = prop_oneof![Just(4usize), Just(8), Just(16), Just(20)];
    let parts = (
        proptest::sample::select(&WIDTHS),
        heights,
        0usize..8,
        0usize..8,
    );
    parts.prop_flat_map(move |(width, height, mx, my)| {
        let (x, y) = (usize::from(mx != 0), usize::from(my != 0));
        let src = Shape {
            above: before * y,
            left: before * x,
            columns: width.samples() + after * x,
            rows: height + after * y,
        };
        let dst = Shape::block(width.samples(), height);
        (canvas(src), canvas(dst)).prop_map(move |(src, dst)| Case {
            width,
            height,
            mx,
            my,
            src,
            dst,
        })
    })
}

fn agrees(
    case: &Case,
    predict: impl Fn(&Dsp, &Case, &mut [u8]),
    dsps: [&Dsp; 2],
) -> TestCaseResult {
    let [dsp, oracle] = dsps;
    let (mut got, mut want) = (case.dst.clone(), case.dst.data.clone());
    predict(dsp, case, &mut got.data);
    predict(oracle, case, &mut want);
    prop_assert_eq!(&got.data, &want);
    got.assert_only(
        &case.dst.data,
        Shape::block(case.width.samples(), case.height),
    )
}

fn sixtap_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(ProptestConfig::with_cases(1024), |(case in case(2, 3))| {
        let predict = |dsp: &Dsp, case: &Case, to: &mut [u8]| {
            let Case { width, height, mx, my, src, dst } = case;
            dsp.sixtap(
                *width, &src.data, src.at, src.stride, to, dst.at, dst.stride, *height, *mx, *my,
            );
        };
        agrees(&case, predict, [dsp, oracle])?;
    });
}

fn bilinear_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(ProptestConfig::with_cases(1024), |(case in case(0, 1))| {
        let predict = |dsp: &Dsp, case: &Case, to: &mut [u8]| {
            let Case { width, height, mx, my, src, dst } = case;
            dsp.bilinear(
                *width, &src.data, src.at, src.stride, to, dst.at, dst.stride, *height, *mx, *my,
            );
        };
        agrees(&case, predict, [dsp, oracle])?;
    });
}

fn copy_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(|(case in case(0, 0))| {
        let predict = |dsp: &Dsp, case: &Case, to: &mut [u8]| {
            let Case { width, height, src, dst, .. } = case;
            dsp.copy(*width, &src.data, src.at, src.stride, to, dst.at, dst.stride, *height);
        };
        agrees(&case, predict, [dsp, oracle])?;
    });
}
