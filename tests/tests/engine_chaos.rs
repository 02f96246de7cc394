// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything at once, from a seed: workers that crash, hang, are throttled, are slow
//! and get tasks twice; a store that fails and is slow; a coordinator that is killed.
//! The bytes are those of a quiet run.

mod engines;

use engines::proxy::{Proxy, StoreFaults};
use engines::{bucket, local, runtime, uploaded};
use framemill::engine::host::{Faults, HostOptions, HostServer};
use framemill_store::Store;
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::servers::{fresh_prefix, S3Server};
use framemill_tests::sources::plain;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Fifty chunks and a track.
const FLAGS: &str = "--codec h264 --preset fast --chunk 2f --audio aac";
/// Attempts at a task that may fail; throttled ones are none.
const ATTEMPTS: u64 = 6;

/// What workers and the coordinator find between themselves and the store.
fn store_faults(seed: u64) -> StoreFaults {
    StoreFaults {
        seed,
        errors: 0.05,
        broken: 0.03,
        lost: 0.03,
        cut: 0.03,
        slow: 0.1,
        slow_by: Duration::from_millis(300),
        in_a_row: u32::MAX,
    }
}

fn worker_faults() -> Faults {
    Faults {
        seed: 23,
        latency: Duration::from_millis(10),
        throttles: 0.2,
        crashes: 0.05,
        time_outs: 0.05,
        stragglers: 0.05,
        slowness: 10.0,
        duplicates: 0.05,
        ..Faults::default()
    }
}

/// Outcomes in a report by their first word, and the most attempts at a task.
fn judged(report: &Value) -> (BTreeMap<String, usize>, u64) {
    let (mut counts, mut attempts) = (BTreeMap::new(), 0);
    for invocation in report["invocations"].as_array().expect("a list") {
        let outcome = invocation["outcome"].as_str().expect("a word");
        let known = [
            "ok",
            "throttled",
            "the worker crashed",
            "timed out",
            "cancelled",
        ];
        let store = [
            "s3",
            "store",
            "endpoint",
            "transfer",
            "answer",
            "InternalError",
        ];
        let name = known.iter().find(|k| outcome.starts_with(**k));
        let name = name.copied().unwrap_or_else(|| {
            assert!(store.iter().any(|s| outcome.contains(s)), "{outcome}");
            "store"
        });
        *counts.entry(name.to_owned()).or_default() += 1;
        attempts = attempts.max(invocation["attempt"].as_u64().expect("a number"));
    }
    (counts, attempts)
}

#[test]
fn all_faults_at_once_change_no_byte() {
    let server = S3Server::ministack();
    let prefix = fresh_prefix("chaos");
    let source = uploaded(&server, &format!("{prefix}clip.mp4"), &plain());

    let workers = Proxy::start(&server.endpoint, store_faults(3));
    // What the store's own tries do not get over ends a coordinator, as it should.
    let gentle = StoreFaults {
        in_a_row: 2,
        ..store_faults(4)
    };
    let coordinators = Proxy::start(&server.endpoint, gentle);
    for (name, value) in server.environment() {
        std::env::set_var(name, value);
    }
    // Workers inherit this process's environment.
    std::env::set_var("AWS_ENDPOINT_URL_S3", workers.endpoint());
    let options = HostOptions {
        faults: worker_faults(),
        ..HostOptions::new(place::worker(), 4)
    };
    let functions = std::thread::scope(|scope| {
        let functions = scope.spawn(|| runtime().block_on(HostServer::start(options)));
        functions.join().expect("no panic").expect("a server")
    });

    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let work = format!("{prefix}work");
    let set = format!(
        "export AWS_ENDPOINT_URL_S3={} AWS_ENDPOINT_URL_LAMBDA={}",
        coordinators.endpoint(),
        functions.endpoint()
    );
    let job = Job::transcode(Path::new(&source), &output)
        .flags(FLAGS)
        .flags("--engine lambda --function framemill --workers 12")
        .flag("--work-dir", format!("s3://framemill-work/{work}"))
        .after(&set);
    let results = bucket(&server, "framemill-work");
    let done = || {
        let page = results.list(&work, None, 1000);
        let page = runtime().block_on(page).expect("a list");
        page.entries
            .iter()
            .filter(|e| e.key.ends_with(".data"))
            .count()
    };
    for kill in 1..=3 {
        let mut running = job.start();
        let ended = running.wait_until(|| done() >= kill * 8);
        assert!(!ended, "it was over before it could be killed");
        running.signal(Signal::KILL);
        running.finish();
        assert!(!output.exists(), "half an output has the final name");
    }
    let (run, report) = job.reported();
    assert!(
        run.bytes() == local(&plain(), "mp4", FLAGS),
        "other bytes than on a quiet run"
    );
    assert!(report["totals"]["reused"].as_u64() >= Some(20), "{report}");
    let (counts, attempts) = judged(&report);
    println!(
        "{counts:?}, {attempts} attempts at most; {} and {} faults of the store",
        workers.faults(),
        coordinators.faults()
    );
    assert!(attempts <= ATTEMPTS, "{attempts}");
    let failures: usize = counts.values().sum::<usize>() - counts["ok"];
    assert!(failures > 0 && workers.faults() > 20 && coordinators.faults() > 5);
}
