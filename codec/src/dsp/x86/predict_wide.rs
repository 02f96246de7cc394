// SPDX-License-Identifier: MIT OR Apache-2.0
//! Six-tap prediction of a whole macroblock in 256 bits: luma by
//! [`sixtap_wide`](super::sixtap_wide), U and V together, each in a lane.

#![allow(unsafe_code)]

use super::memory::*;
use super::sixtap::{PAIRS, PLACES};
use super::sixtap_wide::{columns16, splat, weigh, zip};
use super::sixtap_wide8::taps;
use crate::dsp::Motion;
use std::arch::x86_64::*;

/// Predicts all planes of a macroblock.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn macroblock(src: &[u8], dst: &mut [u8], motion: &Motion) {
    let (from, to) = (src.as_ptr(), dst.as_mut_ptr());
    let luma = (from.add(motion.from[0]), motion.from_stride[0]);
    let luma_to = (to.add(motion.to[0]), motion.to_stride[0]);
    match motion.luma {
        (0, 0) => copy16(luma, luma_to),
        (mx, my) => columns16(luma, luma_to, 16, mx, my),
    }
    let chroma = Chroma {
        u: from.add(motion.from[1]),
        v: from.add(motion.from[2]),
        stride: motion.from_stride[1],
        u_to: to.add(motion.to[1]),
        v_to: to.add(motion.to[2]),
        to_stride: motion.to_stride[1],
    };
    let (mx, my) = motion.chroma;
    match (taps(mx), taps(my)) {
        (0, 0) => chroma.copy(),
        (6, 6) => run::<6, 6>(chroma, mx, my),
        (6, 4) => run::<6, 4>(chroma, mx, my),
        (4, 6) => run::<4, 6>(chroma, mx, my),
        (4, 4) => run::<4, 4>(chroma, mx, my),
        (0, 6) => run::<0, 6>(chroma, mx, my),
        (0, _) => run::<0, 4>(chroma, mx, my),
        (6, _) => run::<6, 0>(chroma, mx, my),
        _ => run::<4, 0>(chroma, mx, my),
    }
}

/// Copies 16 rows of 16 samples.
#[inline(always)]
unsafe fn copy16((p, stride): (*const u8, usize), (to, to_stride): (*mut u8, usize)) {
    for n in 0..4 {
        let (p, to) = (p.add(4 * n * stride), to.add(4 * n * to_stride));
        let rows = [
            load16(p),
            load16(p.add(stride)),
            load16(p.add(2 * stride)),
            load16(p.add(3 * stride)),
        ];
        store16(to, rows[0]);
        store16(to.add(to_stride), rows[1]);
        store16(to.add(2 * to_stride), rows[2]);
        store16(to.add(3 * to_stride), rows[3]);
    }
}

/// From where to where U and V are predicted, 8 rows of 8 samples each.
#[derive(Clone, Copy)]
struct Chroma {
    u: *const u8,
    v: *const u8,
    stride: usize,
    u_to: *mut u8,
    v_to: *mut u8,
    to_stride: usize,
}

impl Chroma {
    /// Row `y` of both, from 2 samples before it, 16 bytes to a lane.
    #[inline(always)]
    unsafe fn row(&self, y: isize) -> __m256i {
        let at = y * self.stride as isize - 2;
        load16x2(self.u.offset(at), self.v.offset(at))
    }

    /// Rows `y` and `z` of both, 8 bytes each.
    #[inline(always)]
    unsafe fn rows(&self, y: isize, z: isize) -> __m256i {
        let (y, z) = (y * self.stride as isize, z * self.stride as isize);
        let u = _mm256_castsi128_si256(load8x2(self.u.offset(y), self.u.offset(z)));
        _mm256_inserti128_si256::<1>(u, load8x2(self.v.offset(y), self.v.offset(z)))
    }

    /// Stores rows `y` and `y + 1` of both.
    #[inline(always)]
    unsafe fn put(&self, y: usize, rows: __m256i) {
        let at = y * self.to_stride;
        let (u, v) = (self.u_to.add(at), self.v_to.add(at));
        store8x2(u, u.add(self.to_stride), _mm256_castsi256_si128(rows));
        store8x2(
            v,
            v.add(self.to_stride),
            _mm256_extracti128_si256::<1>(rows),
        );
    }

    #[inline(always)]
    unsafe fn copy(&self) {
        for n in 0..4 {
            self.put(2 * n, self.rows(2 * n as isize, 2 * n as isize + 1));
        }
    }
}

