// SPDX-License-Identifier: MIT OR Apache-2.0
//! Start, seal, cancel, deadline, budget, and changes to a running graph.

use super::sim::{simulate_with, Platform};
use super::*;

#[test]
fn runs_a_chain_in_order() {
    let mut hand = Hand::new(Config::default());
    let a = hand.add(1, &[]);
    let b = hand.add(1, &a);
    assert_eq!(hand.send(Event::Tick), [], "nothing before the start");
    assert_eq!(launches(&hand.send(Event::Start)), [(0, a[0])]);
    assert_eq!(hand.send(Event::Start), [], "only the first start counts");
    assert_eq!(launches(&hand.finish(0)), [(1, b[0])]);
    let done = Action::NodeDone {
        node: b[0],
        invocation: InvocationId(1),
    };
    assert_eq!(hand.finish(1), [done]);
    assert_eq!(hand.finish(1), [], "a repeated report");
    hand.scheduler.seal();
    assert_eq!(hand.send(Event::Tick), [Action::JobDone]);
    assert_eq!(hand.scheduler.status(), Status::Done);
    assert_eq!(hand.send(Event::Cancel), []);
    assert_eq!(
        hand.scheduler.add(NodeSpec::new(ENCODE, 1)),
        Err(ScheduleError::Over)
    );
}

#[test]
fn an_empty_sealed_job_is_done_at_once() {
    let mut hand = Hand::new(Config::default());
    hand.scheduler.seal();
    assert_eq!(
        hand.scheduler.add(NodeSpec::new(ENCODE, 1)),
        Err(ScheduleError::Sealed)
    );
    assert_eq!(hand.send(Event::Start), [Action::JobDone]);
}

#[test]
fn order_is_priority_then_weight_then_age() {
    let mut hand = Hand::new(Config {
        max_in_flight: 1,
        ..Config::default()
    });
    for (weight, priority) in [(1, 0), (5, 0), (5, 0), (1, 2), (0, -1)] {
        let spec = NodeSpec::new(ENCODE, weight).priority(priority);
        assert!(hand.scheduler.add(spec).is_ok());
    }
    let mut order = launches(&hand.send(Event::Start));
    for invocation in 0..4 {
        order.extend(launches(&hand.finish(invocation)));
    }
    let nodes: Vec<_> = order.iter().map(|l| l.1 .0).collect();
    assert_eq!(nodes, [3, 1, 2, 0, 4]);
}

#[test]
fn cancel_aborts_everything_once() {
    let mut hand = Hand::new(Config {
        max_in_flight: 5,
        ..Config::default()
    });
    hand.add(20, &[]);
    hand.send(Event::Start);
    let actions = hand.later(1.0, Event::Cancel);
    assert_eq!(aborts(&actions), [0, 1, 2, 3, 4]);
    assert_eq!(actions.last(), Some(&Action::JobCancelled));
    assert_eq!(hand.send(Event::Cancel), []);
    assert_eq!(hand.finish(0), []);
    assert_eq!(hand.scheduler.counts().in_flight, 0);
    assert_eq!(hand.scheduler.counts().spent, 1.0);
}

#[test]
fn the_deadline_fails_the_job() {
    let deadline = secs(5.0);
    let mut hand = Hand::new(Config {
        deadline: Some(deadline),
        ..Config::default()
    });
    hand.add(2, &[]);
    assert!(hand.send(Event::Start).contains(&Action::WakeAt(deadline)));
    hand.later(4.0, Event::Tick);
    hand.finish(0);
    let actions = hand.later(1.0, Event::Tick);
    assert_eq!(aborts(&actions), [1]);
    let failure = Failure::Deadline { deadline, left: 1 };
    assert_eq!(actions.last(), Some(&Action::JobFailed(failure)));
}

