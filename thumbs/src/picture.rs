// SPDX-License-Identifier: MIT OR Apache-2.0
//! A decoded frame: rows of pixels of eight bits a channel, without gaps.

use crate::error::{Result, ThumbError};
use crate::plan::{Orientation, Rect, Size};

/// What the bytes of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, opacity; not premultiplied.
    Rgba,
    /// Cyan, magenta, yellow, black; 255 is full ink.
    Cmyk,
}

impl Layout {
    /// Bytes of a pixel.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }
}

/// A decoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    layout: Layout,
    samples: Vec<u8>,
}

impl Picture {
    /// A picture of these samples, row after row.
    ///
    /// # Errors
    /// [`ThumbError::Bug`] where their number does not fit the size, or a side is 0.
    pub fn new(size: Size, layout: Layout, samples: Vec<u8>) -> Result<Self> {
        let wanted = byte_count(size, layout)?;
        if samples.len() != wanted || wanted == 0 {
            let found = samples.len();
            let reason = format!("{found} bytes for {} × {} pixels", size.width, size.height);
            return Err(ThumbError::bug("picture", reason));
        }
        Ok(Self {
            size,
            layout,
            samples,
        })
    }

    /// A picture of one colour.
    pub(crate) fn filled(size: Size, layout: Layout, pixel: &[u8]) -> Result<Self> {
        let mut samples = Vec::with_capacity(byte_count(size, layout)?);
        for _ in 0..size.pixels() {
            samples.extend_from_slice(pixel);
        }
        Self::new(size, layout, samples)
    }

    /// Its size in pixels.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// What the bytes of a pixel are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// All bytes, row after row.
    #[must_use]
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    pub(crate) fn samples_mut(&mut self) -> &mut [u8] {
        &mut self.samples
    }

    pub(crate) fn into_samples(self) -> Vec<u8> {
        self.samples
    }

    /// The bytes of a row, of which there are as many as rows.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.samples.chunks_exact(self.row_bytes())
    }

    pub(crate) fn row_bytes(&self) -> usize {
        self.size.width as usize * self.layout.bytes()
    }

    /// The bytes of the pixel at a place within the picture.
    pub(crate) fn pixel(&self, x: u32, y: u32) -> &[u8] {
        let bytes = self.layout.bytes();
        let at = (y as usize * self.size.width as usize + x as usize) * bytes;
        &self.samples[at..at + bytes]
    }

    /// With an opacity for every pixel; ink is left alone.
    #[must_use]
    pub(crate) fn with_alpha(self) -> Self {
        if self.layout != Layout::Rgb {
            return self;
        }
        let mut samples = Vec::with_capacity(self.samples.len() / 3 * 4);
        for pixel in self.samples.chunks_exact(3) {
            samples.extend_from_slice(pixel);
            samples.push(255);
        }
        Self {
            size: self.size,
            layout: Layout::Rgba,
            samples,
        }
    }

    /// Whether any pixel lets something through.
    pub(crate) fn is_transparent(&self) -> bool {
        self.layout == Layout::Rgba && self.samples.chunks_exact(4).any(|pixel| pixel[3] < 255)
    }

    /// Over a background, without opacities.
    #[must_use]
    pub(crate) fn flattened(self, background: [u8; 3]) -> Self {
        if self.layout != Layout::Rgba {
            return self;
        }
        let mut samples = Vec::with_capacity(self.samples.len() / 4 * 3);
        for pixel in self.samples.chunks_exact(4) {
            let alpha = u32::from(pixel[3]);
            for (&front, back) in pixel[..3].iter().zip(background) {
                let mixed = u32::from(front) * alpha + u32::from(back) * (255 - alpha);
                samples.push(div255(mixed));
            }
        }
        Self {
            size: self.size,
            layout: Layout::Rgb,
            samples,
        }
    }

    /// The part within `rect`, which lies within the picture.
    pub(crate) fn cropped(self, rect: Rect) -> Result<Self> {
        if rect.size() == self.size {
            return Ok(self);
        }
        let bytes = self.layout.bytes();
        let columns = rect.x as usize * bytes..(rect.x + rect.width) as usize * bytes;
        let mut samples = Vec::with_capacity(byte_count(rect.size(), self.layout)?);
        for row in self.rows().skip(rect.y as usize).take(rect.height as usize) {
            samples.extend_from_slice(&row[columns.clone()]);
        }
        Self::new(rect.size(), self.layout, samples)
    }

    /// Turned and mirrored.
    pub(crate) fn oriented(self, orientation: Orientation) -> Result<Self> {
        if orientation == Orientation::default() {
            return Ok(self);
        }
        let to = orientation.size(self.size);
        let mut samples = Vec::with_capacity(self.samples.len());
        // Where the first pixel of a row of the result comes from, and how to go on from there.
        for y in 0..to.height {
            let at = |x| {
                let rect = Rect {
                    x,
                    y,
                    width: 1,
                    height: 1,
                };
                let from = orientation.unturned(rect, to);
                i64::from(from.y) * i64::from(self.size.width) + i64::from(from.x)
            };
            let first = at(0);
            let step = if to.width > 1 { at(1) - first } else { 0 };
            let bytes = self.layout.bytes();
            for x in 0..i64::from(to.width) {
                let from = usize::try_from(first + x * step).unwrap_or(0) * bytes;
                samples.extend_from_slice(&self.samples[from..from + bytes]);
            }
        }
        Self::new(to, self.layout, samples)
    }
}

