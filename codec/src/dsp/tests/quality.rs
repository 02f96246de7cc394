// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sums of PSNR and SSIM at every level.

use super::{at_every_level, canvas, Shape};
use crate::dsp::{Dsp, SsimSums};
use proptest::prelude::*;

at_every_level! {
    sse_row: super::sse_row_agrees;
    ssim_sums: super::ssim_sums_agree;
}

fn sse_row_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let rows = (0usize..300).prop_flat_map(|columns| {
        let row = || canvas(Shape::block(columns + 1, 1));
        (Just(columns), row(), row())
    });
    proptest!(ProptestConfig::with_cases(512), |((columns, a, b) in rows)| {
        let (a, b) = (&a.data[a.at..][..columns], &b.data[b.at..][..columns]);
        let want: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
        prop_assert_eq!(dsp.sse_row(a, b), want);
        prop_assert_eq!(oracle.sse_row(a, b), want);
    });
}

/// What stands behind the sums, and stays.
const GUARD: f64 = -1.5;

fn ssim_sums_agree(dsp: &'static Dsp, oracle: &'static Dsp) {
    let rows = (0usize..40, 0usize..4).prop_flat_map(|(blocks, more)| {
        let rows = || canvas(Shape::block(4 * blocks + more + 1, 4));
        (Just((blocks, 4 * blocks + more)), rows(), rows())
    });
    proptest!(ProptestConfig::with_cases(512), |(((blocks, columns), a, b) in rows)| {
        let run = |dsp: &Dsp| {
            let mut room = [(); 4].map(|()| vec![GUARD; blocks + 8]);
            let [sum_a, sum_b, squares, products] = &mut room;
            let sums = SsimSums {
                a: &mut sum_a[..blocks],
                b: &mut sum_b[..blocks],
                squares: &mut squares[..blocks],
                products: &mut products[..blocks],
            };
            let row = |c: &super::Canvas, y: usize| c.at + y * c.stride..c.at + y * c.stride + columns;
            let rows_a = std::array::from_fn(|y| &a.data[row(&a, y)]);
            let rows_b = std::array::from_fn(|y| &b.data[row(&b, y)]);
            dsp.ssim_sums(&rows_a, &rows_b, sums);
            room
        };
        let (got, want) = (run(dsp), run(oracle));
        prop_assert_eq!(&got, &want);
        for sums in &got {
            prop_assert_eq!(&sums[blocks..], &[GUARD; 8]);
        }
    });
}

#[test]
fn sums_by_hand_and_what_is_refused() {
    let dsp = Dsp::best();
    let (a, b) = ([[3u8; 9]; 4], [[255u8; 9]; 4]);
    let (rows_a, rows_b) = (a.each_ref().map(|r| &r[..]), b.each_ref().map(|r| &r[..]));
    let mut room = [[0.0; 3]; 4];
    let run = |room: &mut [[f64; 3]; 4], blocks: usize, last: usize| {
        let [a, b, squares, products] = room;
        let sums = SsimSums {
            a: &mut a[..blocks],
            b: &mut b[..blocks],
            squares: &mut squares[..blocks],
            products: &mut products[..last],
        };
        let run = || dsp.ssim_sums(&rows_a, &rows_b, sums);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_ok()
    };
    assert!(run(&mut room, 2, 2));
    let want = [48.0, 4080.0, 16.0 * (9.0 + 65_025.0), 16.0 * 765.0];
    assert_eq!(room, want.map(|sum| [sum, sum, 0.0]));
    assert!(!run(&mut room, 3, 3) && !run(&mut room, 2, 1));
    let unequal = || dsp.sse_row(&[0; 3], &[0; 4]);
    assert!(std::panic::catch_unwind(unequal).is_err());
}
