// SPDX-License-Identifier: MIT OR Apache-2.0

use super::level::{self, Demand};
use super::options::{self, Extras};
use super::{colour, Error};
use crate::picture::{ChromaSampling, ColourInfo, ContentLight, MasteringDisplay, Rational};
use rav1e::prelude as rav;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Least width and height of video that rav1e codes, in pixels.
pub(super) const MIN_SIZE: usize = 16;
/// Greatest width and height, in pixels.
pub(super) const MAX_SIZE: usize = 65_535;
/// Greatest key frame interval rav1e computes with.
pub(super) const MAX_INTERVAL: u64 = i32::MAX as u64 / 3;
/// Most threads that one encoder may own.
const MAX_THREADS: usize = 256;

/// What holds the size of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateControl {
    /// Constant base quantizer: 0 best, 255 smallest.
    Quantizer(u8),
    /// Target in bits a second, reached over many frames in one pass.
    Bitrate(u32),
}

/// All that an AV1 stream depends on but the pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rav1eConfig {
    /// Width in pixels, odd ones too: 16 to 65535, from 1 for a still picture.
    pub width: usize,
    /// Height in pixels, as `width`.
    pub height: usize,
    /// Bits per sample: 8, 10 or 12.
    pub depth: u8,
    /// Relation of chroma to luma.
    #[serde(with = "SamplingName")]
    pub sampling: ChromaSampling,
    /// Pictures a second, for rate control, scene cuts and the level; no
    /// timing is written to the stream.
    pub frame_rate: Rational,
    /// Constant quantizer or target bit rate.
    pub rate: RateControl,
    /// Preset from 0 (slowest) to 10.
    pub speed: u8,
    /// Threads of the encoder's own pool, 1 to 256; the bytes don't depend on it.
    pub threads: usize,
    /// Tiles per picture at least, 1 to 1024: what threads can work on at
    /// once inside a picture. The bytes depend on it.
    pub tiles: usize,
    /// Least pictures from one key frame to the next.
    pub min_key_interval: u64,
    /// Most pictures from one key frame to the next; 0 for no limit.
    pub max_key_interval: u64,
    /// Code points, range and chroma location. Reserved code points become
    /// unspecified, and unspecified range limited.
    pub colour: ColourInfo,
    /// Written as metadata in front of every key frame.
    pub mastering: Option<MasteringDisplay>,
    /// Written as metadata in front of every key frame.
    pub content_light: Option<ContentLight>,
    /// One picture with AV1's reduced still picture header, as AVIF has it.
    pub still_picture: bool,
    /// User options by name; they override the fields above. See [`super::OPTIONS`].
    pub options: BTreeMap<String, String>,
}

/// Serialized form of [`ChromaSampling`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "ChromaSampling", rename_all = "snake_case")]
enum SamplingName {
    Mono,
    Cs420,
    Cs422,
    Cs444,
}

impl Rav1eConfig {
    /// 8-bit 4:2:0 at quantizer 100 and speed 6: one thread, one tile, key
    /// frames 12 to 240 pictures apart.
    #[must_use]
    pub fn new(width: usize, height: usize, frame_rate: Rational) -> Self {
        Self {
            width,
            height,
            depth: 8,
            sampling: ChromaSampling::Cs420,
            frame_rate,
            rate: RateControl::Quantizer(100),
            speed: 6,
            threads: 1,
            tiles: 1,
            min_key_interval: 12,
            max_key_interval: 240,
            colour: ColourInfo::default(),
            mastering: None,
            content_light: None,
            still_picture: false,
            options: BTreeMap::new(),
        }
    }

    /// Checks every field and option without opening an encoder.
    ///
    /// # Errors
    /// [`Error::Size`], [`Error::Config`], [`Error::UnknownOption`] or [`Error::OptionValue`].
    pub fn validate(&self) -> Result<(), Error> {
        self.resolve().map(drop)
    }

    /// This configuration with its options applied, checked, and what only options can say.
    pub(super) fn resolve(&self) -> Result<(Self, Extras), Error> {
        let mut resolved = self.clone();
        let extras = options::apply(&self.options, &mut resolved)?;
        resolved.check_size()?;
        resolved.check_format()?;
        resolved.check_intervals()?;
        colour::range(&resolved.colour, resolved.sampling)?;
        Ok((resolved, extras))
    }

