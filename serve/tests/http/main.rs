// SPDX-License-Identifier: MIT OR Apache-2.0
//! The server as clients meet it: real sockets on this machine, real sources.

mod answers;
mod caching;
mod common;
mod load;
mod options;
mod remote;
mod video;
