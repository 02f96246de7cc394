// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the coordinator does itself, and the index, for a job of any length: a fixed part
//! and a part that grows with the chunks, frames and bytes of the output.
//!
//! The fixed part is that of the samples' own reports. How it grows is told by reports of
//! jobs that differ in length, since the samples' are short and alike; without any, all of
//! it is taken to grow, which is too much.

use super::from_report::Replayed;
use super::model::{TaskKind, Workload};
use std::time::Duration;

/// What a job is large by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extent {
    /// Chunks.
    pub chunks: f64,
    /// Frames of the output.
    pub frames: f64,
    /// Bytes of the output.
    pub bytes: f64,
}

/// A job's size, and seconds of what is done once for it.
#[derive(Clone, Copy, Debug)]
struct Point {
    extent: Extent,
    index: f64,
    plan: f64,
    stitch: f64,
    besides: f64,
}

impl Point {
    fn of(report: &Replayed) -> Self {
        let workload = &report.workload;
        Self {
            extent: Extent {
                chunks: f64::from(workload.chunks()),
                frames: report.frames as f64,
                bytes: report.bytes_out as f64,
            },
            index: index_of(workload).as_secs_f64(),
            plan: plan_of(workload).as_secs_f64(),
            stitch: workload.stitch.as_secs_f64(),
            besides: workload.besides.as_secs_f64(),
        }
    }
}

fn index_of(workload: &Workload) -> Duration {
    let index = workload.tasks.iter().filter(|t| t.kind == TaskKind::Index);
    index.map(super::model::SimTask::work).sum()
}

fn plan_of(workload: &Workload) -> Duration {
    workload.stages.iter().map(|stage| stage.before).sum()
}

/// Seconds: so many fixed, so many for each of two measures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Line {
    fixed: f64,
    rates: [f64; 2],
}

impl Line {
    fn at(self, x: [f64; 2]) -> f64 {
        self.fixed + self.rates[0] * x[0] + self.rates[1] * x[1]
    }
}

/// How it grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    index: Line,
    plan: Line,
    stitch: Line,
    besides: Line,
}

/// Seconds of what is done once for a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Once {
    /// The index.
    pub index: f64,
    /// Planning.
    pub plan: f64,
    /// Stitching and checking.
    pub stitch: f64,
    /// What reports do not account for.
    pub besides: f64,
}

impl Growth {
    /// As `samples` have it, which may not be empty, and grows in `sizes`.
    #[must_use]
    pub fn of(samples: &[Replayed], sizes: &[Replayed]) -> Self {
        let samples: Vec<Point> = samples.iter().map(Point::of).collect();
        let sizes: Vec<Point> = sizes.iter().map(Point::of).collect();
        let line = |y: fn(&Point) -> f64, x: fn(&Point) -> [f64; 2]| {
            let points = |of: &[Point]| of.iter().map(|p| (x(p), y(p))).collect::<Vec<_>>();
            grown(&points(&samples), &points(&sizes))
        };
        let by_frames = |p: &Point| [p.extent.frames, 0.0];
        Self {
            // Tables take about as long for any length, and so does what is read of them.
            index: match sizes.is_empty() {
                true => Line {
                    fixed: mean(samples.iter().map(|p| p.index)),
                    ..Line::default()
                },
                false => line(|p| p.index, by_frames),
            },
            plan: line(|p| p.plan, by_frames),
            stitch: line(|p| p.stitch, |p| [p.extent.chunks, p.extent.bytes]),
            besides: line(|p| p.besides, |p| [p.extent.chunks, 0.0]),
        }
    }

