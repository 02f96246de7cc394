// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random graphs under random faults: the promises hold, always.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::sim::{simulate, Platform, Run};
use super::*;

/// A graph of `count` nodes, each after up to four of the hundred before.
fn random_graph(scheduler: &mut Scheduler, count: u32, seed: u64) -> Vec<NodeId> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut nodes: Vec<NodeId> = Vec::new();
    for number in 0..count {
        let mut spec = NodeSpec::new(Kind(rng.random_range(0..4)), rng.random_range(1..30))
            .priority(rng.random_range(-1..=1));
        if number > 0 && rng.random_bool(0.7) {
            for _ in 0..rng.random_range(1..=4) {
                let back = rng.random_range(1..=number.min(100));
                spec.deps.push(NodeId(number - back));
            }
        }
        nodes.push(scheduler.add(spec).expect("an open graph"));
    }
    scheduler.seal();
    nodes
}

fn stormy(seed: u64) -> Platform {
    Platform {
        seed,
        capacity: 150,
        transient: 0.03,
        crash: 0.03,
        time_out: 0.02,
        slow: 0.02,
        repeat: 0.3,
        ..Platform::default()
    }
}

fn stormy_run(count: u32, seed: u64) -> (Run, Counts) {
    let config = Config {
        max_in_flight: 400,
        seed,
        attempts: Attempts {
            transient: 8,
            timed_out: 8,
            crashed: 8,
            total: 12,
        },
        ..Config::default()
    };
    let total = u64::from(config.attempts.total);
    let mut scheduler = Scheduler::new(config).expect("a valid configuration");
    let nodes = random_graph(&mut scheduler, count, seed);
    let run = simulate(&mut scheduler, &stormy(seed));
    run.assert_done(&nodes);
    let counts = scheduler.counts();
    for (_, action) in &run.log {
        if let Action::Launch { attempt, .. } = action {
            assert!(u64::from(*attempt) <= total + 2);
        }
    }
    (run, counts)
}

#[test]
fn thousands_of_nodes_in_a_storm() {
    for seed in 0..8 {
        let (run, counts) = stormy_run(3000, seed);
        assert!(run.max_in_flight <= 150);
        assert_eq!((counts.done, counts.in_flight), (3000, 0));
        assert!(counts.retries > 100 && counts.throttles > 0 && counts.speculated > 0);
    }
}

#[test]
fn the_same_seed_gives_the_same_actions() {
    let (a, _) = stormy_run(1500, 42);
    let (b, _) = stormy_run(1500, 42);
    let (c, _) = stormy_run(1500, 43);
    assert!(a.log == b.log);
    assert!(a.log != c.log);
}

#[test]
fn twenty_thousand_nodes_stay_cheap() {
    let mut scheduler = Scheduler::new(Config {
        max_in_flight: 5000,
        ramp: Some(Ramp::default()),
        ..Config::default()
    })
    .expect("a valid configuration");
    let root = scheduler.add(NodeSpec::new(Kind(0), 1)).expect("open");
    let mut nodes = vec![root];
    for number in 0..20_000 {
        let spec = NodeSpec::new(ENCODE, 20 + number % 9).after([root]);
        nodes.push(scheduler.add(spec).expect("open"));
    }
    let stitch = NodeSpec::new(STITCH, 1).after(nodes[1..].iter().copied());
    nodes.push(scheduler.add(stitch).expect("open"));
    scheduler.seal();
    let platform = Platform {
        slow: 0.001,
        ..Platform::default()
    };
    let run = simulate(&mut scheduler, &platform);
    run.assert_done(&nodes);
    let counts = scheduler.counts();
    assert!(counts.launched < 21_000, "{counts:?}");
    // A report and a tick per node, confirmations of aborts, wakes.
    assert!(run.events < 50_000, "{} events", run.events);
    assert!(run.log.len() < 70_000, "{} actions", run.log.len());
}

#[test]
fn a_hopeless_platform_fails_the_job_with_a_reason() {
    let mut scheduler = Scheduler::new(Config::default()).expect("valid");
    random_graph(&mut scheduler, 200, 1);
    let platform = Platform {
        crash: 1.0,
        ..Platform::default()
    };
    let run = simulate(&mut scheduler, &platform);
    let crashed = |last| {
        matches!(
            last,
            Some(Action::JobFailed(Failure::Node {
                class: FailureClass::Crashed,
                attempts: 4,
                ..
            }))
        )
    };
    assert!(crashed(run.last.clone()), "{:?}", run.last);
    assert!(run.launched.values().all(|n| *n <= 4));
}

