// SPDX-License-Identifier: MIT OR Apache-2.0
//! What workers did: a row each, or how many did what.

use super::super::critical::{Stretch, What};
use super::super::model::{TaskKind, Workload};
use super::super::run::{Ended, Invocation, Run};
use super::scale::nice_ticks;
use super::{
    bar, colour, lane_name, text, Plot, FAILED, FAINT, GIVEN_UP, GRID, INK, LEFT, RIGHT, STARTING,
    WIDTH,
};
use std::fmt::Write;

/// Steps of time in a density.
const BINS: usize = 580;

/// A row for each worker.
pub(super) fn workers(
    out: &mut String,
    plot: &Plot,
    (workload, run): (&Workload, &Run),
    path: &[Stretch],
) {
    // Small rows touch; large ones have air between them.
    let height = if plot.row > 8.0 {
        plot.row - 2.0
    } else {
        plot.row - 0.5
    };
    let every = (14.0 / plot.row).ceil().max(1.0) as u32;
    for slot in (0..plot.rows).filter(|slot| slot % nice_every(every) == 0) {
        let y = plot.y(slot) + plot.row / 2.0 - 9.0;
        lane_name(out, y, &format!("worker {slot}"));
    }
    for invocation in run.invocations.iter().filter(|i| i.ran()) {
        let kind = workload.tasks[invocation.task as usize].kind;
        worker_bar(out, plot, invocation, kind, height);
    }
    for stretch in path {
        let What::Invocation(n) = stretch.what else {
            continue;
        };
        let invocation = &run.invocations[n];
        // The stretch may go on to when it was heard of.
        let to = stretch.to.min(invocation.end.max(stretch.from));
        let span = (stretch.from.as_secs_f64(), to.as_secs_f64());
        let outline = format!("fill=\"none\" stroke=\"{INK}\" stroke-width=\"1.6\"");
        bar(out, plot, span, (plot.y(invocation.slot), height), &outline);
    }
}

/// Which worker's name is written: each, or every fifth, tenth, twentieth.
fn nice_every(least: u32) -> u32 {
    [1, 2, 5, 10, 20, 50]
        .into_iter()
        .find(|&every| every >= least)
        .unwrap_or(100)
}

fn worker_bar(out: &mut String, plot: &Plot, i: &Invocation, kind: TaskKind, height: f64) {
    let at = (plot.y(i.slot), height);
    let s = |time: std::time::Duration| time.as_secs_f64();
    let fill = match i.ended {
        Ended::Failed => FAILED,
        Ended::Aborted => GIVEN_UP,
        _ => colour(kind),
    };
    if i.cold && i.work > i.begin {
        bar(
            out,
            plot,
            (s(i.begin), s(i.work)),
            at,
            &format!("fill=\"{STARTING}\""),
        );
    }
    bar(
        out,
        plot,
        (s(i.work), s(i.end)),
        at,
        &format!("fill=\"{fill}\""),
    );
    if i.go > i.ready {
        bar(out, plot, (s(i.ready), s(i.go)), at, "fill=\"url(#wait)\"");
    }
}

/// What a worker is at, from the bottom of the picture up.
const LAYERS: usize = TaskKind::ALL.len() + 4;
const WAITING: usize = TaskKind::ALL.len();
const STARTS: usize = WAITING + 1;
const DROPPED: usize = WAITING + 2;
const LOST: usize = WAITING + 3;

/// How many workers were at what, on average in each step of time.
fn counts(plot: &Plot, workload: &Workload, run: &Run) -> Vec<[f64; LAYERS]> {
    let mut bins = vec![[0.0; LAYERS]; BINS];
    let scale = BINS as f64 / plot.seconds;
    let mut add = |layer: usize, from: f64, to: f64| {
        let (from, to) = (from * scale, (to * scale).min(BINS as f64));
        let mut at = from;
        while at < to {
            let bin = at.floor();
            let next = (bin + 1.0).min(to);
            if let Some(counts) = bins.get_mut(bin as usize) {
                counts[layer] += next - at;
            }
            at = next;
        }
    };
    for i in run.invocations.iter().filter(|i| i.ran()) {
        let s = |time: std::time::Duration| time.as_secs_f64();
        match i.ended {
            Ended::Failed => add(LOST, s(i.begin), s(i.end)),
            Ended::Aborted => add(DROPPED, s(i.begin), s(i.end)),
            _ => {}
        }
        if i.ended != Ended::Ok {
            continue;
        }
        let kind = workload.tasks[i.task as usize].kind as usize;
        add(STARTS, s(i.begin), s(i.work));
        add(kind, s(i.work), s(i.ready));
        add(WAITING, s(i.ready), s(i.go));
        add(kind, s(i.go), s(i.end));
    }
    bins
}

/// Layers of how many workers were at what.
pub(super) fn density(out: &mut String, plot: &Plot, (workload, run): (&Workload, &Run)) {
    let bins = counts(plot, workload, run);
    let most = bins.iter().map(|counts| counts.iter().sum::<f64>());
    let most = most.fold(1.0, f64::max);
    let (top, bottom) = (plot.top_of_rows(), plot.bottom());
    let height = bottom - top - 12.0;
    let y = |count: f64| bottom - height * count / most;
    for tick in nice_ticks(most, 6) {
        let at = y(tick);
        let right = WIDTH - RIGHT;
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{at:.2}\" x2=\"{right}\" y2=\"{at:.2}\" stroke=\"{GRID}\"/>"
        );
        let label = format!("{tick:.0}");
        text(
            out,
            (LEFT - 8.0, at + 4.0),
            FAINT,
            "text-anchor=\"end\"",
            &label,
        );
    }
    let style = "text-anchor=\"middle\"";
    let turned = format!(
        "{style} transform=\"rotate(-90 24 {:.2})\"",
        (top + bottom) / 2.0
    );
    text(out, (24.0, (top + bottom) / 2.0), FAINT, &turned, "workers");
    let mut below = vec![0.0; BINS];
    let mut layer = |out: &mut String, layer: usize, fill: &str| {
        let above: Vec<f64> = bins.iter().zip(&below).map(|(c, b)| b + c[layer]).collect();
        if above != below {
            area(out, plot, (&below, &above), &y, fill);
        }
        below = above;
    };
    for kind in TaskKind::ALL {
        layer(out, kind as usize, &format!("fill=\"{}\"", colour(kind)));
    }
    let rebase = colour(TaskKind::Rebase);
    layer(
        out,
        WAITING,
        &format!("fill=\"{rebase}\" fill-opacity=\"0.35\""),
    );
    layer(out, STARTS, &format!("fill=\"{STARTING}\""));
    layer(out, DROPPED, &format!("fill=\"{GIVEN_UP}\""));
    layer(out, LOST, &format!("fill=\"{FAILED}\""));
}

/// A stepped area between two lines.
fn area(
    out: &mut String,
    plot: &Plot,
    (below, above): (&[f64], &[f64]),
    y: &dyn Fn(f64) -> f64,
    fill: &str,
) {
    let x = |bin: usize| plot.x(plot.seconds * bin as f64 / BINS as f64);
    let mut path = String::new();
    for (bin, &count) in above.iter().enumerate() {
        let first = if bin == 0 { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{first}{:.1} {:.1}H{:.1}",
            x(bin),
            y(count),
            x(bin + 1)
        );
    }
    for (bin, &count) in below.iter().enumerate().rev() {
        let _ = write!(path, "L{:.1} {:.1}H{:.1}", x(bin + 1), y(count), x(bin));
    }
    let _ = writeln!(out, "<path d=\"{path}Z\" {fill}/>");
}
