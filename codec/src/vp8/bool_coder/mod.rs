// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boolean entropy coder (RFC 6386 §7).

mod reader;
mod writer;

pub(crate) use reader::BoolReader;
pub(crate) use writer::{BoolSink, BoolWriter};
