// SPDX-License-Identifier: MIT OR Apache-2.0
//! A decoded frame as a picture.

use framemill_codec::libav::{Frame, VideoFilter};
use framemill_codec::picture::Rational;
use framemill_thumbs::plan::Size;
use framemill_thumbs::{Layout, Picture, Result, ThumbError};

use super::broken;

/// The frame in RGB, with square pixels.
///
/// libswscale brings whatever the frame's format, matrix and range are to full-range BT.601 without
/// subsampling, which is turned into RGB here.
pub(super) fn picture(frame: &Frame) -> Result<Picture> {
    let geometry = frame.geometry();
    let (mut width, height) = (geometry.width, geometry.height);
    if geometry.sar.is_positive() && geometry.sar.num != geometry.sar.den {
        let wide = f64::from(width) * geometry.sar.as_f64();
        // What is not plausible is not believed.
        if (1.0..=65_535.0).contains(&wide) && (0.1..=10.0).contains(&geometry.sar.as_f64()) {
            width = wide.round() as u32;
        }
    }
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
    use super::rgb;

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
