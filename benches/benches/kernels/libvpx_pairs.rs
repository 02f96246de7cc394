// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is measured, and how.

/// A list of pairs: `name: ours, call(theirs, …);`, where `call` gets the place,
/// libvpx's kernel and what else there is.
macro_rules! pairs {
    ($($name:literal: $ours:expr, $call:ident($theirs:ident $(, $arg:expr)*);)*) => {
        pub const PAIRS: &[Pair] = &[$(Pair {
            name: $name,
            ours: $ours,
            theirs: (stringify!($theirs), |p| $call(p, $theirs $(, $arg)*)),
        },)*];
    };
}

#[path = "libvpx_decode.rs"]
mod decode;
#[path = "libvpx_encode.rs"]
mod encode;

use framemill_codec::dsp::{Dsp, Level};
use std::hint::black_box;
use std::time::Instant;

const BLOCKS: usize = 64;
pub const STRIDE: usize = BLOCKS * 16 + 64;
const ROWS: usize = 80;
const FIRST: usize = 16 * STRIDE + 32;
/// Distances of the chroma blocks under a macroblock's place.
pub const U: usize = 24 * STRIDE;
pub const V: usize = 36 * STRIDE;
/// Where a second block to compare with is, from the first.
pub const OTHER: usize = 3 * STRIDE + 5;
/// Likewise of a prediction, which libvpx has aligned.
pub const PRED: usize = 3 * STRIDE;
const SAMPLES: usize = 400;

/// One call: what it reads, what it writes and where.
pub struct Place<'a> {
    pub dsp: &'static Dsp,
    pub src: &'a [u8],
    pub dst: &'a mut [u8],
    pub at: usize,
}

impl Place<'_> {
    pub fn src_at(&self, x: usize) -> *const u8 {
        self.src[self.at + x..].as_ptr()
    }

    pub fn dst_at(&mut self, x: usize) -> *mut u8 {
        self.dst[self.at + x..].as_mut_ptr()
    }

    pub fn put(&mut self, value: u32) {
        self.dst[self.at..][..4].copy_from_slice(&value.to_le_bytes());
    }

    pub fn put_one<const N: usize>(&mut self, values: &[i16; N], which: usize) {
        self.dst[self.at] = black_box(values)[which] as u8;
    }
}

/// Values at an address that any vector may have.
#[repr(align(32))]
pub struct Aligned<T>(pub T);

pub type Run = fn(&mut Place<'_>);

/// A kernel of ours and libvpx's.
pub struct Pair {
    pub name: &'static str,
    pub ours: Run,
    pub theirs: (&'static str, Run),
}

fn strip(run: Run, place: &mut Place<'_>) {
    for block in 0..BLOCKS {
        place.at = FIRST + 16 * block;
        run(place);
    }
}

/// A buffer that begins at a multiple of 32: (room, beginning).
fn aligned(len: usize) -> (Vec<u8>, usize) {
    let room = vec![0; len + 32];
    let skip = room.as_ptr().align_offset(32);
    (room, skip)
}

fn fill(picture: &mut [u8]) {
    for (i, sample) in picture.iter_mut().enumerate() {
        let (x, y) = (i % STRIDE, i / STRIDE);
        *sample = (40 + (x * 3 / 2 + y * 5 / 3) % 160 + (x * y * 7919 + x * 31) % 9) as u8;
    }
}

/// Best nanoseconds of a call: libvpx's, and ours at each level.
fn measure(pair: &Pair, dsps: &[&'static Dsp]) -> Vec<f64> {
    let len = STRIDE * ROWS;
    let (mut src, skip) = aligned(len);
    fill(&mut src[skip..][..len]);
    let src = &src[skip..][..len];
    let (mut dst, skip) = aligned(len);
    let dst = &mut dst[skip..][..len];
    let runs: Vec<_> = std::iter::once((dsps[0], pair.theirs.1))
        .chain(dsps.iter().map(|&dsp| (dsp, pair.ours)))
        .collect();
    let mut want: Option<Vec<u8>> = None;
    let mut best = vec![f64::MAX; runs.len()];
    for sample in 0..SAMPLES {
        for (best, &(dsp, run)) in best.iter_mut().zip(&runs) {
            dst.copy_from_slice(src);
            let at = 0;
            let mut place = Place { dsp, src, dst, at };
            let start = Instant::now();
            strip(run, &mut place);
            *best = best.min(start.elapsed().as_nanos() as f64 / BLOCKS as f64);
            if sample == 0 {
                let want = want.get_or_insert_with(|| dst.to_vec());
                assert!(want == dst, "{} at {}", pair.name, dsp.level());
            }
        }
    }
    best
}

/// Measures every pair and prints the table.
pub fn run() {
    let dsps: Vec<_> = Level::ALL.into_iter().filter_map(Dsp::get).collect();
    let best = dsps.len();
    let names = || dsps.iter().map(|dsp| dsp.level().name());
    let times: String = names().map(|name| format!(" {name} |")).collect();
    let to_scalar: String = names()
        .skip(1)
        .map(|name| format!(" {name} to scalar |"))
        .collect();
    println!("| kernel | libvpx's | ns |{times}{to_scalar} to libvpx |");
    println!(
        "|---|---|{}",
        "---|".repeat(2 + dsps.len() + dsps.len() - 1)
    );
    for pair in decode::PAIRS.iter().chain(encode::PAIRS) {
        let ns = measure(pair, &dsps);
        let times: String = ns[1..].iter().map(|ns| format!(" {ns:.1} |")).collect();
        let to_scalar = ns[2..]
            .iter()
            .map(|&level| format!(" {:.1}× |", ns[1] / level));
        let to_scalar: String = to_scalar.collect();
        let ratio = ns[0] / ns[best];
        println!(
            "| {} | `{}` | {:.1} |{times}{to_scalar} **{ratio:.2}×** |",
            pair.name, pair.theirs.0, ns[0],
        );
    }
}
