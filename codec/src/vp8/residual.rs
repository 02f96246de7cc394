// SPDX-License-Identifier: MIT OR Apache-2.0
//! Adding the residual to the prediction (RFC 6386 §14).

use super::frame::Target;
use super::modes::LumaMode;
use super::tokens::{Residual, Y2};
use crate::dsp::Dsp;

/// Adds one luma block and clears its coefficients.
#[inline(always)]
pub(crate) fn add_block(
    dsp: &Dsp,
    residual: &mut Residual,
    block: usize,
    samples: &mut [u8],
    at: usize,
    stride: usize,
) {
    let end = residual.ends[block];
    let coefficients = residual.block(block);
    match end {
        0 => {}
        1 => {
            dsp.idct_dc_add(coefficients[0], samples, at, stride);
            coefficients[0] = 0;
        }
        _ => {
            dsp.idct_add(coefficients, samples, at, stride);
            *coefficients = [0; 16];
        }
    }
}

/// Adds a macroblock's residual, all but luma that was predicted subblock by
/// subblock, and clears its coefficients.
#[inline(always)]
pub(crate) fn add(dsp: &Dsp, residual: &mut Residual, luma: LumaMode, target: &mut Target<'_>) {
    let Target {
        samples,
        at,
        stride,
    } = target;
    match luma {
        LumaMode::Subblocks => {}
        LumaMode::Split(_) => {
            for row in 0..4 {
                let at = at[0] + 4 * row * stride[0];
                luma_row(dsp, residual, row, None, samples, at, stride[0]);
            }
        }
        _ => {
            let dcs = second_order(dsp, residual);
            for (row, dcs) in dcs.as_chunks::<4>().0.iter().enumerate() {
                let at = at[0] + 4 * row * stride[0];
                luma_row(dsp, residual, row, Some(dcs), samples, at, stride[0]);
            }
        }
    }
    for plane in 1..3 {
        for row in 0..2 {
            let first = 12 + 4 * plane + 2 * row;
            let at = at[plane] + 4 * row * stride[plane];
            chroma_row(dsp, residual, first, samples, at, stride[plane]);
        }
    }
}

/// DC coefficients of all luma blocks, from the block that they are coded in.
#[inline(always)]
fn second_order(dsp: &Dsp, residual: &mut Residual) -> [i16; 16] {
    let end = residual.ends[Y2];
    let coefficients = residual.block(Y2);
    match end {
        0 => [0; 16],
        1 => {
            let dc = std::mem::take(&mut coefficients[0]);
            [((i32::from(dc) + 3) >> 3) as i16; 16]
        }
        _ => dsp.iwht(&std::mem::take(coefficients)),
    }
}

/// Adds four luma blocks side by side. `dcs` are their DC coefficients where
/// those are not among their own.
#[inline(always)]
fn luma_row(
    dsp: &Dsp,
    residual: &mut Residual,
    row: usize,
    dcs: Option<&[i16; 4]>,
    samples: &mut [u8],
    at: usize,
    stride: usize,
) {
    let ends = &residual.ends[4 * row..4 * row + 4];
    let (any, many) = (ends.iter().any(|&e| e > 0), ends.iter().any(|&e| e > 1));
    let (rows, _) = residual.coefficients.as_chunks_mut::<64>();
    let coefficients = &mut rows[row];
    if many {
        if let Some(dcs) = dcs {
            for (n, &dc) in dcs.iter().enumerate() {
                coefficients[16 * n] = dc;
            }
        }
        dsp.idct_add_x4(coefficients, samples, at, stride);
        *coefficients = [0; 64];
        return;
    }
    let dcs = match dcs {
        Some(dcs) => *dcs,
        None if any => std::array::from_fn(|n| std::mem::take(&mut coefficients[16 * n])),
        None => return,
    };
    if dcs != [0; 4] {
        dsp.idct_dc_add_x4(dcs, samples, at, stride);
    }
}

/// Adds two chroma blocks side by side.
#[inline(always)]
fn chroma_row(
    dsp: &Dsp,
    residual: &mut Residual,
    first: usize,
    samples: &mut [u8],
    at: usize,
    stride: usize,
) {
    let ends = [residual.ends[first], residual.ends[first + 1]];
    if ends == [0; 2] {
        return;
    }
    if ends[0] > 1 && ends[1] > 1 {
        let (pairs, _) = residual.coefficients.as_chunks_mut::<32>();
        let coefficients = &mut pairs[first / 2];
        dsp.idct_add_x2(coefficients, samples, at, stride);
        *coefficients = [0; 32];
        return;
    }
    for n in 0..2 {
        add_block(dsp, residual, first + n, samples, at + 4 * n, stride);
    }
}
