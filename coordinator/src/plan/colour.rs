// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colour, HDR and pixel format of the output.

use super::options::{HdrMode, TranscodeOptions, VideoCodec};
use crate::error::{JobError, Result};
use framemill_codec::picture::{ColourInfo, ContentLight, MasteringDisplay};
use framemill_worker::encode::FilterSpec;
use framemill_worker::index::VideoTrack;

/// Colour after the filters; what becomes of HDR.
pub(super) fn colouring(
    video: &VideoTrack,
    options: &TranscodeOptions,
    filter: &mut FilterSpec,
    warnings: &mut Vec<String>,
) -> Result<ColourInfo> {
    let mut colour = video.colour;
    filter.source_colour = colour;
    let carries = matches!(
        options.codec,
        VideoCodec::Av1 | VideoCodec::Hevc | VideoCodec::Vp9
    );
    if colour.is_hdr() {
        match options.hdr {
            Some(HdrMode::Refuse) => {
                return Err(JobError::Usage(
                    "the source is HDR, and --hdr refuse is set".into(),
                ))
            }
            Some(HdrMode::Keep) if !carries => {
                return Err(JobError::Usage(format!(
                    "--hdr keep: {} carries no HDR; use av1, hevc or vp9",
                    options.codec.name()
                )))
            }
            Some(HdrMode::Tonemap) => filter.tonemap = true,
            None if !carries => {
                filter.tonemap = true;
                warnings.push(format!(
                    "HDR is mapped to BT.709: {} carries none",
                    options.codec.name()
                ));
            }
            _ => {}
        }
    }
    if filter.tonemap {
        colour = ColourInfo {
            primaries: 1,
            transfer: 1,
            matrix: 1,
            range: 1,
            chroma_location: 1,
        };
        return Ok(colour);
    }
    if is_rgb(&video.pix_fmt) {
        filter.matrix_from_rgb = true;
        colour.matrix = 1;
        colour.range = 1;
    } else if video.pix_fmt.starts_with("yuvj") {
        colour.range = 2;
    }
    if options.codec == VideoCodec::Vp8 && colour.range == 2 {
        filter.range = 1;
        colour.range = 1;
        warnings.push("full-range samples become limited: vp8 cannot signal them".into());
    }
    Ok(colour)
}

fn is_rgb(pix_fmt: &str) -> bool {
    const RGB: [&str; 9] = [
        "rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "pal8",
    ];
    RGB.iter().any(|p| pix_fmt.starts_with(p))
}

/// True for formats with an alpha plane or channel.
fn has_alpha(pix_fmt: &str) -> bool {
    [
        "yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8",
    ]
    .iter()
    .any(|p| pix_fmt.starts_with(p))
}

fn depth_of(pix_fmt: &str) -> u32 {
    [16, 14, 12, 10, 9]
        .into_iter()
        .find(|d| pix_fmt.contains(&format!("p{d}")) || pix_fmt.contains(&format!("gray{d}")))
        .unwrap_or(if pix_fmt.contains("48") || pix_fmt.contains("64") {
            16
        } else {
            8
        })
}

fn plain(pix_fmt: &str) -> String {
    pix_fmt
        .strip_prefix("yuvj")
        .map_or_else(|| pix_fmt.to_owned(), |rest| format!("yuv{rest}"))
}

/// 4:2:0 at the depth the codec is played at; what is lost is said.
pub(super) fn pixel_format(
    video: &VideoTrack,
    options: &TranscodeOptions,
    tonemapped: bool,
    warnings: &mut Vec<String>,
) -> String {
    let from = plain(&video.pix_fmt);
    let name = options.codec.name();
    if has_alpha(&from) && from != "pal8" {
        warnings.push(format!(
            "transparency is left out: {name} is written without alpha"
        ));
    }
    let chroma_lost = from.contains("444")
        || from.contains("422")
        || from.contains("440")
        || from.starts_with("gbr");
    if is_rgb(&from) {
        warnings.push(format!(
            "{from} becomes 4:2:0 of BT.709, which {name} players expect"
        ));
    } else if chroma_lost {
        warnings.push(format!("{from} becomes 4:2:0, which {name} players expect"));
    }
    let deep = depth_of(&from) > 8 && !tonemapped;
    let keeps_ten = matches!(
        options.codec,
        VideoCodec::Av1 | VideoCodec::Hevc | VideoCodec::Vp9
    );
    if deep && !keeps_ten {
        warnings.push(format!(
            "{} bits a sample become 8: {name} players expect them",
            depth_of(&from)
        ));
    } else if deep && depth_of(&from) > 10 {
        warnings.push(format!("{} bits a sample become 10", depth_of(&from)));
    }
    if deep && keeps_ten {
        "yuv420p10le".into()
    } else {
        "yuv420p".into()
    }
}

/// Mastering display as x265 and SVT-AV1 take it, in HEVC's own units.
#[must_use]
pub fn mastering_text(m: &MasteringDisplay) -> String {
    let [r, g, b] = m.primaries;
    let w = m.white_point;
    format!(
        "G({},{})B({},{})R({},{})WP({},{})L({},{})",
        g.0, g.1, b.0, b.1, r.0, r.1, w.0, w.1, m.max_luminance, m.min_luminance
    )
}

/// Mastering display in SVT-AV1's plain numbers.
#[must_use]
pub fn mastering_decimal(m: &MasteringDisplay) -> String {
    let p = |(x, y): (u16, u16)| format!("({:.5},{:.5})", f64::from(x) / 5e4, f64::from(y) / 5e4);
    let [r, g, b] = m.primaries;
    format!(
        "G{}B{}R{}WP{}L({:.4},{:.4})",
        p(g),
        p(b),
        p(r),
        p(m.white_point),
        f64::from(m.max_luminance) / 1e4,
        f64::from(m.min_luminance) / 1e4
    )
}

/// Content light level as both encoders take it.
#[must_use]
pub fn light_text(c: &ContentLight) -> String {
    format!("{},{}", c.max_content, c.max_frame_average)
}
