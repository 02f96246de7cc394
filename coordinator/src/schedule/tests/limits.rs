// SPDX-License-Identifier: MIT OR Apache-2.0
//! In-flight limits: configured, ramp, throttling.

use super::sim::{simulate, Platform, Run};
use super::*;

fn flat(count: u32, config: Config, platform: &Platform) -> (Run, Counts) {
    let mut scheduler = Scheduler::new(config).expect("a valid configuration");
    let spec = NodeSpec::new(ENCODE, 10);
    let nodes: Vec<_> = (0..count)
        .map(|_| scheduler.add(spec.clone()).expect("an open graph"))
        .collect();
    scheduler.seal();
    let run = simulate(&mut scheduler, platform);
    run.assert_done(&nodes);
    (run, scheduler.counts())
}

#[test]
fn everything_at_once_up_to_the_limit() {
    let config = Config {
        max_in_flight: 700,
        ..Config::default()
    };
    let (run, counts) = flat(3000, config, &Platform::default());
    assert_eq!(run.max_in_flight, 700);
    assert_eq!(counts.launched, 3000 + counts.speculated);
}

#[test]
fn a_ramp_starts_slowly_and_wakes_itself() {
    let config = Config {
        max_in_flight: 250,
        ramp: Some(Ramp {
            initial: 100,
            step: 100,
            every: secs(10.0),
        }),
        ..Config::default()
    };
    let platform = Platform {
        pace: 10.0, // 100 s each: nothing but the ramp happens at first
        ..Platform::default()
    };
    let (run, _) = flat(250, config, &platform);
    let launched = |at: f64| {
        let launch = |l: &&(Duration, Action)| matches!(l.1, Action::Launch { .. });
        run.log
            .iter()
            .filter(launch)
            .filter(|l| l.0 == secs(at))
            .count()
    };
    assert_eq!(
        (launched(0.0), launched(10.0), launched(20.0)),
        (100, 100, 50)
    );
}

#[test]
fn throttling_converges_below_the_platforms_limit() {
    let config = Config {
        max_in_flight: 1000,
        speculation: None,
        ..Config::default()
    };
    let platform = Platform {
        capacity: 100,
        ..Platform::default()
    };
    let (run, counts) = flat(5000, config, &platform);
    assert_eq!(run.max_in_flight, 100);
    assert_eq!(counts.retries, 0);
    // Fifty rounds of one second at best. The first burst throttles 900.
    assert!(run.end < secs(65.0), "{:?}", run.end);
    assert!(counts.throttles < 1500, "{}", counts.throttles);
    assert!(run.launched.values().all(|n| *n < 10));
}

#[test]
fn a_long_outage_is_survived_quietly() {
    let mut hand = Hand::new(Config::default());
    hand.add(500, &[]);
    let mut open = launches(&hand.send(Event::Start));
    // Every launch is throttled for two minutes.
    while hand.now < secs(120.0) {
        for (invocation, _) in std::mem::take(&mut open) {
            open.extend(launches(&hand.fail(invocation, FailureClass::Throttled)));
        }
        open.extend(launches(&hand.later(0.05, Event::Tick)));
    }
    let counts = hand.scheduler.counts();
    assert_eq!(hand.scheduler.status(), Status::Running);
    assert_eq!(counts.limited_by, LimitedBy::Throttling);
    assert!(counts.limit <= 10, "{counts:?}");
    assert!(counts.throttles < 20_000, "{counts:?}");
}

#[test]
fn an_engine_that_asks_to_be_left_alone_takes_no_room_meanwhile() {
    let config = Config {
        max_in_flight: 1,
        ..Config::default()
    };
    let mut hand = Hand::new(config);
    let nodes = hand.add(2, &[]);
    assert_eq!(launches(&hand.send(Event::Start)), [(0, nodes[0])]);
    hand.scheduler.not_before(InvocationId(0), secs(30.0));
    let next = hand.fail(0, FailureClass::Throttled);
    assert_eq!(launches(&next), [(1, nodes[1])], "the other goes on");
    hand.finish(1);
    assert_eq!(hand.until_launch(), [(2, nodes[0])]);
    assert!(hand.now >= secs(30.0), "{:?}", hand.now);
}
