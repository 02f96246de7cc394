// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names the build.

#[path = "../build/sources.rs"]
mod sources;

fn main() {
    sources::name_build("FRAMEMILL_BUILD", &["src", "../codec/src", "../thumbs/src"]);
}
