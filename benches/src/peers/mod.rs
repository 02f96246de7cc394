// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill` against the `ffmpeg` command, and encoders against each other.
//!
//! | module | what it holds |
//! |---|---|
//! | [`side`] | the commands of both sides |
//! | [`file`] | bits, key frames and quality of an output |
//! | [`versus`] | pairs of runs, and bits at equal quality |
//! | [`decoders`] | VP8 decoders |
//! | [`encoders`] | the AV1 encoders at three presets and qualities |

pub mod decoders;
pub mod encoders;
pub mod file;
pub mod side;
pub mod versus;
