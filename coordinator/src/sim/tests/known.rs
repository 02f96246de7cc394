// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs whose length is known.

use super::super::critical::What;
use super::super::draw::LogNormal;
use super::super::model::Faults;
use super::super::run::{Ended, Own};
use super::*;
use crate::limits::Price;
use crate::schedule::Ramp;

fn close(time: Duration, seconds: f64) {
    assert!(
        time.abs_diff(secs(seconds)) < Duration::from_micros(10),
        "{time:?}, not {seconds}"
    );
}

#[test]
fn one_worker_takes_the_sum_and_many_the_longest() {
    let workload = independent(&[1.0, 2.0, 3.0, 4.0]);
    close(run(&workload, &Platform::ideal(1)).wall, 10.0);
    close(run(&workload, &Platform::ideal(2)).wall, 5.0);
    close(run(&workload, &Platform::ideal(100)).wall, 4.0);
}

#[test]
fn stages_and_the_coordinators_own_time_follow_each_other() {
    let mut workload = Workload::default();
    workload.push_stage(
        secs(0.5),
        [SimTask::new(TaskKind::Index, None, 1, secs(1.0))],
    );
    let chunk = |n| SimTask::new(TaskKind::Encode, Some(n), 1, secs(2.0));
    workload.push_stage(secs(0.25), (0..4).map(chunk));
    workload.stitch = secs(0.125);
    let run = run(&workload, &Platform::ideal(2));
    close(run.wall, 0.5 + 1.0 + 0.25 + 4.0 + 0.125);
    let path = path(&workload, &run);
    let kinds: Vec<_> = path.iter().map(|s| s.what).collect();
    assert_eq!(kinds[0], What::Own(Own::Plan));
    assert_eq!(kinds[2], What::Own(Own::Plan));
    assert_eq!(kinds.last(), Some(&What::Own(Own::Stitch)));
    assert_eq!(kinds.len(), 6, "{path:?}");
}

#[test]
fn a_chain_takes_its_heads_once_and_its_rests_all() {
    // Drafts 2 s, then 9 links; only the first few heads are not done beside others.
    let workload = batches(1, 10, 2.0, (0.5, 1.0));
    let run = run(&workload, &Platform::ideal(100));
    let wall = run.wall.as_secs_f64();
    assert!(wall > 2.0 + 9.0 * 1.0 + 0.5, "{wall}");
    assert!(wall < 2.0 + 9.0 * 1.5 - 2.0, "{wall}");
    let totals = run.totals(None);
    assert_eq!((totals.failed, totals.aborted, totals.peak), (0, 0, 10));
    // A rebase never goes on before the one it follows is done.
    let done = run.done_by(workload.tasks.len());
    for (n, task) in workload.tasks.iter().enumerate() {
        let Some(leader) = task.follows else { continue };
        let (own, leader) = (done[n].unwrap(), done[leader as usize].unwrap());
        assert!(run.invocations[own].go >= run.invocations[leader].end);
        assert!(run.invocations[own].launch < run.invocations[own].end);
    }
    // The path goes down the whole chain.
    let path = path(&workload, &run);
    assert!(path.len() >= 10, "{path:?}");
    assert!(
        path.iter().all(|s| matches!(s.what, What::Invocation(_))),
        "{path:?}"
    );
}

#[test]
fn cold_starts_are_paid_and_come_once_a_worker() {
    let workload = independent(&[1.0; 40]);
    let platform = Platform {
        cold_start: LogNormal::new(0.5, 0.5),
        price: None,
        ..Platform::ideal(10)
    };
    let price = Price {
        memory_gb: 2.0,
        gb_second: 0.5,
        request: 0.1,
    };
    let cold = run(&workload, &platform);
    close(cold.wall, 4.5);
    let totals = cold.totals(Some(price));
    assert_eq!((totals.cold, totals.requests, totals.workers), (10, 40, 10));
    assert!((totals.function_s - 45.0).abs() < 1e-9, "{totals:?}");
    assert!(
        (totals.usd.unwrap() - (4.0 + 45.0)).abs() < 1e-9,
        "{totals:?}"
    );
    assert!((totals.utilisation - 1.0).abs() < 1e-9, "{totals:?}");
    let warm = Platform {
        warm: 4,
        ..platform
    };
    assert_eq!(run(&workload, &warm).totals(None).cold, 6);
}

