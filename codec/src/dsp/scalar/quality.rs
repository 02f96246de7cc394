// SPDX-License-Identifier: MIT OR Apache-2.0
//! What SSIM is made of.

use crate::dsp::SsimSums;

/// The sums of each 4×4 block of four rows.
pub(in crate::dsp) fn ssim_sums(a: &[&[u8]; 4], b: &[&[u8]; 4], sums: SsimSums<'_>) {
    for block in 0..sums.a.len() {
        let [mut sum_a, mut sum_b, mut squares, mut products] = [0; 4];
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (&a[4 * block..][..4], &b[4 * block..][..4]);
            for (&a, &b) in a.iter().zip(b) {
                let (a, b) = (u32::from(a), u32::from(b));
                sum_a += a;
                sum_b += b;
                squares += a * a + b * b;
                products += a * b;
            }
        }
        sums.a[block] = sum_a.into();
        sums.b[block] = sum_b.into();
        sums.squares[block] = squares.into();
        sums.products[block] = products.into();
    }
}

/// The sums from block `first` on: the ones that no step of a wider kernel
/// holds.
#[inline]
pub(in crate::dsp) fn ssim_sums_from(
    first: usize,
    a: &[&[u8]; 4],
    b: &[&[u8]; 4],
    sums: SsimSums<'_>,
) {
    let sums = SsimSums {
        a: &mut sums.a[first..],
        b: &mut sums.b[first..],
        squares: &mut sums.squares[first..],
        products: &mut sums.products[first..],
    };
    ssim_sums(
        &a.map(|row| &row[4 * first..]),
        &b.map(|row| &row[4 * first..]),
        sums,
    );
}
