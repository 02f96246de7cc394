// SPDX-License-Identifier: MIT OR Apache-2.0
//! SSIM over 8x8 windows stepped by 4 both ways, as x264 and FFmpeg's `ssim`
//! filter compute it: each window is the sum of four 4x4 blocks, and up to 3
//! samples at the right and lower edge that fill no block don't count.

use super::geometry::Geometry;
use super::Error;
use crate::picture::{PictureView, PlaneView};

/// Side of a block in samples, and the step of the windows.
const BLOCK: usize = 4;
/// Columns that one pass of the inner loop sums; a multiple of [`BLOCK`].
const RUN: usize = 64;
/// Samples of a window.
const WINDOW: f64 = 64.0;

/// Structural similarity of one pair of pictures, 1 when equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Ssim {
    /// Of each plane: Y, or Y, U, V.
    pub planes: Vec<f64>,
    /// Over all planes, weighted by their sizes: FFmpeg's `All`.
    pub all: f64,
}

/// Structural similarity of two pictures.
///
/// # Errors
/// [`Error::Mismatch`], [`Error::Malformed`], or [`Error::TooSmall`] when a
/// plane is narrower or lower than 8 samples.
pub fn ssim(reference: &PictureView<'_>, distorted: &PictureView<'_>) -> Result<Ssim, Error> {
    let geometry = Geometry::of_pair(reference, distorted)?;
    ssim_of(&geometry, reference, distorted)
}

/// As [`ssim`], of pictures known to have this geometry.
pub(super) fn ssim_of(
    geometry: &Geometry,
    a: &PictureView<'_>,
    b: &PictureView<'_>,
) -> Result<Ssim, Error> {
    for (plane, &(width, height)) in geometry.planes.iter().enumerate() {
        if width < 2 * BLOCK || height < 2 * BLOCK {
            return Err(Error::TooSmall {
                plane,
                width,
                height,
            });
        }
    }
    let constants = Constants::new(f64::from(geometry.peak()));
    let pairs = a.planes.iter().zip(&b.planes);
    let planes: Vec<f64> = pairs
        .map(|(a, b)| match geometry.depth {
            8 => plane_ssim(a, b, 1, sums8, &constants),
            _ => plane_ssim(a, b, 2, sums16, &constants),
        })
        .collect();
    Ok(Ssim {
        all: geometry.weighted(&planes),
        planes,
    })
}

/// The stabilising terms, scaled to window sums and cut to whole numbers as FFmpeg does.
struct Constants {
    mean: f64,
    variance: f64,
}

impl Constants {
    fn new(peak: f64) -> Self {
        let mean = (0.01 * 0.01 * peak * peak * WINDOW + 0.5).floor();
        let variance = (0.03 * 0.03 * peak * peak * WINDOW * (WINDOW - 1.0) + 0.5).floor();
        Self { mean, variance }
    }
}

/// Sums over each block of a row of blocks. All are whole numbers under 2^53,
/// so floating point holds them exactly.
#[derive(Default)]
struct Sums {
    a: Vec<f64>,
    b: Vec<f64>,
    /// Of the squares of both pictures.
    squares: Vec<f64>,
    products: Vec<f64>,
}

impl Sums {
    fn new(blocks: usize) -> Self {
        let zeros = || vec![0.0; blocks];
        Self {
            a: zeros(),
            b: zeros(),
            squares: zeros(),
            products: zeros(),
        }
    }
}

/// The four rows of one row of blocks.
type Rows<'a> = [&'a [u8]; BLOCK];

/// Fills the sums of one row of blocks.
type BlockSums = fn(&Rows<'_>, &Rows<'_>, &mut Sums);

fn plane_ssim(
    a: &PlaneView<'_>,
    b: &PlaneView<'_>,
    bytes: usize,
    block_sums: BlockSums,
    constants: &Constants,
) -> f64 {
    let (columns, rows) = (a.width / BLOCK, a.height / BLOCK);
    let rows_of = |plane: &PlaneView<'_>, y: usize, sums: &mut Sums, other: &PlaneView<'_>| {
        let row = |i| &plane.row(y * BLOCK + i, bytes)[..columns * BLOCK * bytes];
        let twin = |i| &other.row(y * BLOCK + i, bytes)[..columns * BLOCK * bytes];
        block_sums(&std::array::from_fn(row), &std::array::from_fn(twin), sums);
    };
    let (mut above, mut below) = (Sums::new(columns), Sums::new(columns));
    rows_of(a, 0, &mut above, b);
    let mut total = 0.0;
    for y in 1..rows {
        rows_of(a, y, &mut below, b);
        total += windows(&above, &below, constants);
        std::mem::swap(&mut above, &mut below);
    }
    total / ((rows - 1) * (columns - 1)) as f64
}

