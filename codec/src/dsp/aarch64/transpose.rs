// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows to columns and back.
//!
//! All are the same network: a perfect shuffle (register `i` interleaved with
//! register `i + half`) rotates the bits of a byte's address, register number
//! first, by one. As many shuffles as bring the row bits down transpose.

#![allow(unsafe_code)]

use std::arch::aarch64::*;

/// One perfect shuffle of 8 registers.
#[inline(always)]
unsafe fn shuffle8(x: [uint8x16_t; 8]) -> [uint8x16_t; 8] {
    let mut out = x;
    for i in 0..4 {
        out[2 * i] = vzip1q_u8(x[i], x[i + 4]);
        out[2 * i + 1] = vzip2q_u8(x[i], x[i + 4]);
    }
    out
}

/// 16 rows of 8 bytes, rows `i` and `i + 8` in the halves of register `i`, to
/// 8 columns.
#[inline(always)]
pub(super) unsafe fn rows_to_columns8(rows: [uint8x16_t; 8]) -> [uint8x16_t; 8] {
    let mut x = rows;
    for row in &mut x {
        *row = vzip1q_u8(*row, vextq_u8::<8>(*row, *row));
    }
    shuffle8(shuffle8(shuffle8(x)))
}

/// 8 columns to 16 rows of 8 bytes, two to a register.
#[inline(always)]
pub(super) unsafe fn columns8_to_rows(columns: [uint8x16_t; 8]) -> [uint8x16_t; 8] {
    shuffle8(shuffle8(shuffle8(columns)))
}

/// Transposes 16×16 bytes.
#[inline(always)]
pub(super) unsafe fn transpose16(rows: [uint8x16_t; 16]) -> [uint8x16_t; 16] {
    let mut x = rows;
    for _ in 0..4 {
        let from = x;
        for i in 0..8 {
            x[2 * i] = vzip1q_u8(from[i], from[i + 8]);
            x[2 * i + 1] = vzip2q_u8(from[i], from[i + 8]);
        }
    }
    x
}

/// Transposes two 4×4 blocks of values side by side.
#[inline(always)]
pub(super) unsafe fn transpose4x2(r: [int16x8_t; 4]) -> [int16x8_t; 4] {
    let even01 = vreinterpretq_s32_s16(vtrn1q_s16(r[0], r[1]));
    let odd01 = vreinterpretq_s32_s16(vtrn2q_s16(r[0], r[1]));
    let even23 = vreinterpretq_s32_s16(vtrn1q_s16(r[2], r[3]));
    let odd23 = vreinterpretq_s32_s16(vtrn2q_s16(r[2], r[3]));
    [
        vreinterpretq_s16_s32(vtrn1q_s32(even01, even23)),
        vreinterpretq_s16_s32(vtrn1q_s32(odd01, odd23)),
        vreinterpretq_s16_s32(vtrn2q_s32(even01, even23)),
        vreinterpretq_s16_s32(vtrn2q_s32(odd01, odd23)),
    ]
}
