// SPDX-License-Identifier: MIT OR Apache-2.0
//! Failures of every class, by hand.

use super::*;

#[test]
fn bad_input_and_bugs_fail_fast() {
    for class in [FailureClass::BadInput, FailureClass::Bug] {
        let mut hand = Hand::new(Config::default());
        let nodes = hand.add(4, &[]);
        hand.send(Event::Start);
        let actions = hand.fail(2, class);
        assert_eq!(aborts(&actions), [0, 1, 3]);
        let failure = Failure::Node {
            node: nodes[2],
            class,
            attempts: 1,
        };
        assert_eq!(actions.last(), Some(&Action::JobFailed(failure)));
        assert_eq!(hand.fail(3, class), [], "told once");
        assert_eq!(hand.scheduler.status(), Status::Failed);
    }
}

#[test]
fn what_cannot_be_done_is_lost_where_the_job_keeps_going() {
    let mut hand = Hand::new(Config {
        keep_going: true,
        max_in_flight: 2,
        ..Config::default()
    });
    let nodes = hand.add(3, &[]);
    hand.scheduler.seal();
    hand.send(Event::Start);
    let lost = |number: usize, class, attempts| {
        Action::NodeLost(Failure::Node {
            node: nodes[number],
            class,
            attempts,
        })
    };
    let actions = hand.fail(0, FailureClass::BadInput);
    assert_eq!(actions[0], lost(0, FailureClass::BadInput, 1));
    assert_eq!(launches(&actions), [(2, nodes[2])], "its room is free");
    for attempt in 1..=4 {
        let id = if attempt == 1 { 1 } else { attempt + 1 };
        let actions = hand.fail(id, FailureClass::Crashed);
        if attempt == 4 {
            assert_eq!(actions, [lost(1, FailureClass::Crashed, 4)]);
        } else {
            assert_eq!(hand.until_launch(), [(attempt + 2, nodes[1])]);
        }
    }
    assert_eq!(hand.finish(2).last(), Some(&Action::JobDone));
    assert_eq!(hand.scheduler.counts().done, 3);
}

#[test]
fn each_class_has_its_cap() {
    for (class, cap) in [
        (FailureClass::Transient, 4),
        (FailureClass::Cancelled, 4),
        (FailureClass::TimedOut, 2),
        (FailureClass::Crashed, 3),
    ] {
        let mut config = Config::default();
        config.attempts.timed_out = 2;
        config.attempts.crashed = 3;
        let mut hand = Hand::new(config);
        let node = hand.add(1, &[])[0];
        hand.send(Event::Start);
        for attempt in 1..cap {
            hand.fail(attempt - 1, class);
            assert_eq!(hand.scheduler.phase(node), Ok(Phase::Delayed));
            assert_eq!(hand.until_launch(), [(attempt, node)]);
        }
        let attempts = cap as u16;
        let failure = Failure::Node {
            node,
            class,
            attempts,
        };
        assert_eq!(hand.fail(cap - 1, class), [Action::JobFailed(failure)]);
        assert_eq!(hand.scheduler.counts().retries, cap - 1);
    }
}

#[test]
fn all_classes_together_have_a_cap() {
    let mut hand = Hand::new(Config::default());
    hand.add(1, &[]);
    hand.send(Event::Start);
    let classes = [
        FailureClass::Transient,
        FailureClass::Crashed,
        FailureClass::TimedOut,
    ];
    for attempt in 0..5 {
        hand.fail(attempt, classes[attempt as usize % 3]);
        assert_eq!(hand.until_launch().len(), 1);
    }
    let actions = hand.fail(5, FailureClass::TimedOut);
    assert!(matches!(actions[..], [Action::JobFailed(_)]));
}

#[test]
fn a_success_after_a_reported_failure_is_stale() {
    let mut hand = Hand::new(Config::default());
    let node = hand.add(1, &[])[0];
    hand.send(Event::Start);
    hand.fail(0, FailureClass::TimedOut);
    assert_eq!(hand.finish(0), []);
    assert_eq!(hand.finish(77), [], "never launched");
    assert_eq!(hand.scheduler.counts().spent, 1.0);
    assert_eq!(hand.until_launch(), [(1, node)]);
}