/// `value / 255`, rounded, for values up to 255 × 255.
pub(crate) fn div255(value: u32) -> u8 {
    let value = value + 128;
    ((value + (value >> 8)) >> 8).min(255) as u8
}

/// Bytes of a picture.
pub(crate) fn byte_count(size: Size, layout: Layout) -> Result<usize> {
    let bytes = size.pixels().checked_mul(layout.bytes() as u64);
    bytes
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| ThumbError::bug("picture", "its size overflows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(width: u32, height: u32) -> Picture {
        let count = u8::try_from(width * height).unwrap();
        let samples = (0..count).flat_map(|n| [n, n, n]).collect();
        Picture::new(Size::new(width, height), Layout::Rgb, samples).unwrap()
    }

    fn numbers(picture: &Picture) -> Vec<u8> {
        picture.samples().iter().step_by(3).copied().collect()
    }

    #[test]
    fn pictures_turn_as_exif_says() {
        // 0 1 2
        // 3 4 5
        let wanted: [&[u8]; 8] = [
            &[0, 1, 2, 3, 4, 5],
            &[2, 1, 0, 5, 4, 3],
            &[5, 4, 3, 2, 1, 0],
            &[3, 4, 5, 0, 1, 2],
            &[0, 3, 1, 4, 2, 5],
            &[3, 0, 4, 1, 5, 2],
            &[5, 2, 4, 1, 3, 0],
            &[2, 5, 1, 4, 0, 3],
        ];
        for (value, wanted) in (1..).zip(wanted) {
            let turned = numbered(3, 2)
                .oriented(Orientation::from_exif(value))
                .unwrap();
            assert_eq!(numbers(&turned), wanted, "{value}");
            let swapped = value >= 5;
            assert_eq!(turned.size().width, if swapped { 2 } else { 3 });
        }
    }

    #[test]
    fn parts_are_cut_out() {
        let rect = Rect {
            x: 1,
            y: 1,
            width: 2,
            height: 1,
        };
        assert_eq!(numbers(&numbered(3, 2).cropped(rect).unwrap()), [4, 5]);
    }

    #[test]
    fn opacity_is_taken_away_exactly() {
        let samples = vec![255, 0, 10, 255, 255, 0, 10, 0, 255, 0, 10, 51];
        let picture = Picture::new(Size::new(3, 1), Layout::Rgba, samples).unwrap();
        assert!(picture.is_transparent());
        let flat = picture.flattened([0, 255, 10]);
        assert_eq!(flat.samples(), [255, 0, 10, 0, 255, 10, 51, 204, 10]);
        assert!(!numbered(2, 2).with_alpha().is_transparent());
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert!(Picture::new(Size::new(2, 2), Layout::Rgb, vec![0; 11]).is_err());
        assert!(Picture::new(Size::new(0, 2), Layout::Rgb, Vec::new()).is_err());
    }
}
