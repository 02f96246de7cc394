// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unaligned loads and stores. Each reads or writes exactly the bytes that its
//! name counts.
//!
//! # Safety
//! The bytes lie in one live allocation, and for a store it is ours to write.

#![allow(unsafe_code)]

use crate::dsp::block::{Dst, Src};
use std::arch::aarch64::*;

/// The address of sample (0, 0).
#[inline(always)]
pub(super) unsafe fn src_at(src: &Src<'_>) -> *const u8 {
    src.data.as_ptr().add(src.at)
}

/// The address of sample (0, 0).
#[inline(always)]
pub(super) unsafe fn dst_at(dst: &mut Dst<'_>) -> *mut u8 {
    dst.data.as_mut_ptr().add(dst.at)
}

/// 4 bytes of `low`, then 4 of `high`.
#[inline(always)]
pub(super) unsafe fn load4x2(low: *const u8, high: *const u8) -> uint8x8_t {
    // The lane intrinsics take pointers that must be aligned; these are not.
    let low = u64::from(low.cast::<u32>().read_unaligned());
    let high = u64::from(high.cast::<u32>().read_unaligned());
    vcreate_u8(low | high << 32)
}

#[inline(always)]
pub(super) unsafe fn load8(p: *const u8) -> uint8x8_t {
    vld1_u8(p)
}

/// 8 bytes of `low`, then 8 of `high`.
#[inline(always)]
pub(super) unsafe fn load8x2(low: *const u8, high: *const u8) -> uint8x16_t {
    vcombine_u8(load8(low), load8(high))
}

#[inline(always)]
pub(super) unsafe fn load16(p: *const u8) -> uint8x16_t {
    vld1q_u8(p)
}

/// `N` bytes, 4, 8 or 16, and then anything.
#[inline(always)]
pub(super) unsafe fn load<const N: usize>(p: *const u8) -> uint8x16_t {
    match N {
        4 => twice(load4x2(p, p)),
        8 => twice(load8(p)),
        _ => load16(p),
    }
}

#[inline(always)]
unsafe fn twice(v: uint8x8_t) -> uint8x16_t {
    vcombine_u8(v, v)
}

/// The low 4 bytes.
#[inline(always)]
pub(super) unsafe fn store4(p: *mut u8, v: uint8x8_t) {
    let bytes = vget_lane_u32::<0>(vreinterpret_u32_u8(v));
    p.cast::<u32>().write_unaligned(bytes);
}

/// The low 4 bytes of `v` to `low`, the others to `high`.
#[inline(always)]
pub(super) unsafe fn store4x2(low: *mut u8, high: *mut u8, v: uint8x8_t) {
    store4(low, v);
    let bytes = vget_lane_u32::<1>(vreinterpret_u32_u8(v));
    high.cast::<u32>().write_unaligned(bytes);
}

#[inline(always)]
pub(super) unsafe fn store8(p: *mut u8, v: uint8x8_t) {
    vst1_u8(p, v);
}

/// The low 8 bytes of `v` to `low`, the others to `high`.
#[inline(always)]
pub(super) unsafe fn store8x2(low: *mut u8, high: *mut u8, v: uint8x16_t) {
    store8(low, vget_low_u8(v));
    store8(high, vget_high_u8(v));
}

#[inline(always)]
pub(super) unsafe fn store16(p: *mut u8, v: uint8x16_t) {
    vst1q_u8(p, v);
}

/// The low `N` bytes, 4, 8 or 16.
#[inline(always)]
pub(super) unsafe fn store<const N: usize>(p: *mut u8, v: uint8x16_t) {
    match N {
        4 => store4(p, vget_low_u8(v)),
        8 => store8(p, vget_low_u8(v)),
        _ => store16(p, v),
    }
}
