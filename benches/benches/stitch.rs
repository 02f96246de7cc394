// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stitching 200 MB in 40 chunks, against `cp` of the same bytes in the same
//! run, with and without waiting for the disk; and all of it once more in CPU
//! time, which other users of the machine do not disturb, against a plain copy
//! in this process.

// criterion's macros make a public function.
#![allow(missing_docs)]

use bytes_of::{blobs, CHUNKS, FRAMES, SIZE};
use criterion::measurement::Measurement;
use criterion::{criterion_group, criterion_main, BenchmarkGroup, Criterion, Throughput};
use framemill::plan::container::Container;
use framemill::stitch::{stitch, verify_times, Expected, Stitch, VideoTimes};
use framemill_benches::cpu::{criterion, CpuTime};
use framemill_benches::packets::{unit, PERIOD};
use framemill_benches::work::Workshop;
use framemill_codec::libav;
use framemill_worker::TaskKey;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio_util::sync::CancellationToken;

/// The chunks.
mod bytes_of {
    use framemill_benches::packets::{header, packet, write};
    use framemill_benches::work::Workshop;
    use framemill_store::PutMode;
    use framemill_worker::TaskKey;

    pub const CHUNKS: u64 = 40;
    pub const FRAMES: u64 = 120;
    pub const SIZE: usize = 41_667;

    /// Stores all chunks, and all of them once more as one file for `cp`.
    pub fn blobs(shop: &Workshop) -> Vec<TaskKey> {
        let header = header().expect("an encoder");
        let mut all = Vec::new();
        let store = |chunk: u64| {
            let frames = chunk * FRAMES..(chunk + 1) * FRAMES;
            let packets: Vec<_> = frames.map(|n| packet(n, SIZE, n % FRAMES == 0)).collect();
            let (bytes, _) = write(Vec::new(), &header, &packets).expect("a packet file");
            all.extend_from_slice(&bytes);
            let task: TaskKey =
                serde_json::from_value(format!("{chunk:040x}").into()).expect("a key");
            let key = shop.place.full_key(&task.data_key());
            let put = shop.place.work.put(&key, bytes.into(), PutMode::Overwrite);
            shop.runtime.block_on(put).expect("a stored blob");
            task
        };
        let blobs = (0..CHUNKS).map(store).collect();
        std::fs::write(shop.folder.path().join("all"), all).expect("a file");
        blobs
    }
}

fn shown() -> Vec<i64> {
    (0..(CHUNKS * FRAMES) as i64).map(|n| n * PERIOD).collect()
}

fn stitched(shop: &Workshop, chunks: &[TaskKey], container: Container, to: &Path) {
    let job = Stitch {
        name: "out.mkv".into(),
        place: &shop.place,
        container,
        chunks: chunks.to_vec(),
        times: VideoTimes {
            period: PERIOD,
            last_pts: (CHUNKS * FRAMES - 1) as i64 * PERIOD,
            last_duration: PERIOD,
            reorder: 0,
        },
        shown: &shown(),
        display_matrix: None,
        tracks: Vec::new(),
        video_metadata: BTreeMap::new(),
        metadata: BTreeMap::new(),
        chapters: Vec::new(),
    };
    stitch(job, to, &CancellationToken::new()).expect("a stitched file");
    let (size, payload) = (
        to.metadata().expect("a file").len(),
        CHUNKS * FRAMES * SIZE as u64,
    );
    assert!(
        (payload..payload + payload / 100).contains(&size),
        "{size} bytes"
    );
}

fn verified(file: &Path) {
    let expected = Expected {
        times: shown(),
        unit: unit(),
    };
    verify_times(file, "out.mkv", &expected, false).expect("the planned times");
}

fn copied(from: &Path, to: &Path) {
    let status = Command::new("cp").args([from, to]).status();
    assert!(status.expect("cp").success());
}

fn synced(file: &Path) {
    File::open(file).and_then(|f| f.sync_all()).expect("a disk");
}

/// What is measured, whatever is measured.
struct Bench {
    shop: Workshop,
    chunks: Vec<TaskKey>,
}

impl Bench {
    fn new() -> Self {
        libav::init();
        let shop = Workshop::new().expect("a folder");
        let chunks = blobs(&shop);
        Self { shop, chunks }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.shop.folder.path().join(name)
    }

    fn add_to<M: Measurement>(&self, group: &mut BenchmarkGroup<'_, M>) {
        let (mp4, mkv) = (self.file("out.mp4"), self.file("out.mkv"));
        let stitch = |container, to: &Path| stitched(&self.shop, &self.chunks, container, to);
        group.throughput(Throughput::Bytes(CHUNKS * FRAMES * SIZE as u64));
        group.bench_function("mkv", |b| b.iter(|| stitch(Container::Mkv, &mkv)));
        group.bench_function("mp4", |b| b.iter(|| stitch(Container::Mp4, &mp4)));
        group.bench_function("verify mp4", |b| b.iter(|| verified(&mp4)));
    }
}

fn wall(c: &mut Criterion) {
    let bench = Bench::new();
    let (all, copy, mp4) = (bench.file("all"), bench.file("copy"), bench.file("out.mp4"));
    let mut group = c.benchmark_group("stitch");
    group.throughput(Throughput::Bytes(CHUNKS * FRAMES * SIZE as u64));
    group.bench_function("cp", |b| b.iter(|| copied(&all, &copy)));
    bench.add_to(&mut group);
    group.bench_function("cp, synced", |b| {
        b.iter(|| {
            copied(&all, &copy);
            synced(&copy);
        });
    });
    group.bench_function("mp4, verified and synced", |b| {
        b.iter(|| {
            stitched(&bench.shop, &bench.chunks, Container::Mp4, &mp4);
            verified(&mp4);
            synced(&mp4);
        });
    });
    group.finish();
}

fn cpu(c: &mut Criterion<CpuTime>) {
    let bench = Bench::new();
    let (all, copy) = (bench.file("all"), bench.file("copy"));
    let mut group = c.benchmark_group("stitch, CPU");
    group.throughput(Throughput::Bytes(CHUNKS * FRAMES * SIZE as u64));
    group.bench_function("copy", |b| {
        b.iter(|| std::fs::copy(&all, &copy).expect("a copy"));
    });
    bench.add_to(&mut group);
    group.finish();
}

criterion_group! {
    name = in_wall_clock;
    config = Criterion::default().sample_size(10);
    targets = wall
}
criterion_group! {
    name = in_cpu_time;
    config = criterion(10);
    targets = cpu
}
criterion_main!(in_wall_clock, in_cpu_time);
