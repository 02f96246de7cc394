// SPDX-License-Identifier: MIT OR Apache-2.0
//! The oracle against truths that need no codec to see.

use super::canvas::Samples;
use super::{Dsp, Level};
use crate::dsp::{BlockSize, EdgeLimits, SubMode, Width};
use std::f64::consts::PI;

fn oracle() -> &'static Dsp {
    Dsp::get(Level::Scalar).expect("on every machine")
}

/// The inverse DCT by its definition, in reals: RFC 6386 scales the transform
/// so that a DC of 8 adds 1 to each sample.
fn real_idct(coeffs: &[i16; 16]) -> [f64; 16] {
    let basis = |k: usize, x: usize| {
        let scale = if k == 0 { 1.0 } else { 2f64.sqrt() };
        scale * ((2 * x + 1) as f64 * k as f64 * PI / 8.0).cos()
    };
    std::array::from_fn(|i| {
        let (x, y) = (i % 4, i / 4);
        let term = |k: usize| f64::from(coeffs[k]) * basis(k % 4, x) * basis(k / 4, y);
        (0..16).map(term).sum::<f64>() / 8.0
    })
}

#[test]
fn idct_is_near_the_real_one() {
    let mut samples = Samples::new(1);
    for round in 0..2000 {
        // Sums stay inside 16 bits, and samples inside a byte.
        let bound = 1 + round % 90;
        let coeffs =
            std::array::from_fn(|_| (samples.next() % (2 * bound + 1)) as i16 - bound as i16);
        let mut buf = [128; 16];
        oracle().idct_add(&coeffs, &mut buf, 0, 4);
        for (got, want) in buf.iter().zip(real_idct(&coeffs)) {
            let want = (128.0 + want).round().clamp(0.0, 255.0);
            assert!(
                (f64::from(*got) - want).abs() <= 1.0,
                "{got} {want} {coeffs:?}"
            );
        }
    }
}

#[test]
fn dc_alone_is_the_whole_transform_of_it() {
    for dc in i16::MIN..=i16::MAX {
        let mut coeffs = [0; 16];
        coeffs[0] = dc;
        let (mut whole, mut alone) = ([77; 16], [77; 16]);
        oracle().idct_add(&coeffs, &mut whole, 0, 4);
        oracle().idct_dc_add(dc, &mut alone, 0, 4);
        assert_eq!(whole, alone, "{dc}");
    }
}

#[test]
fn iwht_of_a_dc_is_flat_and_of_the_forward_transform_is_back() {
    let mut dc = [0; 16];
    dc[0] = 80;
    assert_eq!(oracle().iwht(&dc), [10; 16]);

    // Rows of the Hadamard matrix in the order of the RFC; its transpose over
    // 2 undoes the inverse's division by 8.
    let h = [[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]];
    let mut samples = Samples::new(2);
    for _ in 0..500 {
        let want: [i16; 16] = std::array::from_fn(|_| (samples.next() % 400) as i16 - 200);
        let forward = std::array::from_fn(|k| {
            let term = |i: usize| h[k / 4][i / 4] * h[k % 4][i % 4] * i32::from(want[i]);
            ((0..16).map(term).sum::<i32>() / 2) as i16
        });
        for (got, want) in oracle().iwht(&forward).iter().zip(want) {
            assert!((got - want).abs() <= 1, "{got} {want}");
        }
    }
}

#[test]
fn filters_keep_a_flat_picture_and_move_a_ramp() {
    for (mx, my) in (0..64).map(|i| (i % 8, i / 8)) {
        let (flat, mut dst) = ([201; 24 * 24], [0; 64]);
        oracle().sixtap(Width::W8, &flat, 52, 24, &mut dst, 0, 8, 8, mx, my);
        assert_eq!(dst, [201; 64]);
        oracle().bilinear(Width::W8, &flat, 52, 24, &mut dst, 0, 8, 8, mx, my);
        assert_eq!(dst, [201; 64]);
        // A ramp of 8 a column and 24 rows of 1.. moves by 1 an eighth.
        let ramp: [u8; 24 * 24] = std::array::from_fn(|i| (i % 24 * 8) as u8);
        oracle().bilinear(Width::W8, &ramp, 52, 24, &mut dst, 0, 8, 8, mx, my);
        let moved = std::array::from_fn(|i| ((4 + i % 8) * 8 + mx) as u8);
        assert_eq!(dst, moved);
    }
}

#[test]
fn sixtap_of_a_point_is_its_taps() {
    let mut picture = [0u8; 16 * 16];
    picture[8 * 16 + 8] = 128;
    let mut dst = [0; 16];
    // Columns 6 to 9, row 8, at a half: taps 3 to 0 of (3, -16, 77, 77, ..).
    oracle().sixtap(Width::W4, &picture, 8 * 16 + 6, 16, &mut dst, 0, 4, 4, 4, 0);
    assert_eq!(dst[..4], [0, 77, 77, 0]);
    assert_eq!(dst[4..], [0; 12]);
    oracle().sixtap(Width::W4, &picture, 6 * 16 + 8, 16, &mut dst, 0, 4, 4, 0, 2);
    // Rows 6 to 9 at a quarter: (2, -11, 108, 36, -8, 1), from tap 4 down.
    let column: [u8; 4] = std::array::from_fn(|y| dst[4 * y]);
    assert_eq!(column, [0, 36, 108, 0]);
}

