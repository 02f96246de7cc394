// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the end-to-end tests share: they start the `framemill` binary as a
//! user does and look at what it leaves behind with FFmpeg's own programs.
//!
//! * [`place`]: the binary, the shared clips, the folder of generated media
//! * [`process`]: children with a time limit; `ffmpeg` and `ffprobe`
//! * [`job`]: a run of the binary, and what a run must have done
//! * [`frames`]: times and pictures of two files, frame by frame
//! * [`pictures`]: hashes of what workers feed their encoders
//! * [`streams`]: what a container says of itself
//! * [`sources`]: media made with `ffmpeg`, once
//! * [`batch`]: many small sources
//! * [`boxes`]: edits inside MP4 files that `ffmpeg` cannot make
//! * [`manifest`]: the shared clips and what is expected of them
//! * [`sound`]: samples, clicks, alignment
//! * [`vp8`]: VP8 streams and other decoders of them
//! * [`browser`]: Chromium that plays a file
//! * [`servers`]: the S3 servers that run beside the tests
//! * [`thumbs`]: a server of thumbnails
//! * [`web`]: an HTTP server of a test's own
//! * [`work`]: folders of unfinished work
//! * [`worker`]: a worker that listens
//!
//! Everything here panics with the reason when something is not as it must be.

pub mod batch;
pub mod boxes;
pub mod browser;
pub mod frames;
pub mod job;
pub mod manifest;
pub mod pictures;
pub mod place;
pub mod process;
pub mod servers;
pub mod sound;
pub mod sources;
pub mod streams;
pub mod thumbs;
pub mod vp8;
pub mod web;
pub mod work;
pub mod worker;
