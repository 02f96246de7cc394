// SPDX-License-Identifier: MIT OR Apache-2.0
//! Extra user options: `name=value` pairs over the configuration's fields.

use super::config::{RateControl, Rav1eConfig, MAX_INTERVAL};
use super::{level, Error};
use rav1e::prelude as rav;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// One user option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionHelp {
    /// Its name.
    pub name: &'static str,
    /// The values it takes.
    pub values: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// Every option that [`Rav1eConfig::options`] may hold, in alphabetical order.
pub const OPTIONS: &[OptionHelp] = &[
    option(
        "bitrate",
        "1 to 2147483647",
        "target in bits a second, instead of a quantizer",
    ),
    option(
        "keyint",
        "0 to 715827882",
        "most pictures between key frames, 0 for no limit",
    ),
    option(
        "level",
        "auto, 0 to 19 as seq_level_idx, or 31",
        "level to declare; 31 promises none",
    ),
    option(
        "min_keyint",
        "0 to 715827882",
        "least pictures between key frames",
    ),
    option(
        "min_quantizer",
        "0 to 255",
        "lower bound of the quantizer under a bit rate",
    ),
    option(
        "photon_noise",
        "0 to 64",
        "film grain as of a camera at this ISO / 100; 0 for none",
    ),
    option("quantizer", "0 to 255", "constant base quantizer, 0 best"),
    option(
        "rdo_lookahead",
        "1 to 60",
        "pictures of lookahead; fewer take less memory",
    ),
    option(
        "scene_cuts",
        "none, fast or standard",
        "detection of scene cuts",
    ),
    option("speed", "0 to 10", "preset, 0 slowest"),
    option("tiles", "1 to 1024", "tiles per picture, at least"),
    option("tune", "psnr or psychovisual", "what quality means"),
];

const fn option(name: &'static str, values: &'static str, help: &'static str) -> OptionHelp {
    OptionHelp { name, values, help }
}

/// What only options can say.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    level: Option<u8>,
    min_quantizer: Option<u8>,
    photon_noise: u32,
    rdo_lookahead: Option<usize>,
    scene_cuts: Option<rav::SceneDetectionSpeed>,
    tune: Option<rav::Tune>,
}

impl Extras {
    /// The level that the user named.
    pub fn level(&self) -> Option<u8> {
        self.level
    }

    pub fn apply(&self, enc: &mut rav::EncoderConfig) {
        if let Some(quantizer) = self.min_quantizer {
            enc.min_quantizer = quantizer;
        }
        if let Some(frames) = self.rdo_lookahead {
            enc.speed_settings.rdo_lookahead_frames = frames;
        }
        if let Some(mode) = self.scene_cuts {
            enc.speed_settings.scene_detection_mode = mode;
        }
        if let Some(tune) = self.tune {
            enc.tune = tune;
        }
        if self.photon_noise > 0 {
            enc.film_grain_params = Some(vec![self.grain(enc)]);
        }
    }

    /// Grain for the whole stream; the fixed seed keeps the bytes repeatable.
    fn grain(&self, enc: &rav::EncoderConfig) -> rav::GrainTableSegment {
        let transfer_function = if enc.is_hdr() {
            rav::TransferFunction::SMPTE2084
        } else {
            rav::TransferFunction::BT1886
        };
        let args = rav::NoiseGenArgs {
            iso_setting: self.photon_noise * 100,
            width: enc.width as u32,
            height: enc.height as u32,
            transfer_function,
            chroma_grain: false,
            random_seed: None,
        };
        rav::generate_photon_noise_params(0, u64::MAX, args)
    }
}

/// Applies `options` to `config` and returns the rest.
pub(super) fn apply(
    options: &BTreeMap<String, String>,
    config: &mut Rav1eConfig,
) -> Result<Extras, Error> {
    let mut extras = Extras::default();
    for (name, value) in options {
        let known = OPTIONS.iter().find(|option| option.name == name.as_str());
        let Some(option) = known else {
            let known = OPTIONS.iter().map(|option| option.name).collect();
            return Err(Error::UnknownOption {
                name: name.clone(),
                known,
            });
        };
        set(config, &mut extras, option, value).ok_or_else(|| Error::OptionValue {
            name: option.name,
            value: value.clone(),
            expected: option.values,
        })?;
    }
    if let (Some(value), true) = (options.get("quantizer"), options.contains_key("bitrate")) {
        let expected = "no quantizer beside a bitrate";
        return Err(Error::OptionValue {
            name: "quantizer",
            value: value.clone(),
            expected,
        });
    }
    Ok(extras)
}