/// Sum of the similarity of every window between two rows of blocks.
fn windows(above: &Sums, below: &Sums, constants: &Constants) -> f64 {
    let count = above.a.len() - 1;
    let sum = |above: &[f64], below: &[f64], x: usize| {
        (above[x] + below[x]) + (above[x + 1] + below[x + 1])
    };
    let mut total = 0.0;
    for x in 0..count {
        let a = sum(&above.a, &below.a, x);
        let b = sum(&above.b, &below.b, x);
        let squares = sum(&above.squares, &below.squares, x);
        let products = sum(&above.products, &below.products, x);
        let means = a * b;
        let powers = a * a + b * b;
        let variance = squares * WINDOW - powers;
        let covariance = products * WINDOW - means;
        let top = (2.0 * means + constants.mean) * (2.0 * covariance + constants.variance);
        let bottom = (powers + constants.mean) * (variance + constants.variance);
        total += top / bottom;
    }
    total
}

/// Block sums of 8-bit samples: columns first, four rows deep, then four columns wide.
fn sums8(a: &Rows<'_>, b: &Rows<'_>, sums: &mut Sums) {
    let width = a[0].len();
    for start in (0..width).step_by(RUN) {
        let length = RUN.min(width - start);
        let mut columns = Columns8::new();
        for (a, b) in a.iter().zip(b) {
            columns.add(&a[start..start + length], &b[start..start + length]);
        }
        let first = start / BLOCK;
        columns.store(sums, first, length / BLOCK);
    }
}

/// Sums down the columns of a run of 8-bit samples.
struct Columns8 {
    a: [u16; RUN],
    b: [u16; RUN],
    squares: [i32; RUN],
    products: [i32; RUN],
}

impl Columns8 {
    const fn new() -> Self {
        Self {
            a: [0; RUN],
            b: [0; RUN],
            squares: [0; RUN],
            products: [0; RUN],
        }
    }

    fn add(&mut self, a: &[u8], b: &[u8]) {
        let sums = self.a.iter_mut().zip(&mut self.b);
        let powers = self.squares.iter_mut().zip(&mut self.products);
        for (((&a, &b), (sum_a, sum_b)), (squares, products)) in
            a.iter().zip(b).zip(sums).zip(powers)
        {
            // A product of two bytes fits 16 bits, where it is cheapest.
            let (a, b) = (u16::from(a), u16::from(b));
            *sum_a += a;
            *sum_b += b;
            *squares += i32::from(a * a) + i32::from(b * b);
            *products += i32::from(a * b);
        }
    }

    fn store(&self, sums: &mut Sums, first: usize, count: usize) {
        let range = first..first + count;
        store(&self.a, &mut sums.a[range.clone()]);
        store(&self.b, &mut sums.b[range.clone()]);
        store(&self.squares, &mut sums.squares[range.clone()]);
        store(&self.products, &mut sums.products[range]);
    }
}

/// Sums each four columns into one block.
fn store<T: Copy + Into<i32>>(columns: &[T; RUN], blocks: &mut [f64]) {
    for (block, columns) in blocks.iter_mut().zip(columns.chunks_exact(BLOCK)) {
        let sum: i32 = columns.iter().map(|&column| column.into()).sum();
        *block = f64::from(sum);
    }
}

/// Block sums of two-byte samples, low byte first.
fn sums16(a: &Rows<'_>, b: &Rows<'_>, sums: &mut Sums) {
    let blocks = a[0].len() / (2 * BLOCK);
    for block in 0..blocks {
        let range = block * 2 * BLOCK..(block + 1) * 2 * BLOCK;
        let (mut sum_a, mut sum_b, mut squares, mut products) = (0u32, 0u32, 0u64, 0u64);
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (&a[range.clone()], &b[range.clone()]);
            for (a, b) in a.chunks_exact(2).zip(b.chunks_exact(2)) {
                let a = u32::from(u16::from_le_bytes([a[0], a[1]]));
                let b = u32::from(u16::from_le_bytes([b[0], b[1]]));
                sum_a += a;
                sum_b += b;
                squares += u64::from(a * a) + u64::from(b * b);
                products += u64::from(a * b);
            }
        }
        sums.a[block] = f64::from(sum_a);
        sums.b[block] = f64::from(sum_b);
        sums.squares[block] = squares as f64;
        sums.products[block] = products as f64;
    }
}
