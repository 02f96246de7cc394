// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bits, key frames and quality of an output.

use super::side::framemill;
use crate::process;
use serde::Serialize;
use std::path::Path;
use std::process::Command;

/// What an output's video is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Bits of all video packets.
    pub bits: u64,
    /// Key frames.
    pub keys: u64,
    /// PSNR of the mean error over all frames and planes, in dB.
    pub psnr: f64,
    /// Mean SSIM over all frames and planes.
    pub ssim: f64,
}

/// Measures `output` against `source`; both must have as many frames.
///
/// # Errors
/// A text with the failed command.
pub fn figures(source: &Path, output: &Path) -> Result<Figures, String> {
    let (bits, keys) = packets(output)?;
    let mut command = Command::new(framemill());
    command.arg("measure").args([source, output]).arg("--json");
    let said = process::run(&mut command)?.stdout;
    let json: serde_json::Value = serde_json::from_slice(&said).map_err(|e| e.to_string())?;
    let number = |of: &str, which: &str| {
        json[of][which]
            .as_f64()
            .ok_or_else(|| format!("measure {}: no {of}.{which}", output.display()))
    };
    Ok(Figures {
        bits,
        keys,
        psnr: number("psnr", "average")?,
        ssim: number("ssim", "all")?,
    })
}

/// Bits and key frames of the first video stream.
fn packets(file: &Path) -> Result<(u64, u64), String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v:0"]);
    command.args(["-show_entries", "packet=size,flags", "-of", "csv=p=0"]);
    let said = process::run(command.arg(file))?.stdout;
    let (mut bits, mut keys) = (0, 0);
    for line in String::from_utf8_lossy(&said).lines() {
        let (size, flags) = line.split_once(',').unwrap_or((line, ""));
        let bytes: u64 = size.parse().map_err(|_| format!("ffprobe: {line}"))?;
        bits += bytes * 8;
        keys += u64::from(flags.starts_with('K'));
    }
    Ok((bits, keys))
}

/// Bits that points of (quality, bits) reach at a quality: straight between
/// neighbours in the logarithm of bits, and on from the ends. `None` with less
/// than two qualities.
#[must_use]
pub fn bits_at(points: &[(f64, f64)], quality: f64) -> Option<f64> {
    let mut points = points.to_vec();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points.dedup_by(|a, b| a.0 == b.0);
    if points.len() < 2 {
        return None;
    }
    let above = points.partition_point(|p| p.0 < quality);
    let right = above.clamp(1, points.len() - 1);
    let ((q0, b0), (q1, b1)) = (points[right - 1], points[right]);
    let share = (quality - q0) / (q1 - q0);
    Some((b0.ln() + share * (b1.ln() - b0.ln())).exp())
}

/// How much more bits `ours` takes than points of the other side at its
/// quality, as a share: at equal PSNR and at equal SSIM.
#[must_use]
pub fn excess(ours: &Figures, theirs: &[Figures]) -> (Option<f64>, Option<f64>) {
    let at = |of: fn(&Figures) -> f64| {
        let points: Vec<_> = theirs.iter().map(|f| (of(f), f.bits as f64)).collect();
        bits_at(&points, of(ours)).map(|bits| ours.bits as f64 / bits - 1.0)
    };
    (at(|f| f.psnr), at(|f| f.ssim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_lie_on_the_curve() {
        let points = [(40.0, 400.0), (30.0, 100.0), (35.0, 200.0)];
        let near = |quality: f64, bits: f64| {
            let got = bits_at(&points, quality).unwrap();
            assert!((got / bits - 1.0).abs() < 1e-9, "{quality}: {got}");
        };
        near(35.0, 200.0);
        near(37.5, 200.0 * 2f64.sqrt());
        near(45.0, 800.0);
        near(25.0, 50.0);
        assert_eq!(bits_at(&points[..1], 40.0), None);
    }
}
