// SPDX-License-Identifier: MIT OR Apache-2.0
use serde::{Deserialize, Serialize};

/// What kind of failure an error is; only the scheduler acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Class {
    /// The input or the request cannot be served; trying again changes nothing.
    BadInput,
    /// The world got in the way; trying again may help.
    Transient,
    /// A broken invariant on our side.
    Bug,
}

/// Result of the media core.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong between a byte and a picture.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a container that libavformat can open.
    #[error("not a readable media file: {detail}")]
    Open {
        /// libavformat's reason.
        detail: String,
    },
    /// Reading the source failed below the container.
    #[error("reading failed: {detail}")]
    Read {
        /// The store's or system's reason.
        detail: String,
    },
    /// A packet did not decode.
    #[error("{detail}")]
    Decode {
        /// The decoder's own words.
        detail: String,
    },
    /// A packet is not a frame of its codec, or cannot follow those before it.
    #[error("{codec}: {what}")]
    Bitstream {
        /// The codec's name.
        codec: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The codec, container or option is not to be had.
    #[error("{what}")]
    Unsupported {
        /// What was asked and what would fit.
        what: String,
    },
    /// An encoder refused its configuration or a picture.
    #[error("encoder {encoder}: {detail}")]
    Encode {
        /// The encoder's name.
        encoder: String,
        /// Its reason.
        detail: String,
    },
    /// A filter graph could not be built or run.
    #[error("filter {graph}: {detail}")]
    Filter {
        /// The graph's description.
        graph: String,
        /// libavfilter's reason.
        detail: String,
    },
    /// Writing a container failed.
    #[error("writing {container}: {detail}")]
    Mux {
        /// The container's name.
        container: String,
        /// libavformat's or the system's reason.
        detail: String,
        /// True when the disk is full or the file cannot be written.
        io: bool,
    },
    /// The room kept for a file's index is too small for it.
    #[error("an index of more than the {room} bytes kept for it")]
    IndexRoom {
        /// Bytes kept.
        room: u32,
    },
    /// A value is beyond what we accept from input.
    #[error("{what} {value} is beyond the limit of {limit}")]
    Limit {
        /// The quantity.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The limit.
        limit: u64,
    },
    /// Stored data of ours is damaged or from another version.
    #[error("{what}: {detail}")]
    Corrupt {
        /// What was being read.
        what: &'static str,
        /// How it is wrong.
        detail: String,
    },
    /// Two pictures cannot be compared.
    #[error("pictures differ in {what}")]
    Mismatch {
        /// The property that differs.
        what: &'static str,
    },
    /// The caller asked us to stop.
    #[error("cancelled")]
    Cancelled,
    /// A library broke its contract.
    #[error("internal: {detail}")]
    Bug {
        /// What happened.
        detail: String,
    },
}

impl Error {
    /// Which of the three kinds of failure this is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Read { .. } | Self::Corrupt { .. } | Self::Cancelled => Class::Transient,
            Self::Bug { .. } => Class::Bug,
            _ => Class::BadInput,
        }
    }
}
