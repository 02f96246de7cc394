// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inverse transforms at every level, for any coefficients at all.

use super::canvas::Samples;
use super::{at_every_level, canvas, Canvas, Shape};
use crate::dsp::Dsp;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

at_every_level! {
    iwht: super::iwht_agrees;
    idct_add: super::idct_add_agrees;
    idct_add_x2: super::idct_add_x2_agrees;
    idct_add_x4: super::idct_add_x4_agrees;
    idct_dc_add: super::idct_dc_add_agrees;
    idct_dc_add_x4: super::idct_dc_add_x4_agrees;
    every_dc: super::every_dc_agrees;
}

/// `N` coefficients: all of one kind, alternating extremes, small, or any.
pub(super) fn coeffs<const N: usize>() -> impl Strategy<Value = [i16; N]> {
    let value = prop_oneof![Just(i16::MIN), Just(i16::MAX), Just(0), any::<i16>()];
    prop_oneof![
        value.prop_map(|value| [value; N]),
        Just(std::array::from_fn(|i| if i % 2 == 0 {
            i16::MIN
        } else {
            i16::MAX
        })),
        (any::<u64>(), 0u32..16).prop_map(|(seed, bits)| {
            let mut samples = Samples::new(seed);
            std::array::from_fn(|_| samples.next() as i16 >> bits)
        }),
    ]
}

fn agrees(
    canvas: &Canvas,
    columns: usize,
    dsps: [&Dsp; 2],
    add: impl Fn(&Dsp, &mut [u8]),
) -> TestCaseResult {
    let (mut got, mut want) = (canvas.clone(), canvas.data.clone());
    add(dsps[0], &mut got.data);
    add(dsps[1], &mut want);
    prop_assert_eq!(&got.data, &want);
    got.assert_only(&canvas.data, Shape::block(columns, 4))
}

fn iwht_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(ProptestConfig::with_cases(1024), |(coeffs in coeffs::<16>())| {
        prop_assert_eq!(dsp.iwht(&coeffs), oracle.iwht(&coeffs));
    });
}

fn idct_add_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let config = ProptestConfig::with_cases(1024);
    proptest!(config, |(coeffs in coeffs::<16>(), c in canvas(Shape::block(4, 4)))| {
        agrees(&c, 4, [dsp, oracle], |dsp, buf| dsp.idct_add(&coeffs, buf, c.at, c.stride))?;
    });
}

fn idct_add_x2_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(|(coeffs in coeffs::<32>(), c in canvas(Shape::block(8, 4)))| {
        agrees(&c, 8, [dsp, oracle], |dsp, buf| dsp.idct_add_x2(&coeffs, buf, c.at, c.stride))?;
    });
}

fn idct_add_x4_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(|(coeffs in coeffs::<64>(), c in canvas(Shape::block(16, 4)))| {
        agrees(&c, 16, [dsp, oracle], |dsp, buf| dsp.idct_add_x4(&coeffs, buf, c.at, c.stride))?;
    });
}

fn idct_dc_add_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(|([dc] in coeffs::<1>(), c in canvas(Shape::block(4, 4)))| {
        agrees(&c, 4, [dsp, oracle], |dsp, buf| dsp.idct_dc_add(dc, buf, c.at, c.stride))?;
    });
}

fn idct_dc_add_x4_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(|(dcs in coeffs::<4>(), c in canvas(Shape::block(16, 4)))| {
        agrees(&c, 16, [dsp, oracle], |dsp, buf| dsp.idct_dc_add_x4(dcs, buf, c.at, c.stride))?;
    });
}

/// Rounding wraps for the greatest few, which chance seldom finds.
fn every_dc_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    fn blocks<const N: usize>(dc: i16) -> [i16; N] {
        std::array::from_fn(|i| if i % 16 == 0 { dc } else { 0 })
    }
    for dc in i16::MIN..=i16::MAX {
        let all = |dsp: &Dsp| {
            let mut buf = [77; 16 * 16];
            dsp.idct_add(&blocks(dc), &mut buf, 0, 16);
            dsp.idct_dc_add(dc, &mut buf, 8, 16);
            dsp.idct_add_x2(&blocks(dc), &mut buf, 4 * 16, 16);
            dsp.idct_add_x4(&blocks(dc), &mut buf, 8 * 16, 16);
            dsp.idct_dc_add_x4([dc; 4], &mut buf, 12 * 16, 16);
            (buf, dsp.iwht(&blocks(dc)))
        };
        assert_eq!(all(dsp), all(oracle), "{dc}");
    }
}
