// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures for tests, made by arithmetic alone.

use crate::picture::{ChromaSampling, PictureView, PlaneView};

/// One plane: packed samples, width, height.
type Plane = (Vec<u8>, usize, usize);

/// A clip of equal pictures, in memory.
#[derive(Clone)]
pub(crate) struct Clip {
    pub width: usize,
    pub height: usize,
    pub depth: u8,
    pub sampling: ChromaSampling,
    frames: Vec<Vec<Plane>>,
}

impl Clip {
    /// Drifting waves with a little texture; `noise` of 0 to 1 adds random
    /// values of that share of the range, the same ones for one `seed`.
    pub fn new(
        (width, height): (usize, usize),
        depth: u8,
        sampling: ChromaSampling,
        frames: usize,
        (noise, seed): (f64, u32),
    ) -> Self {
        let half = (width.div_ceil(2), height.div_ceil(2));
        let luma = (width, height);
        let sizes = match sampling {
            ChromaSampling::Mono => vec![luma],
            ChromaSampling::Cs420 => vec![luma, half, half],
            ChromaSampling::Cs422 => vec![luma, (half.0, height), (half.0, height)],
            ChromaSampling::Cs444 => vec![luma; 3],
        };
        let mut random = Random(seed | 1);
        let mut plane = |t: usize, p: usize, (width, height): (usize, usize)| {
            let mut data = Vec::new();
            for y in 0..height {
                for x in 0..width {
                    let wave = ((x + 2 * t) as f64 * 0.07 + p as f64).sin()
                        + ((y + t) as f64 * 0.11).cos();
                    let texture = ((x * 7 + y * 13 + x * y % 11) % 16) as f64 / 400.0;
                    let value = 0.5 + 0.2 * wave + texture + noise * (random.next() - 0.5);
                    push(&mut data, value, depth);
                }
            }
            (data, width, height)
        };
        let frames = (0..frames)
            .map(|t| {
                sizes
                    .iter()
                    .enumerate()
                    .map(|(p, &size)| plane(t, p, size))
                    .collect()
            })
            .collect();
        Self {
            width,
            height,
            depth,
            sampling,
            frames,
        }
    }

    /// The clip that `raw` holds, laid out as `like`'s; a partial frame at the end is dropped.
    pub fn from_raw(like: &Self, raw: &[u8]) -> Self {
        let mut frames = Vec::new();
        let sizes = like.frames[0].iter().map(|plane| plane.0.len());
        let frame_bytes: usize = sizes.sum();
        for mut rest in raw.chunks_exact(frame_bytes) {
            let mut take = |plane: &Plane| {
                let (data, after) = rest.split_at(plane.0.len());
                rest = after;
                (data.to_vec(), plane.1, plane.2)
            };
            frames.push(like.frames[0].iter().map(&mut take).collect());
        }
        Self {
            frames,
            ..like.clone()
        }
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    pub fn view(&self, frame: usize) -> PictureView<'_> {
        let bytes = if self.depth > 8 { 2 } else { 1 };
        let planes = self.frames[frame]
            .iter()
            .map(|(data, width, height)| PlaneView {
                data,
                stride: width * bytes,
                width: *width,
                height: *height,
            });
        PictureView {
            planes: planes.collect(),
            depth: self.depth,
            sampling: self.sampling,
        }
    }

    pub fn views(&self) -> impl Iterator<Item = PictureView<'_>> {
        (0..self.len()).map(|frame| self.view(frame))
    }

    /// All planes of all frames, packed.
    pub fn raw(&self) -> Vec<u8> {
        self.frames
            .iter()
            .flatten()
            .flat_map(|plane| plane.0.iter().copied())
            .collect()
    }

    /// FFmpeg's name for the pixel format.
    pub fn pixel_format(&self) -> String {
        let base = match self.sampling {
            ChromaSampling::Mono => "gray",
            ChromaSampling::Cs420 => "yuv420p",
            ChromaSampling::Cs422 => "yuv422p",
            ChromaSampling::Cs444 => "yuv444p",
        };
        if self.depth == 8 {
            base.to_string()
        } else {
            format!("{base}{}le", self.depth)
        }
    }
}

fn push(data: &mut Vec<u8>, value: f64, depth: u8) {
    let peak = f64::from((1u32 << depth) - 1);
    let sample = (value * peak).clamp(0.0, peak) as u16;
    let bytes = sample.to_le_bytes();
    data.extend(if depth > 8 { &bytes[..] } else { &bytes[..1] });
}

/// Marsaglia's xorshift, as a number from 0 to 1.
struct Random(u32);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        f64::from(self.0) / f64::from(u32::MAX)
    }
}
