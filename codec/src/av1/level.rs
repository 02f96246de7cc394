// SPDX-License-Identifier: MIT OR Apache-2.0
//! The AV1 level a stream declares (AV1 specification, Annex A).

/// What a stream asks of its decoder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    /// Width in pixels.
    pub width: u64,
    /// Height in pixels.
    pub height: u64,
    /// Pictures a second.
    pub frame_rate: f64,
    /// Target in bits a second; 0 when the rate is not controlled.
    pub bitrate: u64,
    /// Tile columns.
    pub tile_cols: u64,
    /// Tile rows.
    pub tile_rows: u64,
}

/// One row of Annex A's table, Main tier.
struct Level {
    index: u8,
    picture: u64,
    width: u64,
    height: u64,
    display_rate: u64,
    header_rate: u64,
    kilobits: u64,
    tiles: u64,
    tile_cols: u64,
}

/// `seq_level_idx` for "maximum parameters": no limit is promised.
pub(super) const UNLIMITED: u8 = 31;

/// Headers per shown picture: rav1e's pyramid codes up to two hidden pictures in four.
const HEADERS_PER_PICTURE: f64 = 1.5;

#[rustfmt::skip]
const LEVELS: [Level; 14] = [
    level( 0,    147_456,  2048, 1152,     4_423_680, 150,   1_500,   8,  4),
    level( 1,    278_784,  2816, 1584,     8_363_520, 150,   3_000,   8,  4),
    level( 4,    665_856,  4352, 2448,    19_975_680, 150,   6_000,  16,  6),
    level( 5,  1_065_024,  5504, 3096,    31_950_720, 150,  10_000,  16,  6),
    level( 8,  2_359_296,  6144, 3456,    70_778_880, 300,  12_000,  32,  8),
    level( 9,  2_359_296,  6144, 3456,   141_557_760, 300,  20_000,  32,  8),
    level(12,  8_912_896,  8192, 4352,   267_386_880, 300,  30_000,  64,  8),
    level(13,  8_912_896,  8192, 4352,   534_773_760, 300,  40_000,  64,  8),
    level(14,  8_912_896,  8192, 4352, 1_069_547_520, 300,  60_000,  64,  8),
    level(15,  8_912_896,  8192, 4352, 1_069_547_520, 300,  60_000,  64,  8),
    level(16, 35_651_584, 16384, 8704, 1_069_547_520, 300,  60_000, 128, 16),
    level(17, 35_651_584, 16384, 8704, 2_139_095_040, 300, 100_000, 128, 16),
    level(18, 35_651_584, 16384, 8704, 4_278_190_080, 300, 160_000, 128, 16),
    level(19, 35_651_584, 16384, 8704, 4_278_190_080, 300, 160_000, 128, 16),
];

#[allow(clippy::too_many_arguments)] // a row of the table, in its order
const fn level(
    index: u8,
    picture: u64,
    width: u64,
    height: u64,
    display_rate: u64,
    header_rate: u64,
    kilobits: u64,
    tiles: u64,
    tile_cols: u64,
) -> Level {
    Level {
        index,
        picture,
        width,
        height,
        display_rate,
        header_rate,
        kilobits,
        tiles,
        tile_cols,
    }
}

/// True when Annex A defines this `seq_level_idx`, or it is [`UNLIMITED`].
pub(super) fn is_defined(index: u8) -> bool {
    index == UNLIMITED || LEVELS.iter().any(|level| level.index == index)
}

/// The lowest `seq_level_idx` whose limits hold `demand`, else [`UNLIMITED`].
///
/// Size, rate and tiles are certain; the bit rate counts as the target only,
/// so peaks, and streams of constant quantizer, may exceed the level's.
pub(super) fn lowest(demand: &Demand) -> u8 {
    let Demand {
        width,
        height,
        frame_rate,
        bitrate,
        tile_cols,
        tile_rows,
    } = *demand;
    let pixels = width * height;
    LEVELS
        .iter()
        .find(|level| {
            pixels <= level.picture
                && width <= level.width
                && height <= level.height
                && pixels as f64 * frame_rate <= level.display_rate as f64
                && frame_rate * HEADERS_PER_PICTURE <= level.header_rate as f64
                && bitrate <= level.kilobits * 1000
                && tile_cols * tile_rows <= level.tiles
                && tile_cols <= level.tile_cols
        })
        .map_or(UNLIMITED, |level| level.index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_formats() {
        let of = |width, height, frame_rate| {
            let demand = Demand {
                width,
                height,
                frame_rate,
                bitrate: 0,
                tile_cols: 1,
                tile_rows: 1,
            };
            lowest(&demand)
        };
        assert_eq!(of(320, 240, 25.0), 0);
        assert_eq!(of(1280, 720, 30.0), 5);
        assert_eq!(of(1920, 1080, 30.0), 8);
        assert_eq!(of(1080, 1920, 60.0), 9);
        assert_eq!(of(3840, 2160, 60.0), 13);
        assert_eq!(of(7680, 4320, 60.0), 17);
        assert_eq!(of(20_000, 16, 1.0), UNLIMITED);
        assert_eq!(of(64, 64, 1000.0), UNLIMITED);
    }

    #[test]
    fn bitrate_and_tiles_raise_the_level() {
        let plain = Demand {
            width: 640,
            height: 360,
            frame_rate: 25.0,
            bitrate: 0,
            tile_cols: 1,
            tile_rows: 1,
        };
        assert_eq!(lowest(&plain), 1);
        assert_eq!(
            lowest(&Demand {
                bitrate: 8_000_000,
                ..plain
            }),
            5
        );
        assert_eq!(
            lowest(&Demand {
                tile_cols: 4,
                tile_rows: 4,
                ..plain
            }),
            4
        );
        assert!(is_defined(31) && is_defined(13) && !is_defined(2) && !is_defined(32));
    }
}
