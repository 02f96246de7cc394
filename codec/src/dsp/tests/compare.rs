// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparison of blocks at every level, and the oracle against definitions.

use super::{at_every_level, canvas, Canvas, Shape};
use crate::dsp::{BlockShape, Differences, Dsp, Level};
use proptest::prelude::*;

at_every_level! {
    sad: super::sad_agrees;
    sad_16x16_x4: super::sad_16x16_x4_agrees;
    sse: super::sse_agrees;
    sse_region: super::sse_region_agrees;
    differences: super::differences_agree;
    satd: super::satd_agrees;
    greatest_values: super::greatest_values_agree;
}

/// Two buffers that hold a block of one shape each, and often no more.
fn pair() -> impl Strategy<Value = (BlockShape, Canvas, Canvas)> {
    proptest::sample::select(&BlockShape::ALL).prop_flat_map(|shape| {
        let block = Shape::block(shape.columns(), shape.rows());
        (Just(shape), canvas(block), canvas(block))
    })
}

/// A method of [`Dsp`] that compares two blocks.
type Method<T> = fn(&Dsp, BlockShape, &[u8], usize, usize, &[u8], usize, usize) -> T;

fn agrees<T: PartialEq + std::fmt::Debug>(dsps: [&Dsp; 2], method: Method<T>) {
    proptest!(ProptestConfig::with_cases(1024), |((shape, a, b) in pair())| {
        let [got, want] = dsps.map(|dsp| {
            method(dsp, shape, &a.data, a.at, a.stride, &b.data, b.at, b.stride)
        });
        prop_assert_eq!(got, want);
    });
}

fn sad_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    agrees([dsp, oracle], Dsp::sad);
}

fn sse_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    agrees([dsp, oracle], Dsp::sse);
}

fn differences_agree(dsp: &'static Dsp, oracle: &'static Dsp) {
    agrees([dsp, oracle], Dsp::differences);
}

fn satd_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    agrees([dsp, oracle], Dsp::satd);
}

fn sad_16x16_x4_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let b = canvas(Shape::block(16 + 9, 16 + 9));
    let moves = proptest::array::uniform4((0usize..=9, 0usize..=9));
    proptest!(|(a in canvas(Shape::block(16, 16)), b in b, moves in moves)| {
        let at = moves.map(|(x, y)| b.at + y * b.stride + x);
        let [got, want] = [dsp, oracle].map(|dsp| {
            dsp.sad_16x16_x4(&a.data, a.at, a.stride, &b.data, at, b.stride)
        });
        prop_assert_eq!(got, want);
        let shape = BlockShape::S16x16;
        let each = at.map(|at| oracle.sad(shape, &a.data, a.at, a.stride, &b.data, at, b.stride));
        prop_assert_eq!(want, each);
    });
}

fn sse_region_agrees(dsp: &'static Dsp, oracle: &'static Dsp) {
    let pair = (1usize..140, 1usize..9).prop_flat_map(|(columns, rows)| {
        let region = Shape::block(columns, rows);
        (Just(region), canvas(region), canvas(region))
    });
    proptest!(ProptestConfig::with_cases(1024), |((region, a, b) in pair)| {
        let [got, want] = [dsp, oracle].map(|dsp| dsp.sse_region(
            &a.data, a.at, a.stride, &b.data, b.at, b.stride, region.columns, region.rows,
        ));
        prop_assert_eq!(got, want);
    });
}

