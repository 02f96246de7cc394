// SPDX-License-Identifier: MIT OR Apache-2.0
//! One clip's points as a table.

use super::{bd, Point};
use serde::Serialize;

/// Both encoders on one clip.
#[derive(Clone, Debug, Serialize)]
pub struct Clip {
    /// The clip.
    pub name: String,
    /// Width and height in samples.
    pub size: (u32, u32),
    /// Frames.
    pub frames: u64,
    /// How our stream is cut.
    pub shape: String,
    /// Our points.
    pub ours: Vec<Point>,
    /// Those of `vpxenc`.
    pub vpxenc: Vec<Point>,
    /// How they compare.
    pub versus: Versus,
}

/// Ours against `vpxenc`. Shares: 0.1 is 10 % more bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Versus {
    /// Bits at equal PSNR of luma.
    pub psnr_y: Option<f64>,
    /// Bits at equal PSNR of all planes.
    pub psnr_yuv: Option<f64>,
    /// Bits at equal SSIM.
    pub ssim: Option<f64>,
    /// CPU time of all our points in that of theirs, rebasing included.
    pub cpu: f64,
    /// CPU milliseconds of rebasing a frame.
    pub rebase_ms: f64,
}

impl Versus {
    /// Compares two curves.
    #[must_use]
    pub fn of(ours: &[Point], theirs: &[Point], frames: u64) -> Self {
        let bits = |of: fn(&Point) -> f64| {
            let curve = |points: &[Point]| -> Vec<_> {
                points.iter().map(|p| (of(p), p.bytes as f64)).collect()
            };
            bd::rate(&curve(ours), &curve(theirs))
        };
        let cpu = |points: &[Point]| points.iter().map(|p| p.cpu_s + p.rebase_s).sum::<f64>();
        let rebase_s: f64 = ours.iter().map(|p| p.rebase_s).sum();
        Self {
            psnr_y: bits(|p| p.psnr_y),
            psnr_yuv: bits(|p| p.psnr_yuv),
            ssim: bits(Point::ssim_db),
            cpu: cpu(ours) / cpu(theirs),
            rebase_ms: rebase_s * 1000.0 / (ours.len() as u64 * frames).max(1) as f64,
        }
    }
}

/// The head of the table of points.
pub const HEAD: &str = "\
| clip | encoder | quality | kbyte | PSNR Y | PSNR YUV | SSIM dB | keys, hidden | CPU ms/frame |
|---|---|---|---|---|---|---|---|---|";

/// A point in Markdown.
#[must_use]
pub fn row(clip: &str, frames: u64, encoder: &str, p: &Point) -> String {
    format!(
        "| {clip} | {encoder} | {} | {:.1} | {:.3} | {:.3} | {:.3} | {}, {} | {:.1} |",
        p.quality,
        p.bytes as f64 / 1000.0,
        p.psnr_y,
        p.psnr_yuv,
        p.ssim_db(),
        p.keys,
        p.hidden,
        (p.cpu_s + p.rebase_s) * 1000.0 / frames.max(1) as f64
    )
}

/// The head of the summary.
pub const SUMMARY_HEAD: &str = "\
| clip | frames | cut | bits at equal PSNR Y | PSNR YUV | SSIM | our CPU / vpxenc's | rebase ms/frame |
|---|---|---|---|---|---|---|---|";

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".into(), |s| format!("{:+.1} %", s * 100.0))
}

/// The summary, a line for each clip and cut, and the means of each cut.
#[must_use]
pub fn summary(clips: &[Clip]) -> String {
    let mut text = String::new();
    for c in clips {
        text.push_str(&line(&c.name, c.frames, &c.shape, &c.versus));
    }
    let mut shapes: Vec<&str> = Vec::new();
    for clip in clips {
        if !shapes.contains(&clip.shape.as_str()) {
            shapes.push(&clip.shape);
        }
    }
    for shape in shapes {
        let of: Vec<&Clip> = clips.iter().filter(|c| c.shape == shape).collect();
        if of.len() > 1 {
            let frames = of.iter().map(|c| c.frames).sum();
            text.push_str(&line("mean", frames, shape, &means(&of)));
        }
    }
    text
}

fn line(name: &str, frames: u64, shape: &str, v: &Versus) -> String {
    format!(
        "| {name} | {frames} | {shape} | {} | {} | {} | {:.2} | {:.2} |\n",
        percent(v.psnr_y),
        percent(v.psnr_yuv),
        percent(v.ssim),
        v.cpu,
        v.rebase_ms
    )
}

fn means(clips: &[&Clip]) -> Versus {
    let mean = |of: fn(&Versus) -> Option<f64>| {
        let all: Option<Vec<f64>> = clips.iter().map(|c| of(&c.versus)).collect();
        all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
    };
    Versus {
        psnr_y: mean(|v| v.psnr_y),
        psnr_yuv: mean(|v| v.psnr_yuv),
        ssim: mean(|v| v.ssim),
        cpu: mean(|v| Some(v.cpu)).unwrap_or(f64::NAN),
        rebase_ms: mean(|v| Some(v.rebase_ms)).unwrap_or(f64::NAN),
    }
}
