// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inverse transforms (RFC 6386 §14.3, §14.4), in wrapping 16-bit arithmetic.

use crate::dsp::block::Dst;

/// √2·cos(π/8) - 1 and √2·sin(π/8), times 65,536.
const COS: i32 = 20_091;
const SIN: i32 = 35_468;

/// `x` · √2·cos(π/8), rounded down. Wraps.
fn cos(x: i16) -> i16 {
    x.wrapping_add(((i32::from(x) * COS) >> 16) as i16)
}

/// `x` · √2·sin(π/8), rounded down.
fn sin(x: i16) -> i16 {
    ((i32::from(x) * SIN) >> 16) as i16
}

/// The inverse Walsh-Hadamard transform: columns, then rows.
pub(in crate::dsp) fn iwht(input: &[i16; 16]) -> [i16; 16] {
    let mut middle = [0; 16];
    for i in 0..4 {
        let column = iwht_1d([input[i], input[4 + i], input[8 + i], input[12 + i]]);
        for (k, value) in column.into_iter().enumerate() {
            middle[4 * k + i] = value;
        }
    }
    let mut output = [0; 16];
    for (row, out) in middle.chunks_exact(4).zip(output.chunks_exact_mut(4)) {
        let row = iwht_1d([row[0], row[1], row[2], row[3]]);
        out.copy_from_slice(&row.map(|x| x.wrapping_add(3) >> 3));
    }
    output
}

fn iwht_1d([i0, i1, i2, i3]: [i16; 4]) -> [i16; 4] {
    let (a, d) = (i0.wrapping_add(i3), i0.wrapping_sub(i3));
    let (b, c) = (i1.wrapping_add(i2), i1.wrapping_sub(i2));
    [
        a.wrapping_add(b),
        d.wrapping_add(c),
        a.wrapping_sub(b),
        d.wrapping_sub(c),
    ]
}

/// Adds the inverse DCT of one block to 4×4 samples.
pub(in crate::dsp) fn idct_add(coeffs: &[i16; 16], mut dst: Dst<'_>) {
    let residual = idct(coeffs);
    for (y, row) in residual.chunks_exact(4).enumerate() {
        add(row, dst.row(y, 4));
    }
}

/// [`idct_add`] of `N / 16` blocks side by side.
pub(in crate::dsp) fn idct_add_blocks<const N: usize>(coeffs: &[i16; N], mut dst: Dst<'_>) {
    for (i, block) in coeffs.as_chunks::<16>().0.iter().enumerate() {
        let residual = idct(block);
        for (y, row) in residual.chunks_exact(4).enumerate() {
            add(row, &mut dst.row(y, N / 4)[4 * i..][..4]);
        }
    }
}

/// [`idct_add`] of a block that is all zero but for its DC.
pub(in crate::dsp) fn idct_dc_add(dc: i16, mut dst: Dst<'_>) {
    for y in 0..4 {
        add(&[dc.wrapping_add(4) >> 3; 4], dst.row(y, 4));
    }
}

/// [`idct_dc_add`] of four blocks side by side.
pub(in crate::dsp) fn idct_dc_add_x4(dcs: [i16; 4], mut dst: Dst<'_>) {
    for y in 0..4 {
        for (dc, out) in dcs.iter().zip(dst.row(y, 16).chunks_exact_mut(4)) {
            add(&[dc.wrapping_add(4) >> 3; 4], out);
        }
    }
}

/// The inverse DCT: columns, then rows.
fn idct(input: &[i16; 16]) -> [i16; 16] {
    let mut middle = [0; 16];
    for i in 0..4 {
        let column = idct_1d([input[i], input[4 + i], input[8 + i], input[12 + i]]);
        for (k, value) in column.into_iter().enumerate() {
            middle[4 * k + i] = value;
        }
    }
    let mut output = [0; 16];
    for (row, out) in middle.chunks_exact(4).zip(output.chunks_exact_mut(4)) {
        let row = idct_1d([row[0], row[1], row[2], row[3]]);
        out.copy_from_slice(&row.map(|x| x.wrapping_add(4) >> 3));
    }
    output
}

fn idct_1d([i0, i1, i2, i3]: [i16; 4]) -> [i16; 4] {
    let (a, b) = (i0.wrapping_add(i2), i0.wrapping_sub(i2));
    let c = sin(i1).wrapping_sub(cos(i3));
    let d = cos(i1).wrapping_add(sin(i3));
    [
        a.wrapping_add(d),
        b.wrapping_add(c),
        b.wrapping_sub(c),
        a.wrapping_sub(d),
    ]
}

/// Adds a row of residual to samples and clamps them.
fn add(residual: &[i16], samples: &mut [u8]) {
    for (sample, r) in samples.iter_mut().zip(residual) {
        *sample = (i16::from(*sample) + r).clamp(0, 255) as u8;
    }
}
