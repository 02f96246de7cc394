// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names the build.

#[path = "../build/sources.rs"]
mod sources;

fn main() {
    // The worker chooses a video's stream and says how it is turned.
    let folders = ["src", "../thumbs/src", "../worker/src", "../codec/src"];
    sources::name_build("FRAMEMILL_SERVE_BUILD", &folders);
}
