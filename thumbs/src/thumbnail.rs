// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a source and options to a thumbnail.

use std::io::Read;
use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::decode::{Decoders, Facts, Source};
use crate::encode::{self, Coding};
use crate::error::{Result, ThumbError};
use crate::job::Job;
use crate::limits::Limits;
use crate::picture::Picture;
use crate::plan::Size;
use crate::url::{Options, Rgb};
use crate::{metadata, Format};

/// What holds where a request asks for nothing, and what requests cannot ask for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The decoders.
    pub decoders: Decoders,
    /// What sources and results may cost.
    pub limits: Limits,
    /// Quality of JPEG, 1 to 100.
    pub quality: u8,
    /// Quality of WebP, 1 to 100.
    pub webp_quality: u8,
    /// Quality of AVIF, 1 to 100.
    pub avif_quality: u8,
    /// Code WebP without loss.
    pub webp_lossless: bool,
    /// AVIF's speed, 1 (slow, small) to 10.
    pub avif_speed: u8,
    /// Most pixels of an AVIF result: its encoder takes a second for some millions. Larger ones
    /// become WebP.
    pub avif_pixels: u64,
    /// What is behind transparent parts where the format has no opacities.
    pub background: Rgb,
    /// Resize amounts of light in place of sRGB's levels: lines and grain keep their brightness,
    /// at twice the time.
    pub linear_light: bool,
    /// The watermark, in sRGB.
    pub watermark: Option<Picture>,
    /// Its opacity, 0 to 1, which the request's is multiplied with.
    pub watermark_opacity: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            decoders: Decoders::default(),
            limits: Limits::default(),
            quality: 80,
            webp_quality: 79,
            avif_quality: 63,
            webp_lossless: false,
            avif_speed: 8,
            avif_pixels: u64::MAX,
            background: Rgb([255; 3]),
            linear_light: false,
            watermark: None,
            watermark_opacity: 1.0,
        }
    }
}

/// A result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: Format,
    /// Its size in pixels; `None` where the source passed through untouched.
    pub size: Option<Size>,
    /// How many frames went into it; WebP's encoder joins equal ones.
    pub frames: u32,
    /// The format that was to be made and would have cost too much.
    pub instead_of: Option<Format>,
    /// What was asked for and could not be done, or was wrong in the source, and is no error.
    pub warnings: Vec<String>,
}

impl Thumbnail {
    /// Its content type for HTTP.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        self.format.content_type()
    }
}

/// Reads a source up to the limit of bytes.
///
/// # Errors
/// [`ThumbError::TooLarge`], [`ThumbError::Read`].
pub fn read_source(reader: impl Read, limits: &Limits) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = limits.bytes.saturating_add(1);
    reader
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| ThumbError::Read {
            reason: error.to_string(),
        })?;
    limits.check_bytes(bytes.len())?;
    Ok(bytes)
}

/// Makes a thumbnail. `stopped` is asked between steps whether the caller has gone.
///
/// A panic in a library is caught, and an error of class [`crate::Class::Bug`].
///
/// # Errors
/// Any [`ThumbError`].
pub fn thumbnail(
    source: &[u8],
    options: &Options,
    settings: &Settings,
    stopped: &dyn Fn() -> bool,
) -> Result<Thumbnail> {
    thumbnail_as(source, options, &[], settings, stopped)
}

/// Makes a thumbnail as [`thumbnail`] does. Where the options name no format it is the first of
/// `formats` that can hold what the source has: of an animation that is to be one, its frames.
///
/// # Errors
/// Any [`ThumbError`].
pub fn thumbnail_as(
    source: &[u8],
    options: &Options,
    formats: &[Format],
    settings: &Settings,
    stopped: &dyn Fn() -> bool,
) -> Result<Thumbnail> {
    guarded(|| make(source, options, formats, settings, stopped))
}

