// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a worker answers.

use crate::PROTOCOL;
use serde::{Deserialize, Serialize};

/// A worker's answer, and the version it is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response<O, F> {
    /// [`PROTOCOL`] of the worker.
    pub protocol: u32,
    /// The answer.
    pub answer: Answer<O, F>,
}

impl<O, F> From<Answer<O, F>> for Response<O, F> {
    fn from(answer: Answer<O, F>) -> Self {
        Self {
            protocol: PROTOCOL,
            answer,
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<O, F> {
    /// The task is done; this is its outcome.
    Done(O),
    /// The task failed, and says why.
    Failed(F),
    /// The process that did it died.
    Crashed {
        /// What is known of it.
        detail: String,
    },
    /// It took longer than it may.
    TimedOut {
        /// How long it had, in milliseconds.
        time_ms: u64,
    },
    /// It was not begun.
    Refused(Refusal),
}

impl<O, F> From<Refusal> for Answer<O, F> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why a worker did not begin a task. The text is one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The request is of another version.
    #[error(
        "the worker speaks version {worker} of the protocol, and was asked in version {asked}"
    )]
    Protocol {
        /// Version of the request.
        asked: u32,
        /// Version of the worker.
        worker: u32,
    },
    /// The worker is of another build, whose outputs would have other keys.
    #[error("the worker is of another build: it is \"{worker}\", and \"{asked}\" is asked for")]
    Build {
        /// The build that the request names.
        asked: String,
        /// The worker's own.
        worker: String,
    },
    /// The task does not fit into the worker's memory.
    #[error("the task needs about {} MiB of memory, and the worker has {} MiB", .needs >> 20, .has >> 20)]
    Memory {
        /// What the task needs by estimate, in bytes.
        needs: u64,
        /// What the worker has for it, in bytes.
        has: u64,
    },
    /// There is too little time left to begin anything.
    #[error("the worker has {left_ms} ms left, and begins no task with less than {least_ms} ms")]
    Time {
        /// Time left, in milliseconds.
        left_ms: u64,
        /// The least that it begins a task with, in milliseconds.
        least_ms: u64,
    },
    /// The request is too long.
    #[error("the request has more than the {limit} bytes that a worker takes")]
    TooLarge {
        /// Most bytes of a request.
        limit: u64,
    },
    /// What came is no request, or not a consistent one.
    #[error("{detail}")]
    Request {
        /// What is wrong with it.
        detail: String,
    },
}
