// SPDX-License-Identifier: MIT OR Apache-2.0
//! GIF, frame by frame on one canvas.

use std::io::Cursor;
use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit, Repeat};

use super::{checked_size, Decode, Facts, Frame, Source};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::picture::{Layout, Picture};
use crate::plan::Size;
use crate::Format;

/// Shortest time that browsers believe in, in hundredths of a second; what is shorter they show
/// for a tenth.
const SHORTEST: u16 = 2;

pub(super) struct Gif;

struct GifSource<'a> {
    facts: Facts,
    decoder: Decoder<Cursor<&'a [u8]>>,
    canvas: Picture,
    /// What the next frame begins with by clearing: a part of the canvas, and what was below.
    cleanup: Cleanup,
    frames: u32,
}

enum Cleanup {
    Nothing,
    Clear(Area),
    Restore(Picture),
}

/// A part of the canvas; it may stand out.
#[derive(Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

fn broken(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::broken(Format::Gif, error)
}

impl Decode for Gif {
    fn format(&self) -> Format {
        Format::Gif
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        // A frame has a byte a pixel, and the library reads a few buffers beside it.
        let most = limits.pixels.saturating_add(1 << 20);
        options.set_memory_limit(MemoryLimit::Bytes(
            NonZeroU64::new(most).unwrap_or(NonZeroU64::MIN),
        ));
        let decoder = options.read_info(Cursor::new(bytes)).map_err(broken)?;
        let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
        let size = checked_size(Format::Gif, width, height)?;
        limits.check_source(size, true)?;
        let mut facts = Facts::still(Format::Gif, size);
        facts.animated = true;
        facts.loops = match decoder.repeat() {
            Repeat::Infinite => 0,
            // The file counts repeats; what is counted here is how often it plays.
            Repeat::Finite(times) => times.saturating_add(1),
        };
        Ok(Box::new(GifSource {
            facts,
            decoder,
            canvas: Picture::filled(size, Layout::Rgba, &[0; 4])?,
            cleanup: Cleanup::Nothing,
            frames: 0,
        }))
    }
}

impl Source for GifSource<'_> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, _least: Size) -> Result<Option<Frame>> {
        self.clean_up();
        let global = self.decoder.global_palette().map(<[u8]>::to_vec);
        let Some(frame) = self.decoder.read_next_frame().map_err(broken)? else {
            return match self.frames {
                0 => Err(broken("it has no frame")),
                _ => Ok(None),
            };
        };
        let palette = frame.palette.as_deref().or(global.as_deref());
        let palette = palette.ok_or_else(|| broken("a frame has no palette"))?;
        let area = Area {
            left: usize::from(frame.left),
            top: usize::from(frame.top),
            width: usize::from(frame.width),
            height: usize::from(frame.height),
        };
        let before = match frame.dispose {
            DisposalMethod::Previous => Some(self.canvas.clone()),
            _ => None,
        };
        self.cleanup = match (frame.dispose, before) {
            (_, Some(canvas)) => Cleanup::Restore(canvas),
            (DisposalMethod::Background, _) => Cleanup::Clear(area),
            _ => Cleanup::Nothing,
        };
        let transparent = frame.transparent;
        for_rows(&mut self.canvas, area, |y, row| {
            let indices = frame.buffer.get(y * area.width..).unwrap_or(&[]);
            for (pixel, &index) in row.chunks_exact_mut(4).zip(indices) {
                let at = usize::from(index) * 3;
                if let (true, Some(color)) = (Some(index) != transparent, palette.get(at..at + 3)) {
                    pixel[..3].copy_from_slice(color);
                    pixel[3] = 255;
                }
            }
        });
        let delay = if frame.delay < SHORTEST {
            10
        } else {
            frame.delay
        };
        self.frames += 1;
        Ok(Some(Frame {
            picture: self.canvas.clone(),
            milliseconds: u32::from(delay) * 10,
        }))
    }
}

impl GifSource<'_> {
    fn clean_up(&mut self) {
        match std::mem::replace(&mut self.cleanup, Cleanup::Nothing) {
            Cleanup::Nothing => {}
            Cleanup::Restore(canvas) => self.canvas = canvas,
            Cleanup::Clear(area) => for_rows(&mut self.canvas, area, |_, row| row.fill(0)),
        }
    }
}

/// Calls `paint` with the number of each row of `area` that is on the canvas, and its bytes.
fn for_rows(canvas: &mut Picture, area: Area, mut paint: impl FnMut(usize, &mut [u8])) {
    let size = canvas.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let right = (area.left + area.width).min(width);
    if area.left >= right {
        return;
    }
    let rows = canvas.samples_mut().chunks_exact_mut(width * 4);
    let bottom = (area.top + area.height).min(height);
    for (y, row) in rows.enumerate().take(bottom).skip(area.top) {
        paint(y - area.top, &mut row[area.left * 4..right * 4]);
    }
}
