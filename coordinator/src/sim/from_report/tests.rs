// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports as the runner writes them, and broken ones.

use super::super::critical::critical_path;
use super::super::model::Platform;
use super::super::simulate;
use super::super::timeline::{svg, Caption};
use super::*;
use proptest::prelude::*;
use serde_json::{json, Value};

fn record(kind: &str, chunk: Option<u32>, (queued, start, end): (f64, f64, f64)) -> Value {
    json!({
        "kind": kind, "chunk": chunk, "attempt": 1, "queued_s": queued, "start_s": start,
        "end_s": end, "cpu_s": 0.5, "ready_s": 0.0, "frames": 6, "bytes_read": 10,
        "bytes_written": 20, "peak_memory": 0, "outcome": "ok",
    })
}

fn report(invocations: Vec<Value>) -> Value {
    json!({
        "version": 1, "framemill": "0", "environment": "", "input": "a", "output": "b",
        "engine": "local", "invocations": invocations,
        "totals": {"wall_s": 10.0, "frames": 18, "reused": 0}, "warnings": [], "error": null,
    })
}

/// An index, a track, three chunks in a batch, a stitch.
fn batch() -> Vec<Value> {
    let mut early = record("rebase", Some(2), (1.5, 5.0, 8.0));
    early["ready_s"] = json!(0.5);
    let mut first = record("rebase", Some(1), (1.5, 4.0, 6.0));
    first["ready_s"] = json!(0.75);
    vec![
        record("index", None, (0.0, 0.0, 1.0)),
        record("encode", Some(1), (1.5, 1.5, 3.5)),
        record("track", None, (1.5, 1.5, 2.0)),
        record("encode", Some(0), (1.5, 2.0, 4.0)),
        record("encode", Some(2), (1.5, 3.5, 5.0)),
        first,
        early,
        record("stitch", None, (8.5, 8.5, 9.0)),
    ]
}

fn parsed(report: &Value) -> Replayed {
    parse(report.to_string().as_bytes(), TimeOf::Wall).expect("a report")
}

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

#[test]
fn a_batch_is_read_as_it_was_made() {
    let of = parsed(&report(batch()));
    let (tasks, run) = (&of.workload.tasks, &of.run);
    let kinds: Vec<_> = tasks.iter().map(|t| (t.kind.name(), t.chunk)).collect();
    let expected = [
        ("index", None),
        ("track", None),
        ("encode", Some(0)),
        ("encode", Some(1)),
        ("encode", Some(2)),
        ("rebase", Some(1)),
        ("rebase", Some(2)),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        (tasks[5].after[..].to_vec(), tasks[5].follows),
        (vec![3], Some(2))
    );
    assert_eq!(
        (tasks[6].after[..].to_vec(), tasks[6].follows),
        (vec![4], Some(5))
    );
    // It was ready at 5.5 s, waited half a second, and took two more.
    assert_eq!((tasks[6].head, tasks[6].rest), (secs(0.5), secs(2.0)));
    assert_eq!((tasks[5].head, tasks[5].rest), (secs(0.75), secs(1.25)));
    assert_eq!((tasks[1].weight, tasks[2].weight), (u32::MAX, 6));
    let stages: Vec<_> = of
        .workload
        .stages
        .iter()
        .map(|s| (s.before, s.tasks.clone()))
        .collect();
    assert_eq!(stages, [(secs(0.0), 0..1), (secs(0.5), 1..7)]);
    // What is not accounted for comes last.
    let last = (of.workload.stitch, of.workload.besides);
    assert_eq!((last, run.wall), ((secs(1.0), secs(1.0)), secs(10.0)));
    assert_eq!(of.workload.check(), Ok(()));
    let totals = run.totals(None);
    assert_eq!((totals.requests, totals.peak, totals.workers), (7, 2, 2));
    assert!((totals.waited_s - 0.5).abs() < 1e-9, "{totals:?}");
    assert!(of.notes.is_empty(), "{:?}", of.notes);
}

#[test]
fn simulated_on_the_same_workers_it_takes_about_as_long() {
    let of = parsed(&report(batch()));
    let run = simulate(&of.workload, &Platform::ideal(2)).unwrap();
    let off = run.wall.as_secs_f64() / of.run.wall.as_secs_f64();
    assert!((0.9..1.1).contains(&off), "{off}");
}

#[test]
fn rounds_of_a_bit_rate_are_stages_and_drafts_may_be_missing() {
    let mut list = batch();
    list.insert(7, record("rebase", Some(1), (8.0, 8.0, 8.2)));
    list.insert(8, record("rebase", Some(2), (8.0, 8.2, 8.4)));
    let of = parsed(&report(list));
    assert_eq!(of.workload.stages.len(), 3);
    let tasks = &of.workload.tasks[7..];
    assert_eq!((tasks[0].after.len(), tasks[0].follows), (0, None));
    assert_eq!((tasks[1].after.len(), tasks[1].follows), (0, Some(7)));
}