#[test]
fn sub_modes_on_a_worked_example() {
    let above = [10, 20, 30, 40, 50, 60, 70, 80];
    let (left, corner) = ([5, 15, 25, 35], 0);
    let expect = |mode: SubMode, want: [u8; 16]| {
        let mut buf = [0; 16];
        oracle().intra_4x4(mode, &above, &left, corner, &mut buf, 0, 4);
        assert_eq!(buf, want, "{mode:?}");
    };
    expect(SubMode::Dc, [23; 16]);
    expect(
        SubMode::Tm,
        [
            15, 25, 35, 45, 25, 35, 45, 55, 35, 45, 55, 65, 45, 55, 65, 75,
        ],
    );
    expect(
        SubMode::Ve,
        [
            10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40,
        ],
    );
    expect(
        SubMode::He,
        [6, 6, 6, 6, 15, 15, 15, 15, 25, 25, 25, 25, 33, 33, 33, 33],
    );
    expect(
        SubMode::Ld,
        [
            20, 30, 40, 50, 30, 40, 50, 60, 40, 50, 60, 70, 50, 60, 70, 78,
        ],
    );
    expect(
        SubMode::Rd,
        [4, 10, 20, 30, 6, 4, 10, 20, 15, 6, 4, 10, 25, 15, 6, 4],
    );
    expect(
        SubMode::Vr,
        [5, 15, 25, 35, 4, 10, 20, 30, 6, 5, 15, 25, 15, 4, 10, 20],
    );
    expect(
        SubMode::Vl,
        [
            15, 25, 35, 45, 20, 30, 40, 50, 25, 35, 45, 60, 30, 40, 50, 70,
        ],
    );
    expect(
        SubMode::Hd,
        [3, 4, 10, 20, 10, 6, 3, 4, 20, 15, 10, 6, 30, 25, 20, 15],
    );
    expect(
        SubMode::Hu,
        [
            10, 15, 20, 25, 20, 25, 30, 33, 30, 33, 35, 35, 35, 35, 35, 35,
        ],
    );
}

#[test]
fn whole_block_predictors_on_a_worked_example() {
    let (above, left) = ([7, 9, 11, 13, 15, 17, 19, 255], [0, 1, 2, 3, 4, 5, 6, 200]);
    let mut buf = [0; 64];
    oracle().intra_vertical(BlockSize::B8, &above, &mut buf, 0, 8);
    assert!(buf.chunks_exact(8).all(|row| row == above));
    oracle().intra_horizontal(BlockSize::B8, &left, &mut buf, 0, 8);
    assert!(buf.chunks_exact(8).zip(left).all(|(row, l)| row == [l; 8]));
    oracle().intra_true_motion(BlockSize::B8, &above, &left, 3, &mut buf, 0, 8);
    assert_eq!(buf[..8], [4, 6, 8, 10, 12, 14, 16, 252]);
    assert_eq!(buf[56..], [204, 206, 208, 210, 212, 214, 216, 255]);
    oracle().intra_fill(BlockSize::B8, 42, &mut buf, 0, 8);
    assert_eq!(buf, [42; 64]);
}

const LIMITS: EdgeLimits = EdgeLimits {
    edge: 40,
    interior: 10,
    hev: 1,
};

/// 16 rows of a step from `low` to `high` between columns 7 and 8.
fn step(low: u8, high: u8) -> [u8; 256] {
    std::array::from_fn(|i| if i % 16 < 8 { low } else { high })
}

#[test]
fn filters_smooth_a_small_step_and_keep_a_large_one() {
    let mut buf = step(100, 108);
    oracle().filter_mb_left(&mut buf, 8, 16, LIMITS);
    // Three times the step less the outer tap's step is 16: 27/128, 18/128 and
    // 9/128 of it, rounded.
    let row = [100, 100, 100, 100, 100, 101, 102, 103, 105, 106, 107, 108];
    assert!(buf.chunks_exact(16).all(|got| got[..12] == row));

    let mut buf = step(100, 108);
    oracle().filter_inner_left(&mut buf, 0, 16, LIMITS);
    // High variance nowhere: 24 >> 3 at the edge, half of it outside.
    let row = [100, 100, 100, 100, 100, 100, 102, 103, 105, 106, 108, 108];
    assert!(buf.chunks_exact(16).all(|got| got[..12] == row));

    for step in [step(100, 117), step(0, 255)] {
        let mut buf = step;
        oracle().filter_mb_left(&mut buf, 8, 16, LIMITS);
        oracle().simple_mb_left(&mut buf, 8, 16, 40);
        assert_eq!(buf, step);
    }
}

#[test]
fn a_filter_on_its_side_is_the_other_filter() {
    let mut samples = Samples::new(3);
    for _ in 0..200 {
        let across: [u8; 256] = std::array::from_fn(|_| 120 + (samples.next() % 12) as u8);
        let turn = |buf: &[u8; 256]| std::array::from_fn(|i| buf[i % 16 * 16 + i / 16]);
        let (mut left, mut top): ([u8; 256], [u8; 256]) = (across, turn(&across));
        oracle().filter_inner_left(&mut left, 0, 16, LIMITS);
        oracle().filter_inner_top(&mut top, 0, 16, LIMITS);
        oracle().filter_mb_left(&mut left, 4, 16, LIMITS);
        oracle().filter_mb_top(&mut top, 4 * 16, 16, LIMITS);
        oracle().simple_inner_left(&mut left, 0, 16, LIMITS.edge);
        oracle().simple_inner_top(&mut top, 0, 16, LIMITS.edge);
        assert_eq!(left, turn(&top));
        assert_ne!(left, across);
    }
}
