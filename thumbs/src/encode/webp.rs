// SPDX-License-Identifier: MIT OR Apache-2.0
//! WebP by libwebp, still and animated.

use webp_animation::{
    AnimParams, Encoder, EncoderOptions, EncodingConfig, EncodingType, LossyEncodingConfig,
};

use super::Coding;
use crate::error::{Result, ThumbError};
use crate::picture::{Layout, Picture};
use crate::plan::Size;

fn bug(error: impl std::fmt::Debug) -> ThumbError {
    ThumbError::bug("webp", format!("{error:?}"))
}

/// Frames under way to a file.
pub(crate) struct WebpAnimation {
    encoder: Encoder,
    /// When the next frame is shown, in milliseconds.
    time: i32,
    size: Size,
    profile: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
}

pub(super) fn encode(picture: &Picture, coding: &Coding) -> Result<Vec<u8>> {
    let mut animation = WebpAnimation::new(picture.size(), 1, coding)?;
    animation.add(picture, 1)?;
    animation.finish()
}

impl WebpAnimation {
    /// A file that plays so often, 0 for ever.
    pub(crate) fn new(size: Size, loops: u16, coding: &Coding) -> Result<Self> {
        let quality = f32::from(coding.quality.clamp(1, 100));
        let kind = if coding.lossless {
            EncodingType::Lossless
        } else {
            EncodingType::Lossy(LossyEncodingConfig {
                // As libwebp itself has it, and all that is built on it: a quality gives the
                // same bytes here as there.
                segments: 4,
                ..LossyEncodingConfig::default()
            })
        };
        let options = EncoderOptions {
            anim_params: AnimParams {
                loop_count: i32::from(loops),
            },
            encoding_config: Some(EncodingConfig {
                encoding_type: kind,
                // Without loss, this is how hard it is tried.
                quality: if coding.lossless { 75.0 } else { quality },
                method: 4,
            }),
            ..EncoderOptions::default()
        };
        let encoder = Encoder::new_with_options((size.width, size.height), options).map_err(bug)?;
        Ok(Self {
            encoder,
            time: 0,
            size,
            profile: coding.profile.clone(),
            exif: coding.exif.clone(),
        })
    }

    pub(crate) fn add(&mut self, picture: &Picture, milliseconds: u32) -> Result<()> {
        let frame;
        let samples = match picture.layout() {
            Layout::Rgba => picture.samples(),
            Layout::Rgb => {
                frame = picture.clone().with_alpha();
                frame.samples()
            }
            Layout::Cmyk => return Err(bug("it has no ink")),
        };
        self.encoder.add_frame(samples, self.time).map_err(bug)?;
        let milliseconds = i32::try_from(milliseconds.max(1)).unwrap_or(i32::MAX);
        self.time = self.time.saturating_add(milliseconds);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        let bytes = self.encoder.finalize(self.time).map_err(bug)?.to_vec();
        with_chunks(
            &bytes,
            self.size,
            self.profile.as_deref(),
            self.exif.as_deref(),
        )
    }
}

/// Flags of `VP8X` (WebP container specification, "Extended File Format").
const PROFILE: u8 = 1 << 5;
const ALPHA: u8 = 1 << 4;
const EXIF: u8 = 1 << 3;

/// Puts a profile in front of the pictures, and metadata behind them.
fn with_chunks(
    bytes: &[u8],
    size: Size,
    profile: Option<&[u8]>,
    exif: Option<&[u8]>,
) -> Result<Vec<u8>> {
    if profile.is_none() && exif.is_none() {
        return Ok(bytes.to_vec());
    }
    let mut body = bytes
        .get(12..)
        .ok_or_else(|| bug("a file without a header"))?;
    let mut extended = [0; 10];
    if body.starts_with(b"VP8X") {
        let old = body.get(8..18).ok_or_else(|| bug("a short header"))?;
        extended.copy_from_slice(old);
        body = &body[18..];
    } else {
        let lossless = body.starts_with(b"VP8L");
        // The bit behind two sizes of 14 bits each, in VP8L's header.
        let alpha = lossless && body.get(12).is_some_and(|byte| byte & 0x10 != 0);
        extended[0] = if alpha { ALPHA } else { 0 };
        extended[4..7].copy_from_slice(&(size.width - 1).to_le_bytes()[..3]);
        extended[7..10].copy_from_slice(&(size.height - 1).to_le_bytes()[..3]);
    }
    let mut out = b"WEBP".to_vec();
    extended[0] |= if profile.is_some() { PROFILE } else { 0 };
    extended[0] |= if exif.is_some() { EXIF } else { 0 };
    push(&mut out, b"VP8X", &extended);
    if let Some(profile) = profile {
        push(&mut out, b"ICCP", profile);
    }
    out.extend_from_slice(body);
    if let Some(exif) = exif {
        push(&mut out, b"EXIF", exif);
    }
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&(out.len() as u32).to_le_bytes());
    file.extend_from_slice(&out);
    Ok(file)
}

fn push(out: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
}
