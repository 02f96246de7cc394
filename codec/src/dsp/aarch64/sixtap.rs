// SPDX-License-Identifier: MIT OR Apache-2.0
//! Six-tap prediction, 8 samples to a register: a row of 8, or two rows of 4.
//!
//! The vertical pass follows the horizontal one through a window of rows:
//! nothing goes through memory.

#![allow(unsafe_code)]

use super::memory::*;
use crate::dsp::block::{Dst, Src};
use crate::dsp::scalar::SIX_TAPS;
use std::arch::aarch64::*;

/// The sizes of the six taps, each in all lanes. The second and the fifth are
/// the ones that may be negative.
type Taps = [uint8x8_t; 6];

#[inline(always)]
unsafe fn splat(taps: &[i8; 6]) -> Taps {
    let mut out = [vdup_n_u8(0); 6];
    for (out, tap) in out.iter_mut().zip(taps) {
        *out = vdup_n_u8(tap.unsigned_abs());
    }
    out
}

/// The weighted sum of six samples, rounded and clamped to a byte.
///
/// The two large taps are kept apart. Either's share and all small ones fit 16
/// signed bits (from -32 · 255 to 123 · 255); only their sum may go over the
/// top, where saturation and the clamp to a byte agree.
#[inline(always)]
unsafe fn weigh(s: [uint8x8_t; 6], taps: &Taps) -> uint8x8_t {
    let sum = vmull_u8(s[2], taps[2]);
    let sum = vmlal_u8(sum, s[0], taps[0]);
    let sum = vmlal_u8(sum, s[5], taps[5]);
    let sum = vmlsl_u8(sum, s[1], taps[1]);
    let sum = vmlsl_u8(sum, s[4], taps[4]);
    let other = vreinterpretq_s16_u16(vmull_u8(s[3], taps[3]));
    let sum = vqaddq_s16(vreinterpretq_s16_u16(sum), other);
    vqrshrun_n_s16::<7>(sum)
}

pub(super) unsafe fn sixtap16(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    let half = Dst {
        data: &mut *dst.data,
        ..dst
    };
    sixtap8(src, half, height, mx, my);
    let src = Src {
        at: src.at + 8,
        ..src
    };
    let dst = Dst {
        at: dst.at + 8,
        ..dst
    };
    sixtap8(src, dst, height, mx, my);
}

pub(super) unsafe fn sixtap8(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    match (mx != 0, my != 0) {
        (true, true) => run8::<true, true>(src, dst, height, mx, my),
        (true, false) => run8::<true, false>(src, dst, height, mx, my),
        _ => run8::<false, true>(src, dst, height, mx, my),
    }
}

/// A row of 8 samples at `p`, after the horizontal pass.
#[inline(always)]
unsafe fn row<const X: bool>(p: *const u8, taps: &Taps) -> uint8x8_t {
    if !X {
        return load8(p);
    }
    // The 13 samples needed, from 2 before on, in a line.
    let (low, high) = (load8(p.sub(2)), load8(p.add(3)));
    let v = vcombine_u8(low, vext_u8::<3>(high, high));
    let samples = [
        low,
        vget_low_u8(vextq_u8::<1>(v, v)),
        vget_low_u8(vextq_u8::<2>(v, v)),
        vget_low_u8(vextq_u8::<3>(v, v)),
        vget_low_u8(vextq_u8::<4>(v, v)),
        high,
    ];
    weigh(samples, taps)
}

#[inline(always)]
unsafe fn run8<const X: bool, const Y: bool>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let (x_taps, y_taps) = (splat(&SIX_TAPS[mx % 8]), splat(&SIX_TAPS[my % 8]));
    let (p, to) = (src_at(&src), dst_at(&mut dst));
    if !Y {
        for y in 0..height {
            store8(
                to.add(y * dst.stride),
                row::<X>(p.add(y * src.stride), &x_taps),
            );
        }
        return;
    }
    // Rows y-2 to y+2.
    let p = p.sub(2 * src.stride);
    let mut rows = [vdup_n_u8(0); 5];
    for (i, out) in rows.iter_mut().enumerate() {
        *out = row::<X>(p.add(i * src.stride), &x_taps);
    }
    for y in 0..height {
        let [a, b, c, d, e] = rows;
        let f = row::<X>(p.add((y + 5) * src.stride), &x_taps);
        store8(to.add(y * dst.stride), weigh([a, b, c, d, e, f], &y_taps));
        rows = [b, c, d, e, f];
    }
}

pub(super) unsafe fn sixtap4(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    match (mx != 0, my != 0) {
        (true, true) => run4::<true, true>(src, dst, height, mx, my),
        (true, false) => run4::<true, false>(src, dst, height, mx, my),
        _ => run4::<false, true>(src, dst, height, mx, my),
    }
}

/// Two rows of 4 samples at `p` and `q`, after the horizontal pass.
#[inline(always)]
unsafe fn pair<const X: bool>(p: *const u8, q: *const u8, taps: &Taps) -> uint8x8_t {
    if !X {
        return load4x2(p, q);
    }
    // 9 samples a row are needed: 8, and 8 from the next one on.
    let v = load8x2(p.sub(2), q.sub(2));
    let w = load8x2(p.sub(1), q.sub(1));
    let first = vcreate_u8(0x0B0A_0908_0302_0100);
    let samples = [
        vqtbl1_u8(v, first),
        vqtbl1_u8(v, vadd_u8(first, vdup_n_u8(1))),
        vqtbl1_u8(v, vadd_u8(first, vdup_n_u8(2))),
        vqtbl1_u8(v, vadd_u8(first, vdup_n_u8(3))),
        vqtbl1_u8(v, vadd_u8(first, vdup_n_u8(4))),
        vqtbl1_u8(w, vadd_u8(first, vdup_n_u8(4))),
    ];
    weigh(samples, taps)
}

#[inline(always)]
unsafe fn run4<const X: bool, const Y: bool>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let (x_taps, y_taps) = (splat(&SIX_TAPS[mx % 8]), splat(&SIX_TAPS[my % 8]));
    let (stride, to_stride) = (src.stride, dst.stride);
    let (p, to) = (src_at(&src), dst_at(&mut dst));
    if !Y {
        for y in (0..height).step_by(2) {
            let (p, to) = (p.add(y * stride), to.add(y * to_stride));
            let out = pair::<X>(p, p.add(stride), &x_taps);
            store4x2(to, to.add(to_stride), out);
        }
        return;
    }
    // r: rows y-2, y, y+2 with the row after each; s: rows y-1, y+1 likewise.
    let p = p.sub(2 * stride);
    let mut r0 = pair::<X>(p, p.add(stride), &x_taps);
    let mut r2 = pair::<X>(p.add(2 * stride), p.add(3 * stride), &x_taps);
    let mut r4 = pair::<X>(p.add(4 * stride), p.add(5 * stride), &x_taps);
    let mut s1 = vext_u8::<4>(r0, r2);
    let mut s3 = vext_u8::<4>(r2, r4);
    for y in (0..height).step_by(2) {
        let p = p.add((y + 6) * stride);
        // The last pair's second row is never looked at, and may not exist.
        let q = if y + 2 < height { p.add(stride) } else { p };
        let r6 = pair::<X>(p, q, &x_taps);
        let s5 = vext_u8::<4>(r4, r6);
        let out = weigh([r0, s1, r2, s3, r4, s5], &y_taps);
        let to = to.add(y * to_stride);
        store4x2(to, to.add(to_stride), out);
        (r0, r2, r4, s1, s3) = (r2, r4, r6, s3, s5);
    }
}