/// Black against white, and the differences whose transforms are greatest.
fn greatest_values_agree(dsp: &'static Dsp, oracle: &'static Dsp) {
    let (black, white) = ([0; 256], [255; 256]);
    let bent: [u8; 256] = std::array::from_fn(|i| if i / 16 % 4 == 3 { 255 } else { 0 });
    let turned: [u8; 256] = std::array::from_fn(|i| bent[i % 16 * 16 + i / 16]);
    let both: [u8; 256] = std::array::from_fn(|i| bent[i] ^ turned[i]);
    let pictures = [black, white, bent, turned, both];
    for shape in BlockShape::ALL {
        for (a, b) in pictures
            .iter()
            .flat_map(|a| pictures.iter().map(move |b| (a, b)))
        {
            let inverse = b.map(|sample| 255 - sample);
            for b in [*b, inverse] {
                let all = |dsp: &Dsp| {
                    (
                        dsp.sad(shape, a, 0, 16, &b, 0, 16),
                        dsp.sse(shape, a, 0, 16, &b, 0, 16),
                        dsp.differences(shape, a, 0, 16, &b, 0, 16),
                        dsp.satd(shape, a, 0, 16, &b, 0, 16),
                    )
                };
                assert_eq!(all(dsp), all(oracle), "{shape:?}");
            }
        }
    }
    // Rows of over 2^17 samples whose squares add up to over 32 bits.
    let columns = (1 << 18) + 7;
    let (black, white) = (vec![0; columns], vec![255; columns]);
    let got = dsp.sse_region(&black, 0, columns, &white, 0, columns, columns, 1);
    assert_eq!(got, columns as u64 * 65_025);
}

fn oracle() -> &'static Dsp {
    Dsp::get(Level::Scalar).expect("on every machine")
}

#[test]
fn measures_of_a_known_block() {
    // 3 less everywhere, but 2 more in one place.
    let (a, mut b) = ([100; 64], [103; 64]);
    b[9] = 98;
    let shape = BlockShape::S8x8;
    assert_eq!(oracle().sad(shape, &a, 0, 8, &b, 0, 8), 63 * 3 + 2);
    assert_eq!(oracle().sse(shape, &a, 0, 8, &b, 0, 8), 63 * 9 + 4);
    let got = oracle().differences(shape, &a, 0, 8, &b, 0, 8);
    let (sum, squares) = (-63 * 3 + 2, 63 * 9 + 4);
    assert_eq!(got, Differences { sum, squares });
    assert_eq!(got.variance(shape), 571 - 187 * 187 / 64);
    // A flat difference is one coefficient of 16 times it in each 4×4.
    assert_eq!(oracle().satd(shape, &a, 0, 8, &[103; 64], 0, 8), 4 * 8 * 3);
    // One sample is in all 16 coefficients.
    b = [100; 64];
    b[9] = 107;
    assert_eq!(oracle().satd(shape, &a, 0, 8, &b, 0, 8), 8 * 7);
    assert_eq!(oracle().sse_region(&a, 1, 8, &b, 1, 8, 3, 5), 49);
    assert_eq!(oracle().sse_region(&a, 0, 8, &b, 0, 8, 0, 5), 0);
}

#[test]
fn blocks_out_of_bounds_are_refused() {
    let dsp = Dsp::best();
    let refused = |run: &dyn Fn(&[u8])| {
        let run = || run(&[0; 256]);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err()
    };
    for shape in BlockShape::ALL {
        let room = 256 - (shape.rows() - 1) * 16 - shape.columns();
        assert!(!refused(&|b| {
            dsp.satd(shape, b, room, 16, b, room, 16);
        }));
        for (one, other) in [
            (room + 1, 0),
            (0, room + 1),
            (usize::MAX, 0),
            (0, usize::MAX),
        ] {
            assert!(refused(&|b| {
                dsp.sad(shape, b, one, 16, b, other, 16);
            }));
            assert!(refused(&|b| {
                dsp.sse(shape, b, one, 16, b, other, 16);
            }));
            assert!(refused(&|b| {
                dsp.differences(shape, b, one, 16, b, other, 16);
            }));
            assert!(refused(&|b| {
                dsp.satd(shape, b, one, 16, b, other, 16);
            }));
        }
    }
    assert!(refused(&|b| {
        dsp.sad_16x16_x4(b, 0, 16, b, [0, 0, 0, 1], 16);
    }));
    assert!(refused(&|b| {
        dsp.sse_region(b, 0, 16, b, 1, 16, 16, 16);
    }));
    assert!(refused(&|b| {
        dsp.sse_region(b, 0, 0, b, 0, 0, 1, usize::MAX);
    }));
    assert!(refused(&|b| {
        dsp.sse_region(b, 0, usize::MAX, b, 0, usize::MAX, 1, 2);
    }));
}
