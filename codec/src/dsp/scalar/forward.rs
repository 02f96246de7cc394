// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forward transforms, as libvpx defines them.

/// Source minus prediction: the 4×4 blocks of a square, `N` values in all.
pub(in crate::dsp) fn residual<const SIDE: usize, const N: usize>(
    src: &[u8],
    src_stride: usize,
    pred: &[u8],
    pred_stride: usize,
    out: &mut [i16; N],
) {
    for y in 0..SIDE {
        let (src, pred) = (
            &src[y * src_stride..][..SIDE],
            &pred[y * pred_stride..][..SIDE],
        );
        for x in 0..SIDE {
            let block = y / 4 * (SIDE / 4) + x / 4;
            out[block * 16 + y % 4 * 4 + x % 4] = i16::from(src[x]) - i16::from(pred[x]);
        }
    }
}

/// √2·cos(3π/8) and √2·cos(π/8), times 4,096; cut as libvpx does.
const COS3: i32 = 2217;
const COS1: i32 = 5352;

/// The forward DCT: rows, then columns.
pub(in crate::dsp) fn fdct(input: &[i16; 16], output: &mut [i16; 16]) {
    let saturate = |x: i32| x.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    let mut middle = [0; 16];
    for (row, out) in input.chunks_exact(4).zip(middle.chunks_exact_mut(4)) {
        let sums = butterfly([row[0], row[1], row[2], row[3]]);
        let [a, b, c, d] = sums.map(|x| x.wrapping_mul(8));
        let [odd1, odd3] = rotate(c, d);
        out[0] = a.wrapping_add(b);
        out[1] = saturate((odd1 + 14_500) >> 12);
        out[2] = a.wrapping_sub(b);
        out[3] = saturate((odd3 + 7_500) >> 12);
    }
    for i in 0..4 {
        let [a, b, c, d] = butterfly(std::array::from_fn(|y| middle[4 * y + i]));
        let [odd1, odd3] = rotate(c, d);
        output[i] = a.wrapping_add(b).wrapping_add(7) >> 4;
        output[4 + i] = ((odd1 + 12_000) >> 16) as i16 + i16::from(d != 0);
        output[8 + i] = a.wrapping_sub(b).wrapping_add(7) >> 4;
        output[12 + i] = ((odd3 + 51_000) >> 16) as i16;
    }
}

/// The sums of the outer and of the inner two, and their differences, the
/// inner one first.
fn butterfly([i0, i1, i2, i3]: [i16; 4]) -> [i16; 4] {
    [
        i0.wrapping_add(i3),
        i1.wrapping_add(i2),
        i1.wrapping_sub(i2),
        i0.wrapping_sub(i3),
    ]
}

/// Outputs 1 and 3 of one dimension, times 4,096.
fn rotate(c: i16, d: i16) -> [i32; 2] {
    let (c, d) = (i32::from(c), i32::from(d));
    [c * COS3 + d * COS1, d * COS3 - c * COS1]
}

/// [`fdct`] of `N / 16` blocks.
pub(in crate::dsp) fn fdct_blocks<const N: usize>(input: &[i16; N], output: &mut [i16; N]) {
    let blocks = input.as_chunks::<16>().0.iter();
    for (input, output) in blocks.zip(output.as_chunks_mut::<16>().0) {
        fdct(input, output);
    }
}

/// The forward Walsh-Hadamard transform: rows, then columns.
pub(in crate::dsp) fn fwht(input: &[i16; 16]) -> [i16; 16] {
    let mut middle = [0; 16];
    for (row, out) in input.chunks_exact(4).zip(middle.chunks_exact_mut(4)) {
        let sum = |i: usize, k: usize| row[i].wrapping_add(row[k]).wrapping_mul(4);
        let difference = |i: usize, k: usize| row[i].wrapping_sub(row[k]).wrapping_mul(4);
        let (a, d) = (sum(0, 2), sum(1, 3));
        let (b, c) = (difference(0, 2), difference(1, 3));
        out[0] = a.wrapping_add(d).wrapping_add(i16::from(a != 0));
        out[1] = b.wrapping_add(c);
        out[2] = b.wrapping_sub(c);
        out[3] = a.wrapping_sub(d);
    }
    let mut output = [0; 16];
    for i in 0..4 {
        let [i0, i1, i2, i3] = std::array::from_fn(|y| i32::from(middle[4 * y + i]));
        let (a, d, b, c) = (i0 + i2, i1 + i3, i0 - i2, i1 - i3);
        for (k, value) in [a + d, b + c, b - c, a - d].into_iter().enumerate() {
            // Division by 8, to the nearest; halves towards zero.
            output[4 * k + i] = ((value + i32::from(value < 0) + 3) >> 3) as i16;
        }
    }
    output
}
