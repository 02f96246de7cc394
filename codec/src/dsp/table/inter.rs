// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inter prediction (RFC 6386 §18): the table and its methods.

#![allow(unsafe_code)]

use crate::dsp::block::{Dst, Reach, Src, MAX_HEIGHT, MAX_STRIDE};
use crate::dsp::Dsp;

/// The width of an inter-predicted block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Width {
    /// 4 samples.
    W4,
    /// 8 samples.
    W8,
    /// 16 samples.
    W16,
}

impl Width {
    /// The width in samples.
    #[inline]
    pub const fn samples(self) -> usize {
        4 << self as usize
    }
}

/// From where to where a macroblock is predicted by one motion vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Motion {
    /// Where Y, U and V begin in the source.
    pub from: [usize; 3],
    /// The source's strides of luma and of chroma.
    pub from_stride: [usize; 2],
    /// Where Y, U and V begin in the destination.
    pub to: [usize; 3],
    /// The destination's strides of luma and of chroma.
    pub to_stride: [usize; 2],
    /// The rest of luma's vector in eighths of a sample: `(mx, my)`.
    pub luma: (usize, usize),
    /// The rest of chroma's.
    pub chroma: (usize, usize),
}

/// Predicts all planes of a macroblock: (source, destination, motion).
pub(in crate::dsp) type Macroblock = unsafe fn(&[u8], &mut [u8], &Motion);
/// Writes a block of a fixed width: (source, destination, height, mx, my).
pub(in crate::dsp) type Filter = unsafe fn(Src<'_>, Dst<'_>, usize, usize, usize);
/// Writes a block of a fixed width: (source, destination, height).
pub(in crate::dsp) type Copy = unsafe fn(Src<'_>, Dst<'_>, usize);

/// Kernels by [`Width`]. The six-tap and bilinear ones are called with at
/// least one fraction that is not zero, and a height that is a multiple of 4.
#[derive(Debug)]
pub(in crate::dsp) struct Inter {
    /// Six-tap; where there is none, blocks are predicted one by one.
    pub macroblock: Option<Macroblock>,
    pub sixtap: [Filter; 3],
    pub bilinear: [Filter; 3],
    pub copy: [Copy; 3],
}

impl Motion {
    /// Whether a source of `len` bytes has all that six taps read around the
    /// blocks in both directions, and 3 bytes more, which loads take along.
    #[inline(always)]
    fn is_roomy(&self, len: usize) -> bool {
        let fits = |plane: usize, side: usize, stride: usize| {
            let at = self.from[plane];
            let (before, after) = (2 * stride + 2, (side + 2) * stride + side + 6);
            (stride <= MAX_STRIDE) & (at >= before) & (at <= len) & (len.wrapping_sub(at) >= after)
        };
        let [luma, chroma] = self.from_stride;
        fits(0, 16, luma) & fits(1, 8, chroma) & fits(2, 8, chroma)
    }
}

#[inline(always)]
fn check_shape(height: usize, mx: usize, my: usize) {
    if !(height.wrapping_sub(1) < MAX_HEIGHT && height.is_multiple_of(4) && (mx | my) < 8) {
        bad_shape(height, mx, my);
    }
}

#[cold]
#[inline(never)]
fn bad_shape(height: usize, mx: usize, my: usize) -> ! {
    panic!("block of {height} rows at fraction ({mx}, {my})");
}

impl Dsp {
    /// Predicts all planes of a macroblock by [`sixtap`](Self::sixtap).
    ///
    /// # Panics
    /// As [`sixtap`](Self::sixtap).
    #[inline]
    pub fn sixtap_macroblock(&self, src: &[u8], dst: &mut [u8], motion: &Motion) {
        let Some(macroblock) = self.inter.macroblock.filter(|_| motion.is_roomy(src.len())) else {
            return self.sixtap_blocks(src, dst, motion);
        };
        let (luma, chroma) = (motion.luma, motion.chroma);
        check_shape(16, luma.0 | chroma.0, luma.1 | chroma.1);
        for (plane, at) in motion.to.into_iter().enumerate() {
            let side = if plane == 0 { 16 } else { 8 };
            let stride = motion.to_stride[usize::from(plane > 0)];
            Reach::block(side, side).check(dst.len(), at, stride);
        }
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { macroblock(src, dst, motion) }
    }

