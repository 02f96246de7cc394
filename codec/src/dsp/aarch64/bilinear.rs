// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bilinear prediction and copies, a row at a time.

#![allow(unsafe_code)]

use super::memory::*;
use crate::dsp::block::{Dst, Src};
use crate::dsp::scalar::BILINEAR_TAPS;
use std::arch::aarch64::*;

pub(super) unsafe fn copy<const W: usize>(src: Src<'_>, mut dst: Dst<'_>, height: usize) {
    let (p, to) = (src_at(&src), dst_at(&mut dst));
    for y in 0..height {
        store::<W>(to.add(y * dst.stride), load::<W>(p.add(y * src.stride)));
    }
}

pub(super) unsafe fn bilinear<const W: usize>(
    src: Src<'_>,
    dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    match (mx != 0, my != 0) {
        (true, true) => run::<W, true, true>(src, dst, height, mx, my),
        (true, false) => run::<W, true, false>(src, dst, height, mx, my),
        _ => run::<W, false, true>(src, dst, height, mx, my),
    }
}

/// The two taps, each in all lanes.
type Taps = [uint8x8_t; 2];

#[inline(always)]
unsafe fn splat(taps: &[i8; 2]) -> Taps {
    [vdup_n_u8(taps[0] as u8), vdup_n_u8(taps[1] as u8)]
}

/// Weighs 8 samples of `a` with those of `b`. No sum is over 255 · 128.
#[inline(always)]
unsafe fn mix8(a: uint8x8_t, b: uint8x8_t, taps: &Taps) -> uint8x8_t {
    vrshrn_n_u16::<7>(vmlal_u8(vmull_u8(a, taps[0]), b, taps[1]))
}

/// The same of `W` samples.
#[inline(always)]
unsafe fn mix<const W: usize>(a: uint8x16_t, b: uint8x16_t, taps: &Taps) -> uint8x16_t {
    let low = mix8(vget_low_u8(a), vget_low_u8(b), taps);
    let high = if W < 16 {
        low
    } else {
        mix8(vget_high_u8(a), vget_high_u8(b), taps)
    };
    vcombine_u8(low, high)
}

#[inline(always)]
unsafe fn row<const W: usize, const X: bool>(p: *const u8, taps: &Taps) -> uint8x16_t {
    if X {
        mix::<W>(load::<W>(p), load::<W>(p.add(1)), taps)
    } else {
        load::<W>(p)
    }
}

#[inline(always)]
unsafe fn run<const W: usize, const X: bool, const Y: bool>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let (x_taps, y_taps) = (splat(&BILINEAR_TAPS[mx % 8]), splat(&BILINEAR_TAPS[my % 8]));
    let (p, to) = (src_at(&src), dst_at(&mut dst));
    if !Y {
        for y in 0..height {
            let out = row::<W, X>(p.add(y * src.stride), &x_taps);
            store::<W>(to.add(y * dst.stride), out);
        }
        return;
    }
    let mut above = row::<W, X>(p, &x_taps);
    for y in 0..height {
        let below = row::<W, X>(p.add((y + 1) * src.stride), &x_taps);
        store::<W>(to.add(y * dst.stride), mix::<W>(above, below, &y_taps));
        above = below;
    }
}
