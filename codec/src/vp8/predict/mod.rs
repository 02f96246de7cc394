// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prediction of macroblocks, within a frame (RFC 6386 §12) and between frames (§18).

pub(crate) mod inter;
pub(crate) mod intra;
