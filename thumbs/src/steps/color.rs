// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colour profiles to sRGB, ink to light.

use moxcms::{ColorProfile, DataColorSpace, Layout as IccLayout, TransformOptions};

use crate::error::{Result, ThumbError};
use crate::picture::{div255, Layout, Picture};

/// In sRGB, and without ink. With `keep`, pictures of light are left as they are. A profile that
/// cannot be used is left out, and the second value says why.
pub(super) fn to_srgb(
    picture: Picture,
    profile: Option<&[u8]>,
    keep: bool,
) -> Result<(Picture, Option<String>)> {
    let ink = picture.layout() == Layout::Cmyk;
    let Some(bytes) = profile.filter(|_| ink || !keep) else {
        return Ok((without_ink(picture)?, None));
    };
    match by_profile(&picture, bytes) {
        Ok(converted) => Ok((converted, None)),
        Err(reason) => Ok((
            without_ink(picture)?,
            Some(format!("the colour profile is left out: {reason}")),
        )),
    }
}

fn by_profile(picture: &Picture, bytes: &[u8]) -> Result<Picture, String> {
    let text = |error: moxcms::CmsError| error.to_string();
    let profile = ColorProfile::new_from_slice(bytes).map_err(text)?;
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let mut samples;
    let (from, source): (IccLayout, &[u8]) = match (profile.color_space, picture.layout()) {
        (DataColorSpace::Cmyk, Layout::Cmyk) => (IccLayout::Rgba, picture.samples()),
        (DataColorSpace::Rgb, Layout::Rgb) => (IccLayout::Rgb, picture.samples()),
        (DataColorSpace::Rgb, Layout::Rgba) => (IccLayout::Rgba, picture.samples()),
        (DataColorSpace::Gray, Layout::Rgb) => {
            samples = picture
                .samples()
                .iter()
                .step_by(3)
                .copied()
                .collect::<Vec<u8>>();
            (IccLayout::Gray, &samples)
        }
        (DataColorSpace::Gray, Layout::Rgba) => {
            samples = Vec::with_capacity(picture.samples().len() / 2);
            for pixel in picture.samples().chunks_exact(4) {
                samples.extend_from_slice(&[pixel[0], pixel[3]]);
            }
            (IccLayout::GrayAlpha, &samples)
        }
        (space, layout) => return Err(format!("it is of {space:?}, the picture of {layout:?}")),
    };
    let (to, layout) = match picture.layout() {
        Layout::Rgba => (IccLayout::Rgba, Layout::Rgba),
        _ => (IccLayout::Rgb, Layout::Rgb),
    };
    let transform = profile
        .create_transform_8bit(from, &srgb, to, options)
        .map_err(text)?;
    let mut out = vec![0; picture.size().pixels() as usize * layout.bytes()];
    transform.transform(source, &mut out).map_err(text)?;
    Picture::new(picture.size(), layout, out).map_err(|error| error.to_string())
}

/// Ink without a profile: each ink takes its light away.
fn without_ink(picture: Picture) -> Result<Picture> {
    if picture.layout() != Layout::Cmyk {
        return Ok(picture);
    }
    let mut samples = Vec::with_capacity(picture.samples().len() / 4 * 3);
    for pixel in picture.samples().chunks_exact(4) {
        let paper = u32::from(255 - pixel[3]);
        for &ink in &pixel[..3] {
            samples.push(div255(u32::from(255 - ink) * paper));
        }
    }
    Picture::new(picture.size(), Layout::Rgb, samples).map_err(|e| ThumbError::bug("colour", e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Size;

    fn picture(layout: Layout, pixels: &[u8]) -> Picture {
        let width = (pixels.len() / layout.bytes()) as u32;
        Picture::new(Size::new(width, 1), layout, pixels.to_vec()).unwrap()
    }

    fn close(found: &[u8], wanted: &[u8], by: u8) {
        let near = found.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= by);
        assert!(
            near && found.len() == wanted.len(),
            "{found:?} for {wanted:?}"
        );
    }

    #[test]
    fn wide_colours_become_srgbs() {
        // Display P3's (200, 100, 50) is about sRGB's (216, 95, 30), by the matrices of both.
        let profile = ColorProfile::new_display_p3().encode().unwrap();
        let (out, warning) =
            to_srgb(picture(Layout::Rgb, &[200, 100, 50]), Some(&profile), false).unwrap();
        assert_eq!(warning, None);
        close(out.samples(), &[213, 96, 34], 6);
        let kept = to_srgb(picture(Layout::Rgb, &[200, 100, 50]), Some(&profile), true).unwrap();
        assert_eq!(kept.0.samples(), [200, 100, 50]);
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let same = to_srgb(
            picture(Layout::Rgba, &[200, 100, 50, 7]),
            Some(&srgb),
            false,
        )
        .unwrap();
        close(same.0.samples(), &[200, 100, 50, 7], 1);
    }

    #[test]
    fn grey_profiles_fit_grey_pictures() {
        let profile = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
        for (layout, pixel) in [
            (Layout::Rgb, &[128, 128, 128][..]),
            (Layout::Rgba, &[128, 128, 128, 9]),
        ] {
            let (out, warning) = to_srgb(picture(layout, pixel), Some(&profile), false).unwrap();
            assert_eq!(warning, None);
            close(out.samples(), pixel, 3);
        }
    }

    #[test]
    fn ink_takes_light_away() {
        let inks = [0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 255, 255, 128];
        let (out, _) = to_srgb(picture(Layout::Cmyk, &inks), None, true).unwrap();
        assert_eq!(
            out.samples(),
            [255, 255, 255, 0, 255, 255, 0, 0, 0, 127, 0, 0]
        );
    }

    #[test]
    fn profiles_that_cannot_be_used_are_left_out() {
        let cmyk_like = ColorProfile::new_srgb().encode().unwrap();
        for (layout, profile) in [
            (Layout::Rgb, &b""[..]),
            (Layout::Rgb, b"rubbish"),
            (Layout::Cmyk, &cmyk_like),
            (Layout::Rgb, &cmyk_like[..200]),
        ] {
            let pixel = vec![0; layout.bytes()];
            let (out, warning) = to_srgb(picture(layout, &pixel), Some(profile), false).unwrap();
            assert_eq!(out.layout(), Layout::Rgb);
            assert!(warning
                .unwrap()
                .starts_with("the colour profile is left out: "));
        }
    }
}