    /// For a job so large.
    #[must_use]
    pub fn at(&self, extent: Extent) -> Once {
        let Extent {
            chunks,
            frames,
            bytes,
        } = extent;
        Once {
            index: self.index.at([frames, 0.0]),
            plan: self.plan.at([frames, 0.0]),
            stitch: self.stitch.at([chunks, bytes]),
            besides: self.besides.at([chunks, 0.0]),
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    if count > 0.0 {
        sum / count
    } else {
        0.0
    }
}

/// The growth of `sizes` on top of what `samples` leave of it.
fn grown(samples: &[([f64; 2], f64)], sizes: &[([f64; 2], f64)]) -> Line {
    let rates = match sizes.len() {
        0 => {
            let (x, y) = (
                mean(samples.iter().map(|p| p.0[0])),
                mean(samples.iter().map(|p| p.1)),
            );
            [if x > 0.0 { y / x } else { 0.0 }, 0.0]
        }
        _ => slopes(sizes),
    };
    let fixed = mean(samples.iter().map(|&(x, y)| {
        let grown = rates[0] * x[0] + rates[1] * x[1];
        y - grown
    }));
    Line {
        fixed: fixed.max(0.0),
        rates,
    }
}

/// By least squares; what would fall as a job grows is noise, and counts as not growing.
fn slopes(points: &[([f64; 2], f64)]) -> [f64; 2] {
    let centre = [0, 1].map(|i| mean(points.iter().map(|p| p.0[i])));
    let level = mean(points.iter().map(|p| p.1));
    let sum = |of: &dyn Fn(&[f64; 2], f64) -> f64| -> f64 {
        let from_centre = |p: &([f64; 2], f64)| [p.0[0] - centre[0], p.0[1] - centre[1]];
        points
            .iter()
            .map(|p| of(&from_centre(p), p.1 - level))
            .sum()
    };
    let (aa, bb) = (sum(&|x, _| x[0] * x[0]), sum(&|x, _| x[1] * x[1]));
    let ab = sum(&|x, _| x[0] * x[1]);
    let (ay, by) = (sum(&|x, y| x[0] * y), sum(&|x, y| x[1] * y));
    let alone = |square: f64, product: f64| match square > 0.0 {
        true => (product / square).max(0.0),
        false => 0.0,
    };
    let determinant = aa * bb - ab * ab;
    // Two measures that rise together cannot be told apart.
    if determinant > 1e-6 * aa * bb {
        let both = [
            (ay * bb - by * ab) / determinant,
            (by * aa - ay * ab) / determinant,
        ];
        match both.map(|rate| rate >= 0.0) {
            [true, true] => return both,
            [false, true] => return [0.0, alone(bb, by)],
            _ => {}
        }
    }
    [alone(aa, ay), 0.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_found_again() {
        let y = |x: [f64; 2]| 2.0 + 0.5 * x[0] + 1e-6 * x[1];
        let points = [[1.0, 5e6], [100.0, 1e6], [10.0, 9e6], [50.0, 2e6]];
        let of = points.map(|x| (x, y(x)));
        let [a, b] = slopes(&of);
        assert!(
            (a - 0.5).abs() < 1e-9 && (b - 1e-6).abs() < 1e-12,
            "{a} {b}"
        );
        // The fixed part is that of the samples.
        let line = grown(&[([10.0, 1e6], 9.0)], &of);
        assert!((line.fixed - 3.0).abs() < 1e-9, "{line:?}");
        assert!((line.at([20.0, 2e6]) - 15.0).abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn what_falls_does_not_grow_and_one_point_tells_nothing() {
        let falls = [([1.0, 0.0], 5.0), ([9.0, 0.0], 1.0)];
        assert_eq!(slopes(&falls), [0.0, 0.0]);
        assert_eq!(slopes(&falls[..1]), [0.0, 0.0]);
        let only_bytes = [([1.0, 1.0], 1.0), ([2.0, 8.0], 8.0), ([3.0, 2.0], 2.0)];
        let [chunks, bytes] = slopes(&only_bytes);
        assert!(chunks.abs() < 1e-9 && (bytes - 1.0).abs() < 1e-9);
        // Both rise together.
        let [a, b] = slopes(&[([1.0, 2.0], 1.0), ([2.0, 4.0], 2.0), ([3.0, 6.0], 3.0)]);
        assert_eq!((a, b), (1.0, 0.0));
    }

    #[test]
    fn without_other_sizes_all_of_it_grows() {
        let line = grown(&[([10.0, 0.0], 1.0), ([30.0, 0.0], 3.0)], &[]);
        assert_eq!(line.at([100.0, 7.0]), 10.0);
        assert_eq!(grown(&[([0.0, 0.0], 1.0)], &[]).at([5.0, 0.0]), 1.0);
    }
}
