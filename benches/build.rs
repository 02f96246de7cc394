// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks for libvpx's static library, whose kernels `kernels_libvpx` measures
//! ours against. Where there is none, that bench says so and ends.

use std::path::Path;

const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/libvpx.a",
    "/usr/lib64/libvpx.a",
    "/usr/lib/libvpx.a",
    "/usr/local/lib/libvpx.a",
];

fn main() {
    println!("cargo:rustc-check-cfg=cfg(libvpx_a)");
    let x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    for place in PLACES {
        println!("cargo:rerun-if-changed={place}");
    }
    let found = PLACES.into_iter().find(|place| Path::new(place).exists());
    if let (true, Some(place)) = (x86, found) {
        println!("cargo:rustc-cfg=libvpx_a");
        // Benches that name none of its symbols get nothing of it.
        println!("cargo:rustc-link-arg-benches={place}");
    }
}