/// Sets one option; `None` when its value is none it can take.
fn set(
    config: &mut Rav1eConfig,
    extras: &mut Extras,
    option: &OptionHelp,
    value: &str,
) -> Option<()> {
    match option.name {
        "bitrate" => {
            let bits = number(value, 1..=i32::MAX as u64)?;
            config.rate = RateControl::Bitrate(bits as u32);
        }
        "keyint" => config.max_key_interval = number(value, 0..=MAX_INTERVAL)?,
        "level" => extras.level = level_value(value)?,
        "min_keyint" => config.min_key_interval = number(value, 0..=MAX_INTERVAL)?,
        "min_quantizer" => extras.min_quantizer = Some(number(value, 0..=255)? as u8),
        "photon_noise" => extras.photon_noise = number(value, 0..=64)? as u32,
        "quantizer" => config.rate = RateControl::Quantizer(number(value, 0..=255)? as u8),
        "rdo_lookahead" => extras.rdo_lookahead = Some(number(value, 1..=60)? as usize),
        "scene_cuts" => {
            extras.scene_cuts = Some(match value {
                "none" => rav::SceneDetectionSpeed::None,
                "fast" => rav::SceneDetectionSpeed::Fast,
                "standard" => rav::SceneDetectionSpeed::Standard,
                _ => return None,
            });
        }
        "speed" => config.speed = number(value, 0..=10)? as u8,
        "tiles" => config.tiles = number(value, 1..=1024)? as usize,
        "tune" => {
            extras.tune = Some(match value {
                "psnr" => rav::Tune::Psnr,
                "psychovisual" => rav::Tune::Psychovisual,
                _ => return None,
            });
        }
        _ => return None,
    }
    Some(())
}

/// The inner `None` is "auto".
fn level_value(value: &str) -> Option<Option<u8>> {
    if value == "auto" {
        return Some(None);
    }
    let index = number(value, 0..=31)? as u8;
    level::is_defined(index).then_some(Some(index))
}

/// Digits only (no sign, no blanks) within `range`.
fn number(value: &str, range: RangeInclusive<u64>) -> Option<u64> {
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    value.parse().ok().filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Rational;

    fn with(pairs: &[(&str, &str)]) -> Result<(Rav1eConfig, Extras), Error> {
        let mut config = Rav1eConfig::new(64, 64, Rational::new(25, 1));
        let owned = pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        config.options = owned.collect();
        config.resolve()
    }

    #[test]
    fn options_override_fields() {
        let (config, extras) = with(&[
            ("speed", "9"),
            ("bitrate", "500000"),
            ("keyint", "50"),
            ("min_keyint", "5"),
            ("tiles", "4"),
            ("tune", "psnr"),
            ("level", "31"),
            ("scene_cuts", "none"),
        ])
        .unwrap();
        assert_eq!(config.speed, 9);
        assert_eq!(config.rate, RateControl::Bitrate(500_000));
        assert_eq!((config.min_key_interval, config.max_key_interval), (5, 50));
        assert_eq!(config.tiles, 4);
        assert_eq!(extras.level(), Some(31));
        let enc = config.encoder_config(&extras).unwrap();
        assert_eq!((enc.bitrate, enc.quantizer, enc.tiles), (500_000, 255, 4));
        assert_eq!(enc.tune, rav::Tune::Psnr);
    }

    #[test]
    fn unknown_option_names_itself_and_the_known() {
        let error = with(&[("sped", "9")]).unwrap_err();
        let Error::UnknownOption { name, known } = &error else {
            panic!("{error}")
        };
        assert_eq!(name, "sped");
        assert_eq!(known.len(), OPTIONS.len());
        assert!(error.to_string().contains("speed, tiles, tune"), "{error}");
    }

    #[test]
    fn every_listed_option_is_settable_and_refuses_rubbish() {
        assert!(OPTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for option in OPTIONS {
            let good = match option.name {
                "tune" => "psnr",
                "scene_cuts" => "fast",
                _ => "12",
            };
            let good = if option.name == "speed" { "3" } else { good };
            with(&[(option.name, good)]).unwrap();
            for bad in [
                "",
                "-1",
                "+5",
                " 1",
                "x",
                "99999999999999999999",
                "4000000000",
            ] {
                let error = with(&[(option.name, bad)]).unwrap_err();
                let named = matches!(error, Error::OptionValue { name, .. } if name == option.name);
                assert!(named, "{}={bad:?}: {error}", option.name);
            }
        }
        assert!(with(&[("level", "2")]).is_err());
        assert!(with(&[("quantizer", "9"), ("bitrate", "9")]).is_err());
    }
}
