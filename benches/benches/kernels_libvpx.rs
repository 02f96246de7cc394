// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our kernels against libvpx's, where its static library is installed: best
//! times of a call in nanoseconds over a strip of 64 macroblocks, taken in
//! turn, as a Markdown table. Answers must agree.

#[cfg(libvpx_a)]
#[path = "kernels/libvpx_calls.rs"]
mod calls;
#[cfg(libvpx_a)]
#[path = "kernels/libvpx.rs"]
mod libvpx;
#[cfg(libvpx_a)]
#[path = "kernels/libvpx_pairs.rs"]
mod pairs;

#[cfg(libvpx_a)]
fn main() {
    println!("{}\n", framemill_benches::machine::describe());
    pairs::run();
}

#[cfg(not(libvpx_a))]
fn main() {
    println!("no libvpx.a was found when this was built: nothing to measure against");
}