#[test]
fn the_store_is_waited_for_before_and_after() {
    let platform = Platform {
        store: secs(0.1),
        dispatch: secs(0.2),
        ..Platform::ideal(1)
    };
    // A range; packets and record; the stitch looks for the packets and fetches them.
    let stitch = 0.2;
    close(
        run(&independent(&[1.0]), &platform).wall,
        0.2 + 0.1 + 1.0 + 0.2 + stitch,
    );
    // Encode with a state, then range, draft; record, state; packets and record.
    let chain = run(
        &batches(1, 2, 1.0, (0.5, 0.5)),
        &Platform {
            workers: 2,
            ..platform
        },
    );
    let first = 0.2 + 0.1 + 1.0 + 0.3;
    close(
        chain.wall,
        first + 0.2 + 0.2 + 0.5 + 0.2 + 0.5 + 0.2 + 2.0 * stitch,
    );
}

#[test]
fn workers_share_the_cores_there_are() {
    let workload = independent(&[1.0; 64]);
    let shared = Platform {
        cores: Some(2),
        ..Platform::ideal(16)
    };
    close(run(&workload, &shared).wall, 32.0);
    // Waiting takes no core.
    let slow_store = Platform {
        store: secs(1.0),
        ..shared
    };
    let wall = run(&workload, &slow_store).wall.as_secs_f64();
    // Six of them are the stitch's requests.
    assert!(wall > 38.0 && wall < 54.0, "{wall}");
}

#[test]
fn a_ramp_and_a_platform_without_room_slow_the_start() {
    let ramp = Ramp {
        initial: 10,
        step: 10,
        every: secs(10.0),
    };
    let workload = independent(&[20.0; 20]);
    let ramped = Platform {
        ramp: Some(ramp),
        ..Platform::ideal(100)
    };
    let slow = run(&workload, &ramped);
    close(slow.wall, 30.0);
    let path = path(&workload, &slow);
    assert_eq!((path[0].what, path.len()), (What::Held, 2));
    let small = Platform {
        capacity: Some(ramp),
        dispatch: secs(0.05),
        ..Platform::ideal(100)
    };
    let throttled = run(&workload, &small);
    let totals = throttled.totals(None);
    assert!(totals.throttled > 0 && totals.requests == 20, "{totals:?}");
    assert!(throttled.wall >= secs(30.0), "{totals:?}");
}

#[test]
fn what_fails_is_done_again_and_what_is_slow_twice() {
    let workload = batches(20, 10, 1.0, (0.2, 0.2));
    let storm = Platform {
        faults: Faults {
            throttled: 0.05,
            crashed: 0.03,
            transient: 0.03,
            slow: 0.03,
            slowness: 10.0,
        },
        speculates: true,
        deaf: true,
        dispatch: secs(0.01),
        store: secs(0.01),
        jitter: 0.1,
        ..Platform::ideal(64)
    };
    let ran = run(&workload, &storm);
    let totals = ran.totals(None);
    assert!(totals.failed > 5 && totals.throttled > 5, "{totals:?}");
    assert!(totals.aborted > 0, "{totals:?}");
    let done = ran.done_by(workload.tasks.len());
    assert!(done.iter().all(Option::is_some));
    let ok = ran.invocations.iter().filter(|i| i.ended == Ended::Ok);
    assert_eq!(ok.count(), workload.tasks.len());
}

#[test]
fn a_workload_that_makes_no_sense_is_refused() {
    let mut workload = independent(&[1.0, 1.0]);
    workload.tasks[0].after = vec![1];
    let error = simulate(&workload, &Platform::ideal(1)).unwrap_err();
    assert_eq!(error.to_string(), "task 0 comes after task 1");
    workload.tasks[0].after.clear();
    workload.stages[0].tasks = 0..1;
    let error = simulate(&workload, &Platform::ideal(1)).unwrap_err();
    assert_eq!(error.to_string(), "task 1 is in no stage");
    close(run(&Workload::default(), &Platform::ideal(1)).wall, 0.0);
}

