// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes and places by arithmetic alone: what becomes of a source, before a pixel is decoded.
//!
//! | Module | What is in it |
//! |---|---|
//! | `sizes` | [`Sizes`]: the size behind every step |
//! | `place` | where a smaller rectangle lies in a larger one |
//! | `orientation` | [`Orientation`]: EXIF, quarter turns and flips in one value |
//!
//! Sizes and roundings are imgproxy's.

mod orientation;
mod place;
mod sizes;

pub use orientation::Orientation;
pub(crate) use place::place_over;
pub use place::{place, Rect};
pub use sizes::{Scaled, Sides, Size, Sizes};

/// `value`, rounded half away from zero, of at least 0 and at most 2^31.
pub(crate) fn round(value: f64) -> u32 {
    // The bounds make the cast exact.
    value.round().clamp(0.0, f64::from(1u32 << 31)) as u32
}

/// `pixels` times `factor`: 0 stays 0, and what is not 0 becomes at least 1.
pub(crate) fn scale(pixels: u32, factor: f64) -> u32 {
    if pixels == 0 {
        0
    } else {
        round(f64::from(pixels) * factor).max(1)
    }
}

/// `value`, rounded half to even, within ±2^31.
pub(crate) fn round_even(value: f64) -> i64 {
    let bound = f64::from(1u32 << 31);
    value.round_ties_even().clamp(-bound, bound) as i64
}
