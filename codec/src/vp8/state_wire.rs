// SPDX-License-Identifier: MIT OR Apache-2.0
//! A state as bytes, to go on with in another process.
//!
//! ```text
//! "FMV8" version:u8
//! width:u16 height:u16 horizontal_scale:u8 vertical_scale:u8 colour_space:u8 no_clamping:u8
//! coefficient probabilities:1056 mv:38 luma_modes:4 chroma_modes:3
//! absolute:u8 quantizer:4×i8 filter_level:4×i8 segment map:2 bits a macroblock, lowest first
//! deltas by reference:4×i8 by mode:4×i8
//! golden:u8 altref:u8   (which of the frames below; last is the first)
//! frames (`planes`), each different one once
//! blake3(all before):32
//! ```
//! Integers are little-endian. Without references, `width` and `height` are 0
//! and no frame follows.

mod classes;
mod code;
mod digest;
mod planes;
mod predict;
mod streams;
mod strips;

use super::frame::{Frame, Geometry};
use super::state::{FilterDeltas, Probabilities, References, Segmentation, State, StreamInfo};
use super::MAX_PIXELS;
use crate::error::{Error, Result};
use std::sync::Arc;

const MAGIC: &[u8; 4] = b"FMV8";
const VERSION: u8 = 2;
/// Bytes of the digest at the end.
const SEAL: usize = 32;
/// Largest width and height.
const MAX_SIDE: u16 = 16383;

fn corrupt(detail: impl Into<String>) -> Error {
    Error::Corrupt {
        what: "VP8 state",
        detail: detail.into(),
    }
}

impl State {
    /// The state as bytes, which [`from_bytes`](Self::from_bytes) reads.
    ///
    /// Equal references are written once; planes are compressed without loss.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.push(VERSION);
        write_head(&mut out, self);
        if let Some(references) = &self.references {
            write_references(&mut out, references);
        }
        let seal = blake3::hash(&out);
        out.extend(seal.as_bytes());
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. References that were
    /// equal share their planes again.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything else: another version, a changed bit, a
    /// missing or an additional byte. [`Error::Limit`] for a size that we do
    /// not accept. Nothing is allocated before the digest was found right.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let short = || corrupt("it ends too early");
        let magic = bytes.get(..MAGIC.len()).ok_or_else(short)?;
        if magic != MAGIC {
            return Err(corrupt("it does not start with FMV8"));
        }
        let version = *bytes.get(MAGIC.len()).ok_or_else(short)?;
        if version != VERSION {
            return Err(corrupt(format!(
                "version {version} where {VERSION} is known"
            )));
        }
        let (body, seal) = bytes.split_last_chunk::<SEAL>().ok_or_else(short)?;
        if blake3::hash(body) != blake3::Hash::from_bytes(*seal) {
            return Err(corrupt("its digest does not match its bytes"));
        }
        let mut from = body.get(MAGIC.len() + 1..).ok_or_else(short)?;
        let info = read_info(&mut from)?;
        let geometry = Geometry::new(info.width, info.height);
        let state = Self {
            info,
            probabilities: read_probabilities(&mut from)?,
            segmentation: read_segmentation(&mut from, geometry)?,
            deltas: FilterDeltas {
                reference: read_levels(&mut from, 63)?,
                mode: read_levels(&mut from, 63)?,
            },
            references: match geometry.macroblocks() {
                0 => None,
                _ => Some(read_references(&mut from, geometry)?),
            },
        };
        if from.is_empty() {
            Ok(state)
        } else {
            Err(corrupt("bytes after its end"))
        }
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, rest) = from
        .split_first_chunk()
        .ok_or_else(|| corrupt("it ends too early"))?;
    *from = rest;
    Ok(*taken)
}

fn read_flag(from: &mut &[u8]) -> Result<bool> {
    match take(from)? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(corrupt(format!("a flag of {other}"))),
    }
}

/// Four values of at most `limit` either side of 0.
fn read_levels(from: &mut &[u8], limit: u8) -> Result<[i8; 4]> {
    let levels = take(from)?.map(u8::cast_signed);
    match levels.iter().find(|level| level.unsigned_abs() > limit) {
        None => Ok(levels),
        Some(level) => Err(corrupt(format!("a level of {level} beyond {limit}"))),
    }
}

/// Everything but references.
fn write_head(out: &mut Vec<u8>, state: &State) {
    // Named one by one, so that a new field does not compile until it is here.
    let State {
        info,
        probabilities,
        segmentation,
        deltas: FilterDeltas { reference, mode },
        references: _,
    } = state;
    write_info(out, info);
    write_probabilities(out, probabilities);
    write_segmentation(out, segmentation);
    out.extend(reference.map(i8::cast_unsigned));
    out.extend(mode.map(i8::cast_unsigned));
}