#[test]
fn the_budget_fails_the_job_but_not_a_finished_one() {
    for (budget, over) in [(2.5, true), (3.0, false), (0.0, true)] {
        let mut hand = Hand::new(Config {
            budget: Some(budget),
            ..Config::default()
        });
        hand.add(3, &[]);
        hand.scheduler.seal();
        hand.send(Event::Start);
        let mut actions = hand.finish(0);
        actions.extend(hand.fail(1, FailureClass::Transient));
        assert_eq!(hand.fail(1, FailureClass::Transient), [], "told twice");
        actions.extend(hand.finish(2));
        let failed = |a: &Action| matches!(a, Action::JobFailed(Failure::Budget { .. }));
        assert_eq!(actions.iter().any(failed), over, "budget {budget}");
    }
    let mut hand = Hand::new(Config {
        budget: Some(0.5),
        ..Config::default()
    });
    hand.add(1, &[]);
    hand.scheduler.seal();
    hand.send(Event::Start);
    assert_eq!(hand.finish(0).last(), Some(&Action::JobDone));
}

#[test]
fn strange_costs_and_clocks_are_harmless() {
    let mut hand = Hand::new(Config::default());
    hand.add(3, &[]);
    hand.send(Event::Start);
    for (invocation, cost) in [(0, f64::NAN), (1, -5.0)] {
        let invocation = InvocationId(invocation);
        hand.send(Event::Finished { invocation, cost });
    }
    assert_eq!(hand.scheduler.counts().spent, 0.0);
    hand.now = Duration::MAX;
    hand.fail(2, FailureClass::Transient);
    hand.now = Duration::ZERO;
    hand.send(Event::Tick);
    assert_eq!(hand.scheduler.counts().done, 2);
}

#[test]
fn a_cached_node_frees_its_dependants() {
    let mut hand = Hand::new(Config::default());
    let a = hand.add(2, &[]);
    let b = hand.add(1, &a);
    hand.scheduler
        .complete_without_running(a[0])
        .expect("known");
    hand.send(Event::Start);
    // Even while it runs, and even if its dependencies are not done.
    hand.scheduler
        .complete_without_running(a[1])
        .expect("known");
    hand.scheduler
        .complete_without_running(a[1])
        .expect("twice");
    let actions = hand.send(Event::Tick);
    assert_eq!(aborts(&actions), [0]);
    assert_eq!(launches(&actions), [(1, b[0])]);
    hand.scheduler
        .complete_without_running(b[0])
        .expect("known");
    hand.scheduler.seal();
    assert_eq!(hand.send(Event::Tick).last(), Some(&Action::JobDone));
    let unknown = NodeId(9);
    assert!(hand.scheduler.explain(unknown).is_err());
}

#[test]
fn an_invalidated_node_runs_again_before_its_dependants() {
    let mut hand = Hand::new(Config::default());
    let a = hand.add(2, &[]);
    let b = hand.add(1, &a[..1]); // running when a[0] turns out damaged
    let c = hand.add(1, &a); // not started then
    hand.send(Event::Start);
    assert!(hand.scheduler.invalidate(a[0]).is_err());
    assert_eq!(launches(&hand.finish(0)), [(2, b[0])]);
    hand.scheduler.invalidate(a[0]).expect("it was done");
    assert_eq!(launches(&hand.send(Event::Tick)), [(3, a[0])]);
    assert_eq!(launches(&hand.finish(1)), [], "c still waits for a[0]");
    // The running dependant fails on the damaged input: it waits too.
    hand.fail(2, FailureClass::Transient);
    assert_eq!(hand.scheduler.phase(b[0]), Ok(Phase::Waiting));
    assert_eq!(hand.until_launch(), []);
    let next: Vec<_> = launches(&hand.finish(3)).iter().map(|l| l.1).collect();
    assert_eq!(next, [b[0], c[0]]);
    // Dependants that are done stay done.
    hand.finish(4);
    hand.scheduler.invalidate(a[0]).expect("done again");
    hand.send(Event::Tick);
    assert_eq!(hand.scheduler.phase(b[0]), Ok(Phase::Done));
    assert_eq!(hand.scheduler.phase(c[0]), Ok(Phase::Running));
    hand.scheduler.seal();
    hand.finish(5);
    assert_eq!(hand.finish(6).last(), Some(&Action::JobDone));
}

