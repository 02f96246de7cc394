// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails from files to files.

mod animation;
mod common;
mod formats;
mod hostile;
