// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every VP8 kernel at every level that this machine has, over a strip of 64
//! macroblocks. Elements are samples predicted, added to, compared or
//! transformed or, for a loop filter, in the blocks whose edges it filters.
//! Each answer is checked against the scalar one.

// criterion's macros make a public function.
#![allow(missing_docs)]

#[path = "kernels/encoder.rs"]
mod encoder;

use criterion::{criterion_group, criterion_main, BatchSize, Criterion, Throughput};
use framemill_benches::cpu::{criterion, CpuTime};
use framemill_codec::dsp::{BlockSize, Dsp, EdgeLimits, Level, SubMode, Width};
use std::hint::black_box;
use std::time::Duration;

const BLOCKS: usize = 64;
const STRIDE: usize = BLOCKS * 16 + 64;
const ROWS: usize = 80;
/// The strip's first macroblock, and the distance of V under U.
const FIRST: usize = 16 * STRIDE + 32;
const V: usize = 24 * STRIDE;

const LIMITS: EdgeLimits = EdgeLimits {
    edge: 40,
    interior: 12,
    hev: 1,
};

/// Runs a kernel once: (kernels, source, destination, place).
type Run = fn(&Dsp, &[u8], &mut [u8], usize);

/// A picture with slopes and some noise: most edges are filtered, not all.
fn picture() -> Vec<u8> {
    let sample = |i: usize| {
        let (x, y) = (i % STRIDE, i / STRIDE);
        40 + (x * 3 / 2 + y * 5 / 3) % 160 + (x * y * 7919 + x * 31) % 9
    };
    (0..STRIDE * ROWS).map(|i| sample(i) as u8).collect()
}

/// Coefficients as of a coarse quantiser.
static COEFFS: [i16; 64] = {
    let mut out = [0; 64];
    let mut i = 0;
    while i < 64 {
        out[i] = (i * 37 % 61) as i16 * 8 - 240;
        i += 1;
    }
    out
};

fn coeffs<const N: usize>() -> &'static [i16; N] {
    let first = COEFFS.first_chunk();
    black_box(first.expect("at most 64"))
}

fn inter(
    width: Width,
    height: usize,
    mx: usize,
    my: usize,
) -> impl Fn(&Dsp, &[u8], &mut [u8], usize) {
    move |dsp, src, dst, at| {
        dsp.sixtap(width, src, at + 3, STRIDE, dst, at, STRIDE, height, mx, my);
    }
}

const INTER: &[(&str, usize, Run)] = &[
    ("sixtap 16x16 both", 256, |d, s, b, at| {
        inter(Width::W16, 16, 2, 6)(d, s, b, at)
    }),
    ("sixtap 16x16 across", 256, |d, s, b, at| {
        inter(Width::W16, 16, 4, 0)(d, s, b, at)
    }),
    ("sixtap 16x16 down", 256, |d, s, b, at| {
        inter(Width::W16, 16, 0, 4)(d, s, b, at)
    }),
    ("sixtap 8x8 both", 64, |d, s, b, at| {
        inter(Width::W8, 8, 2, 6)(d, s, b, at)
    }),
    ("sixtap 8x8 both, 4 taps", 64, |d, s, b, at| {
        inter(Width::W8, 8, 3, 5)(d, s, b, at)
    }),
    ("sixtap 8x8 across", 64, |d, s, b, at| {
        inter(Width::W8, 8, 4, 0)(d, s, b, at)
    }),
    ("sixtap 8x8 down", 64, |d, s, b, at| {
        inter(Width::W8, 8, 0, 4)(d, s, b, at)
    }),
    ("sixtap 4x4 both", 16, |d, s, b, at| {
        inter(Width::W4, 4, 2, 6)(d, s, b, at)
    }),
    ("bilinear 16x16 both", 256, |d, s, b, at| {
        d.bilinear(Width::W16, s, at + 3, STRIDE, b, at, STRIDE, 16, 3, 5);
    }),
    ("bilinear 8x8 both", 64, |d, s, b, at| {
        d.bilinear(Width::W8, s, at + 3, STRIDE, b, at, STRIDE, 8, 3, 5);
    }),
    ("copy 16x16", 256, |d, s, b, at| {
        d.copy(Width::W16, s, at + 3, STRIDE, b, at, STRIDE, 16);
    }),
];

const RESIDUAL: &[(&str, usize, Run)] = &[
    ("iwht", 16, |d, _, b, at| {
        let out = d.iwht(coeffs());
        b[at] = out.iter().fold(0, |sum, &x| sum ^ x as u8);
    }),
    ("idct_add", 16, |d, _, b, at| {
        d.idct_add(coeffs(), b, at, STRIDE)
    }),
    ("idct_add_x2", 32, |d, _, b, at| {
        d.idct_add_x2(coeffs(), b, at, STRIDE)
    }),
    ("idct_add_x4", 64, |d, _, b, at| {
        d.idct_add_x4(coeffs(), b, at, STRIDE)
    }),
    ("idct_dc_add", 16, |d, _, b, at| {
        d.idct_dc_add(black_box(133), b, at, STRIDE)
    }),
    ("idct_dc_add_x4", 64, |d, _, b, at| {
        d.idct_dc_add_x4(black_box([133, -61, 8, 0]), b, at, STRIDE);
    }),
];

