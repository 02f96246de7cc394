// SPDX-License-Identifier: MIT OR Apache-2.0
//! A decoded frame as a picture.

use framemill_codec::libav::{Frame, VideoFilter};
use framemill_codec::picture::Rational;
use framemill_thumbs::plan::Size;
use framemill_thumbs::{Layout, Picture, Result, ThumbError};

use super::broken;

/// The frame in RGB, with square pixels: its rows are made longer, or where that would be more
/// than `most` pixels, and that is for a header to say, fewer.
///
/// libswscale brings whatever the frame's format, matrix and range are to full-range BT.601 without
/// subsampling, which is turned into RGB here.
pub(super) fn picture(frame: &Frame, most: u64) -> Result<Picture> {
    let geometry = frame.geometry();
    let size = Size::new(geometry.width, geometry.height);
    let Size { width, height } = match geometry.sar.is_positive() {
        true => square(size, geometry.sar.as_f64(), most),
        false => size,
    };
    let chain = format!(
        "scale={width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int+bitexact:\
         out_color_matrix=bt601:out_range=full,format=yuv444p"
    );
    let error = |e: framemill_codec::Error| broken(&e);
    let unit = Rational::new(1, 1000);
    let mut filter = VideoFilter::new(&chain, &geometry, unit).map_err(error)?;
    filter.send(Some(frame)).map_err(error)?;
    filter.send(None).map_err(error)?;
    let scaled = filter.receive().map_err(error)?;
    let scaled = scaled.ok_or_else(|| ThumbError::Bug {
        what: "video",
        reason: "a filter kept its frame".into(),
    })?;
    let view = scaled.view().map_err(error)?;
    let [luma, blue, red] = &view.planes[..] else {
        return Err(ThumbError::Bug {
            what: "video",
            reason: "a frame without three planes".into(),
        });
    };
    let mut samples = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..luma.height {
        let rows = luma.row(y, 1).iter().zip(blue.row(y, 1)).zip(red.row(y, 1));
        for ((luma, blue), red) in rows {
            samples.extend_from_slice(&rgb(*luma, *blue, *red));
        }
    }
    Picture::new(Size::new(width, height), Layout::Rgb, samples)
}

/// The size with square pixels of what has pixels `aspect` times as wide as high.
fn square(size: Size, aspect: f64, most: u64) -> Size {
    // What is not plausible is not believed.
    if !(0.1..=10.0).contains(&aspect) {
        return size;
    }
    let scaled = |side: u32, by: f64| (f64::from(side) * by).round().max(1.0) as u32;
    let wide = scaled(size.width, aspect);
    if u64::from(wide) * u64::from(size.height) <= most && wide <= 65_535 {
        Size::new(wide, size.height)
    } else {
        Size::new(size.width, scaled(size.height, 1.0 / aspect))
    }
}

/// JFIF's conversion, in 16 bits of fraction.
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (luma, blue, red) = (
        i32::from(luma) << 16,
        i32::from(blue) - 128,
        i32::from(red) - 128,
    );
    let round = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [
        round(luma + 91_881 * red),
        round(luma - 22_554 * blue - 46_802 * red),
        round(luma + 116_130 * blue),
    ]
}

#[cfg(test)]
mod tests {
    use super::{rgb, square};
    use framemill_thumbs::plan::Size;

    #[test]
    fn pixels_become_square_and_not_too_many() {
        for (size, aspect, wanted) in [
            ((720, 576), 64.0 / 45.0, (1024, 576)),
            ((720, 480), 8.0 / 9.0, (640, 480)),
            ((7000, 7000), 9.0, (7000, 778)),
            ((7000, 7000), 0.2, (1400, 7000)),
            ((100, 1), 9.0, (900, 1)),
            ((40, 30), 11.0, (40, 30)),
            ((40, 30), 1.0, (40, 30)),
        ] {
            let found = square(Size::new(size.0, size.1), aspect, 50_000_000);
            assert_eq!(found, Size::new(wanted.0, wanted.1), "{size:?} {aspect}");
        }
    }

    #[test]
    fn primaries_come_out() {
        for (yuv, wanted) in [
            ([0, 128, 128], [0, 0, 0]),
            ([255, 128, 128], [255, 255, 255]),
            ([76, 85, 255], [254, 0, 0]),
            ([150, 44, 21], [0, 255, 1]),
            ([29, 255, 107], [0, 0, 254]),
        ] {
            let found = rgb(yuv[0], yuv[1], yuv[2]);
            let near = found
                .iter()
                .zip(wanted)
                .all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 1);
            assert!(near, "{yuv:?}: {found:?}");
        }
    }
}
