// SPDX-License-Identifier: MIT OR Apache-2.0
//! What holds for every workload.

use super::super::draw::LogNormal;
use super::*;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A job as a batch job is: an index, chunks in batches, a stitch.
fn job(count: u32, length: u32, times: (f64, f64, f64)) -> Workload {
    let chunks = batches(count, length, times.0, (times.1, times.2));
    let mut workload = Workload::default();
    workload.push_stage(
        secs(0.1),
        [SimTask::new(TaskKind::Index, None, 1, secs(0.3))],
    );
    let shifted = chunks.tasks.into_iter().map(|task| SimTask {
        after: task.after.iter().map(|n| n + 1).collect(),
        follows: task.follows.map(|n| n + 1),
        ..task
    });
    workload.push_stage(secs(0.1), shifted);
    workload.stitch = secs(0.2);
    workload
}

fn functions(workers: u32, seed: u64) -> Platform {
    Platform {
        cold_start: LogNormal::new(0.5, 3.0),
        dispatch: secs(0.02),
        store: secs(0.03),
        jitter: 0.2,
        speculates: true,
        deaf: true,
        seed,
        ..Platform::ideal(workers)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn more_workers_cost_no_more_than_a_task(
        times in prop::collection::vec(0.01..5.0f64, 1..60),
        few in 1u32..20,
        more in 1u32..20,
    ) {
        let workload = independent(&times);
        let longest = secs(times.iter().copied().fold(0.0, f64::max));
        let wall = |n| run(&workload, &Platform::ideal(n)).wall;
        prop_assert!(wall(few + more) <= wall(few) + longest);
        // Never below what no schedule beats, never above what any list does.
        let sum = secs(times.iter().sum());
        let least = longest.max(sum / few);
        prop_assert!(wall(few) + Duration::from_micros(1) >= least);
        prop_assert!(wall(few) <= sum / few + longest + Duration::from_micros(1));
    }

    #[test]
    fn the_same_seed_gives_the_same_run(seed: u64, workers in 1u32..50) {
        let workload = job(4, 6, (1.0, 0.2, 0.3));
        let once = run(&workload, &functions(workers, seed));
        let twice = run(&workload, &functions(workers, seed));
        prop_assert_eq!(&once, &twice);
        let other = run(&workload, &functions(workers, seed ^ 1));
        prop_assert_ne!(once.wall, other.wall);
    }

    #[test]
    fn the_critical_path_has_no_gap_and_the_runs_length(
        count in 1u32..6, length in 1u32..12, workers in 1u32..80, seed: u64,
        draft in 0.1..3.0f64, head in 0.0..1.0f64, rest in 0.01..1.0f64,
    ) {
        let workload = job(count, length, (draft, head, rest));
        for platform in [Platform::ideal(workers), functions(workers, seed)] {
            let run = run(&workload, &platform);
            let path = path(&workload, &run);
            let mut at = Duration::ZERO;
            for stretch in &path {
                prop_assert_eq!(stretch.from, at);
                prop_assert!(stretch.to > at);
                at = stretch.to;
            }
            prop_assert_eq!(at, run.wall);
        }
    }

    #[test]
    fn times_of_an_invocation_never_fall(workers in 1u32..40, seed: u64) {
        let workload = job(3, 8, (1.0, 0.3, 0.2));
        let run = run(&workload, &functions(workers, seed));
        for i in &run.invocations {
            let times = [i.launch, i.begin, i.work, i.ready, i.go, i.end];
            prop_assert!(times.is_sorted(), "{:?}", i);
        }
        // No worker has two at a time.
        let mut spans: Vec<_> = run.invocations.iter().filter(|i| i.ran())
            .map(|i| (i.slot, i.launch, i.end)).collect();
        spans.sort_unstable();
        for pair in spans.windows(2) {
            prop_assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{:?}", pair);
        }
    }
}

#[test]
fn ten_thousand_tasks_come_within_a_twentieth_of_the_ideal() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    // A hundredfold spread, as of still and busy chunks of unequal length.
    let times: Vec<f64> = (0..10_000)
        .map(|_| 10f64.powf(rng.random_range(-1.0..1.0)))
        .collect();
    let workload = independent(&times);
    for (workers, jitter) in [(10, 0.0), (100, 0.0), (1000, 0.0), (1000, 0.2), (3000, 0.0)] {
        let platform = Platform {
            jitter,
            ..Platform::ideal(workers)
        };
        let run = run(&workload, &platform);
        // By what they really took.
        let took = || run.invocations.iter().map(|i| i.paid().as_secs_f64());
        let ideal = f64::max(
            took().sum::<f64>() / f64::from(workers),
            took().fold(0.0, f64::max),
        );
        let ratio = run.wall.as_secs_f64() / ideal;
        println!("{workers} workers, jitter {jitter}: {ratio:.4} of {ideal:.3} s");
        assert!(
            (1.0..=1.05).contains(&(ratio + 1e-6)),
            "{workers} workers: {ratio}"
        );
    }
}
