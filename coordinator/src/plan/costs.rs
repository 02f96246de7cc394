// SPDX-License-Identifier: MIT OR Apache-2.0
//! Seconds of CPU that frames take: the cost model. The built-in one was measured on one
//! machine (docs/results.md, "What tasks need" and "What a frame takes"); `framemill
//! calibrate` measures another.
//!
//! Plans follow the built-in one alone, so that a job gives the same bytes wherever it is
//! planned; a calibration is for predictions.

use super::options::Preset;
use framemill_worker::encode::{AV1_BY_RAV1E, VP8_BY_FRAMEMILL};

/// Seconds for a sample of luma of one frame, in one thread: fast, medium, slow. Those of
/// our own encoder are of first passes.
const ENCODE: [(&str, [f64; 3]); 7] = [
    ("libx264", [4.5e-8, 4.5e-8, 6.0e-8]),
    ("libx265", [6.5e-8, 6.8e-8, 2.4e-7]),
    ("libsvtav1", [4.0e-8, 7.5e-8, 1.5e-7]),
    (AV1_BY_RAV1E, [1.8e-7, 4.3e-7, 5.0e-7]),
    ("libvpx-vp9", [9.5e-8, 1.1e-7, 2.1e-7]),
    ("libvpx", [1.7e-8, 5.8e-8, 1.6e-7]),
    (VP8_BY_FRAMEMILL, [0.36e-7, 1.1e-7, 1.7e-7]),
];
/// Of encoders that are not in the list.
const OTHERS: f64 = 2.4e-7;
/// A rebase, likewise.
const REBASE: [f64; 3] = [8.5e-9, 8.5e-9, 1.25e-8];
/// A state written and read, for a sample of luma.
const STATE: f64 = 3.0e-8;
/// Decoding, for a sample of luma of the source and for a bit of it.
const DECODE: [f64; 2] = [1.0e-9, 1.6e-8];
/// Bits of the source for a sample of luma from which on pictures take the whole
/// time to encode, and how much of it those without any take.
const BUSY: (f64, f64) = (0.05, 0.6);

/// What an encoder takes with a preset, in seconds for a sample of luma of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameCost {
    /// To encode it; by our own encoder, its first pass where all of it moves.
    pub encode: f64,
    /// To rebase it; 0 for other encoders.
    pub rebase: f64,
    /// To read and write a state, likewise.
    pub state: f64,
}

/// A cost that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The encoder, as workers call it.
    pub encoder: String,
    /// Its preset.
    pub preset: Preset,
    /// Samples of luma of the frames.
    pub samples: f64,
    /// What they took.
    pub cost: FrameCost,
}

/// What frames take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Costs {
    /// What was measured; without any, the built-in costs count.
    measured: Vec<Measured>,
    /// Seconds to decode a sample of luma, where that was measured.
    decode: Option<f64>,
}

impl Costs {
    /// Those of the machine that was measured for this program.
    #[must_use]
    pub const fn built_in() -> Self {
        Self {
            measured: Vec::new(),
            decode: None,
        }
    }

    /// Those of another.
    #[must_use]
    pub const fn measured(measured: Vec<Measured>, decode: Option<f64>) -> Self {
        Self { measured, decode }
    }

    /// What an encoder takes for frames of so many samples: as measured at the nearest
    /// size. `None` where others were measured, but not this encoder with this preset.
    #[must_use]
    pub fn of(&self, encoder: &str, preset: Preset, samples: f64) -> Option<FrameCost> {
        if self.measured.is_empty() {
            return Some(built_in(encoder, preset));
        }
        let apart = |m: &Measured| (m.samples / samples.max(1.0)).ln().abs();
        let alike = self.measured.iter();
        let alike = alike.filter(|m| m.encoder == encoder && m.preset == preset);
        let nearest = alike.min_by(|a, b| apart(a).total_cmp(&apart(b)));
        nearest.map(|m| m.cost)
    }

    /// Seconds to decode a frame of so many samples of luma in so many bits.
    #[must_use]
    pub fn decode(&self, samples: f64, bits: f64) -> f64 {
        let by_bits = || DECODE[0] * samples + DECODE[1] * bits;
        self.decode.map_or_else(by_bits, |each| each * samples)
    }

    /// Seconds to decode a sample of luma, where that was measured.
    #[must_use]
    pub const fn decode_sample(&self) -> Option<f64> {
        self.decode
    }
}

/// What an encoder takes by the list in this file.
#[must_use]
pub fn built_in(encoder: &str, preset: Preset) -> FrameCost {
    let column = match preset {
        Preset::Fast => 0,
        Preset::Medium => 1,
        Preset::Slow => 2,
    };
    let known = ENCODE.iter().find(|(name, _)| *name == encoder);
    let (rebase, state) = match encoder == VP8_BY_FRAMEMILL {
        true => (REBASE[column], STATE),
        false => (0.0, 0.0),
    };
    FrameCost {
        encode: known.map_or(OTHERS, |(_, rates)| rates[column]),
        rebase,
        state,
    }
}

/// How much of the usual time pictures take to encode whose source has so many
/// bits for a sample of luma: where little moves most macroblocks are skipped.
#[must_use]
pub fn busyness(bits: f64) -> f64 {
    let (whole, least) = BUSY;
    least + (1.0 - least) * (bits / whole).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_size_that_was_measured_counts() {
        let cost = |encode| FrameCost {
            encode,
            rebase: 0.0,
            state: 0.0,
        };
        let measured = |samples, encode| Measured {
            encoder: "libx264".into(),
            preset: Preset::Fast,
            samples,
            cost: cost(encode),
        };
        let costs = Costs::measured(vec![measured(1e6, 2.0), measured(8e6, 3.0)], None);
        let of = |samples| costs.of("libx264", Preset::Fast, samples);
        assert_eq!((of(1.0), of(2e6)), (Some(cost(2.0)), Some(cost(2.0))));
        assert_eq!((of(3e6), of(1e9)), (Some(cost(3.0)), Some(cost(3.0))));
        assert_eq!(costs.of("libx264", Preset::Slow, 1e6), None);
        assert_eq!(costs.of("libx265", Preset::Fast, 1e6), None);
        assert!(Costs::built_in().of("libx265", Preset::Slow, 1e6).is_some());
        assert_eq!(
            Costs::built_in().of("new", Preset::Slow, 1e6),
            Some(cost(OTHERS))
        );
    }

    #[test]
    fn decoding_by_bits_or_as_measured() {
        assert!((Costs::built_in().decode(1e6, 1e5) - 2.6e-3).abs() < 1e-9);
        let measured = Costs::measured(Vec::new(), Some(2e-9));
        assert_eq!(measured.decode(1e6, 1e5), 2e-3);
    }

    #[test]
    fn where_little_moves_encoding_takes_less_time() {
        let [still, slow, busy, noise] = [0.0, 0.025, 0.05, 9.0].map(busyness);
        assert!((still - 0.6).abs() < 1e-9 && (slow - 0.8).abs() < 1e-9);
        assert!((busy - 1.0).abs() < 1e-9 && (noise - 1.0).abs() < 1e-9);
    }
}
