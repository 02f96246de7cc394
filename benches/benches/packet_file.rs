// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing and reading packet files in memory, digest included, for small
//! packets and large ones.

// criterion's macros make a public function.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use framemill_benches::cpu::{criterion, CpuTime};
use framemill_benches::packets::{header, packet, write};
use framemill_codec::libav;
use framemill_codec::packet::PacketFileReader;

const BYTES: usize = 32 << 20;

fn packet_files(c: &mut Criterion<CpuTime>) {
    libav::init();
    let header = header().expect("an encoder");
    for size in [500, 40_000] {
        let packets: Vec<_> = (0..(BYTES / size) as u64)
            .map(|n| packet(n, size, n == 0))
            .collect();
        let (file, wrote) = write(Vec::new(), &header, &packets).expect("memory");
        let mut group = c.benchmark_group(format!("packet_file/{size} bytes each"));
        group.throughput(Throughput::Bytes(wrote.payload_bytes));
        group.bench_function("write", |b| {
            b.iter(|| {
                let sink = Vec::with_capacity(file.len());
                let (again, summary) = write(sink, &header, &packets).expect("memory");
                assert_eq!((again.len(), summary), (file.len(), wrote));
            });
        });
        group.bench_function("read", |b| {
            b.iter(|| {
                let mut reader = PacketFileReader::new(file.as_slice()).expect("a packet file");
                let mut count = 0;
                while let Some(packet) = reader.next_packet().expect("whole packets") {
                    count += usize::from(packet.data.len() == size);
                }
                assert_eq!(count, packets.len());
                assert_eq!(reader.summary(), Some(wrote));
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = criterion(10);
    targets = packet_files
}
criterion_main!(benches);
