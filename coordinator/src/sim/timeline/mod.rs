// SPDX-License-Identifier: MIT OR Apache-2.0
//! A run as an SVG picture: a row for each worker, time from left to right, tasks in
//! colours of their kinds, waiting shaded, the critical path outlined. With more workers
//! than rows would be readable, how many worked on what at each time.
//!
//! The same run gives the same bytes.

mod rows;
mod scale;

use super::critical::{Stretch, What};
use super::model::{TaskKind, Workload};
use super::run::{Ended, Own, Run};
use rows::{density, workers};
use scale::{nice_ticks, seconds_label};
use std::fmt::Write;

/// Most workers that get a row each.
const MOST_ROWS: u32 = 200;
/// Width of the picture, and of what is left of the plot, in pixels.
const WIDTH: f64 = 1280.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 24.0;
/// From the top to the first lane.
const TOP: f64 = 84.0;
/// Height of the lanes of the critical path and of the coordinator.
const LANE: f64 = 18.0;
/// Between lanes.
const GAP: f64 = 6.0;
const INK: &str = "#1b1b1b";
const FAINT: &str = "#6f6f6f";
const GRID: &str = "#e4e4e4";
/// What is no task: planning, a worker's start, failures, what was given up, waiting.
const PLAN: &str = "#b9a7d6";
const STARTING: &str = "#c9c9c9";
const FAILED: &str = "#d62728";
const GIVEN_UP: &str = "#d9a5a5";
const HELD: &str = "#ffffff";

/// The colour of a kind: apart for the colour-blind too.
const fn colour(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Index => "#7a5195",
        TaskKind::Analyze => "#56b4e9",
        TaskKind::Track => "#e69f00",
        TaskKind::Encode => "#3b78b5",
        TaskKind::Rebase => "#2a9d6f",
        TaskKind::Stitch => "#555555",
    }
}

/// What a picture says besides the run.
#[derive(Clone, Debug)]
pub struct Caption {
    /// What ran.
    pub title: String,
    /// Where, and what came of it.
    pub subtitle: String,
}

/// The picture as text in UTF-8. `path` is the run's critical path.
#[must_use]
pub fn svg(workload: &Workload, run: &Run, path: &[Stretch], caption: &Caption) -> String {
    let slots = run.invocations.iter().filter(|i| i.ran());
    let slots = slots.map(|i| i.slot + 1).max().unwrap_or(0);
    let plot = Plot::of(run, slots);
    let mut body = String::new();
    grid(&mut body, &plot);
    lanes(&mut body, &plot, (workload, run), path);
    if slots <= MOST_ROWS {
        workers(&mut body, &plot, (workload, run), path);
    } else {
        density(&mut body, &plot, (workload, run));
    }
    let mut out = String::new();
    let (width, height) = (WIDTH, plot.bottom() + 40.0);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <defs><pattern id=\"wait\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"4\" height=\"4\" fill=\"#ffffff\" \
         fill-opacity=\"0.55\"/><rect width=\"1.6\" height=\"4\" fill=\"#ffffff\"/></pattern></defs>\n\
         <rect width=\"{width}\" height=\"{height:.0}\" fill=\"#ffffff\"/>"
    );
    text(
        &mut out,
        (LEFT, 24.0),
        INK,
        "font-size=\"16\" font-weight=\"bold\"",
        &caption.title,
    );
    text(&mut out, (LEFT, 43.0), FAINT, "", &caption.subtitle);
    legend(&mut out, (workload, run), path, slots <= MOST_ROWS);
    out.push_str(&body);
    out.push_str("</svg>\n");
    out
}

/// Where things are drawn.
struct Plot {
    seconds: f64,
    /// Rows of workers, and the height of each.
    rows: u32,
    row: f64,
}

