// SPDX-License-Identifier: MIT OR Apache-2.0
//! framemill: splits media into small chunks, encodes them all at once, and
//! stitches a result that nobody can tell was split.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the commands, one file each |
//! | [`job`] | a transcode from source to verified output |
//! | [`events`] | what is put into a bucket or a folder becomes a job |
//! | [`jobs`] | jobs that outlive whoever runs them |
//! | [`plan`] | from an index and the user's wishes to tasks |
//! | [`rate`] | meeting a bit rate over all chunks |
//! | [`runner`] | drives the scheduler against an engine, resumes |
//! | [`schedule`] | the scheduler: a pure state machine |
//! | [`batch`] | many sources, one job each |
//! | [`engine`] | where invocations run |
//! | [`sim`] | a job on other workers: how long, for how much |
//! | [`calibrate`] | what frames take on this machine |
//! | [`limits`] | what a job may take, and what its workers can |
//! | [`stitch`] | from chunks to a file, verified |
//! | [`profile`] | what is to be made of videos and pictures, in TOML |
//! | [`share`] | workers that several jobs use |
//! | [`report`] | what ran and what it cost |
//! | [`orientation`] | display matrices as quarter turns |

pub mod batch;
pub mod calibrate;
pub mod cli;
pub mod engine;
pub mod error;
pub mod events;
pub mod job;
pub mod jobs;
pub mod limits;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod rate;
pub mod report;
pub mod runner;
pub mod schedule;
pub mod share;
pub mod sim;
pub mod stitch;

pub use framemill_worker::orientation;
