// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a source and options to a thumbnail.

use std::io::Read;
use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::decode::{Decoders, Facts, Frame, Source};
use crate::encode::{self, Animation, Coding};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::picture::Picture;
use crate::plan::{Orientation, Size, Sizes};
use crate::steps::{self, Output, Run, Step};
use crate::url::{Options, Rgb};
use crate::{metadata, Format};

/// The lowest quality that `max_bytes` goes down to.
const LEAST_QUALITY: u8 = 10;

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
    /// How many frames it has.
    pub frames: u32,
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
    let job = || make(source, options, settings, stopped);
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
            warnings: Vec::new(),
        });
    }
    let source = settings.decoders.open(bytes, &limits)?;
    let facts = source.facts().clone();
    let format = options.format.unwrap_or_else(|| default_format(&facts));
    if !encode::can_write(format) {
        return Err(ThumbError::Unsupported {
            verb: "write",
            format,
            reason: "there is no encoder for it here".into(),
        });
    }
    let job = Job {
        options,
        settings,
        limits,
        stopped,
        animated: facts.animated && limits.frames > 1 && encode::can_animate(format),
        coding: coding(options, settings, format, &facts),
        facts,
        format,
    };
    job.run(source)
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

/// What is asked for and not done here.
fn left_out(options: &Options) -> Vec<String> {
    let asked = [
        (
            options.preserve_hdr,
            "preserve_hdr: results have 8 bits a channel",
        ),
        (
            options.enforce_thumbnail,
            "enforce_thumbnail: the whole picture is read",
        ),
    ];
    let asked = asked.iter().filter(|(asked, _)| *asked);
    asked.map(|(_, text)| (*text).to_owned()).collect()
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

/// A request whose source's headers have been read.
struct Job<'a> {
    options: &'a Options,
    settings: &'a Settings,
    limits: Limits,
    stopped: &'a dyn Fn() -> bool,
    facts: Facts,
    format: Format,
    coding: Coding,
    animated: bool,
}

/// The steps, once the first frame is there.
struct Prepared {
    steps: Vec<Step>,
    sizes: Sizes,
    first: Frame,
    source: Size,
}

