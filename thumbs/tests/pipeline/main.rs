// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails from files to files.

mod animation;
mod any;
mod common;
mod formats;
mod hostile;
mod shrink;
