// SPDX-License-Identifier: MIT OR Apache-2.0
//! GIF's LZW (GIF89a, appendix F), for frames without any damage.
//!
//! What a code stands for was written before, in one piece, so that a table of places suffices.
//! Of most codes all pixels are in the table, too: nothing waits for what was just written.

/// Most codes.
const CODES: usize = 4096;

/// Pixels that are written at once; there is room for that many behind the last one.
const PIECE: usize = 8;

/// What a code stands for; nothing where it has a meaning of its own.
#[derive(Clone, Copy, Default)]
struct Run {
    /// The first pixels, the very first in the lowest byte.
    first: u64,
    /// Where all of them lie among those written, unless it is a single one.
    at: u32,
    length: u32,
}

impl Run {
    /// This one and a pixel behind it.
    #[inline(always)]
    fn and(self, pixel: u64) -> Self {
        let behind = if self.length < PIECE as u32 {
            pixel << (8 * self.length)
        } else {
            0
        };
        Self {
            first: self.first | behind,
            length: self.length + 1,
            ..self
        }
    }
}

/// The pixels of a frame, of which there are `count`, from the size of its first codes and all of
/// its bytes; `None` where they do not suffice, or make no sense.
pub(super) fn unpack(data: &[u8], count: usize) -> Option<Vec<u8>> {
    let (&literal_bits, data) = data.split_first()?;
    let sound = (1..=8).contains(&literal_bits) && u32::try_from(count).is_ok();
    sound.then_some(())?;
    let clear = 1usize << literal_bits;
    let mut pixels = vec![0; count + PIECE];
    let mut runs = [Run::default(); CODES];
    for (pixel, run) in runs[..clear].iter_mut().enumerate() {
        (run.first, run.length) = (pixel as u64, 1);
    }
    let mut bits = Bits::new(data);
    let first_width = u32::from(literal_bits) + 1;
    let (mut width, mut next, mut before) = (first_width, clear + 2, Run::default());
    let mut at = 0;
    while at < count {
        let code = bits.take(width)? as usize % CODES;
        let mut run = if code < next {
            runs[code]
        } else {
            // The newest code is the run before and its own first pixel.
            (code == next && before.length > 0).then(|| before.and(before.first & 0xff))?
        };
        if run.length == 0 {
            (code == clear).then_some(())?;
            (width, next, before) = (first_width, clear + 2, run);
            continue;
        }
        if before.length > 0 && next < CODES {
            runs[next] = before.and(run.first & 0xff);
            next += 1;
            width += u32::from(next.is_power_of_two() && next < CODES);
        }
        write(&mut pixels, run, at, count)?;
        run.at = at as u32;
        before = run;
        at += run.length as usize;
    }
    pixels.truncate(count);
    Some(pixels)
}

/// Writes a run at a place, but for what lies behind the last pixel.
#[inline(always)]
fn write(pixels: &mut [u8], run: Run, to: usize, count: usize) -> Option<()> {
    *pixels.get_mut(to..)?.first_chunk_mut()? = run.first.to_le_bytes();
    let length = (run.length as usize).min(count - to);
    for done in (PIECE..length).step_by(PIECE) {
        let piece: [u8; PIECE] = *pixels.get(run.at as usize + done..)?.first_chunk()?;
        *pixels.get_mut(to + done..)?.first_chunk_mut()? = piece;
    }
    Some(())
}

/// Bits, lowest first.
struct Bits<'a> {
    bytes: &'a [u8],
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            held: 0,
            count: 0,
        }
    }

    #[inline(always)]
    fn take(&mut self, width: u32) -> Option<u32> {
        if self.count < width {
            self.fill();
            if self.count < width {
                return None;
            }
        }
        let code = self.held as u32 & ((1 << width) - 1);
        self.held >>= width;
        self.count -= width;
        Some(code)
    }

    #[inline(always)]
    fn fill(&mut self) {
        if let Some(word) = self.bytes.first_chunk() {
            // Bits above the count come again.
            self.held |= u64::from_le_bytes(*word) << self.count;
            self.bytes = &self.bytes[((63 - self.count) / 8) as usize..];
            self.count |= 56;
            return;
        }
        while let ([byte, rest @ ..], true) = (self.bytes, self.count < 56) {
            self.held |= u64::from(*byte) << self.count;
            self.bytes = rest;
            self.count += 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use gif::{ColorOutput, DecodeOptions, Encoder, Frame};

    use super::*;

    /// The pixels of a file whose only frame has this packed.
    fn by_library(data: &[u8], width: u16, height: u16) -> Option<Vec<u8>> {
        let mut encoder = Encoder::new(Vec::new(), width, height, &[0; 6]).unwrap();
        let frame = Frame {
            width,
            height,
            buffer: data.to_vec().into(),
            ..Frame::default()
        };
        encoder.write_lzw_pre_encoded_frame(&frame).unwrap();
        let file = encoder.into_inner().unwrap();
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        let mut decoder = options.read_info(&file[..]).unwrap();
        let frame = decoder.read_next_frame().ok()??;
        Some(frame.buffer.to_vec())
    }

    /// Pixels below `colors`, in runs that last about so long.
    fn pixels(count: usize, colors: u32, lasting: u32) -> Vec<u8> {
        let (mut noise, mut pixel) = (5u32, 0);
        let mut next = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if noise >> 8 & 0xff < 256 / lasting {
                pixel = (noise >> 16) % colors;
            }
            pixel as u8
        };
        (0..count).map(|_| next()).collect()
    }

    fn packed(pixels: &[u8], width: u16, height: u16) -> Vec<u8> {
        let mut frame = Frame::from_indexed_pixels(width, height, pixels.to_vec(), None);
        frame.make_lzw_pre_encoded();
        frame.buffer.into_owned()
    }

    #[test]
    fn pixels_come_back() {
        for (width, height) in [(1, 1), (7, 1), (16, 16), (301, 200)] {
            for colors in [2, 3, 16, 256] {
                for lasting in [1, 2, 40, 256] {
                    let count = usize::from(width) * usize::from(height);
                    let pixels = pixels(count, colors, lasting);
                    let data = packed(&pixels, width, height);
                    let found = unpack(&data, count);
                    assert!(
                        found == Some(pixels),
                        "{width} × {height}, {colors}, {lasting}"
                    );
                }
            }
        }
    }

    #[test]
    fn whatever_is_read_is_as_the_library_reads_it() {
        let count = 40 * 30;
        let data = packed(&pixels(count, 64, 2), 40, 30);
        assert!((0..data.len() / 2).all(|end| unpack(&data[..end], count).is_none()));
        let mut noise = 3u32;
        let mut read = 0;
        for _ in 0..3000 {
            let mut other = data.clone();
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = noise as usize / 256 % other.len();
            other[at] = noise as u8;
            if let Some(found) = unpack(&other, count) {
                assert!(Some(found) == by_library(&other, 40, 30), "{at}");
                read += 1;
            }
        }
        assert!(read > 0);
    }
}