#[test]
fn a_source_three_times_as_long() {
    let mut once = Workload::default();
    once.push_stage(
        secs(0.1),
        [SimTask::new(TaskKind::Index, None, 1, secs(0.3))],
    );
    let track = SimTask::new(TaskKind::Track, None, 1, secs(0.7));
    let chunks = batches(2, 3, 1.0, (0.1, 0.2));
    let shifted = chunks.tasks.into_iter().map(|task| SimTask {
        after: task.after.iter().map(|n| n + 1).collect(),
        follows: task.follows.map(|n| n + 1),
        ..task
    });
    once.push_stage(secs(0.0), shifted);
    once.push_stage(secs(0.0), [track]);
    (once.stitch, once.besides) = (secs(0.5), secs(0.25));
    assert_eq!(once.repeated(1), Ok(once.clone()));
    let thrice = once.repeated(3).unwrap();
    assert_eq!(thrice.check(), Ok(()));
    assert_eq!(thrice.tasks.len(), 2 + 3 * (once.tasks.len() - 2));
    let work = once.work() * 3 - secs(2.0 * 0.3);
    assert_eq!((thrice.stitch, thrice.work()), (secs(1.5), work));
    let rebases = thrice.tasks.iter().filter(|t| t.kind == TaskKind::Rebase);
    let chunks: Vec<_> = rebases.clone().map(|t| t.chunk.unwrap()).collect();
    assert_eq!(chunks, [1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17]);
    for task in rebases {
        let before = &thrice.tasks[task.follows.unwrap() as usize];
        assert_eq!(before.chunk, task.chunk.map(|n| n - 1));
        assert_eq!(thrice.tasks[task.after[0] as usize].chunk, task.chunk);
    }
    // Batches are independent: it takes no longer but for what is done once for all.
    let wall = |workload| run(workload, &Platform::ideal(100)).wall;
    assert_eq!(wall(&thrice) - wall(&once), secs(1.4 + 1.0));
    assert!(once.repeated(u32::MAX).is_err());
}

#[test]
fn bytes_take_time_where_the_store_is_slow() {
    let task = SimTask {
        bytes_read: 10_000_000,
        bytes_written: 5_000_000,
        ..SimTask::new(TaskKind::Encode, Some(0), 6, secs(1.0))
    };
    let rebase = SimTask {
        bytes_read: 7_000_000,
        head: secs(0.5),
        after: vec![1],
        follows: Some(0),
        ..SimTask::new(TaskKind::Rebase, Some(1), 6, secs(0.25))
    };
    let draft = SimTask::new(TaskKind::Encode, Some(1), 6, secs(0.5));
    let mut workload = Workload::default();
    workload.push_stage(Duration::ZERO, [task, draft, rebase]);
    let slow = Platform {
        store_rate: Some(10e6),
        ..Platform::ideal(3)
    };
    // 1 s to read, 1 s of work, half a second to write; then what the rebase reads besides
    // the state, its head, the state, which is all that its leader wrote, and the rest.
    close(run(&workload, &slow).wall, 2.5 + 0.2 + 0.5 + 0.5 + 0.25);
    close(run(&workload, &Platform::ideal(3)).wall, 1.0 + 0.5 + 0.25);
}

#[test]
fn a_stitch_waits_for_its_chunks_many_at_a_time() {
    let far = Platform {
        store: secs(0.05),
        ..Platform::ideal(1000)
    };
    let chunks = |n: usize| independent(&vec![1.0; n]);
    // A range before it, packets and record behind it; then a look and a fetch for the
    // first, and for each round of the others.
    close(run(&chunks(1), &far).wall, 1.15 + 0.1);
    close(run(&chunks(33), &far).wall, 1.15 + 0.2);
    close(run(&chunks(34), &far).wall, 1.15 + 0.3);
    close(run(&chunks(640), &far).wall, 1.15 + 2.1);
    close(run(&chunks(640), &Platform::ideal(1000)).wall, 1.0);
    // What is fetched is written meanwhile.
    let long = Workload {
        stitch: secs(3.0),
        ..chunks(640)
    };
    close(run(&long, &far).wall, 1.15 + 0.1 + 3.0);
}
