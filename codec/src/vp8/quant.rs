// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantizer steps (RFC 6386 §9.6, §14.1).

use super::header::{Header, QuantIndices};
use super::state::Segmentation;
use super::tables::{AC_STEPS, DC_STEPS};

/// Steps of coefficient 0 and of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub dc: i32,
    pub ac: i32,
}

/// Steps of the three kinds of blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quantizer {
    /// Luma.
    pub y: Steps,
    /// Second-order luma.
    pub y2: Steps,
    /// Chroma.
    pub uv: Steps,
}

impl Quantizer {
    /// Steps at `index` with the frame's differences.
    pub fn new(index: i32, indices: &QuantIndices) -> Self {
        let at = |delta: i32| (index + delta).clamp(0, 127) as usize;
        let dc = |delta| i32::from(DC_STEPS[at(delta)]);
        let ac = |delta| i32::from(AC_STEPS[at(delta)]);
        Self {
            y: Steps {
                dc: dc(indices.y_dc_delta),
                ac: ac(0),
            },
            y2: Steps {
                dc: dc(indices.y2_dc_delta) * 2,
                ac: (ac(indices.y2_ac_delta) * 155 / 100).max(8),
            },
            uv: Steps {
                dc: dc(indices.uv_dc_delta).min(132),
                ac: ac(indices.uv_ac_delta),
            },
        }
    }

    /// Those of each segment; without segments all are alike.
    pub fn of_segments(header: &Header, segmentation: &Segmentation) -> [Self; 4] {
        let base = header.quant.y_ac;
        std::array::from_fn(|segment| {
            let own = i32::from(segmentation.quantizer[segment]);
            let index = match (header.segmented, segmentation.absolute) {
                (false, _) => base,
                (true, true) => own,
                (true, false) => base + own,
            };
            Self::new(index.clamp(0, 127), &header.quant)
        })
    }
}