impl Plot {
    fn of(run: &Run, slots: u32) -> Self {
        let ends = run.invocations.iter().map(|i| i.end).max();
        let seconds = ends.unwrap_or_default().max(run.wall).as_secs_f64();
        let (rows, row) = if slots <= MOST_ROWS {
            (slots, (640.0 / f64::from(slots.max(1))).clamp(4.0, 22.0))
        } else {
            (1, 420.0)
        };
        Self {
            seconds: seconds.max(1e-3),
            rows,
            row,
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.seconds
    }

    fn top_of_rows(&self) -> f64 {
        TOP + 2.0 * (LANE + GAP)
    }

    fn y(&self, slot: u32) -> f64 {
        self.top_of_rows() + f64::from(slot) * self.row
    }

    fn bottom(&self) -> f64 {
        self.top_of_rows() + f64::from(self.rows) * self.row
    }
}

fn text(out: &mut String, (x, y): (f64, f64), colour: &str, style: &str, words: &str) {
    let words = words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(|c: char| c.is_control(), " ");
    let _ = writeln!(
        out,
        "<text x=\"{x:.2}\" y=\"{y:.2}\" fill=\"{colour}\" {style}>{words}</text>"
    );
}

/// A rectangle from second `from` to second `to`, wide enough to be seen.
fn bar(out: &mut String, plot: &Plot, (from, to): (f64, f64), (y, height): (f64, f64), fill: &str) {
    let (x, end) = (plot.x(from), plot.x(to));
    let width = (end - x).max(0.3);
    let _ = writeln!(
        out,
        "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" {fill}/>"
    );
}

fn grid(out: &mut String, plot: &Plot) {
    let (top, bottom) = (TOP - 2.0, plot.bottom());
    for tick in nice_ticks(plot.seconds, 12) {
        let x = plot.x(tick);
        let _ = writeln!(
            out,
            "<line x1=\"{x:.2}\" y1=\"{top:.2}\" x2=\"{x:.2}\" y2=\"{bottom:.2}\" stroke=\"{GRID}\"/>"
        );
        let label = seconds_label(tick, plot.seconds);
        text(
            out,
            (x, bottom + 16.0),
            FAINT,
            "text-anchor=\"middle\"",
            &label,
        );
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    text(
        out,
        (middle, bottom + 33.0),
        FAINT,
        "text-anchor=\"middle\"",
        "seconds",
    );
}

fn lane_name(out: &mut String, y: f64, name: &str) {
    text(
        out,
        (LEFT - 8.0, y + 13.0),
        FAINT,
        "text-anchor=\"end\"",
        name,
    );
}

/// The lanes above the workers: the critical path, and the coordinator's own work.
fn lanes(out: &mut String, plot: &Plot, (workload, run): (&Workload, &Run), path: &[Stretch]) {
    lane_name(out, TOP, "critical path");
    for stretch in path {
        let fill = match stretch.what {
            What::Invocation(n) => colour(workload.tasks[run.invocations[n].task as usize].kind),
            What::Own(Own::Plan) => PLAN,
            What::Own(Own::Stitch) => colour(TaskKind::Stitch),
            What::Held => HELD,
        };
        let span = (stretch.from.as_secs_f64(), stretch.to.as_secs_f64());
        let fill = format!("fill=\"{fill}\" stroke=\"{INK}\" stroke-width=\"0.8\"");
        bar(out, plot, span, (TOP, LANE), &fill);
    }
    let y = TOP + LANE + GAP;
    lane_name(out, y, "coordinator");
    for own in &run.own {
        let fill = match own.what {
            Own::Plan => PLAN,
            Own::Stitch => colour(TaskKind::Stitch),
        };
        let span = (own.from.as_secs_f64(), own.to.as_secs_f64());
        bar(out, plot, span, (y, LANE), &format!("fill=\"{fill}\""));
    }
}

/// What colours mean, those that are there, with how a square is filled; nothing for
/// waiting, which is drawn upon another.
fn meanings(
    (workload, run): (&Workload, &Run),
    path: &[Stretch],
    rows: bool,
) -> Vec<(&'static str, String)> {
    let mut entries = Vec::new();
    for kind in TaskKind::ALL {
        let there = workload.tasks.iter().any(|task| task.kind == kind);
        let stitch = kind == TaskKind::Stitch && run.own.iter().any(|o| o.what == Own::Stitch);
        if there || stitch {
            entries.push((kind.name(), format!("fill=\"{}\"", colour(kind))));
        }
    }
    let ended = |ended| run.invocations.iter().any(|i| i.ended == ended);
    let mut add = |there: bool, name, fill: &str| {
        if there {
            entries.push((name, format!("fill=\"{fill}\"")));
        }
    };
    add(run.own.iter().any(|o| o.what == Own::Plan), "plan", PLAN);
    add(
        run.invocations.iter().any(|i| i.cold),
        "worker starts",
        STARTING,
    );
    add(ended(Ended::Failed), "failed", FAILED);
    add(ended(Ended::Aborted), "given up", GIVEN_UP);
    if run.invocations.iter().any(|i| !i.waited().is_zero()) {
        entries.push(("waits for the chunk before", String::new()));
    }
    if path.iter().any(|s| s.what == What::Held) {
        let outline = format!("fill=\"{HELD}\" stroke=\"{INK}\" stroke-width=\"0.8\"");
        entries.push(("held back", outline));
    }
    if rows {
        entries.push((
            "on the critical path",
            format!("fill=\"none\" stroke=\"{INK}\" stroke-width=\"1.6\""),
        ));
    }
    entries
}

fn legend(out: &mut String, of: (&Workload, &Run), path: &[Stretch], rows: bool) {
    let mut x = LEFT;
    for (name, fill) in meanings(of, path, rows) {
        let y = 55.0;
        let square = |out: &mut String, fill: &str| {
            let _ = writeln!(
                out,
                "<rect x=\"{x:.2}\" y=\"{y}\" width=\"14\" height=\"12\" {fill}/>"
            );
        };
        if fill.is_empty() {
            square(out, &format!("fill=\"{}\"", colour(TaskKind::Rebase)));
            square(out, "fill=\"url(#wait)\"");
        } else {
            square(out, &fill);
        }
        text(out, (x + 19.0, y + 10.5), INK, "", name);
        // Letters of this size are some 6.4 pixels wide.
        x += 19.0 + 6.4 * name.len() as f64 + 14.0;
    }
}

#[cfg(test)]
mod tests;
