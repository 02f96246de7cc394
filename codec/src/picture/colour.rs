// SPDX-License-Identifier: MIT OR Apache-2.0
use serde::{Deserialize, Serialize};

/// Colour description by ITU-T H.273 code points; 2 (or 0 for range) means unspecified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColourInfo {
    /// `ColourPrimaries`.
    pub primaries: u8,
    /// `TransferCharacteristics`.
    pub transfer: u8,
    /// `MatrixCoefficients`.
    pub matrix: u8,
    /// 0 unspecified, 1 limited ("tv"), 2 full ("pc").
    pub range: u8,
    /// Chroma sample location as FFmpeg counts it; 0 unspecified, 1 left, 2 centre, 3 top left.
    pub chroma_location: u8,
}

impl Default for ColourInfo {
    fn default() -> Self {
        Self {
            primaries: 2,
            transfer: 2,
            matrix: 2,
            range: 0,
            chroma_location: 0,
        }
    }
}

impl ColourInfo {
    /// True for the two HDR transfer functions: PQ (SMPTE ST 2084, 16) and HLG (18).
    #[must_use]
    pub const fn is_hdr(&self) -> bool {
        matches!(self.transfer, 16 | 18)
    }
}

/// SMPTE ST 2086 mastering display, in the integer units of HEVC's SEI message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MasteringDisplay {
    /// Red, green, blue chromaticity `(x, y)` in units of 0.00002.
    pub primaries: [(u16, u16); 3],
    /// White point `(x, y)` in units of 0.00002.
    pub white_point: (u16, u16),
    /// Highest luminance in units of 0.0001 cd/m².
    pub max_luminance: u32,
    /// Lowest luminance in units of 0.0001 cd/m².
    pub min_luminance: u32,
}

/// CTA-861.3 content light level, in cd/m².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentLight {
    /// Brightest pixel of the programme (MaxCLL).
    pub max_content: u16,
    /// Brightest frame average of the programme (MaxFALL).
    pub max_frame_average: u16,
}
