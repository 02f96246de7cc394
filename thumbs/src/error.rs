// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why there is no thumbnail, and the classes that callers act on.

use crate::Format;

/// What every fallible function of the pipeline returns.
pub type Result<T, E = ThumbError> = std::result::Result<T, E>;

/// How a caller should react to an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The request cannot succeed as given. HTTP: 400.
    BadRequest,
    /// The format is none that can be read, or written. HTTP: 415.
    Unsupported,
    /// A limit does not allow it. HTTP: 413.
    TooLarge,
    /// The source is damaged. HTTP: 422.
    BrokenSource,
    /// The caller asked to stop.
    Cancelled,
    /// framemill itself, or a library below it, is wrong. HTTP: 500.
    Bug,
}

/// Why there is no thumbnail. Each message is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThumbError {
    /// The options do not go together, or not with the source.
    #[error("{reason}")]
    BadRequest {
        /// What is wrong.
        reason: String,
    },
    /// The source's first bytes are of no format known here.
    #[error("the source is no image of a known format")]
    UnknownFormat,
    /// The format is known, but there is no decoder or encoder for it here.
    #[error("cannot {verb} {format}: {reason}")]
    Unsupported {
        /// `read` or `write`.
        verb: &'static str,
        /// The format.
        format: Format,
        /// Why not.
        reason: String,
    },
    /// A limit does not allow it.
    #[error("{what}: {value}, and at most {limit} are allowed here")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// How large it is.
        value: u64,
        /// The limit.
        limit: u64,
    },
    /// The source is damaged.
    #[error("broken {format}: {reason}")]
    BrokenSource {
        /// The source's format by its first bytes.
        format: Format,
        /// What the decoder says.
        reason: String,
    },
    /// The source could not be read.
    #[error("cannot read the source: {reason}")]
    Read {
        /// What the reader says.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("stopped")]
    Cancelled,
    /// framemill itself, or a library below it, is wrong.
    #[error("internal error in {what}: {reason}")]
    Bug {
        /// Where it happened.
        what: &'static str,
        /// What happened.
        reason: String,
    },
}

impl ThumbError {
    /// How a caller should react.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::BadRequest { .. } => Class::BadRequest,
            Self::UnknownFormat | Self::Unsupported { .. } => Class::Unsupported,
            Self::TooLarge { .. } => Class::TooLarge,
            Self::BrokenSource { .. } | Self::Read { .. } => Class::BrokenSource,
            Self::Cancelled => Class::Cancelled,
            Self::Bug { .. } => Class::Bug,
        }
    }

    /// A damaged source, with the first line of what a library says of it.
    pub(crate) fn broken(format: Format, error: impl std::fmt::Display) -> Self {
        Self::BrokenSource {
            format,
            reason: first_line(&error.to_string()),
        }
    }

    /// A failure that no source or request should be able to cause.
    pub(crate) fn bug(what: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Bug {
            what,
            reason: first_line(&error.to_string()),
        }
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars().take(200).collect()
}
