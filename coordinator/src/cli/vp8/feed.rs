// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures of a video as VP8 takes them: upright, 4:2:0, 8 bits.

use super::times::Times;
use crate::cli::measure::pictures::Pictures;
use crate::error::{JobError, Result};
use framemill_codec::ivf::Header;
use framemill_codec::libav::Frame;
use framemill_codec::picture::Rational;
use framemill_worker::encode::{FilterSpec, Filters, Turn};
use framemill_worker::Failure;
use std::fmt::Display;

/// A stretch of a video, picture by picture.
pub struct Feed {
    input: String,
    pictures: Pictures,
    filters: Filters,
    times: Times,
    /// Width and height in samples.
    pub size: (u32, u32),
    /// What is lost on the way.
    pub warnings: Vec<String>,
    first: Option<Frame>,
    /// Pictures still to be read, if that is limited.
    left: Option<u64>,
    flushed: bool,
    /// Number of the next picture in the video.
    next: u64,
}

impl Feed {
    /// Leaves out `start` pictures and gives the next `frames`, or all.
    ///
    /// # Errors
    /// [`JobError::Input`] where there is no picture to give.
    pub fn open(input: &str, start: u64, frames: Option<u64>) -> Result<Self> {
        let mut pictures = Pictures::open(input)?;
        let mut times = Times::new(pictures.time_base, pictures.frame_rate);
        let wrong = |detail: String| JobError::Input {
            file: input.to_owned(),
            detail,
        };
        for n in 0..start {
            let Some(picture) = pictures.next()? else {
                return Err(wrong(format!(
                    "it has {n} frames, {start} are to be skipped"
                )));
            };
            times.push(picture.best_effort_timestamp());
            times.take();
        }
        let empty = || match start {
            0 => wrong("no picture is in it".into()),
            _ => wrong(format!("no picture is behind the first {start}")),
        };
        let first = pictures.next()?.ok_or_else(empty)?;
        let (spec, warnings) = filters(&pictures, &first);
        let geometry = first.geometry();
        let size = match spec.turn.quarters % 2 {
            0 => (geometry.width, geometry.height),
            _ => (geometry.height, geometry.width),
        };
        Ok(Self {
            input: input.to_owned(),
            filters: Filters::new(&spec, size.0, size.1),
            pictures,
            times,
            size,
            warnings,
            first: Some(first),
            left: frames,
            flushed: false,
            next: start,
        })
    }

    /// The next picture and its time.
    pub fn next(&mut self) -> Result<Option<(u64, Frame)>> {
        loop {
            let pulled = self.filters.pull().map_err(|f| self.failed(&f))?;
            if let Some((_, picture)) = pulled {
                self.next += 1;
                return Ok(Some((self.times.take(), picture)));
            }
            if self.flushed {
                return Ok(None);
            }
            match self.read()? {
                Some(picture) => {
                    self.times.push(picture.best_effort_timestamp());
                    let pushed = self.filters.push(picture);
                    pushed.map_err(|f| self.failed(&f))?;
                }
                None => {
                    self.flushed = true;
                    self.filters.finish().map_err(|f| self.failed(&f))?;
                }
            }
        }
    }

    /// The next picture as it is in the video.
    fn read(&mut self) -> Result<Option<Frame>> {
        match &mut self.left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None => {}
        }
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.pictures.next(),
        }
    }

    fn failed(&self, failure: &Failure) -> JobError {
        JobError::from_failure(&self.input, failure)
    }

    /// The last picture is at fault.
    pub fn at_frame(&self, detail: &dyn Display) -> JobError {
        JobError::Input {
            file: self.input.clone(),
            detail: format!("frame {}: {detail}", self.next.saturating_sub(1)),
        }
    }

    /// What did not decode so far.
    pub fn damage(&self) -> Option<String> {
        self.pictures.damage()
    }

    /// Seconds up to the end of the last picture.
    pub fn seconds(&self) -> f64 {
        self.times.seconds()
    }

    /// Of an IVF file with these pictures.
    pub fn header(&self) -> Header {
        let Rational { num, den } = self.pictures.time_base;
        Header {
            fourcc: *b"VP80",
            width: self.size.0 as u16,
            height: self.size.1 as u16,
            rate: den.unsigned_abs(),
            scale: num.unsigned_abs(),
            packets: 0,
        }
    }
}

/// What makes 4:2:0 of 8 bits of a video, as `transcode --codec vp8` does, and
/// what is lost on the way.
fn filters(pictures: &Pictures, first: &Frame) -> (FilterSpec, Vec<String>) {
    let (geometry, colour) = (first.geometry(), first.colour());
    let (turn, mirror) = pictures.orientation;
    let rgb = [
        "rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "pal8",
    ];
    let rgb = rgb.iter().any(|p| geometry.pix_fmt.starts_with(p));
    let tonemap = colour.is_hdr();
    let mut warnings = Vec::new();
    let mut warn = |on: bool, text: &str| warnings.extend(on.then(|| text.to_owned()));
    warn(tonemap, "HDR is mapped to BT.709: vp8 carries none");
    warn(
        !rgb && !tonemap && colour.range == 2,
        "full-range samples become limited: vp8 cannot signal them",
    );
    let sar = geometry.sar;
    if sar.num > 0 && sar.num != sar.den {
        let (w, h) = (sar.num, sar.den);
        warnings.push(format!(
            "IVF cannot say that samples are {w}:{h}, not square"
        ));
    }
    let spec = FilterSpec {
        turn: Turn {
            quarters: (turn / 90) as u8,
            mirror,
        },
        tonemap,
        pix_fmt: "yuv420p".into(),
        source_colour: colour,
        matrix_from_rgb: rgb && !tonemap,
        range: u8::from(!rgb && !tonemap),
        ..FilterSpec::default()
    };
    (spec, warnings)
}
