// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encoders, and their own options from quality and preset.

use super::colour::{light_text, mastering_decimal, mastering_text};
use super::options::{FirstPass, Preset, Rate, Seam, TranscodeOptions, VideoCodec};
use crate::error::{JobError, Result};
use framemill_codec::libav;
use framemill_worker::encode::{EncoderSpec, AV1_BY_RAV1E, VP8_BY_FRAMEMILL};
use std::collections::BTreeMap;

/// What the worker calls libvpx's VP8 encoder.
pub const LIBVPX: &str = "libvpx";

/// An encoder as we drive it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncoderChoice {
    /// The name users know.
    pub name: &'static str,
    /// The name the worker knows.
    pub libav: &'static str,
    /// What it encodes to.
    pub codec: VideoCodec,
    /// Smallest width and height it takes.
    pub min_side: u32,
    /// True when width and height must be even.
    pub even_only: bool,
    /// Threads inside it: pinned, since its output may depend on them.
    pub threads: u32,
    /// Presets from fast to slow.
    presets: [&'static str; 3],
    /// Quality scale: lowest, default, highest value (higher is worse).
    pub quality: (f64, f64, f64),
    /// How many steps of quality double the bits, roughly.
    pub steps_per_doubling: f64,
    /// True when fractions of a quality step mean something.
    pub fine: bool,
}

/// All encoders, the default of each codec first.
const ENCODERS: [EncoderChoice; 7] = [
    EncoderChoice {
        name: "svt-av1",
        libav: "libsvtav1",
        codec: VideoCodec::Av1,
        min_side: 64,
        even_only: true,
        threads: 2,
        presets: ["10", "8", "6"],
        quality: (1.0, 35.0, 63.0),
        steps_per_doubling: 9.0,
        fine: false,
    },
    EncoderChoice {
        name: "rav1e",
        libav: AV1_BY_RAV1E,
        codec: VideoCodec::Av1,
        min_side: 16,
        even_only: false,
        threads: 1,
        presets: ["10", "8", "6"],
        quality: (0.0, 100.0, 255.0),
        steps_per_doubling: 40.0,
        fine: false,
    },
    EncoderChoice {
        name: "x264",
        libav: "libx264",
        codec: VideoCodec::H264,
        min_side: 16,
        even_only: true,
        threads: 2,
        presets: ["fast", "medium", "slow"],
        quality: (0.0, 23.0, 51.0),
        steps_per_doubling: 6.0,
        fine: true,
    },
    EncoderChoice {
        name: "x265",
        libav: "libx265",
        codec: VideoCodec::Hevc,
        min_side: 64,
        even_only: true,
        threads: 1,
        presets: ["fast", "medium", "slow"],
        quality: (0.0, 28.0, 51.0),
        steps_per_doubling: 6.0,
        fine: true,
    },
    EncoderChoice {
        name: "libvpx",
        libav: "libvpx-vp9",
        codec: VideoCodec::Vp9,
        min_side: 2,
        even_only: false,
        threads: 2,
        presets: ["5", "3", "1"],
        quality: (0.0, 32.0, 63.0),
        steps_per_doubling: 9.0,
        fine: false,
    },
    EncoderChoice {
        name: "libvpx",
        libav: LIBVPX,
        codec: VideoCodec::Vp8,
        min_side: 2,
        even_only: false,
        threads: 1,
        presets: ["5", "2", "0"],
        quality: (4.0, 16.0, 63.0),
        steps_per_doubling: 9.0,
        fine: false,
    },
    EncoderChoice {
        name: "framemill",
        libav: VP8_BY_FRAMEMILL,
        codec: VideoCodec::Vp8,
        min_side: 2,
        even_only: false,
        threads: 1,
        presets: ["fast", "medium", "slow"],
        quality: (0.0, 16.0, 63.0),
        steps_per_doubling: 9.0,
        fine: false,
    },
];

