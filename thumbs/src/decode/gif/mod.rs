// SPDX-License-Identifier: MIT OR Apache-2.0
//! GIF, frame by frame on one canvas.
//!
//! The library finds the frames; pixels are unpacked in `lzw`, and by the library where that
//! does not know what to do with them.

mod lzw;

use std::borrow::Cow;
use std::io::Cursor;
use std::num::NonZeroU64;

use gif::{
    ColorOutput, DecodeOptions, Decoder, DisposalMethod, Frame as GifFrame, MemoryLimit, Repeat,
};

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
    bytes: &'a [u8],
    decoder: Decoder<Cursor<&'a [u8]>>,
    /// Whether the library leaves pixels packed.
    packed: bool,
    /// Most pixels of a frame.
    most: u64,
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

/// Bytes that the library reads beside a frame, which has a byte a pixel.
const BESIDE: u64 = 1 << 20;

/// A decoder that allows for so many pixels, and leaves them packed or not.
fn decoder(bytes: &[u8], most: u64, packed: bool) -> Result<Decoder<Cursor<&[u8]>>> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // Noise takes half as much again when it is packed.
    let most = if packed { most.saturating_mul(2) } else { most };
    let most = NonZeroU64::new(most).unwrap_or(NonZeroU64::MIN);
    options.set_memory_limit(MemoryLimit::Bytes(most));
    options.skip_frame_decoding(packed);
    options.read_info(Cursor::new(bytes)).map_err(broken)
}

impl Decode for Gif {
    fn format(&self) -> Format {
        Format::Gif
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let most = limits.pixels.saturating_add(BESIDE);
        let decoder = decoder(bytes, most, true)?;
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
            bytes,
            decoder,
            packed: true,
            most,
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
        let Some(frame) = self.read()? else {
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
        self.cleanup = match frame.dispose {
            DisposalMethod::Previous => Cleanup::Restore(self.canvas.clone()),
            DisposalMethod::Background => Cleanup::Clear(area),
            _ => Cleanup::Nothing,
        };
        let colors = colors(palette, frame.transparent);
        for_rows(&mut self.canvas, area, |y, row| {
            let indices = frame.buffer.get(y * area.width..).unwrap_or(&[]);
            for (pixel, &index) in row.as_chunks_mut::<4>().0.iter_mut().zip(indices) {
                let (color, kept) = colors[usize::from(index)];
                *pixel = (u32::from_ne_bytes(*pixel) & kept | color).to_ne_bytes();
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

/// The colours of all indices, and which bits of what is below them stay: none, or all where an
/// index is transparent or has no colour. A choice would be guessed wrong where they are mixed.
fn colors(palette: &[u8], transparent: Option<u8>) -> [(u32, u32); 256] {
    let mut colors = [(0, u32::MAX); 256];
    for (out, color) in colors.iter_mut().zip(palette.chunks_exact(3)) {
        *out = (u32::from_ne_bytes([color[0], color[1], color[2], 255]), 0);
    }
    if let Some(index) = transparent {
        colors[usize::from(index)] = (0, u32::MAX);
    }
    colors
}

impl GifSource<'_> {
    /// The next frame, its pixels as indices.
    fn read(&mut self) -> Result<Option<GifFrame<'static>>> {
        if !self.packed {
            let frame = self.decoder.read_next_frame().map_err(broken)?;
            return Ok(frame.cloned());
        }
        match self.decoder.read_next_frame() {
            Ok(None) => return Ok(None),
            Ok(Some(frame)) if !frame.interlaced => {
                let pixels = usize::from(frame.width) * usize::from(frame.height);
                let fits = pixels as u64 <= self.most;
                if let Some(unpacked) = fits.then(|| lzw::unpack(&frame.buffer, pixels)).flatten() {
                    let mut frame = frame.clone();
                    frame.buffer = Cow::Owned(unpacked);
                    return Ok(Some(frame));
                }
            }
            _ => {}
        }
        self.leave_to_library()?;
        self.read()
    }

    /// Begins anew with a decoder that unpacks pixels itself, and goes on to the same frame: what
    /// is damaged, how far, and whether there are all pixels even so, is the library's to say.
    fn leave_to_library(&mut self) -> Result<()> {
        self.decoder = decoder(self.bytes, self.most, false)?;
        self.packed = false;
        for _ in 0..self.frames {
            self.decoder.read_next_frame().map_err(broken)?;
        }
        Ok(())
    }

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
