// SPDX-License-Identifier: MIT OR Apache-2.0
//! PSNR and SSIM of a 1080p picture with 4:2:0 chroma, 8 and 10 bits.
//! Elements are luma pixels.

// criterion's macros make a public function.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use framemill_benches::cpu::{criterion, CpuTime};
use framemill_codec::metrics::{mse, ssim, Quality};
use framemill_codec::picture::{ChromaSampling, PictureView, PlaneView};
use std::hint::black_box;

const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;

/// Planes of a smooth picture with `offset` added to every sample.
fn planes(depth: u8, offset: u16) -> Vec<Vec<u8>> {
    [
        (WIDTH, HEIGHT),
        (WIDTH / 2, HEIGHT / 2),
        (WIDTH / 2, HEIGHT / 2),
    ]
    .iter()
    .map(|&(width, height)| {
        let samples = (0..width * height).map(|i| {
            let (x, y) = (i % width, i / width);
            40 + ((x * 3 + y * 5) % 97) as u16 + ((x * y) % 31) as u16 + offset
        });
        match depth {
            8 => samples.map(|s| s as u8).collect(),
            _ => samples.flat_map(|s| (s * 4).to_le_bytes()).collect(),
        }
    })
    .collect()
}

fn view(planes: &[Vec<u8>], depth: u8) -> PictureView<'_> {
    let bytes = if depth > 8 { 2 } else { 1 };
    let planes = planes.iter().enumerate().map(|(n, data)| {
        let half = usize::from(n > 0);
        PlaneView {
            data,
            stride: (WIDTH >> half) * bytes,
            width: WIDTH >> half,
            height: HEIGHT >> half,
        }
    });
    PictureView {
        planes: planes.collect(),
        depth,
        sampling: ChromaSampling::Cs420,
    }
}

fn metrics(c: &mut Criterion<CpuTime>) {
    for depth in [8, 10] {
        let (a, b) = (planes(depth, 0), planes(depth, 2));
        let (a, b) = (view(&a, depth), view(&b, depth));
        // Every sample differs by 2, or by 8 in 10 bits.
        let error = if depth == 8 { 4.0 } else { 64.0 };
        let mut group = c.benchmark_group(format!("metrics/{depth} bits"));
        group.throughput(Throughput::Elements((WIDTH * HEIGHT) as u64));
        group.bench_function("psnr", |bench| {
            bench.iter(|| {
                assert_eq!(
                    mse(black_box(&a), black_box(&b)).expect("equal forms").all,
                    error
                )
            });
        });
        group.bench_function("ssim", |bench| {
            bench.iter(|| {
                let all = ssim(black_box(&a), black_box(&b)).expect("equal forms").all;
                assert!((0.99..1.0).contains(&all), "{all}");
            });
        });
        group.bench_function("both", |bench| {
            bench.iter(|| {
                let mut quality = Quality::new();
                quality
                    .add(black_box(&a), black_box(&b))
                    .expect("equal forms");
                assert_eq!(quality.frames(), 1);
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = criterion(20);
    targets = metrics
}
criterion_main!(benches);
