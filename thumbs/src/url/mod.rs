// SPDX-License-Identifier: MIT OR Apache-2.0
//! imgproxy's URLs: `[prefix]/SIGNATURE/OPTION[:ARGUMENT…]/…/SOURCE`.
//!
//! | Module | What is in it |
//! |---|---|
//! | `grammar` | [`Grammar`]: from a path to a [`Request`] |
//! | `options` | [`Options`] and what they are made of |
//! | `table` | every option's names and arguments |
//! | `args` | numbers, colours, gravities as arguments |
//! | `source` | plain and base64 sources, and repairs of paths |
//! | `signature` | [`Keys`] |
//! | `print` | [`Options`] as segments of a path |
//! | `error` | [`UrlError`] |

mod args;
mod error;
mod grammar;
mod options;
mod print;
mod signature;
mod source;
mod table;

pub use error::UrlError;
pub use grammar::{Grammar, Request};
pub use options::{
    AskedLimits, Crop, Extend, Gravity, Options, Padding, Position, ResizingType, Rgb, Trim,
    VideoSecond, Watermark, WatermarkPosition,
};
pub use signature::{KeyError, Keys};
