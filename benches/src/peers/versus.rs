// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pairs of runs, and bits at equal quality.

use super::file::{excess, figures, Figures};
use super::side::{ours, theirs, Interval, Peer};
use crate::machine;
use crate::process::{median, metered, shown, Cost};
use serde::Serialize;
use std::path::Path;
use std::process::Command;

/// Steps of quality to either side that the other side's curve is drawn through.
const STEP: u32 = 2;

/// One comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The clip's file name.
    pub clip: String,
    /// The encoder.
    pub peer: &'static str,
    /// Distance of key frames.
    pub interval: String,
    /// Runs of each side.
    pub runs: usize,
    /// Median seconds of ours.
    pub wall_s: f64,
    /// Median seconds of `ffmpeg`.
    pub their_wall_s: f64,
    /// Median CPU seconds of ours.
    pub cpu_s: f64,
    /// Median CPU seconds of `ffmpeg`.
    pub their_cpu_s: f64,
    /// Median over the pairs of our share of their wall clock.
    pub wall_ratio: f64,
    /// Median over the pairs of our share of their CPU.
    pub cpu_ratio: f64,
    /// Our output.
    pub ours: Figures,
    /// Theirs at the same quality setting.
    pub theirs: Figures,
    /// How much more bits ours has at equal PSNR, as a share.
    pub more_at_psnr: Option<f64>,
    /// The same at equal SSIM.
    pub more_at_ssim: Option<f64>,
    /// Load of the machine before the first and after the last run.
    pub load: (f64, f64),
    /// Our command.
    pub our_command: String,
    /// Their command.
    pub their_command: String,
}

/// What to compare.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    /// The encoder.
    pub peer: &'a Peer,
    /// Distance of key frames.
    pub interval: Interval,
    /// The clip.
    pub clip: &'a Path,
    /// Options for our encoder.
    pub extra: &'a [String],
    /// Pairs of runs.
    pub runs: usize,
}

/// Runs the pairs in alternating order and judges the outputs, in `folder`.
///
/// # Errors
/// A text with the failed command.
pub fn compare(what: Match<'_>, folder: &Path) -> Result<Row, String> {
    let Match {
        peer,
        interval,
        clip,
        extra,
        runs,
    } = what;
    let file = |name: &str| folder.join(format!("{name}.{}", peer.extension));
    let (our_file, their_file) = (file("ours"), file("theirs"));
    let mut our_run = ours(peer, interval, extra, clip, &our_file);
    let mut their_run = theirs(peer, interval, peer.crf, clip, &their_file);
    let before = machine::load();
    let pairs = pairs(&mut our_run, &mut their_run, runs)?;
    let load = (before, machine::load());
    let our_figures = figures(clip, &our_file)?;
    let mut curve = vec![figures(clip, &their_file)?];
    for crf in [peer.crf - STEP, peer.crf + STEP] {
        let other = file(&format!("theirs-{crf}"));
        crate::process::run(&mut theirs(peer, interval, crf, clip, &other))?;
        curve.push(figures(clip, &other)?);
    }
    let (more_at_psnr, more_at_ssim) = excess(&our_figures, &curve);
    let middle = |of: &dyn Fn(&(Cost, Cost)) -> f64| median(pairs.iter().map(of).collect());
    Ok(Row {
        clip: clip
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        peer: peer.name,
        interval: interval.name(),
        runs,
        wall_s: middle(&|p| p.0.wall_s),
        their_wall_s: middle(&|p| p.1.wall_s),
        cpu_s: middle(&|p| p.0.cpu_s),
        their_cpu_s: middle(&|p| p.1.cpu_s),
        wall_ratio: middle(&|p| p.0.wall_s / p.1.wall_s),
        cpu_ratio: middle(&|p| p.0.cpu_s / p.1.cpu_s),
        ours: our_figures,
        theirs: curve[0],
        more_at_psnr,
        more_at_ssim,
        load,
        our_command: shown(&our_run),
        their_command: shown(&their_run),
    })
}

fn pairs(a: &mut Command, b: &mut Command, runs: usize) -> Result<Vec<(Cost, Cost)>, String> {
    let mut pairs = Vec::new();
    for run in 0..runs {
        pairs.push(if run % 2 == 0 {
            let first = metered(a)?;
            (first, metered(b)?)
        } else {
            let first = metered(b)?;
            (metered(a)?, first)
        });
    }
    Ok(pairs)
}

/// The head of the table.
pub const HEAD: &str = "\
| clip | encoder | interval | runs | wall s (ours, ffmpeg) | wall × | CPU s (ours, ffmpeg) | CPU × | kbit (ours, ffmpeg) | key frames | PSNR dB | SSIM | bits at equal PSNR | at equal SSIM | load |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

impl Row {
    /// The row as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let percent =
            |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{:+.1} %", x * 100.0));
        let (a, b) = (&self.ours, &self.theirs);
        format!(
            "| {} | {} | {} | {} | {:.2}, {:.2} | {:.2} | {:.2}, {:.2} | {:.2} | {}, {} | {}, {} | {:.2}, {:.2} | {:.5}, {:.5} | {} | {} | {:.1}–{:.1} |",
            self.clip, self.peer, self.interval, self.runs,
            self.wall_s, self.their_wall_s, self.wall_ratio,
            self.cpu_s, self.their_cpu_s, self.cpu_ratio,
            a.bits / 1000, b.bits / 1000, a.keys, b.keys,
            a.psnr, b.psnr, a.ssim, b.ssim,
            percent(self.more_at_psnr), percent(self.more_at_ssim),
            self.load.0, self.load.1,
        )
    }
}