/// The encoder for a size: the user's, else the codec's default, else another
/// that takes pictures this small or odd.
///
/// # Errors
/// [`JobError::Usage`] naming what would do.
pub fn choose(
    options: &TranscodeOptions,
    (width, height): (u32, u32),
    warnings: &mut Vec<String>,
) -> Result<EncoderChoice> {
    // Ours holds all pictures of a chunk, so chunks must be short.
    let ours = options.seam == Seam::Rebase;
    let fits =
        |e: &&EncoderChoice| e.codec == options.codec && (e.libav == VP8_BY_FRAMEMILL) == ours;
    let candidates: Vec<EncoderChoice> = ENCODERS.iter().filter(fits).copied().collect();
    let names = candidates
        .iter()
        .map(|e| e.name)
        .collect::<Vec<_>>()
        .join(", ");
    let chosen = match &options.encoder {
        Some(name) => *candidates.iter().find(|e| e.name == name).ok_or_else(|| {
            JobError::Usage(format!(
                "--encoder {name}: {} is encoded by {names}",
                options.codec.name()
            ))
        })?,
        None => candidates[0],
    };
    let small = width.min(height);
    let odd = (width | height) & 1 == 1;
    let other = candidates.iter().find(|e| {
        small >= e.min_side && !(odd && e.even_only) && is_there(e) && e.name != chosen.name
    });
    let mut encoder = chosen;
    if small < chosen.min_side {
        encoder = *other.ok_or_else(|| too_small(&chosen, width, height))?;
        warnings.push(format!(
            "{} takes no pictures under {}: {} encodes them",
            chosen.name, chosen.min_side, encoder.name
        ));
    } else if let (true, None, Some(other)) = (odd && chosen.even_only, &options.encoder, other) {
        encoder = *other;
        warnings.push(format!(
            "{} takes no odd sizes: {} encodes {width}x{height}",
            chosen.name, other.name
        ));
    }
    if !is_there(&encoder) {
        return Err(JobError::Usage(format!(
            "this FFmpeg was built without {}",
            encoder.libav
        )));
    }
    check_rate(options, &encoder)?;
    Ok(encoder)
}

fn too_small(encoder: &EncoderChoice, width: u32, height: u32) -> JobError {
    JobError::Usage(format!(
        "{width}x{height} is too small for {}, which starts at {}; h264 starts at 16, vp8 and vp9 at 2",
        encoder.name, encoder.min_side
    ))
}

/// Refuses a quality off the encoder's scale and rates that cannot be met.
fn check_rate(options: &TranscodeOptions, encoder: &EncoderChoice) -> Result<()> {
    match options.rate {
        Rate::Quality(Some(q)) => {
            let (low, _, high) = encoder.quality;
            if !(low..=high).contains(&q) {
                return Err(JobError::Usage(format!(
                    "--crf {q}: {} takes {low} to {high}",
                    encoder.name
                )));
            }
        }
        Rate::Bitrate {
            target,
            max: Some(max),
        } => {
            if max < target {
                return Err(JobError::Usage(format!(
                    "--maxrate {max} is below --bitrate {target}"
                )));
            }
            if encoder.libav == AV1_BY_RAV1E {
                return Err(JobError::Usage(
                    "--maxrate: rav1e has no such limit; use svt-av1".into(),
                ));
            }
        }
        _ => {}
    }
    Ok(())
}

fn is_there(encoder: &EncoderChoice) -> bool {
    let built_in = [AV1_BY_RAV1E, VP8_BY_FRAMEMILL];
    built_in.contains(&encoder.libav) || libav::encoder_exists(encoder.libav)
}

/// The encoder that a spec was made for.
#[must_use]
pub fn choice_of(libav: &str) -> Option<EncoderChoice> {
    ENCODERS.iter().find(|e| e.libav == libav).copied()
}

