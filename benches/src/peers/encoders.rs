// SPDX-License-Identifier: MIT OR Apache-2.0
//! The AV1 encoders at three presets and three qualities: quality for CPU time.

use super::file::{bits_at, figures, Figures};
use super::side::framemill;
use crate::process::{metered, Cost};
use serde::Serialize;
use std::path::Path;
use std::process::Command;

/// The encoders with the qualities that span about the same range of bits.
const ENCODERS: [(&str, [u32; 3]); 2] = [("svt-av1", [25, 35, 45]), ("rav1e", [60, 100, 140])];
/// The presets from fast to slow.
const PRESETS: [&str; 3] = ["fast", "medium", "slow"];

/// One encode.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The clip's file name.
    pub clip: String,
    /// The encoder.
    pub encoder: &'static str,
    /// The preset.
    pub preset: &'static str,
    /// The quality on the encoder's own scale.
    pub quality: u32,
    /// CPU seconds.
    pub cpu_s: f64,
    /// The output.
    pub figures: Figures,
}

/// Encodes a clip in all ways, in `folder`; tells each row when it is there.
///
/// # Errors
/// A text with the failed command.
pub fn compare(clip: &Path, folder: &Path, tell: &mut dyn FnMut(&Row)) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for preset in PRESETS {
        for (encoder, qualities) in ENCODERS {
            for quality in qualities {
                let to = folder.join("encoders.mp4");
                let Cost { cpu_s, .. } =
                    metered(&mut command(encoder, preset, quality, clip, &to))?;
                let row = Row {
                    clip: clip
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                    encoder,
                    preset,
                    quality,
                    cpu_s,
                    figures: figures(clip, &to)?,
                };
                tell(&row);
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn command(encoder: &str, preset: &str, quality: u32, clip: &Path, to: &Path) -> Command {
    let mut command = Command::new(framemill());
    command.arg("transcode").arg(clip).arg("-o").arg(to);
    command.args([
        "--quiet",
        "--overwrite",
        "--audio",
        "none",
        "--codec",
        "av1",
    ]);
    command.args(["--encoder", encoder, "--preset", preset]);
    command.args(["--crf", &quality.to_string()]);
    command
}

/// The head of the table of encodes.
pub const HEAD: &str = "\
| clip | encoder | preset | quality | CPU s | kbit | PSNR dB | SSIM |
|---|---|---|---|---|---|---|---|";

impl Row {
    /// The row as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let f = &self.figures;
        format!(
            "| {} | {} | {} | {} | {:.2} | {} | {:.2} | {:.5} |",
            self.clip,
            self.encoder,
            self.preset,
            self.quality,
            self.cpu_s,
            f.bits / 1000,
            f.psnr,
            f.ssim
        )
    }
}

/// The head of the summary.
pub const SUMMARY_HEAD: &str = "\
| clip | preset | rav1e's CPU / SVT-AV1's | rav1e's bits at equal PSNR | at equal SSIM |
|---|---|---|---|---|";

/// For every preset of one clip's rows, rav1e against SVT-AV1, in Markdown:
/// the geometric means of CPU time and of bits at equal quality, rav1e's
/// qualities read off SVT-AV1's curve.
#[must_use]
pub fn summary(rows: &[Row]) -> String {
    let mut text = String::new();
    for preset in PRESETS {
        let of = |name: &str| -> Vec<&Row> {
            rows.iter()
                .filter(|r| r.preset == preset && r.encoder == name)
                .collect()
        };
        let (svt, rav1e) = (of(ENCODERS[0].0), of(ENCODERS[1].0));
        let Some(first) = svt.first() else { continue };
        let cpu = geometric(rav1e.iter().zip(&svt).map(|(r, s)| Some(r.cpu_s / s.cpu_s)));
        let bits = |of: fn(&Figures) -> f64| {
            let curve: Vec<_> = svt
                .iter()
                .map(|r| (of(&r.figures), r.figures.bits as f64))
                .collect();
            geometric(
                rav1e
                    .iter()
                    .map(|r| Some(r.figures.bits as f64 / bits_at(&curve, of(&r.figures))?)),
            )
        };
        text.push_str(&format!(
            "| {} | {preset} | {cpu:.2} | {:+.1} % | {:+.1} % |\n",
            first.clip,
            (bits(|f| f.psnr) - 1.0) * 100.0,
            (bits(|f| f.ssim) - 1.0) * 100.0,
        ));
    }
    text
}

/// The geometric mean; NaN of none.
fn geometric(values: impl Iterator<Item = Option<f64>>) -> f64 {
    let logs: Vec<f64> = values.flatten().map(f64::ln).collect();
    (logs.iter().sum::<f64>() / logs.len() as f64).exp()
}
