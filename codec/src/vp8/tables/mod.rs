// SPDX-License-Identifier: MIT OR Apache-2.0
//! RFC 6386's tables.

mod coefficients;
mod quantizers;
mod subblock_modes;

pub(crate) use crate::dsp::ZIGZAG;
pub(crate) use coefficients::{COEFFICIENT_UPDATE_PROBS, DEFAULT_COEFFICIENT_PROBS};
pub(crate) use quantizers::{AC_STEPS, DC_STEPS};
pub(crate) use subblock_modes::KEY_SUBBLOCK_MODE_PROBS;

/// Band of the n-th coefficient in coding order (§13.3).
pub(crate) static COEFFICIENT_BANDS: [u8; 16] = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7];

/// Luma modes in key frames: `B_PRED`, then by the tree of §11.2.
pub(crate) static KEY_LUMA_MODE_PROBS: [u8; 4] = [145, 156, 163, 128];
/// Chroma modes in key frames (§11.2).
pub(crate) static KEY_CHROMA_MODE_PROBS: [u8; 3] = [142, 114, 183];
/// Luma modes in inter frames until a header changes them (§16.2).
pub(crate) const DEFAULT_LUMA_MODE_PROBS: [u8; 4] = [112, 86, 140, 37];
/// Chroma modes in inter frames until a header changes them (§16.2).
pub(crate) const DEFAULT_CHROMA_MODE_PROBS: [u8; 3] = [162, 101, 204];
/// Subblock modes in inter frames (§16.2).
pub(crate) static SUBBLOCK_MODE_PROBS: [u8; 9] = [120, 90, 79, 133, 87, 85, 80, 111, 151];

/// Motion vector components at a key frame (§17.2): rows, columns. In each:
/// long form, sign, seven of the short tree, ten bits of the long form.
pub(crate) const DEFAULT_MV_PROBS: [[u8; 19]; 2] = [
    [
        162, 128, 225, 146, 172, 147, 214, 39, 156, 128, 129, 132, 75, 145, 178, 206, 239, 254, 254,
    ],
    [
        164, 128, 204, 170, 119, 235, 140, 230, 228, 128, 130, 130, 74, 148, 180, 203, 236, 254,
        254,
    ],
];

/// Whether a header changes one of them (§17.2).
pub(crate) static MV_UPDATE_PROBS: [[u8; 19]; 2] = [
    [
        237, 246, 253, 253, 254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 250, 250, 252, 254,
        254,
    ],
    [
        231, 243, 245, 253, 254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 251, 251, 254, 254,
        254,
    ],
];

/// Modes of inter macroblocks by the weight of what surrounds them (§16.3).
pub(crate) static MODE_CONTEXTS: [[u8; 4]; 6] = [
    [7, 1, 1, 143],
    [14, 18, 14, 107],
    [135, 64, 57, 68],
    [60, 56, 128, 65],
    [159, 134, 128, 34],
    [234, 188, 128, 28],
];

/// How a macroblock is split: quarters or not, halves or not, left and right or not (§16.3).
pub(crate) static SPLIT_PROBS: [u8; 3] = [110, 111, 150];

/// Motion vectors of split parts by those to the left and above (§16.3):
/// unlike and neither zero, alike, left zero, above zero, both zero.
pub(crate) static SUB_MV_PROBS: [[u8; 3]; 5] = [
    [147, 136, 18],
    [223, 1, 34],
    [106, 145, 1],
    [179, 121, 1],
    [208, 1, 1],
];

/// Extra bits of the token categories (§13.2), first bit first.
pub(crate) static CATEGORY_3: [u8; 3] = [173, 148, 140];
/// As above.
pub(crate) static CATEGORY_4: [u8; 4] = [176, 155, 140, 135];
/// As above.
pub(crate) static CATEGORY_5: [u8; 5] = [180, 157, 141, 134, 130];
/// As above.
pub(crate) static CATEGORY_6: [u8; 11] = [254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129];
