// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill measure`: how far one video's pictures are from another's.

mod pair;
pub(super) mod pictures;

use super::probe::print;
use crate::error::{JobError, Result};
use framemill_codec::metrics::{FrameQuality, Quality};
use pair::Pair;
use pictures::Pictures;
use serde::Serialize;

/// Compare two videos frame by frame: PSNR and SSIM.
#[derive(clap::Args, Clone, Debug)]
pub struct MeasureArgs {
    /// The video that is right by definition.
    pub source: String,
    /// The video to judge.
    pub output: String,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Give the figures of every frame too.
    #[arg(long)]
    pub frames: bool,
}

/// Decodes both files, compares their pictures in display order, and prints the figures.
///
/// Blocks: not for a thread that drives async work.
///
/// # Errors
/// [`JobError::Usage`] when the pictures cannot be compared, or one file has
/// more of them than the other (after printing the figures of those in
/// common); [`JobError::Input`] when a file has no readable video.
pub fn run(args: &MeasureArgs) -> Result<()> {
    let mut source = Pictures::open(&args.source)?;
    let mut output = Pictures::open(&args.output)?;
    let mut report = Report::default();
    let mut quality = Quality::new();
    let mut pair = None;
    loop {
        match (source.next()?, output.next()?) {
            (Some(a), Some(b)) => {
                let pair = match &mut pair {
                    Some(pair) => pair,
                    none => none.insert(Pair::new(&source, &a, &output, &b)?),
                };
                let figures = pair.compare(&a, &b, &mut quality)?;
                report.add(&figures, quality.frames(), args)?;
            }
            (None, None) => break,
            _ => {
                source.drain()?;
                output.drain()?;
                break;
            }
        }
    }
    report.source_frames = source.count();
    report.output_frames = output.count();
    report.notes = pair.map(|p| p.notes).unwrap_or_default();
    report
        .notes
        .extend([&source, &output].into_iter().filter_map(Pictures::note));
    report.finish(&quality);
    print(&if args.json {
        report.json()?
    } else {
        report.text()
    })?;
    report.check()
}

/// The figures of a comparison; the JSON form is this structure's.
#[derive(Debug, Default, Serialize)]
struct Report {
    version: u32,
    frames: u64,
    source_frames: u64,
    output_frames: u64,
    identical: bool,
    psnr: Psnr,
    ssim: Ssim,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_frame: Option<Vec<FrameFigures>>,
}

/// In dB; `None` where it is infinite.
#[derive(Debug, Default, Serialize)]
struct Psnr {
    y: Option<f64>,
    average: Option<f64>,
    min: Option<f64>,
    worst_frame: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
struct Ssim {
    y: Option<f64>,
    all: Option<f64>,
}

#[derive(Debug, Serialize)]
struct FrameFigures {
    psnr: Option<f64>,
    ssim: f64,
}

impl Report {
    /// Takes in one frame's figures, number `count` from 1.
    fn add(&mut self, figures: &FrameQuality, count: u64, args: &MeasureArgs) -> Result<()> {
        let (psnr, ssim) = (finite(Some(figures.mse.psnr())), figures.ssim.all);
        match (args.frames, args.json) {
            (true, true) => self
                .per_frame
                .get_or_insert_default()
                .push(FrameFigures { psnr, ssim }),
            (true, false) => print(&format!(
                "frame {}  psnr {} dB  ssim {ssim:.5}\n",
                count - 1,
                db(psnr)
            ))?,
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, quality: &Quality) {
        self.version = 1;
        self.frames = quality.frames();
        let average = finite(quality.mean_psnr());
        self.identical =
            self.frames > 0 && average.is_none() && self.source_frames == self.output_frames;
        self.psnr = Psnr {
            y: finite(quality.mean_plane_psnr(0)),
            average,
            min: finite(quality.min_psnr()),
            worst_frame: average.and(quality.worst_frame()),
        };
        self.ssim = Ssim {
            y: quality.mean_plane_ssim(0),
            all: quality.mean_ssim(),
        };
    }

    fn json(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|e| JobError::Failed(e.to_string()))?;
        Ok(format!("{text}\n"))
    }

    fn text(&self) -> String {
        let mut text: String = self
            .notes
            .iter()
            .map(|note| format!("note  {note}\n"))
            .collect();
        text.push_str(&format!("frames {}\n", self.frames));
        let (Some(y), Some(all)) = (self.ssim.y, self.ssim.all) else {
            return text;
        };
        let worst = match self.psnr.worst_frame {
            Some(frame) => format!("(frame {frame})"),
            None => "(all frames equal)".into(),
        };
        let p = &self.psnr;
        text.push_str(&format!(
            "psnr  y {} dB  average {} dB  min {} dB {worst}\nssim  y {y:.5}  all {all:.5}\n",
            db(p.y),
            db(p.average),
            db(p.min)
        ));
        text
    }

    /// Whether both files have as many frames, and any.
    fn check(&self) -> Result<()> {
        let (source, output) = (self.source_frames, self.output_frames);
        if source != output {
            let compared = self.frames;
            return Err(JobError::Usage(format!(
                "frames differ: SOURCE has {source} and OUTPUT has {output}; the first {compared} were compared"
            )));
        }
        if source == 0 {
            return Err(JobError::Usage("neither file gives any frame".into()));
        }
        Ok(())
    }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

fn db(value: Option<f64>) -> String {
    value.map_or_else(|| "inf".into(), |v| format!("{v:.2}"))
}
