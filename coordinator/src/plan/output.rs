// SPDX-License-Identifier: MIT OR Apache-2.0
//! Size, pixels, colour, times and encoder of the video.

use super::batches;
use super::colour::{colouring, pixel_format};
use super::container::Container;
use super::encoder::{self, EncoderChoice};
use super::options::{TranscodeOptions, VideoCodec};
use crate::error::{JobError, Result};
use crate::orientation::orientation;
use framemill_codec::picture::Rational;
use framemill_worker::encode::{EncoderSpec, FilterSpec, Turn, DIGEST};
use framemill_worker::index::{Index, VideoTrack};

/// What every chunk of the video has in common.
#[derive(Clone, Debug)]
pub struct VideoPlan {
    /// The encoder, complete but for what differs by chunk.
    pub encoder: EncoderSpec,
    /// What happens to pictures before it.
    pub filter: FilterSpec,
    /// Display matrix that the container keeps.
    pub display_matrix: Option<[i32; 9]>,
    /// Frames on either side of a span that temporal filters look at.
    pub handles: usize,
}

/// Interlaced sources become progressive by a filter that looks one frame
/// back and ahead; one more on either side costs little and forgives much.
const DEINTERLACE_HANDLES: usize = 2;

/// The size of pictures on their way through the filters.
#[derive(Clone, Copy)]
struct Shape {
    width: u32,
    height: u32,
    sar: Rational,
}

/// Plans the video.
///
/// # Errors
/// [`JobError::Usage`] for what cannot be done, with what could.
pub fn plan_video(
    index: &Index,
    options: &TranscodeOptions,
    container: Container,
    warnings: &mut Vec<String>,
) -> Result<VideoPlan> {
    container.check_video(&options.output, options.codec)?;
    let video = &index.header.video;
    if video.width == 0 || video.height == 0 {
        return Err(JobError::Usage(
            "the video stream has no size: nothing of it decodes".into(),
        ));
    }
    let (turn, display_matrix) = turning(video, options, container, warnings);
    let turns = video.stream.display_matrix.as_ref().and_then(orientation);
    let sideways =
        display_matrix.is_some() && turns.is_some_and(|(degrees, _)| degrees % 180 == 90);
    let shape = Shape {
        width: video.width,
        height: video.height,
        sar: video.stream.params.sar,
    };
    let (mut filter, shape) = shaping(options, shape, turn, sideways)?;
    batches::check(options, (shape.width, shape.height))?;
    let choice = encoder::choose(options, (shape.width, shape.height), warnings)?;
    let interlaced = fields(video, options, &choice, &mut filter)?;
    let shape = even(&choice, shape, &mut filter, warnings);
    let colour = colouring(video, options, &mut filter, warnings)?;
    let hdr = options.codec != VideoCodec::Vp8 && colour.is_hdr();
    filter.pix_fmt = pixel_format(video, options, filter.tonemap, warnings);
    let time_base = options
        .fps
        .map_or(video.stream.time_base, Rational::inverse);
    let mut spec = EncoderSpec {
        encoder: if options.digest {
            DIGEST.to_owned()
        } else {
            choice.libav.to_owned()
        },
        width: shape.width,
        height: shape.height,
        pix_fmt: filter.pix_fmt.clone(),
        sar: shape.sar,
        time_base,
        frame_rate: options.fps.unwrap_or(video.frame_rate),
        colour,
        mastering: video.mastering.filter(|_| hdr),
        content_light: video.content_light.filter(|_| hdr),
        threads: choice.threads,
        interlaced,
        options: Default::default(),
    };
    spec.options = encoder::options(options, &choice, &spec);
    let handles = if filter.deinterlace {
        DEINTERLACE_HANDLES
    } else {
        0
    };
    Ok(VideoPlan {
        encoder: spec,
        filter,
        display_matrix,
        handles,
    })
}

/// Keeps a rotation as metadata where the container can, else turns pixels.
fn turning(
    video: &VideoTrack,
    options: &TranscodeOptions,
    container: Container,
    warnings: &mut Vec<String>,
) -> (Turn, Option<[i32; 9]>) {
    let Some(matrix) = video.stream.display_matrix else {
        return (Turn::default(), None);
    };
    let Some((degrees, mirror)) = orientation(&matrix) else {
        warnings.push("the display matrix is no right angle; it is left out".into());
        return (Turn::default(), None);
    };
    if (degrees, mirror) == (0, false) {
        return (Turn::default(), None);
    }
    // A crop is given in displayed pixels, so they are turned first.
    if container.keeps_rotation() && options.crop.is_none() {
        return (Turn::default(), Some(matrix));
    }
    (
        Turn {
            quarters: (degrees / 90) as u8,
            mirror,
        },
        None,
    )
}