/// Taps and byte places, ready for use.
struct Filters {
    x: [__m256i; 3],
    y: [__m256i; 3],
    places: [__m256i; 3],
}

#[inline(always)]
unsafe fn across<const TAPS: u8>(chroma: &Chroma, y: isize, filters: &Filters) -> __m256i {
    let v = chroma.row(y);
    let a = _mm256_shuffle_epi8(v, filters.places[0]);
    let b = _mm256_shuffle_epi8(v, filters.places[1]);
    let c = _mm256_shuffle_epi8(v, filters.places[2]);
    weigh::<TAPS>([a, b, c], &filters.x)
}

/// Rows `y` and `z` after the horizontal pass.
#[inline(always)]
unsafe fn pair<const X: u8>(chroma: &Chroma, y: isize, z: isize, filters: &Filters) -> __m256i {
    if X == 0 {
        return chroma.rows(y, z);
    }
    let first = across::<X>(chroma, y, filters);
    _mm256_packus_epi16(first, across::<X>(chroma, z, filters))
}

/// The second row of pair `a` and the first of pair `b`.
#[inline(always)]
unsafe fn between(a: __m256i, b: __m256i) -> __m256i {
    _mm256_alignr_epi8::<8>(b, a)
}

#[inline(always)]
unsafe fn run<const X: u8, const Y: u8>(chroma: Chroma, mx: usize, my: usize) {
    let filters = Filters {
        x: splat(&PAIRS[mx % 8]),
        y: splat(&PAIRS[my % 8]),
        places: [
            _mm256_broadcastsi128_si256(load16(PLACES[0].as_ptr().cast())),
            _mm256_broadcastsi128_si256(load16(PLACES[1].as_ptr().cast())),
            _mm256_broadcastsi128_si256(load16(PLACES[2].as_ptr().cast())),
        ],
    };
    match Y {
        0 => {
            for n in 0..4 {
                let y = 2 * n as isize;
                chroma.put(2 * n, pair::<X>(&chroma, y, y + 1, &filters));
            }
        }
        4 => down4::<X>(&chroma, &filters),
        _ => down6::<X>(&chroma, &filters),
    }
}

/// Both passes, the vertical one of four taps.
#[inline(always)]
unsafe fn down4<const X: u8>(chroma: &Chroma, filters: &Filters) {
    let mut r0 = pair::<X>(chroma, -1, 0, filters);
    let mut r2 = pair::<X>(chroma, 1, 2, filters);
    let mut b = zip(r0, between(r0, r2));
    for n in 0..4 {
        // The last pair's second row is not needed, and may not exist.
        let y = 2 * n as isize + 3;
        let r4 = pair::<X>(chroma, y, if n < 3 { y + 1 } else { y }, filters);
        let c = zip(r2, between(r2, r4));
        let low = weigh::<4>([b[0], b[0], c[0]], &filters.y);
        let high = weigh::<4>([b[1], b[1], c[1]], &filters.y);
        chroma.put(2 * n, _mm256_packus_epi16(low, high));
        (r0, r2, b) = (r2, r4, c);
    }
    let _ = r0;
}

/// Both passes, the vertical one of six taps.
#[inline(always)]
unsafe fn down6<const X: u8>(chroma: &Chroma, filters: &Filters) {
    // r: rows n-2, n, n+2 with the row after each. b and c: the second and
    // third pairs of rows for the outputs n and n+1; c is the next b.
    let mut r0 = pair::<X>(chroma, -2, -1, filters);
    let mut r2 = pair::<X>(chroma, 0, 1, filters);
    let mut r4 = pair::<X>(chroma, 2, 3, filters);
    let mut b = zip(between(r0, r2), r2);
    let mut c = zip(between(r2, r4), r4);
    for n in 0..4 {
        let y = 2 * n as isize + 4;
        let r6 = pair::<X>(chroma, y, if n < 3 { y + 1 } else { y }, filters);
        let s5 = between(r4, r6);
        let a = zip(r0, s5);
        let low = weigh::<6>([a[0], b[0], c[0]], &filters.y);
        let high = weigh::<6>([a[1], b[1], c[1]], &filters.y);
        chroma.put(2 * n, _mm256_packus_epi16(low, high));
        (b, c) = (c, zip(s5, r6));
        (r0, r2, r4) = (r2, r4, r6);
    }
}
