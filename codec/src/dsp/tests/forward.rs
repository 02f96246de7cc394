// SPDX-License-Identifier: MIT OR Apache-2.0
//! Residuals and forward transforms at every level, for any values at all, and
//! the oracle against the real transform and against the way back.

use super::canvas::Samples;
use super::residual::coeffs;
use super::{at_every_level, canvas, Canvas, Shape};
use crate::dsp::{Dsp, Level};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::f64::consts::PI;

at_every_level! {
    residual_4x4: super::residual_4x4_agrees;
    residual_8x8: super::residual_8x8_agrees;
    residual_16x16: super::residual_16x16_agrees;
    fdct: super::fdct_agrees;
    fdct_x2: super::fdct_x2_agrees;
    fdct_x4: super::fdct_x4_agrees;
    fwht: super::fwht_agrees;
}

/// Values around what a kernel writes, and what stands there before.
const GUARD: i16 = 0x5A5A;

/// What `write` makes of `N` values between guards.
fn guarded<const N: usize>(write: impl FnOnce(&mut [i16; N])) -> Result<[i16; N], TestCaseError> {
    let mut room = vec![GUARD; N + 32];
    let (_, rest) = room.split_at_mut(16);
    write(rest.first_chunk_mut().expect("longer"));
    let guards = room[..16].iter().chain(&room[16 + N..]);
    prop_assert!(guards.copied().all(|value| value == GUARD), "wrote outside");
    Ok(*room[16..].first_chunk().expect("longer"))
}

fn square(side: usize) -> impl Strategy<Value = (Canvas, Canvas)> {
    (
        canvas(Shape::block(side, side)),
        canvas(Shape::block(side, side)),
    )
}

type Subtract<const N: usize> = fn(&Dsp, &[u8], usize, usize, &[u8], usize, usize, &mut [i16; N]);

fn residual_agrees<const N: usize>(side: usize, dsps: [&Dsp; 2], subtract: Subtract<N>) {
    proptest!(ProptestConfig::with_cases(512), |((a, b) in square(side))| {
        let run = |dsp: &Dsp| guarded::<N>(|out| {
            subtract(dsp, &a.data, a.at, a.stride, &b.data, b.at, b.stride, out);
        });
        prop_assert_eq!(run(dsps[0])?, run(dsps[1])?);
    });
}

fn residual_4x4_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    residual_agrees(4, [dsp, oracle], Dsp::residual_4x4);
}

fn residual_8x8_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    residual_agrees(8, [dsp, oracle], Dsp::residual_8x8);
}

fn residual_16x16_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    residual_agrees(16, [dsp, oracle], Dsp::residual_16x16);
}

/// Differences of bytes, the greatest ones often; now and then anything.
fn values<const N: usize>(most: i16) -> impl Strategy<Value = [i16; N]> {
    let within = (any::<u64>(), prop_oneof![Just(1u64), Just(2), Just(4096)]);
    let within = within.prop_map(move |(seed, steps)| {
        let mut samples = Samples::new(seed);
        std::array::from_fn(|_| {
            let value = (samples.next() % (steps + 1)) as i32 * 2 * i32::from(most);
            (value / steps as i32 - i32::from(most)) as i16
        })
    });
    prop_oneof![3 => within, 1 => coeffs()]
}

fn blocks_agree<const N: usize>(
    values: &[i16; N],
    dsps: [&Dsp; 2],
    transform: fn(&Dsp, &[i16; N], &mut [i16; N]),
) -> TestCaseResult {
    let run = |dsp: &Dsp| guarded::<N>(|out| transform(dsp, values, out));
    prop_assert_eq!(run(dsps[0])?, run(dsps[1])?);
    Ok(())
}

fn fdct_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(ProptestConfig::with_cases(2048), |(values in values(255))| {
        blocks_agree(&values, [dsp, oracle], Dsp::fdct)?;
    });
}

fn fdct_x2_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(ProptestConfig::with_cases(1024), |(values in values(255))| {
        blocks_agree(&values, [dsp, oracle], Dsp::fdct_x2)?;
    });
}

fn fdct_x4_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(ProptestConfig::with_cases(1024), |(values in values(255))| {
        blocks_agree(&values, [dsp, oracle], Dsp::fdct_x4)?;
    });
}

fn fwht_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(ProptestConfig::with_cases(2048), |(values in values(2040))| {
        prop_assert_eq!(dsp.fwht(&values), oracle.fwht(&values));
    });
}

fn oracle() -> &'static Dsp {
    Dsp::get(Level::Scalar).expect("on every machine")
}

/// The forward DCT by its definition, in reals: a flat residual of 1 has a DC
/// of 8.
fn real_fdct(residual: &[i16; 16]) -> [f64; 16] {
    let basis = |k: usize, x: usize| {
        let scale = if k == 0 { 1.0 } else { 2f64.sqrt() };
        scale * ((2 * x + 1) as f64 * k as f64 * PI / 8.0).cos()
    };
    std::array::from_fn(|k| {
        let term = |i: usize| f64::from(residual[i]) * basis(k % 4, i % 4) * basis(k / 4, i / 4);
        (0..16).map(term).sum::<f64>() / 2.0
    })
}

#[test]
fn fdct_is_near_the_real_one_and_back_again() {
    let mut samples = Samples::new(4);
    for _ in 0..5000 {
        // Samples in 0..=127 on a prediction of 127, so that none is clamped.
        let residual = std::array::from_fn(|_| -((samples.next() % 128) as i16));
        let mut coeffs = [0; 16];
        oracle().fdct(&residual, &mut coeffs);
        for (got, want) in coeffs.iter().zip(real_fdct(&residual)) {
            assert!((f64::from(*got) - want).abs() <= 1.5, "{got} {want}");
        }
        let mut buf = [127; 16];
        oracle().idct_add(&coeffs, &mut buf, 0, 4);
        for (got, want) in buf.iter().zip(residual) {
            assert!((i16::from(*got) - 127 - want).abs() <= 1, "{got} {want}");
        }
    }
}

#[test]
fn greatest_residuals_stay_in_range() {
    for sign in [-255, 255] {
        let mut coeffs = [0; 16];
        oracle().fdct(&[sign; 16], &mut coeffs);
        assert_eq!(coeffs[0], sign * 8);
        // The rounding leaves a 1, whatever the DC.
        assert_eq!((coeffs[1], &coeffs[2..]), (1, &[0; 14][..]));
        let dc = oracle().fwht(&[sign * 8; 16])[0];
        assert!((dc - sign * 64).abs() <= 1, "{dc}");
    }
}

#[test]
fn fwht_and_back_again() {
    let mut samples = Samples::new(5);
    for _ in 0..5000 {
        let dcs: [i16; 16] = std::array::from_fn(|_| (samples.next() % 4081) as i16 - 2040);
        for (got, want) in oracle().iwht(&oracle().fwht(&dcs)).iter().zip(dcs) {
            assert!((got - want).abs() <= 2, "{got} {want}");
        }
    }
}

#[test]
fn residual_blocks_are_in_raster_order() {
    let src: [u8; 256] = std::array::from_fn(|i| i as u8);
    let mut out = [0; 256];
    oracle().residual_16x16(&src, 0, 16, &[1; 256], 0, 16, &mut out);
    // Block 6 begins at column 8 of row 4.
    assert_eq!(out[6 * 16..6 * 16 + 5], [71, 72, 73, 74, 87]);
    let mut out = [0; 64];
    oracle().residual_8x8(&src, 0, 16, &[0; 256], 0, 16, &mut out);
    assert_eq!(out[2 * 16..2 * 16 + 5], [64, 65, 66, 67, 80]);
}
