// SPDX-License-Identifier: MIT OR Apache-2.0
//! VP8 states of a real 720p clip as bytes and back, and their digests. The
//! sizes are printed; a frame's planes are 1,382,400 bytes.

// criterion's macros make a public function.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use framemill_benches::cpu::{criterion, CpuTime};
use framemill_benches::media;
use framemill_codec::dsp::Dsp;
use framemill_codec::ivf::Reader;
use framemill_codec::vp8::{Decoder, State};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;

/// The states with the most bytes on the wire, by the number of different
/// references that they hold.
fn states() -> BTreeMap<usize, State> {
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/bigbuckbunny.mp4");
    let args = "-frames:v 60 -an -c:v libvpx -threads 1 -deadline good -cpu-used 2 -auto-alt-ref 1 -lag-in-frames 16 -crf 16 -b:v 8M";
    let args: Vec<&str> = ["-i", clip].into_iter().chain(args.split(' ')).collect();
    let path = media::made("state-720p.ivf", &args).expect("ffmpeg with libvpx");
    let file = BufReader::new(File::open(path).expect("a file"));
    let mut reader = Reader::new(file).expect("IVF");
    let mut decoder = Decoder::new(Dsp::best());
    let mut found = BTreeMap::new();
    while let Some(packet) = reader.next_packet().expect("whole packets") {
        decoder.decode(&packet.data).expect("VP8");
        let state = decoder.state();
        let size = state.to_bytes().len();
        let best = found
            .entry(different(state))
            .or_insert((0, State::default()));
        if size > best.0 {
            *best = (size, state.clone());
        }
    }
    found
        .into_iter()
        .map(|(n, (_, state))| (n, state))
        .collect()
}

/// How many of the three references differ.
fn different(state: &State) -> usize {
    let Some(r) = &state.references else {
        return 0;
    };
    1 + usize::from(r.golden != r.last) + usize::from(r.altref != r.last && r.altref != r.golden)
}

fn vp8_state(c: &mut Criterion<CpuTime>) {
    for (count, state) in states() {
        let bytes = state.to_bytes();
        let digest = state.digest();
        println!("{count} different references: {} bytes", bytes.len());
        let mut group = c.benchmark_group(format!("vp8_state/{count} different references"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("write", |b| {
            b.iter(|| assert_eq!(state.to_bytes().len(), bytes.len()));
        });
        group.bench_function("read", |b| {
            b.iter(|| assert_eq!(State::from_bytes(&bytes).expect("a state").info, state.info));
        });
        group.bench_function("digest", |b| {
            b.iter(|| assert_eq!(state.digest(), digest));
        });
        group.finish();
        assert_eq!(State::from_bytes(&bytes).expect("a state"), state);
    }
}

criterion_group! {
    name = benches;
    config = criterion(20);
    targets = vp8_state
}
criterion_main!(benches);
