// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures made smaller by whole numbers, row by row as they come: means of squares.
//!
//! It costs little beside decoding, the whole picture is never there, and the filter that follows
//! has much less to do.

use crate::plan::Size;

/// How much larger than needed a picture stays at least: a mean cuts frequencies off slowly, so
/// that the filter has to have the last word.
const RESERVE: u32 = 2;

/// Most pixels of a square's side: the sums below have to hold them.
const MOST: u32 = 64;

/// The largest side of squares with which no side gets below `least` and the reserve; at least 1.
pub(super) fn side(size: Size, least: Size) -> u32 {
    let fits = |size: u32, least: u32| size / least.max(1).saturating_mul(RESERVE);
    let side = fits(size.width, least.width).min(fits(size.height, least.height));
    side.clamp(1, MOST)
}

/// A picture that becomes smaller.
pub(super) struct Shrink {
    size: Size,
    side: usize,
    channels: usize,
    /// Sums of the columns of squares, where there are opacities of colours times opacity.
    sums: Vec<u32>,
    /// How many rows are in them.
    rows: usize,
    samples: Vec<u8>,
}

impl Shrink {
    /// A picture of `size`, by squares of `side`. Of two or four channels the last one is opacity.
    pub(super) fn new(size: Size, side: u32, channels: usize) -> Self {
        let mut shrink = Self {
            size,
            side: side.clamp(1, MOST) as usize,
            channels,
            sums: vec![0; size.width as usize * channels],
            rows: 0,
            samples: Vec::new(),
        };
        let pixels = shrink.small().pixels() as usize;
        shrink.samples.reserve_exact(pixels * channels);
        shrink
    }

    /// The size of the result; squares at the right and the bottom may stand out.
    pub(super) fn small(&self) -> Size {
        let side = self.side as u32;
        Size::new(
            self.size.width.div_ceil(side),
            self.size.height.div_ceil(side),
        )
    }

    /// Takes the next row, of eight bits a channel.
    pub(super) fn row(&mut self, row: &[u8]) {
        match self.channels {
            2 => add_weighted::<2>(&mut self.sums, row),
            4 => add_weighted::<4>(&mut self.sums, row),
            _ => {
                for (sum, sample) in self.sums.iter_mut().zip(row) {
                    *sum += u32::from(*sample);
                }
            }
        }
        self.rows += 1;
        if self.rows == self.side {
            self.flush();
        }
    }

    /// All samples.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.rows > 0 {
            self.flush();
        }
        self.samples
    }

    fn flush(&mut self) {
        let squares = self.sums.chunks(self.side * self.channels);
        match self.channels {
            1 => squares.for_each(|square| mean::<1>(&mut self.samples, square, self.rows)),
            2 => {
                squares.for_each(|square| weighted_mean::<2>(&mut self.samples, square, self.rows))
            }
            4 => {
                squares.for_each(|square| weighted_mean::<4>(&mut self.samples, square, self.rows))
            }
            _ => squares.for_each(|square| mean::<3>(&mut self.samples, square, self.rows)),
        }
        self.sums.fill(0);
        self.rows = 0;
    }
}

/// Adds a row with opacities: what lets more through has less of a say in the colour.
fn add_weighted<const N: usize>(sums: &mut [u32], row: &[u8]) {
    let pixels = row.as_chunks::<N>().0.iter();
    for (sums, pixel) in sums.as_chunks_mut::<N>().0.iter_mut().zip(pixels) {
        let alpha = u32::from(pixel[N - 1]);
        for (sum, sample) in sums.iter_mut().zip(&pixel[..N - 1]) {
            *sum += u32::from(*sample) * alpha;
        }
        sums[N - 1] += alpha;
    }
}

fn total<const N: usize>(square: &[u32]) -> [u32; N] {
    let mut total = [0; N];
    for column in square.as_chunks::<N>().0 {
        for (total, sum) in total.iter_mut().zip(column) {
            *total += sum;
        }
    }
    total
}

fn mean<const N: usize>(samples: &mut Vec<u8>, square: &[u32], rows: usize) {
    let count = (square.len() / N * rows) as u32;
    let means = total::<N>(square).map(|sum| ((sum + count / 2) / count) as u8);
    samples.extend_from_slice(&means);
}

fn weighted_mean<const N: usize>(samples: &mut Vec<u8>, square: &[u32], rows: usize) {
    let count = (square.len() / N * rows) as u32;
    let total = total::<N>(square);
    let alpha = total[N - 1];
    let mut means = total.map(|sum| match alpha {
        0 => 0,
        alpha => ((sum + alpha / 2) / alpha) as u8,
    });
    means[N - 1] = ((alpha + count / 2) / count) as u8;
    samples.extend_from_slice(&means);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(size: (u32, u32), side: u32, channels: usize, samples: &[u8]) -> Vec<u8> {
        let mut shrink = Shrink::new(Size::new(size.0, size.1), side, channels);
        let rows = samples.chunks_exact(size.0 as usize * channels);
        rows.for_each(|row| shrink.row(row));
        shrink.finish()
    }

    #[test]
    fn squares_leave_twice_what_is_needed() {
        let size = Size::new(4000, 3000);
        for (least, wanted) in [
            ((4000, 3000), 1),
            ((1001, 1), 1),
            ((1000, 750), 2),
            ((400, 300), 5),
            ((400, 301), 4),
            ((1, 1), MOST),
            ((0, 0), MOST),
            ((u32::MAX, 1), 1),
        ] {
            assert_eq!(side(size, Size::new(least.0, least.1)), wanted, "{least:?}");
        }
    }

    #[test]
    fn samples_are_means_up_to_the_edges() {
        // 1 2 3    1 2 3 by squares of 2: (1 2 4 5), (3 6), (7 8), (9)
        // 4 5 6
        // 7 8 9
        let grey = [10, 20, 30, 40, 50, 60, 70, 80, 91];
        assert_eq!(shrunk((3, 3), 2, 1, &grey), [30, 45, 75, 91]);
        let rgb = grey.map(|sample| [sample, 0, 255]).concat();
        let wanted = [30, 45, 75, 91].map(|sample| [sample, 0, 255]).concat();
        assert_eq!(shrunk((3, 3), 2, 3, &rgb), wanted);
        assert_eq!(shrunk((3, 3), 1, 1, &grey), grey);
        let white = vec![255; 64 * 64 * 4];
        assert_eq!(shrunk((64, 64), 64, 4, &white), [255; 4]);
    }

    #[test]
    fn what_is_transparent_gives_no_colour() {
        let rgba = [[200, 100, 0, 255], [0, 0, 255, 0]].concat();
        assert_eq!(shrunk((2, 1), 2, 4, &rgba), [200, 100, 0, 128]);
        assert_eq!(shrunk((2, 1), 2, 2, &[90, 51, 9, 204]), [25, 128]);
        assert_eq!(shrunk((2, 1), 2, 2, &[90, 0, 9, 0]), [0, 0]);
    }
}