#[test]
fn a_replaced_node_starts_over_up_to_a_cap() {
    let mut hand = Hand::new(Config {
        max_replans: 3,
        ..Config::default()
    });
    let a = hand.add(1, &[]);
    hand.send(Event::Start);
    for replan in 0..3u64 {
        hand.scheduler.replace(a[0], 5).expect("under the cap");
        // The mismatch itself is passed on for its cost: no abort follows.
        let actions = hand.fail(replan, FailureClass::Cancelled);
        assert!(aborts(&actions).is_empty());
        assert_eq!(launches(&actions), [(replan + 1, a[0])]);
    }
    let cap = ScheduleError::TooManyReplans { node: a[0], cap: 3 };
    assert_eq!(hand.scheduler.replace(a[0], 5), Err(cap));
    assert_eq!(hand.scheduler.counts().retries, 0);
    assert_eq!(hand.scheduler.counts().spent, 3.0);
    hand.finish(3);
    assert!(hand.scheduler.replace(a[0], 5).is_err());
}

#[test]
fn the_graph_grows_while_it_runs() {
    let mut scheduler = Scheduler::new(Config::default()).expect("valid");
    let root = scheduler.add(NodeSpec::new(ENCODE, 5)).expect("open");
    let mut nodes = vec![root];
    let platform = Platform {
        crash: 0.05,
        repeat: 0.2,
        ..Platform::default()
    };
    let run = simulate_with(&mut scheduler, &platform, &mut |scheduler, node| {
        if nodes.len() > 1000 {
            return scheduler.seal();
        }
        for _ in 0..3 {
            let spec = NodeSpec::new(ENCODE, 5).after([node, root]);
            nodes.push(scheduler.add(spec).expect("not sealed yet"));
        }
    });
    run.assert_done(&nodes);
}

#[test]
fn explains_every_phase() {
    let mut hand = Hand::new(Config {
        max_in_flight: 1,
        ..Config::default()
    });
    let a = hand.add(3, &[]);
    let b = hand.add(1, &a);
    hand.send(Event::Start);
    let line = |hand: &Hand, node: NodeId| match hand.scheduler.explain(node) {
        Ok(explanation) => explanation.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        line(&hand, b[0]),
        "waits for 3 of 3 dependencies, first of them n0"
    );
    assert_eq!(
        line(&hand, a[0]),
        "runs as i0 since 0.0ns, 0 failures before"
    );
    assert_eq!(
        line(&hand, a[2]),
        "ready behind 1 others, in-flight limit 1 set by configuration"
    );
    hand.fail(0, FailureClass::Crashed);
    assert!(line(&hand, a[0]).ends_with("after 1 failures, 0 throttles"));
    hand.finish(1);
    assert_eq!(line(&hand, a[1]), "done");
    assert_eq!(line(&hand, NodeId(7)), "n7 is unknown");
}

#[test]
fn configuration_is_checked() {
    let bad = [
        Config {
            max_in_flight: 0,
            ..Config::default()
        },
        Config {
            budget: Some(f64::NAN),
            ..Config::default()
        },
        Config {
            speculation: Some(Speculation {
                multiplier: 1.0,
                ..Speculation::default()
            }),
            ..Config::default()
        },
        Config {
            ramp: Some(Ramp {
                every: Duration::ZERO,
                ..Ramp::default()
            }),
            ..Config::default()
        },
    ];
    for config in bad {
        assert!(Scheduler::new(config).is_err());
    }
    assert_eq!(Config::default().check(), Ok(()));
}