impl Job<'_> {
    fn run(mut self, mut source: Box<dyn Source + '_>) -> Result<Thumbnail> {
        let mut warnings = Vec::new();
        let prepared = self.prepare(source.as_mut(), &mut warnings)?;
        let profile = self.facts.profile.take();
        let mut options = self.options.watermark;
        options.opacity *= self.settings.watermark_opacity;
        let mut run = Run {
            profile: profile.as_deref(),
            source: prepared.source,
            watermark: self.settings.watermark.as_ref(),
            most_pixels: self.limits.result_pixels,
            linear: self.settings.linear_light,
            ..Run::default()
        };
        warnings.extend(left_out(self.options));
        if options.opacity > 0.0 && run.watermark.is_none() {
            warnings.push("there is no watermark here".into());
        }
        let still = !self.animated;
        let first = self.apply(&mut run, &prepared.steps, prepared.first.picture)?;
        let (bytes, frames) = if still {
            (self.encode_still(&first, &mut warnings)?, 1)
        } else {
            let least = self.least(&prepared.sizes);
            let first = Frame {
                picture: first,
                ..prepared.first
            };
            self.encode_animation(first, source.as_mut(), &mut run, &prepared.steps, least)?
        };
        if !still && self.options.max_bytes > 0 {
            warnings.push("max_bytes is for still pictures".into());
        }
        warnings.append(&mut run.warnings);
        warnings.dedup();
        Ok(Thumbnail {
            bytes,
            format: self.format,
            size: Some(prepared.sizes.result),
            frames,
            warnings,
        })
    }

    fn check(&self) -> Result<()> {
        if (self.stopped)() {
            return Err(ThumbError::Cancelled);
        }
        Ok(())
    }

    fn orientation(&self) -> Orientation {
        let options = self.options;
        let stored = match options.auto_rotate {
            true => Orientation::from_exif(self.facts.orientation),
            false => Orientation::default(),
        };
        stored
            .turned(options.quarter_turns)
            .flipped(options.flip_horizontal, options.flip_vertical)
    }

    /// Sizes for a source of this size, as stored.
    fn sizes(&self, source: Size) -> Result<Sizes> {
        let longest = [self.limits.result_side, encode::most_side(self.format)];
        let longest = longest.into_iter().filter(|side| *side > 0).min();
        let oriented = self.orientation().size(source);
        let vector = self.facts.vector;
        let sizes = Sizes::new(oriented, self.options, vector, longest.unwrap_or(0));
        for size in [sizes.resized, sizes.result] {
            self.limits.check_result(size)?;
        }
        Ok(sizes)
    }

    /// The least size that the source has to be decoded at.
    fn least(&self, sizes: &Sizes) -> Size {
        let orientation = self.orientation();
        let crop = orientation.size(sizes.crop);
        steps::least_source(self.facts.size, crop, orientation.size(sizes.resized))
    }

    fn prepare(&mut self, source: &mut dyn Source, warnings: &mut Vec<String>) -> Result<Prepared> {
        let trim = self.options.trim.filter(|_| {
            if self.animated {
                warnings.push("animations are not trimmed".into());
            }
            !self.animated
        });
        let before = self.sizes(self.facts.size)?;
        let least = match trim {
            Some(_) => self.facts.size,
            None => self.least(&before),
        };
        self.check()?;
        let first = source.next_frame(least)?;
        let mut first =
            first.ok_or_else(|| ThumbError::broken(self.facts.format, "it has no picture"))?;
        let (mut size, mut sizes) = (self.facts.size, before);
        if let Some(trim) = trim {
            self.check()?;
            let inner = steps::inner(&first.picture, &trim, self.orientation().swaps());
            first.picture = first.picture.cropped(inner)?;
            size = first.picture.size();
            sizes = self.sizes(size)?;
        }
        let steps = steps::list(
            self.options,
            &sizes,
            self.orientation(),
            Output {
                alpha: encode::has_alpha(self.format),
                profile: encode::has_profile(self.format),
                background: self.settings.background,
            },
        );
        Ok(Prepared {
            steps,
            sizes,
            first,
            source: size,
        })
    }

    fn apply(&self, run: &mut Run<'_>, steps: &[Step], mut picture: Picture) -> Result<Picture> {
        for (index, step) in steps.iter().enumerate() {
            self.check()?;
            picture = run.apply(index, step, picture)?;
        }
        if picture.layout() == crate::Layout::Rgba && !self.animated && !picture.is_transparent() {
            picture = picture.flattened([0; 3]);
        }
        Ok(picture)
    }

    fn encode_still(&self, picture: &Picture, warnings: &mut Vec<String>) -> Result<Vec<u8>> {
        self.check()?;
        let bytes = encode::still(self.format, picture, &self.coding)?;
        let most = self.options.max_bytes;
        if most == 0 || bytes.len() as u64 <= most {
            return Ok(bytes);
        }
        if !encode::has_quality(self.format, &self.coding) {
            warnings.push(format!("max_bytes is not for {}", self.format));
            return Ok(bytes);
        }
        let (mut low, mut high) = (LEAST_QUALITY, self.coding.quality);
        let mut coding = self.coding.clone();
        let mut found = None;
        // The highest quality that fits; `high` never does.
        while low < high {
            self.check()?;
            coding.quality = low + (high - low) / 2;
            let bytes = encode::still(self.format, picture, &coding)?;
            if bytes.len() as u64 <= most {
                low = coding.quality + 1;
                found = Some(bytes);
            } else {
                high = coding.quality;
            }
        }
        match found {
            Some(bytes) => Ok(bytes),
            None => {
                warnings.push(format!(
                    "{most} bytes are too few, even at quality {LEAST_QUALITY}"
                ));
                coding.quality = LEAST_QUALITY.min(self.coding.quality);
                encode::still(self.format, picture, &coding)
            }
        }
    }

    fn encode_animation(
        &self,
        first: Frame,
        source: &mut dyn Source,
        run: &mut Run<'_>,
        steps: &[Step],
        least: Size,
    ) -> Result<(Vec<u8>, u32)> {
        let size = first.picture.size();
        let mut animation = Animation::new(self.format, size, self.facts.loops, &self.coding)?;
        animation.add(&first.picture, first.milliseconds)?;
        let mut frames = 1;
        while frames < self.limits.frames {
            self.check()?;
            let Some(frame) = source.next_frame(least)? else {
                break;
            };
            let picture = self.apply(run, steps, frame.picture)?;
            animation.add(&picture, frame.milliseconds)?;
            frames += 1;
        }
        Ok((animation.finish()?, frames))
    }
}
