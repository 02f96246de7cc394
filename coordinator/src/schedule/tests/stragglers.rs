// SPDX-License-Identifier: MIT OR Apache-2.0
//! Slow workers and what they may cost.

use super::sim::{simulate, Platform, Run};
use super::*;

/// Time of a chunk of weight 10 at the platform's pace.
const CHUNK: f64 = 1.0;

fn encode(chunks: u32, platform: &Platform, speculation: Option<Speculation>) -> Run {
    let mut scheduler = Scheduler::new(Config {
        max_in_flight: platform.slots.len() as u32,
        speculation,
        ..Config::default()
    })
    .expect("a valid configuration");
    let spec = NodeSpec::new(ENCODE, 10);
    let nodes: Vec<_> = (0..chunks)
        .map(|_| scheduler.add(spec.clone()).expect("an open graph"))
        .collect();
    scheduler.seal();
    let run = simulate(&mut scheduler, platform);
    run.assert_done(&nodes);
    run
}

/// Chunk times that one slow worker of 16 adds.
fn added(chunks: u32, slow: usize, spread: f64, deaf: bool) -> f64 {
    let even = Platform {
        slots: vec![1.0; 16],
        spread,
        deaf,
        ..Platform::default()
    };
    let mut uneven = even.clone();
    uneven.slots[slow] = 0.1;
    let speculation = Some(Speculation::default());
    let base = encode(chunks, &even, speculation).end;
    let end = encode(chunks, &uneven, speculation).end;
    (end.as_secs_f64() - base.as_secs_f64()) / CHUNK
}

/// The promise: less than one and a half chunk times, while the slow worker
/// is still at its first chunk when the ready ones run out.
#[test]
fn one_slow_worker_adds_less_than_one_and_a_half_chunks() {
    for deaf in [false, true] {
        for spread in [0.0, 0.1, 0.2] {
            for slow in [0, 7, 15] {
                for chunks in (16..=128).step_by(7).chain([32, 64, 128]) {
                    let added = added(chunks, slow, spread, deaf);
                    let case = format!("{chunks} chunks, {slow} slow, spread {spread}");
                    assert!(added < 1.5, "{case}: {added}");
                }
            }
        }
    }
}

/// Later it may take a second chunk just before the end, and no scheduler
/// that does not know the workers can see that coming: one multiple of the
/// median to notice, one median to run, and the lost worker's share.
#[test]
fn one_slow_worker_adds_at_most_three_chunks_to_a_long_run() {
    for slow in [0, 7, 15] {
        for chunks in (129..=400).step_by(31).chain([144, 160]) {
            for spread in [0.0, 0.2] {
                let added = added(chunks, slow, spread, false);
                let lost = f64::from(chunks) / 15.0 - f64::from(chunks) / 16.0;
                assert!(added < 2.4 + lost, "{chunks} chunks, {slow} slow: {added}");
            }
        }
    }
}

#[test]
fn without_speculation_a_slow_worker_costs_nine() {
    let mut platform = Platform {
        slots: vec![1.0; 16],
        spread: 0.0,
        ..Platform::default()
    };
    platform.slots[3] = 0.1;
    assert!(encode(16, &platform, None).end >= secs(9.9));
    let speculation = Some(Speculation::default());
    assert!(encode(16, &platform, speculation).end <= secs(2.4));
}

#[test]
fn even_workers_are_left_alone() {
    for seed in 0..10 {
        let platform = Platform {
            seed,
            slots: vec![1.0; 100],
            spread: 0.1,
            ..Platform::default()
        };
        let run = encode(1000, &platform, Some(Speculation::default()));
        assert!(run.launched.values().all(|n| *n == 1));
    }
}

#[test]
fn duplicates_stay_within_their_share() {
    let platform = Platform {
        slots: vec![1.0; 50],
        slow: 0.2,
        ..Platform::default()
    };
    let speculation = Speculation {
        max_duplicates: 1,
        max_fraction: 0.04,
        ..Speculation::default()
    };
    let run = encode(200, &platform, Some(speculation));
    assert!(run.launched.values().all(|n| *n <= 2));
    let (mut open, mut most) = (BTreeSet::new(), 0);
    for (_, action) in &run.log {
        match action {
            Action::Launch {
                invocation,
                speculative: true,
                ..
            } => _ = open.insert(*invocation),
            Action::Abort { invocation } | Action::NodeDone { invocation, .. } => {
                open.remove(invocation);
            }
            _ => {}
        }
        most = most.max(open.len());
    }
    assert!((1..=2).contains(&most), "{most} duplicates at once");
}

/// Weight makes long nodes comparable with short ones.
#[test]
fn a_long_chunk_is_not_a_late_one() {
    let mut hand = Hand::new(Config::default());
    for weight in [10, 10, 10, 10, 10, 10, 100] {
        let spec = NodeSpec::new(ENCODE, weight);
        assert!(hand.scheduler.add(spec).is_ok());
    }
    hand.scheduler.seal();
    // The heaviest goes first.
    let order = launches(&hand.send(Event::Start));
    assert_eq!(order[0], (0, NodeId(6)));
    hand.now = secs(1.0);
    for invocation in 1..=6 {
        hand.finish(invocation);
    }
    assert_eq!(launches(&hand.later(11.0, Event::Tick)), []);
    let duplicate = launches(&hand.later(1.2, Event::Tick));
    assert_eq!(duplicate, [(7, NodeId(6))]);
    // The first finisher wins; the other is aborted, its report ignored.
    let actions = hand.finish(0);
    assert_eq!(aborts(&actions), [7]);
    assert_eq!(actions.last(), Some(&Action::JobDone));
    assert_eq!(hand.finish(7), []);
    assert_eq!(hand.scheduler.counts().spent, 8.0);
}

#[test]
fn a_late_node_of_high_priority_goes_before_ready_ones() {
    let mut hand = Hand::new(Config {
        max_in_flight: 7,
        ..Config::default()
    });
    let urgent = NodeSpec::new(ENCODE, 10).priority(1);
    assert_eq!(hand.scheduler.add(urgent), Ok(NodeId(0)));
    hand.add(40, &[]);
    hand.send(Event::Start);
    hand.now = secs(1.0);
    for invocation in 1..=6 {
        hand.finish(invocation);
    }
    hand.now = secs(1.2);
    let next = launches(&hand.finish(7));
    assert_ne!(next[0].1, NodeId(0), "not late yet");
    hand.now = secs(1.5);
    let next = launches(&hand.finish(8));
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].1, NodeId(0));
}
