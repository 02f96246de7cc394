// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of this codec.

pub(crate) use crate::error::Result;
use crate::Error;

/// A packet that is no VP8 frame, or not one that can follow.
pub(crate) fn bad(what: impl Into<String>) -> Error {
    Error::Bitstream {
        codec: "vp8",
        what: what.into(),
    }
}
