// SPDX-License-Identifier: MIT OR Apache-2.0
//! Planning a two-hour MP4 of 216,000 frames: the index task against a store on
//! disk, reading its result back, and the plan. The goal is less than a second.

// criterion's macros make a public function.
#![allow(missing_docs)]

use clap::Parser;
use criterion::{criterion_group, criterion_main, Criterion};
use framemill::cli::transcode::MediaArgs;
use framemill::job::{load_index, look_up};
use framemill::plan::{self, span};
use framemill_benches::cpu::{criterion, CpuTime};
use framemill_benches::media::{two_hours, LONG_FRAMES};
use framemill_benches::work::Workshop;
use framemill_codec::libav;
use framemill_worker::index::{Index, IndexTask};
use framemill_worker::{run, Task, Unwatched};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    media: MediaArgs,
}

fn index(shop: &Workshop, file: &Path) -> Arc<Index> {
    let source = shop.runtime.block_on(look_up(&file.to_string_lossy()));
    let task = Task::Index(IndexTask {
        source: source.expect("a source"),
        decode: false,
    });
    let outcome = run(&task, &shop.place, &Unwatched).expect("an index");
    let index = shop.runtime.block_on(load_index(&shop.place, &outcome.key));
    index.expect("an index that can be read back")
}

fn plan_it(index: &Index, file: &Path) -> plan::Plan {
    let file = file.to_string_lossy();
    let args = ["plan", &file, "--codec", "h264"];
    let options = Args::try_parse_from(args)
        .expect("arguments")
        .media
        .options("out.mp4");
    let plan = plan::plan(index, &options, &file).expect("a plan");
    let frames: u64 = plan.chunks.iter().map(|c| c.frames).sum();
    assert_eq!(frames, LONG_FRAMES);
    plan
}

fn planning(c: &mut Criterion<CpuTime>) {
    libav::init();
    let shop = Workshop::new().expect("a folder");
    for (name, sound) in [("video", false), ("video+audio", true)] {
        let file = two_hours(sound).expect("a generated source");
        let mut group = c.benchmark_group(format!("plan/{name}"));
        let known = index(&shop, &file);
        group.bench_function("index", |b| {
            b.iter(|| assert_eq!(index(&shop, &file).packets.len() as u64, LONG_FRAMES));
        });
        group.bench_function("plan", |b| b.iter(|| plan_it(&known, &file)));
        group.bench_function("index+plan", |b| {
            b.iter(|| plan_it(&index(&shop, &file), &file));
        });
        let plan = plan_it(&known, &file);
        group.bench_function("tasks", |b| {
            b.iter(|| {
                for chunk in &plan.chunks {
                    let task =
                        span::encode_task(&known, &plan.timeline, &plan.video, chunk, true, 0);
                    black_box(Task::Encode(Box::new(task)).key());
                }
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = criterion(10);
    targets = planning
}
criterion_main!(benches);
