// SPDX-License-Identifier: MIT OR Apache-2.0
//! Intra prediction at every level.

use super::canvas::Samples;
use super::{at_every_level, canvas, Canvas, Shape};
use crate::dsp::{BlockSize, Dsp, SubMode};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

at_every_level! {
    fill: super::fill_agrees;
    vertical: super::vertical_agrees;
    horizontal: super::horizontal_agrees;
    true_motion: super::true_motion_agrees;
    sub: super::sub_agrees;
}

/// The samples around a block.
#[derive(Clone, Debug)]
struct Around {
    above: Vec<u8>,
    left: Vec<u8>,
    corner: u8,
}

fn around(above: usize, left: usize) -> impl Strategy<Value = Around> {
    let extremes = prop_oneof![Just(0u64), Just(255)];
    prop_oneof![
        (extremes.clone(), extremes.clone(), extremes).prop_map(|(a, b, c)| [a, b, c, 0]),
        any::<u64>().prop_map(|seed| [0, 0, 0, seed | 1]),
    ]
    .prop_map(move |[a, b, c, seed]| {
        let mut samples = Samples::new(seed);
        let mut line = |len: usize, value: u64| {
            let mut next = || if seed == 0 { value } else { samples.next() };
            (0..len).map(|_| next() as u8).collect()
        };
        Around {
            above: line(above, a),
            left: line(left, b),
            corner: if seed == 0 {
                c as u8
            } else {
                (seed >> 20) as u8
            },
        }
    })
}

fn block(size: BlockSize) -> Shape {
    Shape::block(size.samples(), size.samples())
}

fn agrees(
    c: &Canvas,
    shape: Shape,
    dsps: [&Dsp; 2],
    predict: impl Fn(&Dsp, &mut [u8], usize, usize),
) -> TestCaseResult {
    let (mut got, mut want) = (c.clone(), c.data.clone());
    predict(dsps[0], &mut got.data, c.at, c.stride);
    predict(dsps[1], &mut want, c.at, c.stride);
    prop_assert_eq!(&got.data, &want);
    got.assert_only(&c.data, shape)
}

type Predict = fn(&Dsp, BlockSize, &Around, &mut [u8], usize, usize);

fn whole_agrees(dsps: [&'static Dsp; 2], predict: Predict) {
    for size in [BlockSize::B8, BlockSize::B16] {
        let side = size.samples();
        proptest!(|(around in around(side, side), c in canvas(block(size)))| {
            agrees(&c, block(size), dsps, |dsp, buf, at, stride| {
                predict(dsp, size, &around, buf, at, stride);
            })?;
        });
    }
}

fn fill_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    whole_agrees([dsp, oracle], |dsp, size, around, buf, at, stride| {
        dsp.intra_fill(size, around.corner, buf, at, stride);
    });
}

fn vertical_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    whole_agrees([dsp, oracle], |dsp, size, around, buf, at, stride| {
        dsp.intra_vertical(size, &around.above, buf, at, stride);
    });
}

fn horizontal_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    whole_agrees([dsp, oracle], |dsp, size, around, buf, at, stride| {
        dsp.intra_horizontal(size, &around.left, buf, at, stride);
    });
}

fn true_motion_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    whole_agrees([dsp, oracle], |dsp, size, around, buf, at, stride| {
        let Around {
            above,
            left,
            corner,
        } = around;
        dsp.intra_true_motion(size, above, left, *corner, buf, at, stride);
    });
}

fn sub_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let modes = proptest::sample::select(&SubMode::ALL);
    let shape = Shape::block(4, 4);
    let config = ProptestConfig::with_cases(2048);
    proptest!(config, |(mode in modes, around in around(8, 4), c in canvas(shape))| {
        let above = around.above[..].try_into().expect("8 samples");
        let left = around.left[..].try_into().expect("4 samples");
        agrees(&c, shape, [dsp, oracle], |dsp, buf, at, stride| {
            dsp.intra_4x4(mode, above, left, around.corner, buf, at, stride);
        })?;
    });
}