fn shaping(
    options: &TranscodeOptions,
    mut shape: Shape,
    turn: Turn,
    kept_sideways: bool,
) -> Result<(FilterSpec, Shape)> {
    let mut filter = FilterSpec {
        turn,
        ..FilterSpec::default()
    };
    if turn.quarters % 2 == 1 {
        let sar = if shape.sar.is_positive() {
            shape.sar.inverse()
        } else {
            shape.sar
        };
        shape = Shape {
            width: shape.height,
            height: shape.width,
            sar,
        };
    }
    if let Some(crop) = options.crop {
        let crop = place_crop(crop, &shape)?;
        filter.crop = Some(crop);
        (shape.width, shape.height) = (crop[0], crop[1]);
    }
    let Some(size) = options.size else {
        return Ok((filter, shape));
    };
    // The size is that of the displayed picture; the matrix will turn it.
    let size = if kept_sideways {
        (size.1, size.0)
    } else {
        size
    };
    let (width, height) = scaled(size, &shape, options);
    let larger = width > shape.width || height > shape.height;
    if (width, height) != (shape.width, shape.height) && !(larger && options.no_enlarge) {
        filter.scale = Some((width, height));
        shape = Shape {
            width,
            height,
            sar: scaled_sar(&shape, width, height),
        };
    }
    Ok((filter, shape))
}

fn place_crop([w, h, x, y]: [u32; 4], shape: &Shape) -> Result<[u32; 4]> {
    let too_big = || {
        JobError::Usage(format!(
            "--crop {w}x{h} reaches beyond the picture of {}x{}",
            shape.width, shape.height
        ))
    };
    if w > shape.width || h > shape.height {
        return Err(too_big());
    }
    // Chroma is halved: an even offset keeps it where it was.
    let x = if x == u32::MAX {
        (shape.width - w) / 4 * 2
    } else {
        x
    };
    let y = if y == u32::MAX {
        (shape.height - h) / 4 * 2
    } else {
        y
    };
    if x > shape.width - w || y > shape.height - h {
        return Err(too_big());
    }
    Ok([w, h, x, y])
}

fn scaled(
    size: (Option<u32>, Option<u32>),
    shape: &Shape,
    options: &TranscodeOptions,
) -> (u32, u32) {
    let step = if needs_even(options) { 2 } else { 1 };
    let fit = |to: u32, side: u32, other: u32| {
        let exact = f64::from(to) * f64::from(other) / f64::from(side);
        ((exact / f64::from(step)).round() as u32 * step).max(step)
    };
    match size {
        (Some(w), Some(h)) => (w, h),
        (Some(w), None) => (w, fit(w, shape.width, shape.height)),
        (None, Some(h)) => (fit(h, shape.height, shape.width), h),
        (None, None) => (shape.width, shape.height),
    }
}

/// The pixel shape that keeps the picture's proportions after scaling.
fn scaled_sar(shape: &Shape, width: u32, height: u32) -> Rational {
    if !shape.sar.is_positive() {
        return shape.sar;
    }
    let num = i64::from(shape.sar.num) * i64::from(shape.width) * i64::from(height);
    let den = i64::from(shape.sar.den) * i64::from(shape.height) * i64::from(width);
    let ratio = num as f64 / den as f64;
    // `--size -1x…` rounds to whole pixels; that is no reason for odd pixel shapes.
    if (ratio * f64::from(shape.sar.den) / f64::from(shape.sar.num) - 1.0).abs() < 0.01 {
        return shape.sar;
    }
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let (num, den) = (num / a, den / a);
    if num > 65_535 || den > 65_535 {
        return Rational::new((ratio * 1000.0).round() as i32, 1000);
    }
    Rational::new(num as i32, den as i32)
}

/// True when a size that the user leaves to us had better be even.
const fn needs_even(options: &TranscodeOptions) -> bool {
    matches!(
        options.codec,
        VideoCodec::H264 | VideoCodec::Hevc | VideoCodec::Av1
    )
}

/// Some encoders code 4:2:0 in even sizes only, and would refuse or drop a line unasked.
fn even(
    choice: &EncoderChoice,
    shape: Shape,
    filter: &mut FilterSpec,
    warnings: &mut Vec<String>,
) -> Shape {
    let (width, height) = (shape.width & !1, shape.height & !1);
    if !choice.even_only || (width, height) == (shape.width, shape.height) {
        return shape;
    }
    warnings.push(format!(
        "{}x{} becomes {width}x{height}: {} takes even sizes only, one line is cropped",
        shape.width, shape.height, choice.name
    ));
    if filter.scale.is_some() {
        filter.scale = Some((width, height));
    } else {
        let [_, _, x, y] = filter.crop.unwrap_or([0; 4]);
        filter.crop = Some([width, height, x, y]);
    }
    Shape {
        width,
        height,
        sar: shape.sar,
    }
}

/// Progressive pictures of fields, unless the user keeps them and the codec can.
fn fields(
    video: &VideoTrack,
    options: &TranscodeOptions,
    choice: &EncoderChoice,
    filter: &mut FilterSpec,
) -> Result<Option<bool>> {
    if !video.stream.params.is_interlaced() {
        return Ok(None);
    }
    if !options.keep_interlaced {
        filter.deinterlace = true;
        return Ok(None);
    }
    if choice.name != "x264" {
        return Err(JobError::Usage(format!(
            "--keep-interlaced: {} codes no fields; use --codec h264, or leave the option out to deinterlace",
            choice.name
        )));
    }
    if filter.scale.is_some() || filter.turn != Turn::default() {
        return Err(JobError::Usage(
            "--keep-interlaced: fields cannot be scaled or turned".into(),
        ));
    }
    // libav counts tt and tb as top field first, bb and bt as bottom first.
    Ok(Some(matches!(video.stream.params.field_order, 2 | 4)))
}