    fn sixtap_blocks(&self, src: &[u8], dst: &mut [u8], motion: &Motion) {
        for plane in 0..3 {
            let (from, to) = (motion.from[plane], motion.to[plane]);
            let kind = usize::from(plane > 0);
            let (width, (mx, my)) = match plane {
                0 => (Width::W16, motion.luma),
                _ => (Width::W8, motion.chroma),
            };
            self.sixtap(
                width,
                src,
                from,
                motion.from_stride[kind],
                dst,
                to,
                motion.to_stride[kind],
                width.samples(),
                mx,
                my,
            );
        }
    }

    /// Predicts a block by the six-tap filters of RFC 6386 §18.3.
    ///
    /// The block's top left sample is `src[at]`; `mx` and `my` are the rest of
    /// the motion vector in eighths of a sample, rightwards and downwards. The
    /// horizontal pass comes first; each pass rounds and clamps to a byte, and
    /// is left out where its fraction is zero. A pass that runs reads 2 samples
    /// before and 3 after the block in its direction.
    ///
    /// # Panics
    /// If `height` is not a multiple of 4 in 4..=64, a fraction is over 7, or
    /// the samples read or written reach out of `src` or `dst`.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn sixtap(
        &self,
        width: Width,
        src: &[u8],
        at: usize,
        src_stride: usize,
        dst: &mut [u8],
        dst_at: usize,
        dst_stride: usize,
        height: usize,
        mx: usize,
        my: usize,
    ) {
        if mx | my == 0 {
            return self.copy(width, src, at, src_stride, dst, dst_at, dst_stride, height);
        }
        check_shape(height, mx, my);
        let columns = width.samples();
        let (x, y) = (usize::from(mx != 0), usize::from(my != 0));
        let reach = Reach {
            above: 2 * y,
            left: 2 * x,
            rows: height + 3 * y,
            columns: columns + 3 * x,
        };
        reach.check(src.len(), at, src_stride);
        Reach::block(columns, height).check(dst.len(), dst_at, dst_stride);
        let (src, dst) = places(src, at, src_stride, dst, dst_at, dst_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.inter.sixtap[width as usize])(src, dst, height, mx, my) }
    }

    /// Predicts a block by the bilinear filters of RFC 6386 §18.3.
    ///
    /// As [`sixtap`](Self::sixtap), but a pass reads no sample before the block
    /// and 1 after it.
    ///
    /// # Panics
    /// As [`sixtap`](Self::sixtap).
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn bilinear(
        &self,
        width: Width,
        src: &[u8],
        at: usize,
        src_stride: usize,
        dst: &mut [u8],
        dst_at: usize,
        dst_stride: usize,
        height: usize,
        mx: usize,
        my: usize,
    ) {
        if mx | my == 0 {
            return self.copy(width, src, at, src_stride, dst, dst_at, dst_stride, height);
        }
        check_shape(height, mx, my);
        let columns = width.samples();
        let (x, y) = (usize::from(mx != 0), usize::from(my != 0));
        Reach::block(columns + x, height + y).check(src.len(), at, src_stride);
        Reach::block(columns, height).check(dst.len(), dst_at, dst_stride);
        let (src, dst) = places(src, at, src_stride, dst, dst_at, dst_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.inter.bilinear[width as usize])(src, dst, height, mx, my) }
    }

    /// Copies a block: prediction by a whole motion vector.
    ///
    /// # Panics
    /// If `height` is not a multiple of 4 in 4..=64, or the samples read or
    /// written reach out of `src` or `dst`.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn copy(
        &self,
        width: Width,
        src: &[u8],
        at: usize,
        src_stride: usize,
        dst: &mut [u8],
        dst_at: usize,
        dst_stride: usize,
        height: usize,
    ) {
        check_shape(height, 0, 0);
        let reach = Reach::block(width.samples(), height);
        reach.check(src.len(), at, src_stride);
        reach.check(dst.len(), dst_at, dst_stride);
        let (src, dst) = places(src, at, src_stride, dst, dst_at, dst_stride);
        // SAFETY: the CPU has this table's level; the blocks are checked above.
        unsafe { (self.inter.copy[width as usize])(src, dst, height) }
    }
}

#[inline(always)]
fn places<'a, 'b>(
    src: &'a [u8],
    at: usize,
    src_stride: usize,
    dst: &'b mut [u8],
    dst_at: usize,
    dst_stride: usize,
) -> (Src<'a>, Dst<'b>) {
    let src = Src {
        data: src,
        at,
        stride: src_stride,
    };
    let dst = Dst {
        data: dst,
        at: dst_at,
        stride: dst_stride,
    };
    (src, dst)
}
