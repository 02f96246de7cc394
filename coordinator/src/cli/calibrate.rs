// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill calibrate`: what frames take on this machine.

use super::console;
use crate::calibrate::{clip, measure, read, Calibration, Entry, Trial};
use crate::error::{JobError, Result};
use crate::plan::costs::{built_in, Costs};
use crate::plan::options::{parse_size, parse_time, Preset, Seam, VideoCodec};
use framemill_codec::dsp::Dsp;
use framemill_worker::task::environment;
use std::path::{Path, PathBuf};

/// Largest calibration that is read, in bytes.
const MOST: u64 = 16 << 20;

/// Arguments of `framemill calibrate`.
#[derive(clap::Args, Clone, Debug)]
pub struct CalibrateArgs {
    /// A clip to encode, a file; may be repeated [default: one that is made up]
    #[arg(long, value_name = "CLIP")]
    input: Vec<String>,
    /// Codecs to measure; vp8 is measured with libvpx and with our own encoder
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "CODEC[,CODEC…]",
        default_value = "av1,h264,hevc,vp9,vp8"
    )]
    codec: Vec<VideoCodec>,
    /// Presets to measure
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "PRESET[,PRESET…]",
        default_value = "medium"
    )]
    preset: Vec<Preset>,
    /// Sizes to scale to; -1 keeps the proportion [default: each clip's own]
    #[arg(long, value_name = "WxH[,WxH…]", value_parser = parse_size, value_delimiter = ',', allow_hyphen_values = true)]
    size: Vec<(Option<u32>, Option<u32>)>,
    /// How much of each clip
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "2")]
    seconds: f64,
    /// Write what was found, for plan --calibration
    #[arg(long, short, value_name = "FILE.json")]
    output: Option<PathBuf>,
}

impl CalibrateArgs {
    fn trials(&self, clips: &[String]) -> Vec<Trial> {
        let sizes = match self.size.is_empty() {
            true => vec![None],
            false => self.size.iter().copied().map(Some).collect(),
        };
        let mut trials = Vec::new();
        for clip in clips {
            for &codec in &self.codec {
                let seams: &[Seam] = match codec {
                    VideoCodec::Vp8 => &[Seam::Closed, Seam::Rebase],
                    _ => &[Seam::Closed],
                };
                for (&seam, &preset) in seams
                    .iter()
                    .flat_map(|s| self.preset.iter().map(move |p| (s, p)))
                {
                    trials.extend(sizes.iter().map(|&size| Trial {
                        clip: clip.clone(),
                        codec,
                        seam,
                        preset,
                        size,
                        seconds: self.seconds,
                    }));
                }
            }
        }
        trials
    }
}

/// Runs the command.
///
/// # Errors
/// [`JobError`] of the first clip that cannot be encoded, or of a file that cannot be
/// written.
pub async fn run(args: CalibrateArgs, simd: Option<&'static Dsp>) -> Result<()> {
    let failed = |e: std::io::Error| JobError::Failed(e.to_string());
    if args.seconds <= 0.0 {
        return Err(JobError::Usage("--seconds 0: nothing to measure".into()));
    }
    let folder = tempfile::tempdir().map_err(failed)?;
    let clips = match args.input.is_empty() {
        true => {
            let path = folder.path().join("clip.y4m");
            let frames = (args.seconds * f64::from(clip::RATE)).ceil().min(1e4) as u32;
            clip::write(&path, frames).map_err(failed)?;
            vec![path.to_string_lossy().into_owned()]
        }
        false => args.input.clone(),
    };
    // Whether it can be written is found out now, not after minutes of work.
    if let Some(path) = &args.output {
        write(path, "")?;
    }
    console::say(&format!(
        "{:<14} {:<8} {:>11} {:>7} {:>13} {:>13} {:>11} {:>11}",
        "encoder",
        "preset",
        "size",
        "frames",
        "encode s/MP",
        "rebase s/MP",
        "state s/MP",
        "x built-in"
    ));
    let mut found = Calibration::default();
    for trial in args.trials(&clips) {
        let entry = measure(&trial, folder.path(), simd).await?;
        console::say(&line(&entry));
        found.0.push(entry);
    }
    match &args.output {
        Some(path) => write(path, &(found.to_json(environment()) + "\n")),
        None => Ok(()),
    }
}

fn line(entry: &Entry) -> String {
    let listed = built_in(&entry.encoder, entry.preset);
    let mega = |cost: f64| match cost > 0.0 {
        true => format!("{:.4}", cost * 1e6),
        false => "-".into(),
    };
    format!(
        "{:<14} {:<8} {:>11} {:>7} {:>13} {:>13} {:>11} {:>11.2}",
        entry.encoder,
        format!("{:?}", entry.preset).to_lowercase(),
        format!("{}x{}", entry.width, entry.height),
        entry.frames,
        mega(entry.cost.encode),
        mega(entry.cost.rebase),
        mega(entry.cost.state),
        entry.cost.encode / listed.encode
    )
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text)
        .map_err(|e| JobError::Usage(format!("--output {}: {e}", path.display())))
}

/// The cost model that a file holds.
///
/// # Errors
/// [`JobError::Input`] with one line: what is wrong, and where.
pub fn load(file: &Path) -> Result<Costs> {
    let wrong = |detail: String| JobError::Input {
        file: file.display().to_string(),
        detail,
    };
    let size = std::fs::metadata(file).map_err(|e| wrong(e.to_string()))?;
    if size.len() > MOST {
        return Err(wrong("it is too large for a calibration".into()));
    }
    let bytes = std::fs::read(file).map_err(|e| wrong(e.to_string()))?;
    Ok(read(&bytes).map_err(wrong)?.costs())
}