/// One call of the caller, sensible or not.
#[derive(Clone, Debug)]
enum Call {
    Finish(u64),
    Fail(u64, u8),
    Pass(u16),
    Add(u32),
    Complete(u32),
    Invalidate(u32),
    Replace(u32),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => (0..60u64).prop_map(Call::Finish),
        3 => (0..60u64, 0..5u8).prop_map(|(i, c)| Call::Fail(i, c)),
        3 => (0..3000u16).prop_map(Call::Pass),
        2 => (0..40u32).prop_map(Call::Add),
        1 => (0..40u32).prop_map(Call::Complete),
        1 => (0..40u32).prop_map(Call::Invalidate),
        1 => (0..40u32).prop_map(Call::Replace),
    ]
}

fn apply(hand: &mut Hand, call: Call) -> Vec<Action> {
    let classes = [
        FailureClass::Transient,
        FailureClass::Throttled,
        FailureClass::TimedOut,
        FailureClass::Crashed,
        FailureClass::Cancelled,
    ];
    let s = &mut hand.scheduler;
    // Calls that make no sense are refused; that is all this test asks.
    match call {
        Call::Finish(i) => return hand.finish(i),
        Call::Fail(i, c) => return hand.fail(i, classes[usize::from(c)]),
        Call::Pass(ms) => hand.now += Duration::from_millis(ms.into()),
        Call::Add(d) => _ = s.add(NodeSpec::new(ENCODE, d).after([NodeId(d), NodeId(d / 2)])),
        Call::Complete(n) => _ = s.complete_without_running(NodeId(n)),
        Call::Invalidate(n) => _ = s.invalidate(NodeId(n)),
        Call::Replace(n) => _ = s.replace(NodeId(n), n),
    }
    hand.send(Event::Tick)
}

fn check(hand: &Hand) {
    let c = hand.scheduler.counts();
    let nodes = hand.scheduler.graph.len();
    assert_eq!(c.waiting + c.ready + c.delayed + c.running + c.done, nodes);
    assert!(c.in_flight <= 12 && c.running <= c.in_flight);
    let paced: u32 = hand.scheduler.paces.values().map(|p| p.running).sum();
    assert_eq!(paced, c.running);
    for id in (0..nodes).map(NodeId) {
        let node = hand.scheduler.graph.node(id);
        let undone = |d: &NodeId| hand.scheduler.graph.node(*d).phase != Phase::Done;
        let deps = hand.scheduler.graph.deps(id);
        assert_eq!(node.unmet, deps.filter(undone).count() as u32);
        let flights = hand.scheduler.flights.of(id).count();
        match node.phase {
            Phase::Waiting => assert!(node.unmet > 0 && flights == 0),
            Phase::Ready | Phase::Delayed => assert!(node.unmet == 0 && flights == 0),
            Phase::Running => assert!(flights > 0),
            Phase::Done => assert_eq!(flights, 0),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_calls_keep_the_invariants(calls in prop::collection::vec(call(), 1..200)) {
        let mut hand = Hand::new(Config {
            max_in_flight: 12,
            attempts: Attempts { transient: 99, timed_out: 99, crashed: 99, total: 99 },
            ..Config::default()
        });
        hand.add(10, &[]);
        hand.send(Event::Start);
        for call in calls {
            apply(&mut hand, call);
            if hand.scheduler.status() == Status::Running {
                check(&hand);
            }
        }
        // However it got here, it can be brought to its end.
        hand.scheduler.seal();
        let mut steps = 0;
        while hand.scheduler.status() == Status::Running {
            let open: Vec<_> = hand.scheduler.flights.all().map(|f| f.0 .0).collect();
            for id in open {
                hand.finish(id);
            }
            hand.later(1.0, Event::Tick);
            steps += 1;
            prop_assert!(steps < 1000, "{:?}", hand.scheduler.counts());
        }
        prop_assert_eq!(hand.scheduler.status(), Status::Done);
    }
}