#[test]
fn delays_end_at_the_promised_wake() {
    let mut hand = Hand::new(Config::default());
    hand.add(50, &[]);
    hand.send(Event::Start);
    let mut wake = None;
    for invocation in 0..50 {
        for action in hand.fail(invocation, FailureClass::Transient) {
            if let Action::WakeAt(at) = action {
                assert!(wake.is_none_or(|w| at < w), "only ever earlier");
                wake = Some(at);
            }
        }
    }
    let mut again = 0;
    while let Some(at) = wake.take() {
        hand.now = at;
        let actions = hand.send(Event::Tick);
        assert!(!launches(&actions).is_empty(), "a wake for nothing");
        again += launches(&actions).len();
        wake = actions.iter().find_map(|a| match a {
            Action::WakeAt(at) => Some(*at),
            _ => None,
        });
    }
    assert_eq!(again, 50);
    assert!(hand.now <= secs(0.1), "{:?}", hand.now);
}

#[test]
fn a_failed_duplicate_leaves_the_original_alone() {
    let mut hand = Hand::new(Config::default());
    hand.add(6, &[]);
    hand.scheduler.seal();
    hand.send(Event::Start);
    hand.now = secs(1.0);
    for invocation in 0..5 {
        hand.finish(invocation);
    }
    assert_eq!(launches(&hand.later(1.0, Event::Tick)), [(6, NodeId(5))]);
    // Crash the duplicate: the original is late still, so a second and last
    // duplicate goes out; then throttle that.
    let actions = hand.fail(6, FailureClass::Crashed);
    assert_eq!(launches(&actions), [(7, NodeId(5))]);
    assert_eq!(launches(&hand.fail(7, FailureClass::Throttled)), []);
    assert_eq!(launches(&hand.later(99.0, Event::Tick)), []);
    let actions = hand.finish(0);
    assert_eq!(actions, [], "finished long ago");
    assert_eq!(hand.finish(5).last(), Some(&Action::JobDone));
}

#[test]
fn a_node_throttled_for_too_long_fails_the_job() {
    let mut config = Config::default();
    config.throttling.give_up = secs(60.0);
    let mut hand = Hand::new(config);
    hand.add(1, &[]);
    let mut next = launches(&hand.send(Event::Start));
    let mut last = Vec::new();
    while let Some((invocation, _)) = next.pop() {
        last = hand.fail(invocation, FailureClass::Throttled);
        next = hand.until_launch();
    }
    assert!((60.0..90.0).contains(&hand.now.as_secs_f64().min(89.0)));
    let failure = Failure::Node {
        node: NodeId(0),
        class: FailureClass::Throttled,
        attempts: 0,
    };
    assert_eq!(last, [Action::JobFailed(failure)]);
    assert_eq!(hand.scheduler.counts().retries, 0);
    assert!(hand.scheduler.counts().throttles >= 6);
}

#[test]
fn a_node_throttled_too_often_fails_the_job() {
    let mut config = Config::default();
    config.throttling.max_throttles = 3;
    let mut hand = Hand::new(config);
    hand.add(1, &[]);
    hand.send(Event::Start);
    for invocation in 0..2 {
        hand.fail(invocation, FailureClass::Throttled);
        assert_eq!(hand.until_launch().len(), 1);
    }
    let actions = hand.fail(2, FailureClass::Throttled);
    assert!(matches!(actions[..], [Action::JobFailed(_)]));
}

#[test]
fn anything_else_heard_of_a_node_ends_its_row_of_throttles() {
    let mut config = Config::default();
    config.throttling.max_throttles = 3;
    let mut hand = Hand::new(config);
    hand.add(1, &[]);
    hand.send(Event::Start);
    let (throttled, transient) = (FailureClass::Throttled, FailureClass::Transient);
    let classes = [throttled, throttled, transient, throttled, throttled];
    for (invocation, class) in (0..).zip(classes) {
        hand.fail(invocation, class);
        assert_eq!(hand.until_launch().len(), 1);
    }
    let actions = hand.fail(5, throttled);
    assert!(matches!(actions[..], [Action::JobFailed(_)]));
}

#[test]
fn a_duplicate_may_use_up_the_attempts() {
    let mut config = Config::default();
    config.attempts.crashed = 1;
    let mut hand = Hand::new(config);
    hand.add(6, &[]);
    hand.send(Event::Start);
    hand.now = secs(1.0);
    for invocation in 0..5 {
        hand.finish(invocation);
    }
    assert_eq!(launches(&hand.later(1.0, Event::Tick)), [(6, NodeId(5))]);
    // The original may still win, but nothing more is launched for the node.
    assert_eq!(hand.fail(6, FailureClass::Crashed), []);
    let actions = hand.fail(5, FailureClass::Throttled);
    assert!(matches!(actions[..], [Action::JobFailed(_)]));
}
