// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was found, as JSON.

use crate::plan::costs::{Costs, FrameCost, Measured};
use crate::plan::options::Preset;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Version of the file's shape.
const VERSION: u32 = 1;
/// Samples of luma of a megapixel.
const MEGA: f64 = 1e6;
/// The most seconds for a megapixel that are believed.
const MOST: f64 = 1e6;

/// What one trial found.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The encoder, as workers call it.
    pub encoder: String,
    /// Its preset.
    pub preset: Preset,
    /// Size of its frames.
    pub width: u32,
    /// Likewise.
    pub height: u32,
    /// Frames that were measured.
    pub frames: u64,
    /// Seconds for a sample of luma of a frame.
    pub cost: FrameCost,
    /// Seconds to decode a sample of luma of the source.
    pub decode: f64,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration(pub Vec<Entry>);

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    #[serde(default)]
    framemill: String,
    #[serde(default)]
    environment: String,
    /// Seconds of CPU for a million samples of luma each.
    rates: Vec<Rate>,
}

#[derive(Serialize, Deserialize)]
struct Rate {
    encoder: String,
    preset: String,
    width: u32,
    height: u32,
    frames: u64,
    encode_s: f64,
    #[serde(default)]
    rebase_s: f64,
    #[serde(default)]
    state_s: f64,
    decode_s: f64,
}

impl Calibration {
    /// As JSON; `environment` names build and libraries.
    #[must_use]
    pub fn to_json(&self, environment: &str) -> String {
        let rate = |entry: &Entry| Rate {
            encoder: entry.encoder.clone(),
            preset: preset_name(entry.preset),
            width: entry.width,
            height: entry.height,
            frames: entry.frames,
            encode_s: entry.cost.encode * MEGA,
            rebase_s: entry.cost.rebase * MEGA,
            state_s: entry.cost.state * MEGA,
            decode_s: entry.decode * MEGA,
        };
        let written = Written {
            version: VERSION,
            framemill: env!("CARGO_PKG_VERSION").into(),
            environment: environment.into(),
            rates: self.0.iter().map(rate).collect(),
        };
        // Names and finite numbers: this cannot fail.
        serde_json::to_string_pretty(&written).unwrap_or_default()
    }

    /// As a cost model: what was measured several times, over several clips, counts by its
    /// mean, weighted by frames.
    #[must_use]
    pub fn costs(&self) -> Costs {
        let mut measured: Vec<(Measured, f64)> = Vec::new();
        for entry in &self.0 {
            let samples = f64::from(entry.width) * f64::from(entry.height);
            let frames = entry.frames as f64;
            let same = |m: &&mut (Measured, f64)| {
                let m = &m.0;
                m.encoder == entry.encoder && m.preset == entry.preset && m.samples == samples
            };
            match measured.iter_mut().find(same) {
                Some((known, weight)) => {
                    known.cost = mean((known.cost, *weight), (entry.cost, frames));
                    *weight += frames;
                }
                None => {
                    let of = Measured {
                        encoder: entry.encoder.clone(),
                        preset: entry.preset,
                        samples,
                        cost: entry.cost,
                    };
                    measured.push((of, frames));
                }
            }
        }
        let (sum, frames) = self.0.iter().fold((0.0, 0.0), |(sum, frames), entry| {
            let n = entry.frames as f64;
            (sum + n * entry.decode, frames + n)
        });
        let decode = (frames > 0.0).then_some(sum / frames);
        Costs::measured(measured.into_iter().map(|m| m.0).collect(), decode)
    }
}

fn mean((a, wa): (FrameCost, f64), (b, wb): (FrameCost, f64)) -> FrameCost {
    let of = |a: f64, b: f64| (a * wa + b * wb) / (wa + wb);
    FrameCost {
        encode: of(a.encode, b.encode),
        rebase: of(a.rebase, b.rebase),
        state: of(a.state, b.state),
    }
}

fn preset_name(preset: Preset) -> String {
    let value = preset.to_possible_value();
    value.map_or(String::new(), |v| v.get_name().to_owned())
}