fn write_info(out: &mut Vec<u8>, info: &StreamInfo) {
    let StreamInfo {
        width,
        height,
        horizontal_scale,
        vertical_scale,
        colour_space,
        no_clamping,
    } = *info;
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    out.extend([horizontal_scale, vertical_scale]);
    out.extend([u8::from(colour_space), u8::from(no_clamping)]);
}

fn read_info(from: &mut &[u8]) -> Result<StreamInfo> {
    let width = u16::from_le_bytes(take(from)?);
    let height = u16::from_le_bytes(take(from)?);
    let [horizontal_scale, vertical_scale] = take(from)?;
    if (width == 0) != (height == 0) {
        return Err(corrupt(format!("a size of {width}x{height}")));
    }
    let limits = [
        ("width", width.into(), MAX_SIDE.into()),
        ("height", height.into(), MAX_SIDE.into()),
        (
            "pixels of a frame",
            u64::from(width) * u64::from(height),
            MAX_PIXELS,
        ),
        ("horizontal scale", horizontal_scale.into(), 3),
        ("vertical scale", vertical_scale.into(), 3),
    ];
    if let Some((what, value, limit)) = limits.into_iter().find(|&(_, value, limit)| value > limit)
    {
        return Err(Error::Limit { what, value, limit });
    }
    Ok(StreamInfo {
        width,
        height,
        horizontal_scale,
        vertical_scale,
        colour_space: read_flag(from)?,
        no_clamping: read_flag(from)?,
    })
}

fn write_probabilities(out: &mut Vec<u8>, probabilities: &Probabilities) {
    let Probabilities {
        coefficients,
        mv,
        luma_modes,
        chroma_modes,
    } = probabilities;
    out.extend(coefficients.as_flattened().as_flattened().as_flattened());
    out.extend(mv.as_flattened());
    out.extend(luma_modes);
    out.extend(chroma_modes);
}

fn read_probabilities(from: &mut &[u8]) -> Result<Probabilities> {
    let mut probabilities = Probabilities::default();
    let coefficients = probabilities.coefficients.as_flattened_mut();
    for probabilities in coefficients.as_flattened_mut() {
        *probabilities = take(from)?;
    }
    for probabilities in &mut probabilities.mv {
        *probabilities = take(from)?;
    }
    probabilities.luma_modes = take(from)?;
    probabilities.chroma_modes = take(from)?;
    Ok(probabilities)
}

fn write_segmentation(out: &mut Vec<u8>, segmentation: &Segmentation) {
    let Segmentation {
        absolute,
        quantizer,
        filter_level,
        map,
    } = segmentation;
    out.push((*absolute).into());
    out.extend(quantizer.map(i8::cast_unsigned));
    out.extend(filter_level.map(i8::cast_unsigned));
    let four = |segments: &[u8]| segments.iter().rev().fold(0, |byte, s| byte << 2 | s & 3);
    out.extend(map.chunks(4).map(four));
}

fn read_segmentation(from: &mut &[u8], geometry: Geometry) -> Result<Segmentation> {
    let absolute = read_flag(from)?;
    let quantizer = read_levels(from, 127)?;
    let filter_level = read_levels(from, 63)?;
    let macroblocks = geometry.macroblocks();
    let (packed, rest) = from
        .split_at_checked(macroblocks.div_ceil(4))
        .ok_or_else(|| corrupt("it ends too early"))?;
    *from = rest;
    let map = (0..macroblocks).map(|n| packed[n / 4] >> (2 * (n % 4)) & 3);
    Ok(Segmentation {
        absolute,
        quantizer,
        filter_level,
        map: map.collect(),
    })
}

fn write_references(out: &mut Vec<u8>, references: &References) {
    let References {
        last,
        golden,
        altref,
    } = references;
    let mut frames: Vec<Arc<Frame>> = vec![last.clone()];
    for other in [golden, altref] {
        let same = |f: &Arc<Frame>| Arc::ptr_eq(f, other) || f == other;
        let at = frames.iter().position(same).unwrap_or_else(|| {
            frames.push(other.clone());
            frames.len() - 1
        });
        out.push(at as u8);
    }
    planes::write(out, &frames);
}

fn read_references(from: &mut &[u8], geometry: Geometry) -> Result<References> {
    let [golden, altref] = take(from)?.map(|n: u8| usize::from(n));
    if golden > 1 || altref > golden + 1 {
        return Err(corrupt("references that are not there"));
    }
    let frames = planes::read(from, geometry, 1 + golden.max(altref))?;
    let frames: Vec<_> = frames.into_iter().map(Arc::new).collect();
    let frame = |n: usize| frames[n].clone();
    Ok(References {
        last: frame(0),
        golden: frame(golden),
        altref: frame(altref),
    })
}

#[cfg(test)]
mod tests;
