// SPDX-License-Identifier: MIT OR Apache-2.0
//! framemill's work: tasks as values, and the pure operations that do them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`task`] | [`Task`], its canonical key, and what a finished one leaves behind |
//! | [`failure`] | why a task failed, by what can be done about it |
//! | [`index`] | reading a container's tables into one list of packets |
//! | [`encode`] | decoding a span, filtering it, and encoding it as a chunk |
//! | [`rebase`] | moving a chunk onto the state of the one before it |
//! | [`track`] | a whole audio or subtitle track at once |
//! | [`thumb`] | thumbnails of one picture or video |
//! | [`video`] | pictures that FFmpeg decodes: frames of videos, AVIF, HEIC |
//! | [`run`] | doing any task against the stores |
//! | [`serve`] | doing tasks for a parent process, one at a time |
//! | [`needs`] | how much memory a task needs |
//! | [`orientation`] | display matrices as quarter turns |
//!
//! A task's output is a function of the task, its inputs and this build; it is
//! stored under the task's key, so that retry, duplicate, cache and resume are
//! one thing.

pub mod encode;
pub mod failure;
mod fence;
mod hex;
pub mod index;
mod measure;
pub mod needs;
pub mod orientation;
pub mod rebase;
mod run;
mod serve;
mod source;
pub mod task;
pub mod thumb;
pub mod track;
pub mod video;

pub use failure::Failure;
pub use measure::{peak_memory, process_cpu_s};
pub use run::{run, verify_blob, Monitor, Unwatched, WorkPlace};
pub use serve::{crash_detail, serve};
pub use source::SourceRef;
pub use task::{BlobRef, Digest, Outcome, Task, TaskKey, TaskStats};

/// Names this build of the operations: the sources' digest. Together with the
/// codec libraries' versions it is part of every task's key.
pub const BUILD: &str = env!("FRAMEMILL_BUILD");