/// Reads a calibration.
///
/// # Errors
/// One line: what is wrong, and where.
pub fn read(bytes: &[u8]) -> Result<Calibration, String> {
    let written: Written =
        serde_json::from_slice(bytes).map_err(|e| format!("not a calibration: {e}"))?;
    if written.version != VERSION {
        return Err(format!(
            "it is a calibration of version {}; this framemill reads version {VERSION}",
            written.version
        ));
    }
    if written.rates.is_empty() {
        return Err("it has no rates".into());
    }
    let rates = written.rates.into_iter().enumerate();
    let entries: Result<Vec<Entry>, String> = rates.map(|(n, rate)| entry(n, rate)).collect();
    entries.map(Calibration)
}

fn entry(n: usize, rate: Rate) -> Result<Entry, String> {
    let preset = Preset::from_str(&rate.preset, false)
        .map_err(|_| format!("rate {n}: its preset is none of fast, medium, slow"))?;
    if rate.width == 0 || rate.height == 0 || rate.frames == 0 {
        return Err(format!("rate {n}: width, height and frames are from 1 up"));
    }
    let each = |name: &str, seconds: f64, least: f64| match (least..MOST).contains(&seconds) {
        true => Ok(seconds / MEGA),
        false => Err(format!("rate {n}: {name} is {seconds}")),
    };
    Ok(Entry {
        preset,
        width: rate.width,
        height: rate.height,
        frames: rate.frames,
        cost: FrameCost {
            encode: each("encode_s", rate.encode_s, f64::MIN_POSITIVE)?,
            rebase: each("rebase_s", rate.rebase_s, 0.0)?,
            state: each("state_s", rate.state_s, 0.0)?,
        },
        decode: each("decode_s", rate.decode_s, 0.0)?,
        encoder: rate.encoder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(encode: f64, frames: u64, height: u32) -> Entry {
        Entry {
            encoder: "libx264".into(),
            preset: Preset::Slow,
            width: 1000,
            height,
            frames,
            cost: FrameCost {
                encode,
                rebase: 0.0,
                state: 0.0,
            },
            decode: encode / 2.0,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let found = Calibration(vec![entry(0.25, 24, 500), entry(0.5, 48, 1000)]);
        let text = found.to_json("e");
        assert_eq!(read(text.as_bytes()).unwrap(), found);
    }

    #[test]
    fn clips_count_by_their_frames() {
        let found = Calibration(vec![
            entry(1.0, 10, 500),
            entry(4.0, 20, 500),
            entry(9.0, 10, 2000),
        ]);
        let costs = found.costs();
        let of = |samples| costs.of("libx264", Preset::Slow, samples).unwrap().encode;
        assert!((of(5e5) - 3.0).abs() < 1e-9 && (of(2e6) - 9.0).abs() < 1e-9);
        let decode = costs.decode_sample().unwrap();
        assert!((decode - (0.5 * 10.0 + 2.0 * 20.0 + 4.5 * 10.0) / 40.0).abs() < 1e-9);
    }

    #[test]
    fn broken_files_get_one_clear_line() {
        let text = Calibration(vec![entry(0.25, 24, 500)]).to_json("e");
        let wrong = |from: &str, to: &str| read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(read(b"").unwrap_err().starts_with("not a calibration: "));
        assert!(read(b"{\"version\":1}")
            .unwrap_err()
            .contains("missing field"));
        assert!(wrong("\"version\": 1", "\"version\": 2").contains("of version 2"));
        assert!(wrong("\"slow\"", "\"slower\"").starts_with("rate 0: its preset"));
        assert!(wrong("\"frames\": 24", "\"frames\": 0").starts_with("rate 0: width"));
        assert_eq!(wrong("250000.0", "-1.0"), "rate 0: encode_s is -1");
        let none = "{\"version\":1,\"rates\":[]}";
        assert_eq!(read(none.as_bytes()).unwrap_err(), "it has no rates");
    }
}
