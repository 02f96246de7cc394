// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails: what a URL asks for, and the steps that make it from an image.
//!
//! | Module | What is in it |
//! |---|---|
//! | [`url`] | imgproxy's URLs: options, sources, presets, signatures |
//! | [`plan`] | the size behind every step, by arithmetic alone |
//! | [`steps`] | the pipeline: a list of steps from picture to picture |
//! | [`decode`] | from bytes to pictures; [`decode::Decode`] is the seam for other decoders |
//! | `encode` | from pictures to bytes |
//! | `thumbnail` | [`thumbnail`]: all of it in one call |
//! | `job` | the same once headers have been read |
//! | `limits` | [`Limits`]: what sources and results may cost |
//! | `metadata` | what of EXIF is kept |
//! | `picture` | [`Picture`] |
//! | `format` | [`Format`]: names, content types, and how first bytes look |
//! | `error` | [`ThumbError`], and the [`Class`] that callers act on |
//!
//! No network, no clock, no environment, no logging, no global state.

#![forbid(unsafe_code)]

pub mod decode;
mod encode;
mod error;
mod format;
mod job;
mod limits;
mod metadata;
mod picture;
pub mod plan;
pub mod steps;
mod thumbnail;
pub mod url;

pub use error::{Class, Result, ThumbError};
pub use format::{Format, SNIFF_LEN};
pub use limits::Limits;
pub use picture::{Layout, Picture};
pub use thumbnail::{read_source, thumbnail, thumbnail_as, thumbnail_of, Settings, Thumbnail};
