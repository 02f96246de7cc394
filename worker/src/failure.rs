// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a task failed.

use crate::TaskKey;
use framemill_codec as codec;
use framemill_store::{self as store, StoreError};
use serde::{Deserialize, Serialize};

/// A failed attempt at a task, as it travels back to the coordinator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "failure", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Failure {
    /// The source's packets do not decode cleanly.
    #[error("{detail}")]
    Damaged {
        /// Stream in the container.
        stream: usize,
        /// Packet in decoding order, from 0; `None` where the container itself breaks.
        packet: Option<u64>,
        /// Byte offset in the source.
        offset: Option<u64>,
        /// Presentation time in seconds.
        time_s: Option<f64>,
        /// True when decoding began at the start of the stream, so that no
        /// earlier start can help.
        from_start: bool,
        /// The decoder's or demuxer's words.
        detail: String,
    },
    /// The decoder gave other frames than the plan expects.
    #[error("{expected} frames were planned and {got} were decoded{detail}")]
    Mismatch {
        /// Frames that the plan expects of the span.
        expected: u64,
        /// Frames that came.
        got: u64,
        /// Where the difference starts.
        detail: String,
        /// True when decoding began at the start of the stream.
        from_start: bool,
    },
    /// The request or the input cannot be served.
    #[error("{detail}")]
    BadInput {
        /// What, and what would do.
        detail: String,
    },
    /// What another task left is not what its record says; it must be made again.
    #[error("the output of {key} is not whole: {detail}")]
    NotWhole {
        /// The task that left it.
        key: TaskKey,
        /// What is wrong with it.
        detail: String,
    },
    /// The world got in the way; another attempt may succeed.
    #[error("{detail}")]
    Transient {
        /// What happened.
        detail: String,
    },
    /// The store turned us away for now.
    #[error("{detail}")]
    Throttled {
        /// What happened.
        detail: String,
    },
    /// There is no room for the output.
    #[error("{detail}")]
    Full {
        /// Where.
        detail: String,
    },
    /// The coordinator asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A broken invariant of ours.
    #[error("internal error: {detail}")]
    Bug {
        /// Which.
        detail: String,
    },
}

impl Failure {
    /// Shorthand for [`Failure::BadInput`].
    pub fn bad_input(detail: impl Into<String>) -> Self {
        Self::BadInput {
            detail: detail.into(),
        }
    }

    /// Shorthand for [`Failure::Bug`].
    pub fn bug(detail: impl Into<String>) -> Self {
        Self::Bug {
            detail: detail.into(),
        }
    }

    /// Names the operation that failed in front of the reason.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        let prefix = |detail: String| format!("{place}: {detail}");
        match self {
            Self::BadInput { detail } => Self::BadInput {
                detail: prefix(detail),
            },
            Self::Transient { detail } => Self::Transient {
                detail: prefix(detail),
            },
            Self::Throttled { detail } => Self::Throttled {
                detail: prefix(detail),
            },
            Self::Full { detail } => Self::Full {
                detail: prefix(detail),
            },
            Self::Bug { detail } => Self::Bug {
                detail: prefix(detail),
            },
            other => other,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error.class() {
            store::Class::Transient => Self::Transient { detail },
            store::Class::Throttled => Self::Throttled { detail },
            store::Class::Full => Self::Full { detail },
            store::Class::Bug => Self::Bug { detail },
            _ => Self::BadInput { detail },
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if let Some(inner) = StoreError::from_io(&error) {
            return inner.clone().into();
        }
        Self::Transient {
            detail: error.to_string(),
        }
    }
}

impl From<codec::Error> for Failure {
    fn from(error: codec::Error) -> Self {
        let detail = error.to_string();
        match (&error, error.class()) {
            (codec::Error::Cancelled, _) => Self::Cancelled,
            (codec::Error::Mux { io: true, .. }, _) => Self::Full { detail },
            (_, codec::Class::BadInput) => Self::BadInput { detail },
            (_, codec::Class::Transient) => Self::Transient { detail },
            (_, codec::Class::Bug) => Self::Bug { detail },
        }
    }
}
