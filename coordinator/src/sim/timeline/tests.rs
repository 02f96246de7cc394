// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures are whole, bounded and always the same.

use super::super::critical::critical_path;
use super::super::model::{Platform, SimTask, Workload};
use super::super::simulate;
use super::*;
use std::time::Duration;

fn picture(chunks: u32, workers: u32) -> String {
    let mut workload = Workload::default();
    let chunk = |n| {
        let ms = 500 + u64::from(n) * 37 % 400;
        SimTask::new(TaskKind::Encode, Some(n), 6, Duration::from_millis(ms))
    };
    workload.push_stage(Duration::from_millis(100), (0..chunks).map(chunk));
    workload.stitch = Duration::from_millis(50);
    let platform = Platform {
        jitter: 0.2,
        ..Platform::ideal(workers)
    };
    let run = simulate(&workload, &platform).expect("a run");
    let path = critical_path(&workload, &run, Duration::ZERO);
    let caption = Caption {
        title: "a < b & c".into(),
        subtitle: String::new(),
    };
    svg(&workload, &run, &path, &caption)
}

#[test]
fn few_workers_have_rows_and_many_a_density() {
    let rows = picture(40, 8);
    assert_eq!(rows, picture(40, 8));
    assert!(rows.starts_with("<svg ") && rows.ends_with("</svg>\n"));
    assert!(rows.contains("a &lt; b &amp; c"), "{rows}");
    assert!(rows.contains("worker 7") && !rows.contains("worker 8"));
    assert_eq!(
        rows.matches("<text").count(),
        rows.matches("</text>").count()
    );
    let many = picture(6000, 3000);
    assert!(many.contains(">workers<") && !many.contains("worker 7"));
    // However many tasks there are.
    assert!(many.len() < 100_000, "{}", many.len());
}

#[test]
fn nothing_at_all_is_a_picture_too() {
    let empty = picture(0, 1);
    assert!(empty.contains("coordinator"), "{empty}");
}

#[test]
fn marks_are_round() {
    assert_eq!(
        nice_ticks(10.0, 12),
        (0..=10).map(f64::from).collect::<Vec<_>>()
    );
    assert_eq!(nice_ticks(65.0, 12).last(), Some(&60.0));
    assert_eq!(nice_ticks(0.7, 4), [0.0, 0.2, 0.4, 0.6000000000000001]);
    assert_eq!(seconds_label(0.6000000000000001, 0.7), "0.60");
}
