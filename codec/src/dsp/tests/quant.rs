// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantisation at every level, for any coefficients and tables.

use super::residual::coeffs;
use super::{at_every_level, Dsp, Level};
use crate::dsp::Quantiser;
use proptest::prelude::*;

at_every_level! {
    quantise: super::quantise_agrees;
    every_step: super::every_step_divides;
    dequantise: super::dequantise_agrees;
}

/// Tables as of VP8 often, and any that are allowed.
fn quantiser() -> impl Strategy<Value = Quantiser> {
    let like_vp8 = (4i16..=440, 4i16..=440, 0i16..=128).prop_map(|(dc, ac, share)| {
        let step = std::array::from_fn(|i| if i == 0 { dc } else { ac });
        let part = |share: i16| step.map(|step| (i32::from(step) * i32::from(share) / 128) as i16);
        Quantiser::new(step, part(share / 2), part(share))
    });
    let table = |range| proptest::array::uniform16(range);
    let any = (
        table(2..=i16::MAX),
        table(0..=i16::MAX),
        table(i16::MIN..=i16::MAX),
    );
    let any = any.prop_map(|(step, round, zero_bin)| Quantiser::new(step, round, zero_bin));
    prop_oneof![like_vp8, any]
}

fn quantise_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let config = ProptestConfig::with_cases(4096);
    proptest!(config, |(coeffs in coeffs::<16>(), by in quantiser())| {
        let run = |dsp: &Dsp| {
            let mut room = [0x5A5A; 48];
            let levels = room[16..].first_chunk_mut().expect("longer");
            let end = dsp.quantise(&coeffs, &by, levels);
            (end, room)
        };
        prop_assert_eq!(run(dsp), run(oracle));
    });
}

/// Every step that VP8 has, and the others near powers of two, by every
/// coefficient: the rounded division, not nearly so.
fn every_step_divides(dsp: &'static Dsp, _: &'static Dsp) {
    let near = |step: i16| step > 440 && (step & (step - 1)).min((step + 1) & step) == 0;
    let steps = (2..=440).chain((441..i16::MAX).filter(|&step| near(step)));
    for step in steps.chain([i16::MAX]) {
        let by = Quantiser::new([step; 16], [step / 3; 16], [0; 16]);
        for first in (0..=i16::MAX).step_by(16) {
            let coeffs: [i16; 16] = std::array::from_fn(|i| first + i as i16);
            let mut levels = [0; 16];
            dsp.quantise(&coeffs, &by, &mut levels);
            let want = coeffs.map(|c| match c {
                0 => 0,
                _ => c.saturating_add(step / 3) / step,
            });
            assert_eq!(levels, want, "step {step}");
        }
    }
}

fn dequantise_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    proptest!(|(levels in coeffs::<16>(), step in coeffs::<16>())| {
        prop_assert_eq!(dsp.dequantise(&levels, &step), oracle.dequantise(&levels, &step));
    });
}

fn oracle() -> &'static Dsp {
    Dsp::get(Level::Scalar).expect("on every machine")
}

#[test]
fn a_worked_example() {
    let by = Quantiser::new([10; 16], [3; 16], [8; 16]);
    let mut coeffs = [0; 16];
    // In zigzag order places 0, 1, 4, 8, 5 come first; 14 is the last but one.
    (coeffs[0], coeffs[1], coeffs[4], coeffs[5]) = (-47, 7, 8, 16);
    let mut levels = [9; 16];
    let end = oracle().quantise(&coeffs, &by, &mut levels);
    let mut want = [0; 16];
    (want[0], want[4], want[5]) = (-5, 1, 1);
    assert_eq!((end, levels), (5, want));
    assert_eq!(
        oracle().dequantise(&levels, by.step())[..6],
        [-50, 0, 0, 0, 10, 10]
    );

    coeffs[14] = i16::MIN;
    assert_eq!(oracle().quantise(&coeffs, &by, &mut levels), 15);
    assert_eq!(levels[14], -3276);
    assert_eq!(oracle().quantise(&[0; 16], &by, &mut levels), 0);
    // A zero has no level, whatever the rounding.
    let by = Quantiser::new([10; 16], [30; 16], [0; 16]);
    assert_eq!(oracle().quantise(&[0; 16], &by, &mut levels), 0);
    assert_eq!(levels, [0; 16]);
}

#[test]
fn tables_that_no_level_could_follow_are_refused() {
    let refused = |step: i16, round: i16| {
        std::panic::catch_unwind(|| Quantiser::new([step; 16], [round; 16], [0; 16])).is_err()
    };
    assert!(refused(1, 0) && refused(0, 0) && refused(-4, 0) && refused(4, -1));
    assert!(!refused(2, 0) && !refused(i16::MAX, i16::MAX));
}
