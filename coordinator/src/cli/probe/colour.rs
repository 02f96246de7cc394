// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colour and HDR in FFmpeg's words and in units that people use.

use framemill_codec::picture::{ColourInfo, ContentLight, MasteringDisplay};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct ColourReport {
    pub primaries: &'static str,
    pub transfer: &'static str,
    pub matrix: &'static str,
    pub range: &'static str,
}

#[derive(Debug, Serialize)]
pub struct HdrReport {
    pub kind: &'static str,
    pub mastering: Option<MasteringReport>,
    pub content_light: Option<LightReport>,
}

/// Chromaticities as CIE 1931 `[x, y]`, luminance in cd/m².
#[derive(Debug, Serialize)]
pub struct MasteringReport {
    pub red: [f64; 2],
    pub green: [f64; 2],
    pub blue: [f64; 2],
    pub white_point: [f64; 2],
    pub max_luminance: f64,
    pub min_luminance: f64,
}

/// In cd/m².
#[derive(Debug, Serialize)]
pub struct LightReport {
    pub max_content: u16,
    pub max_frame_average: u16,
}

impl ColourReport {
    /// The names of H.273's numbers; `unknown` where nothing is said.
    pub fn of(colour: &ColourInfo) -> Self {
        Self {
            primaries: primaries_name(colour.primaries),
            transfer: transfer_name(colour.transfer),
            matrix: matrix_name(colour.matrix),
            range: match colour.range {
                1 => "tv",
                2 => "pc",
                _ => "unknown",
            },
        }
    }
}

impl HdrReport {
    /// What goes with an HDR transfer function; `None` with others.
    pub fn of(
        transfer: u8,
        mastering: Option<MasteringDisplay>,
        light: Option<ContentLight>,
    ) -> Option<Self> {
        let kind = match transfer {
            16 => "pq",
            18 => "hlg",
            _ => return None,
        };
        let point = |(x, y): (u16, u16)| [f64::from(x) / 50_000.0, f64::from(y) / 50_000.0];
        Some(Self {
            kind,
            mastering: mastering.map(|m| MasteringReport {
                red: point(m.primaries[0]),
                green: point(m.primaries[1]),
                blue: point(m.primaries[2]),
                white_point: point(m.white_point),
                max_luminance: f64::from(m.max_luminance) / 10_000.0,
                min_luminance: f64::from(m.min_luminance) / 10_000.0,
            }),
            content_light: light.map(|l| LightReport {
                max_content: l.max_content,
                max_frame_average: l.max_frame_average,
            }),
        })
    }
}

/// FFmpeg's name of an H.273 `ColourPrimaries`.
fn primaries_name(code: u8) -> &'static str {
    match code {
        1 => "bt709",
        4 => "bt470m",
        5 => "bt470bg",
        6 => "smpte170m",
        7 => "smpte240m",
        8 => "film",
        9 => "bt2020",
        10 => "smpte428",
        11 => "smpte431",
        12 => "smpte432",
        22 => "ebu3213",
        _ => "unknown",
    }
}

/// FFmpeg's name of an H.273 `TransferCharacteristics`.
fn transfer_name(code: u8) -> &'static str {
    const NAMES: [&str; 19] = [
        "unknown",
        "bt709",
        "unknown",
        "unknown",
        "bt470m",
        "bt470bg",
        "smpte170m",
        "smpte240m",
        "linear",
        "log100",
        "log316",
        "iec61966-2-4",
        "bt1361e",
        "iec61966-2-1",
        "bt2020-10",
        "bt2020-12",
        "smpte2084",
        "smpte428",
        "arib-std-b67",
    ];
    NAMES.get(usize::from(code)).unwrap_or(&"unknown")
}

/// FFmpeg's name of an H.273 `MatrixCoefficients`.
fn matrix_name(code: u8) -> &'static str {
    const NAMES: [&str; 15] = [
        "gbr",
        "bt709",
        "unknown",
        "unknown",
        "fcc",
        "bt470bg",
        "smpte170m",
        "smpte240m",
        "ycgco",
        "bt2020nc",
        "bt2020c",
        "smpte2085",
        "chroma-derived-nc",
        "chroma-derived-c",
        "ictcp",
    ];
    NAMES.get(usize::from(code)).unwrap_or(&"unknown")
}
