// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boolean entropy coder (RFC 6386 §7).

mod reader;

pub(crate) use reader::BoolReader;