const FILTER: &[(&str, usize, Run)] = &[
    ("mb_left", 256, |d, _, b, at| {
        d.filter_mb_left(b, at, STRIDE, LIMITS)
    }),
    ("mb_top", 256, |d, _, b, at| {
        d.filter_mb_top(b, at, STRIDE, LIMITS)
    }),
    ("inner_left", 256, |d, _, b, at| {
        d.filter_inner_left(b, at, STRIDE, LIMITS)
    }),
    ("inner_top", 256, |d, _, b, at| {
        d.filter_inner_top(b, at, STRIDE, LIMITS)
    }),
    ("mb_left_chroma", 128, |d, _, b, at| {
        d.filter_mb_left_chroma(b, at, at + V, STRIDE, LIMITS);
    }),
    ("mb_top_chroma", 128, |d, _, b, at| {
        d.filter_mb_top_chroma(b, at, at + V, STRIDE, LIMITS);
    }),
    ("inner_left_chroma", 128, |d, _, b, at| {
        d.filter_inner_left_chroma(b, at, at + V, STRIDE, LIMITS);
    }),
    ("inner_top_chroma", 128, |d, _, b, at| {
        d.filter_inner_top_chroma(b, at, at + V, STRIDE, LIMITS);
    }),
    ("simple_mb_left", 256, |d, _, b, at| {
        d.simple_mb_left(b, at, STRIDE, 40)
    }),
    ("simple_mb_top", 256, |d, _, b, at| {
        d.simple_mb_top(b, at, STRIDE, 40)
    }),
    ("simple_inner_left", 256, |d, _, b, at| {
        d.simple_inner_left(b, at, STRIDE, 40)
    }),
    ("simple_inner_top", 256, |d, _, b, at| {
        d.simple_inner_top(b, at, STRIDE, 40)
    }),
];

const INTRA: &[(&str, usize, Run)] = &[
    ("fill 16x16", 256, |d, _, b, at| {
        d.intra_fill(BlockSize::B16, 77, b, at, STRIDE)
    }),
    ("vertical 16x16", 256, |d, s, b, at| {
        d.intra_vertical(BlockSize::B16, &s[at..], b, at, STRIDE);
    }),
    ("horizontal 16x16", 256, |d, s, b, at| {
        d.intra_horizontal(BlockSize::B16, &s[at..], b, at, STRIDE);
    }),
    ("true_motion 16x16", 256, |d, s, b, at| {
        d.intra_true_motion(
            BlockSize::B16,
            &s[at..],
            &s[at + STRIDE..],
            s[0],
            b,
            at,
            STRIDE,
        );
    }),
    ("true_motion 8x8", 64, |d, s, b, at| {
        d.intra_true_motion(
            BlockSize::B8,
            &s[at..],
            &s[at + STRIDE..],
            s[0],
            b,
            at,
            STRIDE,
        );
    }),
    ("4x4, every mode", 160, |d, s, b, at| {
        let (above, left) = (&s[at..at + 8], &s[at + STRIDE..at + STRIDE + 4]);
        let (Ok(above), Ok(left)) = (above.try_into(), left.try_into()) else {
            unreachable!("8 and 4 samples");
        };
        for mode in SubMode::ALL {
            let to = at + usize::from(mode as u8) * 4 * STRIDE;
            d.intra_4x4(mode, above, left, s[0], b, to, STRIDE);
        }
    }),
];

fn over_strip(dsp: &Dsp, run: Run, src: &[u8], dst: &mut [u8]) {
    for block in 0..BLOCKS {
        run(dsp, src, dst, FIRST + 16 * block);
    }
}

fn kernels(c: &mut Criterion<CpuTime>) {
    let src = picture();
    let groups = [
        ("inter", INTER),
        ("residual", RESIDUAL),
        ("loop_filter", FILTER),
        ("intra", INTRA),
        ("compare", encoder::COMPARE),
        ("forward", encoder::FORWARD),
        ("quant", encoder::QUANT),
        ("quality", encoder::QUALITY),
    ];
    let scalar = Dsp::get(Level::Scalar).expect("on every machine");
    for (group, list) in groups {
        for &(name, samples, run) in list {
            let mut want = src.clone();
            over_strip(scalar, run, &src, &mut want);
            let mut group = c.benchmark_group(format!("kernels/{group}/{name}"));
            group.throughput(Throughput::Elements((samples * BLOCKS) as u64));
            for dsp in Level::ALL.into_iter().filter_map(Dsp::get) {
                let mut got = src.clone();
                over_strip(dsp, run, &src, &mut got);
                assert!(got == want, "{name} at {}", dsp.level());
                group.bench_function(dsp.level().name(), |bench| {
                    bench.iter_batched_ref(
                        || src.clone(),
                        |dst| over_strip(dsp, run, &src, dst),
                        BatchSize::SmallInput,
                    );
                });
            }
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = criterion(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = kernels
}
criterion_main!(benches);
