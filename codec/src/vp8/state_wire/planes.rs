// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames' planes without borders, compressed without loss.
//!
//! ```text
//! size of the upper halves of all frames:u32, upper halves, lower halves
//! of each half:
//! code of block bytes, codes of classes 1 to 15: lengths of code words (`code`)
//! four streams of code words (`streams`): block bytes, then the symbols of each block
//! ```
//! Blocks are those of `strips`. A block byte says where its expectation comes
//! from (`SOURCE`: a rule of `predict`, or the same place in a frame before
//! this one) and its class (`classes`).

mod read;
mod write;

use super::corrupt;
use super::strips::{region, Half};
use crate::error::Result;
use crate::vp8::frame::{Frame, Geometry};
use read::{read_half, Part};
use std::sync::Arc;
use write::write_half;

/// Where the source is in a block byte.
const SOURCE: u32 = 4;
/// Macroblocks of a frame from which on a thread saves more than it costs.
const WORTH_A_THREAD: usize = 400;

/// Appends different frames of one size, the halves of them side by side.
pub(super) fn write(out: &mut Vec<u8>, frames: &[Arc<Frame>]) {
    let half = |half| {
        let mut out = Vec::new();
        for n in 0..frames.len() {
            write_half(&mut out, &frames[n], &frames[..n], half);
        }
        out
    };
    let (upper, lower) = side_by_side(frames[0].geometry, || half(0), || half(1));
    out.extend((upper.len() as u32).to_le_bytes());
    out.extend(upper);
    out.extend(lower);
}

/// The results of both; on a thread each where frames of that size are worth it.
fn side_by_side<T: Send>(
    geometry: Geometry,
    a: impl FnOnce() -> T,
    b: impl FnOnce() -> T + Send,
) -> (T, T) {
    if geometry.macroblocks() < WORTH_A_THREAD {
        return (a(), b());
    }
    std::thread::scope(|scope| {
        let b = scope.spawn(b);
        let a = a();
        let b = b.join();
        (
            a,
            b.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    })
}

/// A half's samples of each plane.
fn half_of(frame: &Frame, half: usize) -> Half<&[u8]> {
    [0, 1, 2].map(|plane| &frame.samples[region(frame.geometry, plane, half)])
}

/// Takes that many frames of a size off `from`.
///
/// # Errors
/// When the bytes are no such frames. Nothing of their size is allocated before
/// the streams were found to hold all block bytes.
pub(super) fn read(from: &mut &[u8], geometry: Geometry, count: usize) -> Result<Vec<Frame>> {
    let short = || corrupt("it ends in a half");
    let (size, rest) = from.split_first_chunk().ok_or_else(short)?;
    let (upper, lower) = rest
        .split_at_checked(u32::from_le_bytes(*size) as usize)
        .ok_or_else(short)?;
    *from = &[];
    let [upper, lower] = [(upper, 0), (lower, 1)].map(|(mut bytes, half)| {
        let parts = (0..count).map(|n| Part::new(&mut bytes, geometry, half, n));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        match bytes {
            [] => Ok(parts),
            _ => Err(corrupt("bytes after a half")),
        }
    });
    let (upper, lower) = (upper?, lower?);
    let mut frames: Vec<_> = (0..count).map(|_| Frame::new(geometry)).collect();
    let (uppers, lowers): (Vec<_>, Vec<_>) = frames.iter_mut().map(halves).unzip();
    let (upper, lower) = side_by_side(
        geometry,
        || read_half(upper, geometry, 0, uppers),
        || read_half(lower, geometry, 1, lowers),
    );
    upper.and(lower)?;
    frames.iter_mut().for_each(Frame::extend);
    Ok(frames)
}

/// Both halves of a frame.
fn halves(frame: &mut Frame) -> (Half<&mut [u8]>, Half<&mut [u8]>) {
    let geometry = frame.geometry;
    let mut rest = frame.samples.as_mut_slice();
    let mut next = |plane, half| {
        let (own, after) =
            std::mem::take(&mut rest).split_at_mut(region(geometry, plane, half).len());
        rest = after;
        own
    };
    let [a, b, c] = [0, 1, 2].map(|plane| (next(plane, 0), next(plane, 1)));
    ([a.0, b.0, c.0], [a.1, b.1, c.1])
}
