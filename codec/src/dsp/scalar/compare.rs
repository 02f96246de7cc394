// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far two blocks are apart. A block is the bytes from its first sample
//! on, and a stride.

use crate::dsp::Differences;

/// Calls `see` with the difference of each two samples of two regions.
#[inline(always)]
fn each_difference(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
    [columns, rows]: [usize; 2],
    mut see: impl FnMut(i32),
) {
    for y in 0..rows {
        let (a, b) = (&a[y * a_stride..][..columns], &b[y * b_stride..][..columns]);
        for (&a, &b) in a.iter().zip(b) {
            see(i32::from(a) - i32::from(b));
        }
    }
}

pub(in crate::dsp) fn sad<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let mut sum = 0;
    each_difference(a, a_stride, b, b_stride, [W, H], |d| {
        sum += d.unsigned_abs()
    });
    sum
}

/// [`sad`] of a macroblock against four.
pub(in crate::dsp) fn sad_16x16_x4(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_at: &[usize; 4],
    b_stride: usize,
) -> [u32; 4] {
    b_at.map(|at| sad::<16, 16>(a, a_stride, &b[at..], b_stride))
}

pub(in crate::dsp) fn sse<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    differences::<W, H>(a, a_stride, b, b_stride).squares
}

pub(in crate::dsp) fn sse_region(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
    columns: usize,
    rows: usize,
) -> u64 {
    let mut sum = 0;
    let see = |d: i32| sum += u64::from((d * d) as u32);
    each_difference(a, a_stride, b, b_stride, [columns, rows], see);
    sum
}

pub(in crate::dsp) fn differences<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> Differences {
    let (mut sum, mut squares) = (0, 0);
    each_difference(a, a_stride, b, b_stride, [W, H], |d| {
        sum += d;
        squares += (d * d) as u32;
    });
    Differences { sum, squares }
}

pub(in crate::dsp) fn satd<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let mut sum = 0;
    for y in (0..H).step_by(4) {
        for x in (0..W).step_by(4) {
            let (a, b) = (&a[y * a_stride + x..], &b[y * b_stride + x..]);
            sum += satd_4x4(a, a_stride, b, b_stride);
        }
    }
    sum
}

fn satd_4x4(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> u32 {
    let mut middle = [[0; 4]; 4];
    for (y, row) in middle.iter_mut().enumerate() {
        let (a, b) = (&a[y * a_stride..][..4], &b[y * b_stride..][..4]);
        *row = hadamard(std::array::from_fn(|x| i32::from(a[x]) - i32::from(b[x])));
    }
    let column = |x: usize| hadamard(std::array::from_fn(|y| middle[y][x]));
    let all = (0..4).flat_map(column);
    all.map(i32::unsigned_abs).sum::<u32>() / 2
}

/// One dimension of the Hadamard transform, in no order that matters here.
fn hadamard([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    let (ab, cd) = ([a + b, a - b], [c + d, c - d]);
    [ab[0] + cd[0], ab[0] - cd[0], ab[1] + cd[1], ab[1] - cd[1]]
}
