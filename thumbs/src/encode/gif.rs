// SPDX-License-Identifier: MIT OR Apache-2.0
//! GIF: each frame whole, with a palette of its own.

use gif::{DisposalMethod, Encoder, Frame, Repeat};

use crate::error::{Result, ThumbError};
use crate::picture::{Layout, Picture};
use crate::plan::Size;

/// How hard the palette is searched for, 1 (best) to 30.
const SPEED: i32 = 10;

/// Frames under way to a file.
pub(crate) struct GifAnimation {
    encoder: Encoder<Vec<u8>>,
    /// Time that rounding to hundredths of a second has left over so far, in milliseconds.
    owed: i64,
}

fn bug(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::bug("gif", error)
}

impl GifAnimation {
    /// A file that plays so often, 0 for ever; `None` for a still picture.
    pub(crate) fn new(size: Size, loops: Option<u16>) -> Result<Self> {
        let side = |side: u32| u16::try_from(side).map_err(|_| bug("its side overflows"));
        let (width, height) = (side(size.width)?, side(size.height)?);
        let mut encoder = Encoder::new(Vec::new(), width, height, &[]).map_err(bug)?;
        match loops {
            None | Some(1) => {}
            Some(0) => encoder.set_repeat(Repeat::Infinite).map_err(bug)?,
            // The file counts repeats behind the first time.
            Some(times) => encoder.set_repeat(Repeat::Finite(times - 1)).map_err(bug)?,
        }
        Ok(Self { encoder, owed: 0 })
    }

    pub(crate) fn add(&mut self, picture: &Picture, milliseconds: u32) -> Result<()> {
        let size = picture.size();
        let (width, height) = (size.width as u16, size.height as u16);
        let mut frame = match picture.layout() {
            Layout::Rgb => Frame::from_rgb_speed(width, height, picture.samples(), SPEED),
            Layout::Rgba => {
                // A pixel is there or not.
                let mut samples = picture.samples().to_vec();
                for pixel in samples.chunks_exact_mut(4) {
                    let opaque = pixel[3] >= 128;
                    pixel[3] = if opaque { 255 } else { 0 };
                }
                Frame::from_rgba_speed(width, height, &mut samples, SPEED)
            }
            Layout::Cmyk => return Err(bug("it has no ink")),
        };
        let wanted = i64::from(milliseconds) + self.owed;
        let hundredths = u16::try_from((wanted + 5) / 10).unwrap_or(u16::MAX);
        self.owed = (wanted - i64::from(hundredths) * 10).clamp(-5, 5);
        frame.delay = hundredths;
        frame.dispose = DisposalMethod::Background;
        self.encoder.write_frame(&frame).map_err(bug)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        self.encoder.into_inner().map_err(bug)
    }
}
