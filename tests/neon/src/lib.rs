// SPDX-License-Identifier: MIT OR Apache-2.0
//! framemill's kernels without the rest of it, so that their tests can be built
//! for AArch64 where the libraries that framemill-codec links are not at hand.
//! `scripts/neon.sh` builds and runs them.

// Written for use inside framemill-codec.
#![allow(dead_code, unused_imports)]

#[path = "../../../codec/src/dsp/mod.rs"]
pub mod dsp;
