// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the halves of frames.

// Plain index loops over lanes become vectors.
#![allow(clippy::needless_range_loop)]

use super::SOURCE;
use crate::dsp::{Dsp, Routine};
use crate::error::Result;
use crate::vp8::frame::Geometry;
use crate::vp8::state_wire::classes::{symbols_of, unpack, CODES};
use crate::vp8::state_wire::code::{self, Decoder};
use crate::vp8::state_wire::corrupt;
use crate::vp8::state_wire::predict::{Edge, Front, Tile, RULES};
use crate::vp8::state_wire::streams::{Reader, GROUP};
use crate::vp8::state_wire::strips::{Half, Strip};

/// Fills that half of all frames.
pub(super) fn read_half(
    parts: Vec<Part<'_>>,
    geometry: Geometry,
    half: usize,
    mut frames: Vec<Half<&mut [u8]>>,
) -> Result<()> {
    for (n, mut part) in parts.into_iter().enumerate() {
        let (earlier, own) = frames.split_at_mut(n);
        let reading = Reading {
            geometry,
            half,
            samples: &mut own[0],
            reader: &mut part.reader,
            blocks: &part.blocks,
            codes: &part.codes,
            earlier,
        };
        Dsp::best().run(reading)?;
        part.reader.finish()?;
    }
    Ok(())
}

/// A frame's half before its symbols are read.
pub(super) struct Part<'a> {
    codes: Vec<Decoder>,
    blocks: Vec<u8>,
    reader: Reader<'a>,
}

impl<'a> Part<'a> {
    /// Takes the half off `from` for a frame with that many before it.
    pub fn new(
        from: &mut &'a [u8],
        geometry: Geometry,
        half: usize,
        earlier: usize,
    ) -> Result<Self> {
        let mut codes = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            codes.push(Decoder::new(&code::read_lengths(from)?)?);
        }
        let mut reader = Reader::new(from)?;
        let strips = Strip::all(geometry, half);
        let count = strips.map(|strip| strip.blocks).sum::<usize>();
        let mut blocks = vec![0; count.next_multiple_of(GROUP)];
        if count > 0 {
            reader.read(&codes[0], &mut blocks)?;
        }
        // A few bytes must not get the memory of a large frame.
        reader.check()?;
        let sources = RULES + earlier;
        if blocks.iter().any(|b| usize::from(b >> SOURCE) >= sources) {
            return Err(corrupt("a block from a frame that is not there"));
        }
        Ok(Self {
            codes,
            blocks,
            reader,
        })
    }
}

/// Turns symbols into samples of a frame's half.
struct Reading<'a, 'b, 'c> {
    geometry: Geometry,
    half: usize,
    samples: &'a mut Half<&'c mut [u8]>,
    reader: &'a mut Reader<'b>,
    blocks: &'a [u8],
    codes: &'a [Decoder],
    earlier: &'a [Half<&'c mut [u8]>],
}

impl Routine for Reading<'_, '_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let mut blocks = self.blocks.iter();
        for strip in Strip::all(self.geometry, self.half) {
            let samples = &mut *self.samples[strip.plane];
            let outside = strip.outside(samples);
            let mut front = Front::new(outside[0]);
            for (n, &block) in blocks.by_ref().take(strip.blocks).enumerate() {
                let class = block & 15;
                let mut symbols = [[0; 16]; 16];
                if class > 0 {
                    let symbols = &mut symbols.as_flattened_mut()[..symbols_of(class)];
                    self.reader.read(&self.codes[usize::from(class)], symbols)?;
                }
                let mut steps = unpack(class, &symbols);
                let above = strip.above(samples, n, outside);
                let edge = strip.edge(n, outside);
                front.turn(&above);
                let source = usize::from(block >> SOURCE);
                match source.checked_sub(RULES) {
                    None => front.restore(source, &mut steps, &above, edge),
                    Some(source) => {
                        let other = &self.earlier[source][strip.plane];
                        add(&mut steps, &strip.steps(other, n, edge), edge);
                        front.fill(&steps);
                    }
                }
                strip.put(samples, n, &steps);
            }
        }
        Ok(())
    }
}

/// Adds the same block of another frame to its steps.
#[inline(always)]
fn add(steps: &mut Tile, other: &Tile, edge: Option<Edge>) {
    for t in 0..16 {
        for r in 0..16 {
            steps[t][r] = steps[t][r].wrapping_add(other[t][r]);
        }
        if let Some(edge) = edge {
            edge.mend(t, &mut steps[t]);
        }
    }
}
