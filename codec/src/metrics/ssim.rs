// SPDX-License-Identifier: MIT OR Apache-2.0
//! SSIM over 8x8 windows stepped by 4 both ways, as x264 and FFmpeg's `ssim`
//! filter compute it: each window is the sum of four 4x4 blocks, and up to 3
//! samples at the right and lower edge that fill no block don't count.

use super::geometry::Geometry;
use super::Error;
use crate::dsp::{Dsp, Routine, SsimSums};
use crate::picture::{PictureView, PlaneView};

/// Side of a block in samples, and the step of the windows.
const BLOCK: usize = 4;
/// Windows whose similarities are worked out at a time.
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
    let dsp = Dsp::best();
    let (mut above, mut below) = (Sums::new(columns), Sums::new(columns));
    rows_of(a, 0, &mut above, b);
    let mut total = 0.0;
    for y in 1..rows {
        rows_of(a, y, &mut below, b);
        total += dsp.run(Windows {
            above: &above,
            below: &below,
            constants,
        });
        std::mem::swap(&mut above, &mut below);
    }
    total / ((rows - 1) * (columns - 1)) as f64
}

/// The windows between two rows of blocks.
struct Windows<'a> {
    above: &'a Sums,
    below: &'a Sums,
    constants: &'a Constants,
}

impl Routine for Windows<'_> {
    type Output = f64;

    /// Sum of the similarity of every window, left to right.
    #[inline(always)]
    fn run(self) -> f64 {
        let count = self.above.a.len() - 1;
        let (mut total, mut similarities) = (0.0, [0.0; RUN]);
        for start in (0..count).step_by(RUN) {
            let similarities = &mut similarities[..RUN.min(count - start)];
            self.fill(start, similarities);
            for similarity in similarities {
                total += *similarity;
            }
        }
        total
    }
}

impl Windows<'_> {
    /// The similarity of the windows from `start` on. Only the order in which
    /// similarities are added is felt in the result, so this may be vectors.
    #[inline(always)]
    fn fill(&self, start: usize, similarities: &mut [f64]) {
        let range = start..start + similarities.len() + 1;
        let (above, below) = (self.above, self.below);
        let rows =
            |of: fn(&Sums) -> &Vec<f64>| [&of(above)[range.clone()], &of(below)[range.clone()]];
        let (a, b) = (rows(|s| &s.a), rows(|s| &s.b));
        let (squares, products) = (rows(|s| &s.squares), rows(|s| &s.products));
        let sum = |[above, below]: [&[f64]; 2], x: usize| {
            (above[x] + below[x]) + (above[x + 1] + below[x + 1])
        };
        let Constants {
            mean,
            variance: spread,
        } = *self.constants;
        for (x, similarity) in similarities.iter_mut().enumerate() {
            let (a, b) = (sum(a, x), sum(b, x));
            let means = a * b;
            let powers = a * a + b * b;
            let variance = sum(squares, x) * WINDOW - powers;
            let covariance = sum(products, x) * WINDOW - means;
            let top = (2.0 * means + mean) * (2.0 * covariance + spread);
            let bottom = (powers + mean) * (variance + spread);
            *similarity = top / bottom;
        }
    }
}

/// Block sums of 8-bit samples.
fn sums8(a: &Rows<'_>, b: &Rows<'_>, sums: &mut Sums) {
    let sums = SsimSums {
        a: &mut sums.a,
        b: &mut sums.b,
        squares: &mut sums.squares,
        products: &mut sums.products,
    };
    Dsp::best().ssim_sums(a, b, sums);
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