/// The options of an encoder at its quality: the user's own ones win.
#[must_use]
pub fn options(
    wishes: &TranscodeOptions,
    encoder: &EncoderChoice,
    spec: &EncoderSpec,
) -> BTreeMap<String, String> {
    let preset = encoder.presets[match wishes.preset {
        Preset::Fast => 0,
        Preset::Medium => 1,
        Preset::Slow => 2,
    }];
    let quality = match wishes.rate {
        Rate::Quality(Some(q)) => q,
        _ => encoder.quality.1,
    };
    let mut set: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |key: &str, value: &str| set.insert(key.to_owned(), value.to_owned());
    match encoder.name {
        "x264" => {
            put("preset", preset);
            // Headers must not depend on a chunk's content or quality.
            put("x264-params", "stitchable=1");
        }
        "x265" => {
            put("preset", preset);
            put("x265-params", &x265_params(spec));
        }
        "svt-av1" => {
            put("preset", preset);
            put("svtav1-params", &svt_params(spec));
        }
        "rav1e" => {
            put("speed", preset);
        }
        "framemill" => {
            put("preset", preset);
        }
        _ => {
            put("deadline", "good");
            put("cpu-used", preset);
            put(
                "auto-alt-ref",
                if encoder.codec == VideoCodec::Vp9 {
                    "1"
                } else {
                    "0"
                },
            );
            put(
                "lag-in-frames",
                if encoder.codec == VideoCodec::Vp9 {
                    "25"
                } else {
                    "16"
                },
            );
        }
    }
    if let Rate::Bitrate { max: Some(max), .. } = wishes.rate {
        // Our own has no limit: the rate search keeps to it.
        if ![AV1_BY_RAV1E, VP8_BY_FRAMEMILL].contains(&encoder.libav) {
            put("maxrate", &max.to_string());
            put("bufsize", &(max * 2).to_string());
        }
    }
    set_quality(&mut set, encoder, quality);
    for (key, value) in &wishes.encoder_options {
        match set.get_mut(key) {
            // Parameter strings add up; ours come first so that the user's win.
            Some(own) if key.ends_with("-params") => *own = format!("{own}:{value}"),
            _ => {
                set.insert(key.clone(), value.clone());
            }
        }
    }
    set
}

/// What encodes the chunks that continue from the one before, for as long as
/// they stand alone.
#[must_use]
pub fn first_pass(wishes: &TranscodeOptions, ours: &EncoderSpec) -> EncoderSpec {
    let mut pass = ours.clone();
    let libvpx = choice_of(LIBVPX).filter(|_| wishes.first_pass == FirstPass::Libvpx);
    let Some(libvpx) = libvpx else {
        return pass;
    };
    pass.encoder = libvpx.libav.to_owned();
    pass.options = options(wishes, &libvpx, ours);
    // A limit is for what becomes of them, not for six frames with a key frame.
    for name in ["maxrate", "bufsize"] {
        pass.options.remove(name);
    }
    // A packet for each picture: none is hidden, none waits for others.
    for name in ["lag-in-frames", "auto-alt-ref"] {
        pass.options.insert(name.into(), "0".into());
    }
    pass
}

/// Sets a constant quality on the encoder's own scale.
pub fn set_quality(options: &mut BTreeMap<String, String>, encoder: &EncoderChoice, quality: f64) {
    let (low, _, high) = encoder.quality;
    let quality = quality.clamp(low, high);
    let text = if encoder.fine {
        format!("{quality:.2}")
    } else {
        format!("{}", quality.round())
    };
    let key = if encoder.name == "rav1e" {
        "quantizer"
    } else {
        "crf"
    };
    options.insert(key.into(), text);
    match encoder.codec {
        VideoCodec::Vp8 if encoder.libav == VP8_BY_FRAMEMILL => {}
        // libvpx takes a rate of 0 as "quality alone" for VP9; for VP8 the rate is a lid.
        VideoCodec::Vp9 => {
            options.entry("b".into()).or_insert_with(|| "0".into());
        }
        VideoCodec::Vp8 => {
            options
                .entry("b".into())
                .or_insert_with(|| "200000000".into());
            options.insert("qmin".into(), "0".into());
        }
        _ => {}
    }
}

fn x265_params(spec: &EncoderSpec) -> String {
    let mut params = "log-level=none:pools=none:frame-threads=1:wpp=0".to_owned();
    if let Some(m) = &spec.mastering {
        params.push_str(&format!(":hdr10=1:master-display={}", mastering_text(m)));
    }
    if let Some(c) = &spec.content_light {
        params.push_str(&format!(":max-cll={}", light_text(c)));
    }
    params
}

fn svt_params(spec: &EncoderSpec) -> String {
    let mut params = format!("lp={}", spec.threads);
    if let Some(m) = &spec.mastering {
        params.push_str(&format!(":mastering-display={}", mastering_decimal(m)));
    }
    if let Some(c) = &spec.content_light {
        params.push_str(&format!(":content-light={}", light_text(c)));
    }
    params
}
