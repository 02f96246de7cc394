// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colour, mastering display and light level in rav1e's types and units.

use super::Error;
use crate::picture::{ChromaSampling, ColourInfo, ContentLight, MasteringDisplay};
use rav1e::prelude as rav;

/// Units of [`MasteringDisplay`]'s chromaticity in 1.
const CHROMA_UNITS: u64 = 50_000;
/// Units of [`MasteringDisplay`]'s luminance in 1 cd/m².
const LUMINANCE_UNITS: u64 = 10_000;

pub(super) const fn sampling(sampling: ChromaSampling) -> rav::ChromaSampling {
    match sampling {
        ChromaSampling::Mono => rav::ChromaSampling::Cs400,
        ChromaSampling::Cs420 => rav::ChromaSampling::Cs420,
        ChromaSampling::Cs422 => rav::ChromaSampling::Cs422,
        ChromaSampling::Cs444 => rav::ChromaSampling::Cs444,
    }
}

/// FFmpeg's "left" and "top left" have a code in AV1; all others are unknown.
pub(super) const fn sample_position(colour: &ColourInfo) -> rav::ChromaSamplePosition {
    match colour.chroma_location {
        1 => rav::ChromaSamplePosition::Vertical,
        3 => rav::ChromaSamplePosition::Colocated,
        _ => rav::ChromaSamplePosition::Unknown,
    }
}

/// The three code points, reserved ones as unspecified; `None` when all are unspecified.
pub(super) fn description(colour: &ColourInfo) -> Option<rav::ColorDescription> {
    let description = rav::ColorDescription {
        color_primaries: primaries(colour.primaries),
        transfer_characteristics: transfer(colour.transfer),
        matrix_coefficients: matrix(colour.matrix),
    };
    let unspecified = description.color_primaries == rav::ColorPrimaries::Unspecified
        && description.transfer_characteristics == rav::TransferCharacteristics::Unspecified
        && description.matrix_coefficients == rav::MatrixCoefficients::Unspecified;
    (!unspecified).then_some(description)
}

/// Range of the samples. The sRGB triple (1, 13, 0) has no range bit in the
/// bitstream and is full by definition.
///
/// # Errors
/// When the identity matrix meets subsampled chroma, or sRGB limited range.
pub(super) fn range(
    colour: &ColourInfo,
    sampling: ChromaSampling,
) -> Result<rav::PixelRange, Error> {
    let has_chroma = sampling != ChromaSampling::Mono;
    if colour.matrix == 0 && has_chroma && sampling != ChromaSampling::Cs444 {
        return Err(Error::Config {
            field: "colour.matrix",
            value: "0 (identity)".into(),
            expected: "4:4:4 chroma with the identity matrix",
        });
    }
    let srgb = (colour.primaries, colour.transfer, colour.matrix) == (1, 13, 0) && has_chroma;
    match (colour.range, srgb) {
        (2, _) | (0, true) => Ok(rav::PixelRange::Full),
        (0 | 1, false) => Ok(rav::PixelRange::Limited),
        (1, true) => Err(Error::Config {
            field: "colour.range",
            value: "1 (limited)".into(),
            expected: "full range with the sRGB code points",
        }),
        (other, _) => Err(Error::Config {
            field: "colour.range",
            value: other.to_string(),
            expected: "0 (unspecified), 1 (limited) or 2 (full)",
        }),
    }
}

/// Chromaticity in 0.16 fixed point, luminance in 24.8 (highest) and 18.14 (lowest).
pub(super) fn mastering(display: &MasteringDisplay) -> rav::MasteringDisplay {
    let point = |(x, y): (u16, u16)| rav::ChromaticityPoint {
        x: fraction(x),
        y: fraction(y),
    };
    rav::MasteringDisplay {
        primaries: display.primaries.map(point),
        white_point: point(display.white_point),
        max_luminance: luminance(display.max_luminance, 8),
        min_luminance: luminance(display.min_luminance, 14),
    }
}

pub(super) const fn light(light: &ContentLight) -> rav::ContentLight {
    rav::ContentLight {
        max_content_light_level: light.max_content,
        max_frame_average_light_level: light.max_frame_average,
    }
}

/// Units of 0.00002 to 0.16 fixed point, to the nearest; saturates just under 1.
fn fraction(value: u16) -> u16 {
    let scaled = ((u64::from(value) << 16) + CHROMA_UNITS / 2) / CHROMA_UNITS;
    u16::try_from(scaled).unwrap_or(u16::MAX)
}

