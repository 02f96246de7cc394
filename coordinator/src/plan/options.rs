// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the user asked for, as values.

use framemill_codec::picture::Rational;
use std::collections::BTreeMap;

/// The video codec to encode to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum VideoCodec {
    /// AV1.
    Av1,
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    Hevc,
    /// VP9.
    Vp9,
    /// VP8.
    Vp8,
}

impl VideoCodec {
    /// libav's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Av1 => "av1",
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Vp9 => "vp9",
            Self::Vp8 => "vp8",
        }
    }
}

/// How hard the encoder tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// Least CPU.
    Fast,
    /// The middle.
    #[default]
    Medium,
    /// Fewest bits.
    Slow,
}

/// What becomes of HDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum HdrMode {
    /// Keep it, or refuse where the codec cannot.
    Keep,
    /// Map it to BT.709.
    Tonemap,
    /// Refuse HDR sources.
    Refuse,
}

/// What becomes of sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum AudioMode {
    /// Copy what the container holds, else encode what suits it.
    #[default]
    Auto,
    /// Copy, or refuse.
    Copy,
    /// Encode as AAC.
    Aac,
    /// Encode as Opus.
    Opus,
    /// Leave out.
    None,
}

/// What becomes of subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SubtitleMode {
    /// Copy, or refuse.
    Copy,
    /// Leave out.
    None,
}

/// Where to cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChunkRule {
    /// At key frames near a good length, scene cuts first.
    Auto,
    /// Every so many seconds.
    Seconds(f64),
    /// Every so many frames.
    Frames(u64),
    /// At scene cuts.
    Scenes,
}

/// How a chunk begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Seam {
    /// With a key frame.
    #[default]
    Closed,
    /// From the state of the chunk before, but for the first chunk of a batch.
    Rebase,
}

/// Who encodes a chunk as if it stood alone, before it is moved onto the state
/// of the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FirstPass {
    /// Our own encoder.
    #[default]
    Own,
    /// libvpx.
    Libvpx,
}

/// Quality or rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Constant quality on the encoder's own scale; `None` for its default.
    Quality(Option<f64>),
    /// Mean bits a second over the whole video, and the most of any moment.
    Bitrate {
        /// Mean bits a second.
        target: u64,
        /// Highest bits a second, over a buffer of two seconds.
        max: Option<u64>,
    },
}

/// Everything that shapes a transcode.
#[derive(Clone, Debug)]
pub struct TranscodeOptions {
    /// Where the result goes, as the user named it.
    pub output: String,
    /// The codec.
    pub codec: VideoCodec,
    /// The encoder, when the user chose one.
    pub encoder: Option<String>,
    /// Options for the encoder itself.
    pub encoder_options: BTreeMap<String, String>,
    /// Quality or rate.
    pub rate: Rate,
    /// How hard the encoder tries.
    pub preset: Preset,
    /// Width and height; `None` keeps the proportion.
    pub size: Option<(Option<u32>, Option<u32>)>,
    /// Keep pictures that are smaller as they are.
    pub no_enlarge: bool,
    /// Constant frame rate to convert to.
    pub fps: Option<Rational>,
    /// Width, height, x and y of what to keep.
    pub crop: Option<[u32; 4]>,
    /// First moment to keep, in seconds of the source.
    pub start: Option<f64>,
    /// First moment not to keep, in seconds of the source.
    pub end: Option<f64>,
    /// What becomes of HDR; `None` keeps it where the codec can and maps it elsewhere.
    pub hdr: Option<HdrMode>,
    /// Code fields as fields.
    pub keep_interlaced: bool,
    /// What becomes of sound.
    pub audio: AudioMode,
    /// Bits a second per track of sound.
    pub audio_bitrate: Option<u64>,
    /// What becomes of subtitles; `None` copies what fits.
    pub subtitles: Option<SubtitleMode>,
    /// Where to cut.
    pub chunk: ChunkRule,
    /// How a chunk begins.
    pub seam: Seam,
    /// Who encodes chunks that are to continue each other.
    pub first_pass: FirstPass,
    /// Chunks from one key frame to the next, where chunks continue each other;
    /// `None` for what suits.
    pub batch: Option<u32>,
    /// Seconds that encoding may take on `parallelism` workers, where chunks
    /// continue each other; shapes what is left open of chunks and batches.
    pub deadline: Option<f64>,
    /// Workers that are planned for there, however many run; `None` for 1,000.
    pub parallelism: Option<u32>,
    /// Take what decodes of a damaged source.
    pub keep_damaged: bool,
    /// Digest pictures instead of encoding them.
    pub digest: bool,
}

