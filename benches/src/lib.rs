// SPDX-License-Identifier: MIT OR Apache-2.0
//! framemill's benches. Each checks its answer; none asserts a time.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cpu`] | criterion in CPU time |
//! | [`latency`] | a proxy that holds requests back |
//! | [`media`] | real clips, and generated ones kept in `target/bench-media` |
//! | [`packets`] | packet files made by arithmetic |
//! | [`work`] | a folder to work in, as a job has one |
//! | [`process`] | programs run to their end, with wall clock and CPU time |
//! | [`machine`] | what a figure depends on: commit, CPU, libraries, load |
//! | [`peers`] | `framemill` against the `ffmpeg` command, and encoders against each other |
//! | [`vp8_rate`] | our VP8 encoder against `vpxenc` |

pub mod cpu;
pub mod latency;
pub mod machine;
pub mod media;
pub mod packets;
pub mod peers;
pub mod process;
pub mod vp8_rate;
pub mod work;
