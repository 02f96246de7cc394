// SPDX-License-Identifier: MIT OR Apache-2.0
//! Chains of nodes that follow each other, as rebases do.

use super::sim::{simulate, Platform, Run, HEAD};
use super::*;

/// `batches` chains of `length` links, each link after a draft of its own.
fn chains(scheduler: &mut Scheduler, batches: u32, length: u32) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    for _ in 0..batches {
        let mut last = scheduler.add(NodeSpec::new(ENCODE, 60)).expect("open");
        nodes.push(last);
        for _ in 1..length {
            let draft = scheduler.add(NodeSpec::new(ENCODE, 70)).expect("open");
            let link = NodeSpec::new(REBASE, 10).priority(1).after([draft]);
            last = scheduler.add(link.following(last)).expect("open");
            nodes.extend([draft, last]);
        }
    }
    scheduler.seal();
    nodes
}

/// Runs chains on `workers` workers of one speed.
fn run(workers: u32, (batches, length): (u32, u32), platform: Platform) -> (Run, Counts) {
    let mut scheduler = Scheduler::new(Config {
        max_in_flight: workers,
        seed: platform.seed,
        attempts: Attempts {
            transient: 20,
            timed_out: 20,
            crashed: 20,
            total: 60,
        },
        ..Config::default()
    })
    .expect("valid");
    let nodes = chains(&mut scheduler, batches, length);
    let platform = Platform {
        slots: vec![1.0; workers as usize],
        ..platform
    };
    let run = simulate(&mut scheduler, &platform);
    run.assert_done(&nodes);
    (run, scheduler.counts())
}

#[test]
fn any_number_of_workers_comes_to_the_end() {
    for workers in [1, 2, 7, 100] {
        for seed in 0..12 {
            let storm = Platform {
                seed,
                transient: 0.06,
                crash: 0.04,
                time_out: 0.02,
                slow: 0.04,
                repeat: 0.3,
                deaf: seed % 3 == 0,
                ..Platform::default()
            };
            let (_, counts) = run(workers, (4, 12), storm);
            assert_eq!(
                (counts.in_flight, counts.running),
                (0, 0),
                "{workers} {seed}"
            );
        }
    }
}

#[test]
fn the_chain_waits_for_no_head_and_the_bill_for_little() {
    let (length, link) = (40, 1.0);
    let (run, counts) = run(100, (1, length), Platform::default());
    let drafts = 7.0 * 1.2;
    let links = f64::from(length - 1) * link;
    let plain = drafts + links;
    let took = run.end.as_secs_f64();
    // All heads but the first few are done beside the link before.
    assert!(took < plain - links * HEAD * 0.7, "{took} of {plain} s");
    // Each waits for a fraction of what it takes.
    let waited = run.waited.as_secs_f64();
    assert!(
        waited < links * 0.25,
        "waited {waited} s for links of {links} s"
    );
    assert_eq!(counts.retries, 0);
}

#[test]
fn a_follower_goes_down_with_what_it_follows() {
    let mut hand = Hand::new(Config {
        speculation: None,
        ..Config::default()
    });
    let first = hand.add(1, &[])[0];
    let follower = |node| NodeSpec::new(ENCODE, 10).following(node);
    let second = hand.scheduler.add(follower(first)).expect("open");
    let third = hand.scheduler.add(follower(second)).expect("open");
    let fourth = hand.scheduler.add(follower(third)).expect("open");
    assert_eq!(launches(&hand.send(Event::Start)), [(0, first)]);
    // Nothing is known of times yet.
    assert_eq!(launches(&hand.later(4.0, Event::Tick)), []);
    assert_eq!(launches(&hand.finish(0)), [(1, second)]);
    hand.now += secs(4.0);
    hand.scheduler.ready_after(InvocationId(1), secs(1.0));
    assert_eq!(launches(&hand.finish(1)), [(2, third)]);
    // Three seconds on, the fourth starts, a second before the third is done.
    assert_eq!(launches(&hand.later(2.8, Event::Tick)), []);
    assert_eq!(launches(&hand.later(0.3, Event::Tick)), [(3, fourth)]);
    let actions = hand.fail(2, FailureClass::Crashed);
    assert_eq!(aborts(&actions), [3]);
    assert_eq!(hand.scheduler.phase(fourth), Ok(Phase::Waiting));
    let again = hand.until_launch();
    assert_eq!(again, [(4, third)]);
    assert_eq!(launches(&hand.finish(4)), [(5, fourth)]);
}