#[test]
fn attempts_that_failed_are_no_measure_and_are_shown() {
    let mut list = batch();
    let mut failed = record("encode", Some(0), (1.5, 1.6, 1.9));
    failed["outcome"] = json!("the worker crashed: signal 9");
    let mut throttled = failed.clone();
    throttled["outcome"] = json!("throttled: no room");
    let mut never = record("encode", Some(7), (1.5, 2.0, 2.25));
    never["outcome"] = json!("cancelled");
    let mut index = record("index", None, (0.0, 0.0, 0.5));
    index["outcome"] = json!("timed out: 0.5 s");
    list.extend([failed, throttled, never, index]);
    let mut report = report(list);
    report["error"] = json!("it\nfailed");
    report["totals"]["reused"] = json!(3);
    let of = parsed(&report);
    assert_eq!(of.workload.tasks[2].rest, secs(2.0));
    assert_eq!(of.workload.tasks[5].rest, secs(0.25));
    let totals = of.run.totals(None);
    assert_eq!((totals.failed, totals.throttled, totals.aborted), (2, 1, 1));
    assert_eq!(of.notes.len(), 3, "{:?}", of.notes);
    assert_eq!(of.notes[0], "the job failed: it failed");
}

#[test]
fn cpu_times_keep_their_shares() {
    let text = report(batch()).to_string();
    let of = parse(text.as_bytes(), TimeOf::Cpu).unwrap();
    assert_eq!(of.workload.tasks[2].work(), secs(0.5));
    let (head, rest) = (of.workload.tasks[6].head, of.workload.tasks[6].rest);
    assert_eq!((head, head + rest), (secs(0.1), secs(0.5)));
}

#[test]
fn broken_reports_get_one_clear_line() {
    let wrong = |text: &str| parse(text.as_bytes(), TimeOf::Wall).unwrap_err();
    let text = report(batch()).to_string();
    assert_eq!(
        wrong(&text[..text.len() / 2]),
        "it ends in the middle, at line 1, as that of a job that was killed"
    );
    assert_eq!(
        wrong(""),
        "not a report: EOF while parsing a value, at line 1, column 0"
    );
    assert!(wrong("[1]").starts_with("not a report: "));
    assert!(wrong("{\"version\":1}").starts_with("not a report: missing field"));
    let newer = wrong("{\"version\":2,\"all\":\"else\"}");
    assert!(newer.starts_with("it is a report of version 2"), "{newer}");
    assert_eq!(
        wrong(&report(Vec::new()).to_string()),
        "it has no invocations"
    );
    let mut list = batch();
    list[2]["end_s"] = json!(0.5);
    let backward = "invocation 2: it ends at 0.5 s, before it starts at 1.5 s";
    assert_eq!(wrong(&report(list.clone()).to_string()), backward);
    list[2]["end_s"] = json!(1e300);
    assert!(wrong(&report(list.clone()).to_string()).starts_with("invocation 2: end_s is "));
    list[2]["end_s"] = json!(2.0);
    list[4]["kind"] = json!("dance");
    assert_eq!(
        wrong(&report(list.clone()).to_string()),
        "invocation 4: kind \"dance\" is unknown"
    );
    list[4]["kind"] = json!("encode");
    list[4]["chunk"] = json!(-1);
    assert!(wrong(&report(list).to_string()).starts_with("not a report: invalid value"));
    let mut long = report(batch());
    long["totals"]["wall_s"] = json!(-1.0);
    assert_eq!(wrong(&long.to_string()), "totals: wall_s is -1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever runs a report tells of, it can be shown and run again.
    #[test]
    fn any_report_is_shown_and_replayed(records in prop::collection::vec((
        0usize..6, prop::option::of(0u32..6), (0u32..3, 0u32..40, 0u32..40),
        (0.0..3.0f64, 0usize..4),
    ), 1..40)) {
        let list = records.iter().map(|&(kind, chunk, (queued, start, took), (ready, ended))| {
            let (queued, start) = (f64::from(queued), f64::from(start) / 4.0);
            let end = start + f64::from(took) / 8.0;
            let mut record = record(TaskKind::ALL[kind].name(), chunk, (queued, start, end));
            record["ready_s"] = json!(ready);
            record["outcome"] = json!(["ok", "cancelled", "throttled: x", "bad"][ended]);
            record
        });
        let text = report(list.collect()).to_string();
        let Ok(of) = parse(text.as_bytes(), TimeOf::Wall) else {
            // Nothing but stitches.
            prop_assert!(records.iter().all(|r| r.0 == 5));
            return Ok(());
        };
        prop_assert_eq!(of.workload.check(), Ok(()));
        let path = critical_path(&of.workload, &of.run, Duration::from_millis(20));
        let total: Duration = path.iter().map(|s| s.to - s.from).sum();
        prop_assert_eq!(total, of.run.wall);
        let caption = Caption { title: String::new(), subtitle: String::new() };
        let picture = svg(&of.workload, &of.run, &path, &caption);
        prop_assert!(!picture.contains("NaN") && !picture.contains("inf"));
        let longer = of.workload.repeated(3).expect("few tasks");
        prop_assert_eq!(longer.check(), Ok(()));
        prop_assert!(simulate(&longer, &Platform::ideal(3)).is_ok());
    }
}