    fn check_size(&self) -> Result<(), Error> {
        let min = if self.still_picture { 1 } else { MIN_SIZE };
        let fits = |side: usize| (min..=MAX_SIZE).contains(&side);
        if fits(self.width) && fits(self.height) {
            return Ok(());
        }
        Err(Error::Size {
            width: self.width,
            height: self.height,
            min,
            max: MAX_SIZE,
        })
    }

    fn check_format(&self) -> Result<(), Error> {
        require(
            matches!(self.depth, 8 | 10 | 12),
            "depth",
            self.depth,
            "8, 10 or 12",
        )?;
        let rate = self.frame_rate;
        require(
            rate.is_positive(),
            "frame_rate",
            rate,
            "a positive fraction",
        )?;
        require(self.speed <= 10, "speed", self.speed, "0 to 10")?;
        require(
            (1..=MAX_THREADS).contains(&self.threads),
            "threads",
            self.threads,
            "1 to 256",
        )?;
        require(
            (1..=1024).contains(&self.tiles),
            "tiles",
            self.tiles,
            "1 to 1024",
        )?;
        if let RateControl::Bitrate(bits) = self.rate {
            let fits = (1..=i32::MAX as u32).contains(&bits);
            require(fits, "rate.bitrate", bits, "1 to 2147483647")?;
        }
        Ok(())
    }

    fn check_intervals(&self) -> Result<(), Error> {
        let (min, max) = (self.min_key_interval, self.max_key_interval);
        require(
            max <= MAX_INTERVAL,
            "max_key_interval",
            max,
            "0 to 715827882",
        )?;
        let limit = if max == 0 { MAX_INTERVAL } else { max };
        require(
            min <= limit,
            "min_key_interval",
            min,
            "at most max_key_interval",
        )
    }

    /// rav1e's form of a resolved configuration.
    pub(super) fn encoder_config(&self, extras: &Extras) -> Result<rav::EncoderConfig, Error> {
        let mut enc = rav::EncoderConfig::with_speed_preset(self.speed);
        enc.width = self.width;
        enc.height = self.height;
        let (num, den) = (self.frame_rate.num as u64, self.frame_rate.den as u64);
        enc.time_base = rav::Rational::new(den, num);
        enc.bit_depth = usize::from(self.depth);
        enc.chroma_sampling = colour::sampling(self.sampling);
        enc.chroma_sample_position = colour::sample_position(&self.colour);
        enc.pixel_range = colour::range(&self.colour, self.sampling)?;
        enc.color_description = colour::description(&self.colour);
        enc.mastering_display = self.mastering.as_ref().map(colour::mastering);
        enc.content_light = self.content_light.as_ref().map(colour::light);
        enc.still_picture = self.still_picture;
        enc.set_key_frame_interval(self.min_key_interval, self.max_key_interval);
        match self.rate {
            RateControl::Quantizer(quantizer) => enc.quantizer = usize::from(quantizer),
            RateControl::Bitrate(bits) => {
                enc.bitrate = i32::try_from(bits).unwrap_or(i32::MAX);
                enc.quantizer = 255; // no ceiling
            }
        }
        enc.tiles = self.tiles;
        extras.apply(&mut enc);
        Ok(enc)
    }

    /// The level this stream declares; `cols` × `rows` tiles.
    pub(super) fn level(&self, cols: usize, rows: usize) -> u8 {
        let bitrate = match self.rate {
            RateControl::Quantizer(_) => 0,
            RateControl::Bitrate(bits) => u64::from(bits),
        };
        level::lowest(&Demand {
            width: self.width as u64,
            height: self.height as u64,
            frame_rate: self.frame_rate.as_f64(),
            bitrate,
            tile_cols: cols as u64,
            tile_rows: rows as u64,
        })
    }
}

fn require(
    holds: bool,
    field: &'static str,
    value: impl ToString,
    expected: &'static str,
) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Config {
        field,
        value: value.to_string(),
        expected,
    })
}
