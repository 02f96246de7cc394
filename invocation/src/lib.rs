// SPDX-License-Identifier: MIT OR Apache-2.0
//! What framemill and its workers say to each other.
//!
//! | module | what it holds |
//! |---|---|
//! | [`request`] | what a worker is asked: a task, or where it lies, and the bounds of the attempt |
//! | [`response`] | what it answers: an outcome, a failure, or why it refused |
//! | [`link`] | lines between a worker and the process that does its tasks |
//! | [`child`] | that process, from the worker's side |
//!
//! Tasks, outcomes and failures are types of the caller's, since this crate knows
//! nothing of media: the worker's small binary passes them on as JSON, and
//! links no codec library. Messages hold keys and byte ranges, never media.

pub mod child;
pub mod link;
pub mod request;
pub mod response;

pub use child::Child;
pub use link::{Message, Order};
pub use request::{Request, TaskRef};
pub use response::{Answer, Refusal, Response};

/// Version of the messages. A worker of another version refuses.
pub const PROTOCOL: u32 = 1;

/// Largest request and response in bytes: AWS Lambda's limit for a synchronous
/// invocation, with room for what a platform wraps around it.
pub const BODY_LIMIT: usize = 6 * 1024 * 1024 - 64 * 1024;

/// A task longer than this, as JSON in bytes, goes through the work store.
pub const INLINE_LIMIT: usize = 256 * 1024;

/// Largest task in the work store, as JSON in bytes.
pub const STORED_LIMIT: u64 = 256 << 20;
