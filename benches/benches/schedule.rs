// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scheduler alone: a job of 10⁴ and 2·10⁴ chunks, 1000 in flight, on a
//! virtual clock. Elements are tasks.

// criterion's macros make a public function.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};
use framemill::schedule::{Action, Config, Event, InvocationId, Kind, NodeSpec, Scheduler, Status};
use framemill_benches::cpu::{criterion, CpuTime};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

const IN_FLIGHT: u32 = 1000;

/// An index, `chunks` encodes after it, and a stitch after them.
fn job(chunks: u32) -> Scheduler {
    let mut scheduler = Scheduler::new(Config {
        max_in_flight: IN_FLIGHT,
        ..Config::default()
    })
    .expect("the default settings are in range");
    let index = scheduler.add(NodeSpec::new(Kind(0), 1)).expect("a node");
    let chunks: Vec<_> = (0..chunks)
        .map(|n| {
            let spec = NodeSpec::new(Kind(1), 200 + n % 100).after([index]);
            scheduler.add(spec).expect("a node")
        })
        .collect();
    let stitch = NodeSpec::new(Kind(2), 1).after(chunks);
    scheduler.add(stitch).expect("a node");
    scheduler.seal();
    scheduler
}

/// Drives a job to its end; gives the nodes done and the most ever in flight.
fn drive(scheduler: &mut Scheduler) -> (u32, usize) {
    let mut running: BinaryHeap<Reverse<(Duration, Option<InvocationId>)>> = BinaryHeap::new();
    let mut actions = Vec::new();
    let (mut done, mut most, mut in_flight) = (0, 0, 0usize);
    let mut event = Event::Start;
    let mut now = Duration::ZERO;
    loop {
        scheduler.handle(event, now, &mut actions);
        for action in actions.drain(..) {
            match action {
                Action::Launch { invocation, .. } => {
                    // Spread by up to a tenth, so that nothing looks late.
                    let spread = invocation.0.wrapping_mul(0x9E37_79B9) % 100;
                    let end = now + Duration::from_millis(1000 + spread);
                    running.push(Reverse((end, Some(invocation))));
                    in_flight += 1;
                    most = most.max(in_flight);
                }
                Action::NodeDone { .. } => done += 1,
                Action::WakeAt(at) => running.push(Reverse((at, None))),
                Action::JobDone => return (done, most),
                other => panic!("{other:?}"),
            }
        }
        let Reverse((at, invocation)) = running.pop().expect("the job does not end");
        now = at;
        event = match invocation {
            Some(invocation) => {
                in_flight -= 1;
                Event::Finished {
                    invocation,
                    cost: 1.0,
                }
            }
            None => Event::Tick,
        };
    }
}

fn schedule(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("schedule");
    for chunks in [10_000u32, 20_000] {
        group.throughput(Throughput::Elements(u64::from(chunks)));
        group.bench_function(BenchmarkId::new("chunks", chunks), |b| {
            b.iter(|| {
                let mut scheduler = job(chunks);
                assert_eq!(drive(&mut scheduler), (chunks + 2, IN_FLIGHT as usize));
                assert_eq!(scheduler.status(), Status::Done);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = criterion(20);
    targets = schedule
}
criterion_main!(benches);