/// Units of 0.0001 cd/m² to fixed point with `bits` fraction bits, to the nearest; saturates.
fn luminance(value: u32, bits: u32) -> u32 {
    let scaled = ((u64::from(value) << bits) + LUMINANCE_UNITS / 2) / LUMINANCE_UNITS;
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

const fn primaries(code: u8) -> rav::ColorPrimaries {
    use rav::ColorPrimaries as P;
    match code {
        1 => P::BT709,
        4 => P::BT470M,
        5 => P::BT470BG,
        6 => P::BT601,
        7 => P::SMPTE240,
        8 => P::GenericFilm,
        9 => P::BT2020,
        10 => P::XYZ,
        11 => P::SMPTE431,
        12 => P::SMPTE432,
        22 => P::EBU3213,
        _ => P::Unspecified,
    }
}

const fn transfer(code: u8) -> rav::TransferCharacteristics {
    use rav::TransferCharacteristics as T;
    match code {
        1 => T::BT709,
        4 => T::BT470M,
        5 => T::BT470BG,
        6 => T::BT601,
        7 => T::SMPTE240,
        8 => T::Linear,
        9 => T::Log100,
        10 => T::Log100Sqrt10,
        11 => T::IEC61966,
        12 => T::BT1361,
        13 => T::SRGB,
        14 => T::BT2020_10Bit,
        15 => T::BT2020_12Bit,
        16 => T::SMPTE2084,
        17 => T::SMPTE428,
        18 => T::HLG,
        _ => T::Unspecified,
    }
}

const fn matrix(code: u8) -> rav::MatrixCoefficients {
    use rav::MatrixCoefficients as M;
    match code {
        0 => M::Identity,
        1 => M::BT709,
        4 => M::FCC,
        5 => M::BT470BG,
        6 => M::BT601,
        7 => M::SMPTE240,
        8 => M::YCgCo,
        9 => M::BT2020NCL,
        10 => M::BT2020CL,
        11 => M::SMPTE2085,
        12 => M::ChromatNCL,
        13 => M::ChromatCL,
        14 => M::ICtCp,
        _ => M::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mastering_display_units() {
        let display = MasteringDisplay {
            primaries: [(34_000, 16_000), (13_250, 34_500), (7_500, 3_000)],
            white_point: (15_635, 16_450),
            max_luminance: 10_000_000,
            min_luminance: 50,
        };
        let out = mastering(&display);
        assert_eq!((out.primaries[0].x, out.primaries[0].y), (44_564, 20_972));
        assert_eq!((out.white_point.x, out.white_point.y), (20_493, 21_561));
        assert_eq!(out.max_luminance, 1000 << 8);
        assert_eq!(out.min_luminance, 82);
        assert_eq!((fraction(50_000), fraction(u16::MAX)), (u16::MAX, u16::MAX));
        assert_eq!(luminance(u32::MAX, 14), u32::MAX);
    }

    #[test]
    fn code_points_keep_their_numbers() {
        for code in 0..=255 {
            let [p, t, m] = [
                primaries(code) as u8,
                transfer(code) as u8,
                matrix(code) as u8,
            ];
            assert!(p == code || p == 2, "primaries {code} became {p}");
            assert!(t == code || t == 2, "transfer {code} became {t}");
            assert!(m == code || m == 2, "matrix {code} became {m}");
        }
        assert!(description(&ColourInfo::default()).is_none());
        assert!(description(&ColourInfo {
            matrix: 9,
            ..ColourInfo::default()
        })
        .is_some());
    }

    #[test]
    fn identity_needs_full_chroma() {
        let rgb = ColourInfo {
            primaries: 1,
            transfer: 13,
            matrix: 0,
            ..ColourInfo::default()
        };
        assert_eq!(
            range(&rgb, ChromaSampling::Cs444),
            Ok(rav::PixelRange::Full)
        );
        assert!(range(&rgb, ChromaSampling::Cs420).is_err());
        assert!(range(&ColourInfo { range: 1, ..rgb }, ChromaSampling::Cs444).is_err());
        assert!(range(
            &ColourInfo {
                range: 3,
                matrix: 2,
                ..rgb
            },
            ChromaSampling::Cs444
        )
        .is_err());
    }
}