/// Parses `24`, `23.976`, `30000/1001` or `ntsc`-like decimals into a rate.
///
/// # Errors
/// A text for the user.
pub fn parse_rate(text: &str) -> Result<Rational, String> {
    let bad = || format!("'{text}' is no frame rate: give 25, 29.97 or 30000/1001");
    if let Some((num, den)) = text.split_once('/') {
        let rate = Rational::new(
            num.trim().parse().map_err(|_| bad())?,
            den.trim().parse().map_err(|_| bad())?,
        );
        return if rate.is_positive() && (0.001..=1000.0).contains(&rate.as_f64()) {
            Ok(rate)
        } else {
            Err(bad())
        };
    }
    let value: f64 = text.parse().map_err(|_| bad())?;
    if !(value > 0.0 && value <= 1000.0) {
        return Err(bad());
    }
    let broadcast = (value * 1.001).round();
    if (broadcast / 1.001 - value).abs() < 0.005 && (value - value.round()).abs() > 0.005 {
        return Ok(Rational::new(broadcast as i32 * 1000, 1001));
    }
    let rate = reduced((value * 1000.0).round() as i32, 1000);
    if rate.is_positive() {
        Ok(rate)
    } else {
        Err(bad())
    }
}

fn reduced(num: i32, den: i32) -> Rational {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Rational::new(num / a.max(1), den / a.max(1))
}

/// Parses `1280x720`, `-1x720` or `1280x-1`.
///
/// # Errors
/// A text for the user.
pub fn parse_size(text: &str) -> Result<(Option<u32>, Option<u32>), String> {
    let bad = || format!("'{text}' is no size: give 1280x720, -1x720 or 1280x-1");
    let (w, h) = text.split_once('x').ok_or_else(bad)?;
    let side = |s: &str| match s {
        "-1" => Ok(None),
        s => s
            .parse::<u32>()
            .ok()
            .filter(|n| (1..=16_384).contains(n))
            .map(Some)
            .ok_or_else(bad),
    };
    match (side(w)?, side(h)?) {
        (None, None) => Err(bad()),
        size => Ok(size),
    }
}

/// Parses `WxH+X+Y` or `WxH` (centred, as `u32::MAX` offsets).
///
/// # Errors
/// A text for the user.
pub fn parse_crop(text: &str) -> Result<[u32; 4], String> {
    let bad = || format!("'{text}' is no crop: give 1280x536+0+92 or 1280x536");
    let mut parts = text.split('+');
    let (w, h) = parts
        .next()
        .and_then(|s| s.split_once('x'))
        .ok_or_else(bad)?;
    let number = |s: &str| s.parse::<u32>().map_err(|_| bad());
    let offsets: Vec<u32> = parts.map(number).collect::<Result<_, _>>()?;
    let (x, y) = match offsets.as_slice() {
        [] => (u32::MAX, u32::MAX),
        [x, y] => (*x, *y),
        _ => return Err(bad()),
    };
    let (w, h) = (number(w)?, number(h)?);
    if w == 0 || h == 0 {
        Err(bad())
    } else {
        Ok([w, h, x, y])
    }
}

/// Parses `auto`, `scenes`, `10s` or `240f`.
///
/// # Errors
/// A text for the user.
pub fn parse_chunk(text: &str) -> Result<ChunkRule, String> {
    let bad = || format!("'{text}' is no chunk length: give auto, scenes, 10s or 240f");
    match text {
        "auto" => return Ok(ChunkRule::Auto),
        "scenes" => return Ok(ChunkRule::Scenes),
        _ => {}
    }
    if let Some(n) = text.strip_suffix('f') {
        return n
            .parse()
            .ok()
            .filter(|&n| n > 0)
            .map(ChunkRule::Frames)
            .ok_or_else(bad);
    }
    let n = text.strip_suffix('s').ok_or_else(bad)?;
    n.parse()
        .ok()
        .filter(|&n: &f64| n >= 0.001 && n.is_finite())
        .map(ChunkRule::Seconds)
        .ok_or_else(bad)
}

