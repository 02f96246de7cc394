// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pipeline's settings of a server.

use framemill_thumbs::url::Options;
use framemill_thumbs::{thumbnail, Format, Limits, Settings};
use framemill_worker::thumb::with_decoders;

use crate::config::{Config, ConfigError};

/// The pipeline's settings of a server.
///
/// # Errors
/// [`ConfigError`] for a watermark that cannot be read.
pub fn settings(config: &Config) -> Result<Settings, ConfigError> {
    let mut settings = with_decoders(Settings {
        limits: config.limits,
        quality: config.quality,
        webp_quality: config.webp_quality,
        avif_quality: config.avif_quality,
        avif_speed: config.avif_speed,
        avif_pixels: config.avif_pixels,
        background: config.background,
        linear_light: config.linear_light,
        watermark_opacity: config.watermark_opacity,
        ..Settings::default()
    });
    if let Some(path) = &config.watermark {
        let wrong = |text: String| ConfigError(format!("watermark {}: {text}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        settings.watermark = Some(watermark(&bytes).map_err(|error| wrong(error.to_string()))?);
    }
    Ok(settings)
}

/// The watermark's picture, in sRGB.
fn watermark(bytes: &[u8]) -> framemill_thumbs::Result<framemill_thumbs::Picture> {
    let settings = Settings::default();
    // Through the pipeline once, so that profile and orientation are seen to.
    let options = Options {
        format: Some(Format::Png),
        ..Options::default()
    };
    let made = thumbnail(bytes, &options, &settings, &|| false)?;
    let mut source = settings.decoders.open(&made.bytes, &Limits::default())?;
    let size = source.facts().size;
    let frame = source.next_frame(size)?;
    frame
        .map(|frame| frame.picture)
        .ok_or(framemill_thumbs::ThumbError::UnknownFormat)
}
