// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names for states and frames: equal values have equal digests, others do not.

use super::write_head;
use crate::vp8::frame::Frame;
use crate::vp8::state::{References, Segmentation, State};
use std::sync::Arc;

/// Samples that are hashed at once.
const PIECE: usize = 64 << 10;

impl Frame {
    /// BLAKE3 over size and planes, borders left out.
    #[must_use]
    pub fn digest(&self) -> blake3::Hash {
        let mut hash = blake3::Hasher::new();
        hash.update(b"framemill VP8 frame");
        for side in [self.geometry.mb_cols, self.geometry.mb_rows] {
            hash.update(&(side as u64).to_le_bytes());
        }
        let mut piece = Vec::with_capacity(PIECE);
        for plane in 0..3 {
            let plane = self.plane(plane);
            for y in 0..plane.height {
                piece.extend_from_slice(plane.row(y, 1));
                if piece.len() >= PIECE {
                    hash.update(&piece);
                    piece.clear();
                }
            }
        }
        hash.update(&piece);
        hash.finalize()
    }
}

impl State {
    /// BLAKE3 over every field, the planes of all references among them.
    #[must_use]
    pub fn digest(&self) -> blake3::Hash {
        let mut head = b"framemill VP8 state".to_vec();
        // All fields but references; the wire form takes the map's length as given.
        write_head(&mut head, self);
        let Segmentation { map, .. } = &self.segmentation;
        head.extend((map.len() as u64).to_le_bytes());
        head.extend(map.iter());
        if let Some(references) = &self.references {
            for digest in digests(references) {
                head.extend(digest.as_bytes());
            }
        }
        blake3::hash(&head)
    }

    /// Bytes of the state when written plainly: every field, and the planes of
    /// each reference.
    #[must_use]
    pub fn plain_size(&self) -> usize {
        let mut head = Vec::new();
        write_head(&mut head, self);
        let frames = if self.references.is_some() { 3 } else { 0 };
        // 16×16 of luma and twice 8×8 of chroma.
        head.len() + frames * self.geometry().macroblocks() * 384
    }
}

/// Those of last, golden and altref; one that is shared is hashed once.
fn digests(references: &References) -> [blake3::Hash; 3] {
    let References {
        last,
        golden,
        altref,
    } = references;
    let of_last = last.digest();
    let of_golden = match Arc::ptr_eq(golden, last) {
        true => of_last,
        false => golden.digest(),
    };
    let of_altref = match altref {
        altref if Arc::ptr_eq(altref, last) => of_last,
        altref if Arc::ptr_eq(altref, golden) => of_golden,
        altref => altref.digest(),
    };
    [of_last, of_golden, of_altref]
}
