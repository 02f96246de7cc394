// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails: what a URL asks for, and the steps that make it from an image.
//!
//! | Module | What is in it |
//! |---|---|
//! | [`url`] | imgproxy's URLs: options, sources, presets, signatures |
//! | [`plan`] | the size behind every step, by arithmetic alone |
//! | `format` | [`Format`]: names, content types, and how first bytes look |
//!
//! No network, no clock, no environment, no logging, no global state.

#![forbid(unsafe_code)]

mod format;
pub mod plan;
pub mod url;

pub use format::Format;