/// Makes a thumbnail as [`thumbnail_as`] does, of a source that was opened elsewhere.
///
/// # Errors
/// Any [`ThumbError`].
pub fn thumbnail_of(
    source: Box<dyn Source + '_>,
    options: &Options,
    formats: &[Format],
    settings: &Settings,
    stopped: &dyn Fn() -> bool,
) -> Result<Thumbnail> {
    let limits = settings.limits.asked(&options.limits);
    guarded(|| make_of(source, options, formats, settings, limits, stopped))
}

/// Turns a panic of a library into an error.
fn guarded(job: impl FnOnce() -> Result<Thumbnail>) -> Result<Thumbnail> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(ThumbError::bug(
            "a panic",
            text.unwrap_or("without a message"),
        ))
    })
}

fn make(
    bytes: &[u8],
    options: &Options,
    formats: &[Format],
    settings: &Settings,
    stopped: &dyn Fn() -> bool,
) -> Result<Thumbnail> {
    let limits = settings.limits.asked(&options.limits);
    limits.check_bytes(bytes.len())?;
    if let Some(format) = passes_through(bytes, options) {
        return Ok(Thumbnail {
            bytes: bytes.to_vec(),
            format,
            size: None,
            frames: 1,
            instead_of: None,
            warnings: Vec::new(),
        });
    }
    let source = settings.decoders.open(bytes, &limits)?;
    make_of(source, options, formats, settings, limits, stopped)
}

/// Makes a thumbnail of a source whose headers have been read.
fn make_of(
    source: Box<dyn Source + '_>,
    options: &Options,
    formats: &[Format],
    settings: &Settings,
    limits: Limits,
    stopped: &dyn Fn() -> bool,
) -> Result<Thumbnail> {
    let facts = source.facts().clone();
    let moves = facts.animated && limits.frames > 1;
    let holds = |format: &Format| !moves || encode::can_animate(*format);
    let accepted = || formats.iter().copied().find(holds);
    let format = options.format.or_else(accepted);
    let format = format.unwrap_or_else(|| default_format(&facts));
    if !encode::can_write(format) {
        return Err(ThumbError::Unsupported {
            verb: "write",
            format,
            reason: "there is no encoder for it here".into(),
        });
    }
    let job = |format| Job {
        options,
        settings,
        limits,
        stopped,
        animated: moves && encode::can_animate(format),
        coding: coding(options, settings, format, &facts),
        facts: facts.clone(),
        format,
    };
    let first = job(format);
    if format == Format::Avif && first.pixels()? > settings.avif_pixels {
        let mut made = job(Format::Webp).run(source)?;
        made.instead_of = Some(Format::Avif);
        return Ok(made);
    }
    first.run(source)
}

/// The source's format, where it is not to be touched.
fn passes_through(bytes: &[u8], options: &Options) -> Option<Format> {
    let format = Format::sniff(bytes)?;
    let same = options.format.is_none_or(|wanted| wanted == format);
    (options.raw || same && options.skip_processing.contains(&format)).then_some(format)
}

/// The source's format where it can be written, else one that keeps what it has.
fn default_format(facts: &Facts) -> Format {
    match facts.format {
        format if encode::can_write(format) => format,
        Format::Svg | Format::Ico => Format::Png,
        _ => Format::Jpeg,
    }
}

fn coding(options: &Options, settings: &Settings, format: Format, facts: &Facts) -> Coding {
    let of_format = options
        .format_quality
        .get(&format)
        .copied()
        .filter(|q| *q > 0);
    let default = match format {
        Format::Webp => settings.webp_quality,
        Format::Avif => settings.avif_quality,
        _ => settings.quality,
    };
    let quality = match options.quality {
        0 => of_format.unwrap_or(default),
        asked => asked,
    };
    let keep = if options.strip_metadata {
        metadata::Keep::copyright(options.keep_copyright)
    } else {
        metadata::Keep::All
    };
    let profile = facts
        .profile
        .clone()
        .filter(|_| !options.strip_color_profile && encode::has_profile(format));
    Coding {
        quality: quality.clamp(1, 100),
        lossless: settings.webp_lossless,
        speed: settings.avif_speed,
        profile,
        exif: facts
            .exif
            .as_deref()
            .and_then(|body| metadata::kept(body, keep)),
    }
}
