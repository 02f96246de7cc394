// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a source whose headers have been read to a thumbnail.

use crate::decode::{Facts, Frame, Source};
use crate::encode::{self, Animation, Coding};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::picture::{Layout, Picture};
use crate::plan::{Orientation, Size, Sizes};
use crate::steps::{self, Output, Run, Step};
use crate::thumbnail::{Settings, Thumbnail};
use crate::url::Options;
use crate::Format;

/// The lowest quality that `max_bytes` goes down to.
const LEAST_QUALITY: u8 = 10;

/// A request whose source's headers have been read.
pub(crate) struct Job<'a> {
    pub(crate) options: &'a Options,
    pub(crate) settings: &'a Settings,
    pub(crate) limits: Limits,
    pub(crate) stopped: &'a dyn Fn() -> bool,
    pub(crate) facts: Facts,
    pub(crate) format: Format,
    pub(crate) coding: Coding,
    pub(crate) animated: bool,
}

/// The steps, once the first frame is there.
struct Prepared {
    steps: Vec<Step>,
    sizes: Sizes,
    first: Frame,
    source: Size,
    shrunk_by: Option<f64>,
}

impl Job<'_> {
    /// Does all of it.
    pub(crate) fn run(mut self, mut source: Box<dyn Source + '_>) -> Result<Thumbnail> {
        let mut warnings = Vec::new();
        let prepared = self.prepare(source.as_mut(), &mut warnings)?;
        let profile = self.facts.profile.take();
        let mut options = self.options.watermark;
        options.opacity *= self.settings.watermark_opacity;
        let mut run = Run {
            profile: profile.as_deref(),
            source: prepared.source,
            shrunk_by: prepared.shrunk_by,
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
            instead_of: None,
            warnings,
        })
    }

    /// Pixels of the result, by the headers alone.
    pub(crate) fn pixels(&self) -> Result<u64> {
        Ok(self.sizes(self.facts.size)?.result.pixels())
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
        // PNG is made smaller by means of levels, which are no means of light.
        let exact = self.settings.linear_light && self.facts.format == Format::Png;
        let least = match trim {
            None if !exact => self.least(&before),
            _ => self.facts.size,
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
            shrunk_by: source.shrunk_by(),
        })
    }

    fn apply(&self, run: &mut Run<'_>, steps: &[Step], mut picture: Picture) -> Result<Picture> {
        for (index, step) in steps.iter().enumerate() {
            self.check()?;
            picture = run.apply(index, step, picture)?;
        }
        if picture.layout() == Layout::Rgba && !self.animated && !picture.is_transparent() {
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