/// Parses seconds or `[HH:]MM:SS[.fff]`.
///
/// # Errors
/// A text for the user.
pub fn parse_time(text: &str) -> Result<f64, String> {
    let bad = || format!("'{text}' is no time: give 12.5 or 00:01:30.5");
    let mut seconds = 0.0;
    for part in text.split(':') {
        let value: f64 = part.parse().map_err(|_| bad())?;
        if !(value >= 0.0 && value.is_finite()) {
            return Err(bad());
        }
        seconds = seconds * 60.0 + value;
    }
    if seconds > 1e9 {
        return Err(bad());
    }
    Ok(seconds)
}

/// Parses `1500000`, `800k` or `2.5M` bits a second.
///
/// # Errors
/// A text for the user.
pub fn parse_bits(text: &str) -> Result<u64, String> {
    let bad = || format!("'{text}' is no bit rate: give 800k, 2.5M or 1500000");
    let (number, unit) = match text.chars().last() {
        Some('k' | 'K') => (&text[..text.len() - 1], 1e3),
        Some('m' | 'M') => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    let bits = number.parse::<f64>().map_err(|_| bad())? * unit;
    if (1000.0..=1e10).contains(&bits) {
        Ok(bits.round() as u64)
    } else {
        Err(bad())
    }
}

/// Reads a number of bytes: 500k, 20M, 1.5G or 1500000.
///
/// # Errors
/// A text for the user.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let bad = || format!("'{text}' is no size: give 500k, 20M, 1.5G or 1500000");
    let units = [('k', 1e3), ('K', 1e3), ('M', 1e6), ('G', 1e9), ('T', 1e12)];
    let unit = units.iter().find(|(letter, _)| text.ends_with(*letter));
    let number = unit.and_then(|(letter, _)| text.strip_suffix(*letter));
    let number = number.unwrap_or(text);
    let bytes = number.parse::<f64>().map_err(|_| bad())? * unit.map_or(1.0, |u| u.1);
    match (0.0..=1e18).contains(&bytes) {
        true => Ok(bytes.round() as u64),
        false => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_bytes() {
        assert_eq!(parse_bytes("1500"), Ok(1500));
        assert_eq!(parse_bytes("1.5G"), Ok(1_500_000_000));
        assert_eq!(parse_bytes("20k"), Ok(20_000));
        for wrong in ["", "k", "-1", "1kk", "1 M", "inf"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(parse_rate("24"), Ok(Rational::new(24, 1)));
        assert_eq!(parse_rate("23.976"), Ok(Rational::new(24_000, 1001)));
        assert_eq!(parse_rate("29.97"), Ok(Rational::new(30_000, 1001)));
        assert_eq!(parse_rate("59.94"), Ok(Rational::new(60_000, 1001)));
        assert_eq!(parse_rate("12.5"), Ok(Rational::new(25, 2)));
        assert_eq!(parse_rate("30000/1001"), Ok(Rational::new(30_000, 1001)));
        assert!(parse_rate("0").is_err() && parse_rate("x").is_err() && parse_rate("1/0").is_err());
    }

    #[test]
    fn sizes_crops_chunks_times_bits() {
        assert_eq!(parse_size("-1x720"), Ok((None, Some(720))));
        assert!(
            parse_size("-1x-1").is_err() && parse_size("0x5").is_err() && parse_size("9").is_err()
        );
        assert_eq!(parse_crop("10x20+3+4"), Ok([10, 20, 3, 4]));
        assert!(parse_crop("10x20+3").is_err() && parse_crop("0x2+0+0").is_err());
        assert_eq!(parse_chunk("2.5s"), Ok(ChunkRule::Seconds(2.5)));
        assert_eq!(parse_chunk("6f"), Ok(ChunkRule::Frames(6)));
        assert!(parse_chunk("0f").is_err() && parse_chunk("6").is_err());
        assert_eq!(parse_time("01:02:03.5"), Ok(3723.5));
        assert!(parse_time("-1").is_err());
        assert_eq!(parse_bits("2.5M"), Ok(2_500_000));
        assert!(parse_bits("1").is_err());
    }
}
