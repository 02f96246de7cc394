// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thousands of workers at once: nothing is lost, nothing comes twice, and the
//! coordinator stays small.

mod engines;

use engines::local;
use engines::service::Service;
use framemill::engine::files;
use framemill_tests::job::{Job, Run, CHEAP};
use framemill_tests::place;
use framemill_tests::sources::generated;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Chunks of one frame: as many tasks as frames, each of some milliseconds.
fn flags() -> String {
    format!("{CHEAP} --chunk 1f --audio none")
}

fn tiny(frames: usize) -> PathBuf {
    generated(
        &format!("tiny-{frames}.mp4"),
        &format!(
            "-f lavfi -i testsrc2=size=64x64:rate=25 -frames:v {frames} -c:v libx264 \
             -preset ultrafast -g 25 -pix_fmt yuv420p"
        ),
    )
}

/// What the coordinator may take, in bytes.
const MEMORY: u64 = 250_000_000;

/// Invocations of encodes as the report has them.
fn encodes(report: &Value) -> Vec<&Value> {
    let all = report["invocations"].as_array().expect("a list").iter();
    all.filter(|i| i["kind"] == "encode").collect()
}

/// Most of them that were under way at one moment.
fn most_at_once(invocations: &[&Value]) -> usize {
    let time = |i: &Value, name: &str| i[name].as_f64().expect("a time");
    let starts = invocations.iter().map(|i| (time(i, "start_s"), 1));
    let ends = invocations.iter().map(|i| (time(i, "end_s"), -1));
    let mut steps: Vec<(f64, i64)> = starts.chain(ends).collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut now, mut most) = (0, 0);
    for (_, step) in steps {
        now += step;
        most = most.max(now);
    }
    usize::try_from(most).expect("a count")
}

/// Fails unless each chunk was made once and the output is that of a local run.
fn nothing_lost_nothing_doubled(chunks: usize, run: &Run, report: &Value) {
    let mut made = vec![0; chunks];
    for invocation in encodes(report) {
        if invocation["outcome"] == "ok" {
            made[invocation["chunk"].as_u64().expect("a number") as usize] += 1;
        }
    }
    assert!(made.iter().all(|&times| times == 1), "{made:?}");
    assert_eq!(report["totals"]["frames"], chunks);
    assert!(
        run.bytes() == local(&tiny(chunks), "mp4", &flags()),
        "other bytes than locally"
    );
    let peak = run.done.peak_memory;
    assert!(peak < MEMORY, "{} MB", peak / 1_000_000);
}

/// Memory that programs may have, in bytes.
fn available() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").expect("Linux");
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.expect("a number") << 10
}

#[test]
fn a_thousand_workers_of_this_machine() {
    /// A worker and the process that does its tasks, with room for more of either.
    const EACH: u64 = 16 << 20;
    let carried = (available() / EACH).min(1000) as usize;
    let folder = place::scratch();
    let output = folder.path().join("host.mp4");
    let job = Job::transcode(&tiny(1000), &output).flags(&flags());
    let job = job.flags(&format!("--engine host --workers {carried}"));
    let (run, report) = job.reported();
    println!(
        "{carried} workers: {:.1} s, coordinator {} MB",
        run.done.seconds,
        run.done.peak_memory / 1_000_000
    );
    assert_eq!(most_at_once(&encodes(&report)), carried);
    nothing_lost_nothing_doubled(1000, &run, &report);
}

/// CPU seconds of the children of this process that have ended.
fn children_cpu_s() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = text.rsplit_once(')').expect("a name in brackets");
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // In hundredths of a second on every Linux that we run on.
    let ticks = |n: usize| fields[n].parse::<f64>().expect("a number");
    (ticks(13) + ticks(14)) / 100.0
}

/// `FRAMEMILL_TEST_TASKS` asks for more tasks, where the figures are wanted.
#[test]
fn four_thousand_invocations_at_once() {
    const AT_ONCE: usize = 4000;
    let asked = std::env::var("FRAMEMILL_TEST_TASKS").ok();
    let tasks: usize = asked.map_or(4200, |n| n.parse().expect("a number"));
    files::allow(AT_ONCE as u32, 3).expect("enough open files");
    let source = tiny(tasks);
    let service = Service::start(AT_ONCE);
    let folder = place::scratch();
    let output = folder.path().join("lambda.mp4");
    let set = format!(
        "export AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=B AWS_REGION=us-east-1 \
         AWS_ENDPOINT_URL_LAMBDA={}",
        service.endpoint()
    );
    let job = Job::transcode(&source, &output).flags(&flags());
    let job = job.flags("--engine lambda --function f --workers 4000");
    let job = job
        .flag("--work-dir", folder.path().join("work"))
        .after(&set);
    let before = children_cpu_s();
    let (run, report) = job.reported();
    println!(
        "{tasks} tasks: {:.1} s, coordinator {} MB, {:.3} ms of CPU a task",
        run.done.seconds,
        run.done.peak_memory / 1_000_000,
        (children_cpu_s() - before) * 1e3 / tasks as f64
    );
    assert!(service.most() >= AT_ONCE, "{} at once", service.most());
    nothing_lost_nothing_doubled(tasks, &run, &report);
}
