// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which steps there are.

use crate::plan::{Orientation, Sides, Size, Sizes};
use crate::url::{Gravity, Options, Rgb, Watermark};

/// A step from a picture to a picture. Sizes are those of the picture that lies right.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Cut out of the source, and resize; the picture still lies as stored.
    Resize {
        /// What is cut out.
        crop: Size,
        /// Where.
        gravity: Gravity,
        /// Factor of offsets.
        dpr: f64,
        /// What it is resized to.
        to: Size,
        /// How the picture will be turned.
        orientation: Orientation,
    },
    /// To sRGB; with `keep`, pictures of light keep their profile's colours.
    Colour {
        /// Whether the profile will be kept.
        keep: bool,
    },
    /// Turn and mirror.
    Orient(Orientation),
    /// Cut to the result.
    Cut {
        /// What is cut out.
        size: Size,
        /// Where.
        gravity: Gravity,
        /// Factor of offsets.
        dpr: f64,
    },
    /// Blur with this sigma, in pixels.
    Blur(f64),
    /// Sharpen with a mask of this sigma, in pixels.
    Sharpen(f64),
    /// Squares of this many pixels a side.
    Pixelate(u32),
    /// Transparent room up to a size.
    Extend {
        /// The size.
        size: Size,
        /// Where the picture lies in it.
        gravity: Gravity,
        /// Factor of offsets.
        dpr: f64,
    },
    /// Transparent room on each side.
    Pad {
        /// Pixels of each side.
        sides: Sides,
        /// The size with them.
        size: Size,
    },
    /// Over a background, without opacities.
    Flatten(Rgb),
    /// A watermark on top.
    Watermark {
        /// Where, and how.
        options: Watermark,
        /// Factor of offsets.
        dpr: f64,
    },
}

/// What the result's format can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// Opacities.
    pub alpha: bool,
    /// A colour profile.
    pub profile: bool,
    /// What is behind transparent parts where there are no opacities and no other background was
    /// asked for.
    pub background: Rgb,
}

/// The steps that the options ask for, in imgproxy's order: cut and resize, colour, turn, cut to
/// the result, filters, extend, extend to the shape, padding, background, watermark.
///
/// Trimming comes before, since all sizes depend on it.
#[must_use]
pub fn list(
    options: &Options,
    sizes: &Sizes,
    orientation: Orientation,
    output: Output,
) -> Vec<Step> {
    let dpr = sizes.scaled.dpr;
    let mut steps = vec![
        Step::Resize {
            crop: sizes.crop,
            gravity: options.crop.gravity.unwrap_or(options.gravity),
            dpr: 1.0,
            to: sizes.resized,
            orientation,
        },
        Step::Colour {
            keep: output.profile && !options.strip_color_profile,
        },
    ];
    let turned = orientation != Orientation::default();
    steps.extend(turned.then_some(Step::Orient(orientation)));
    let gravity = options.gravity;
    let (cut, size) = (sizes.cut != sizes.resized, sizes.cut);
    steps.extend(cut.then_some(Step::Cut { size, gravity, dpr }));
    steps.extend((options.blur > 0.0).then_some(Step::Blur(options.blur)));
    steps.extend((options.sharpen > 0.0).then_some(Step::Sharpen(options.sharpen)));
    steps.extend((options.pixelate > 1).then_some(Step::Pixelate(options.pixelate)));
    for (before, size, extend) in [
        (sizes.cut, sizes.extended, &options.extend),
        (sizes.extended, sizes.shaped, &options.extend_aspect_ratio),
    ] {
        let gravity = extend.gravity;
        steps.extend((size != before).then_some(Step::Extend { size, gravity, dpr }));
    }
    let (sides, size) = (sizes.padding, sizes.result);
    steps.extend((size != sizes.shaped).then_some(Step::Pad { sides, size }));
    let fallback = (!output.alpha).then_some(output.background);
    steps.extend(options.background.or(fallback).map(Step::Flatten));
    let watermark = options.watermark;
    let marked = Step::Watermark {
        options: watermark,
        dpr,
    };
    steps.extend((watermark.opacity > 0.0).then_some(marked));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Grammar;

    fn steps(text: &str, source: Size, exif: u32, alpha: bool) -> String {
        let request = Grammar::default()
            .parse_unsigned(&format!("/{text}/plain/a"))
            .unwrap();
        let mut orientation = Orientation::from_exif(exif);
        orientation = orientation.turned(request.options.quarter_turns);
        let sizes = Sizes::new(orientation.size(source), &request.options, false, 0);
        let output = Output {
            alpha,
            profile: true,
            background: Rgb([255; 3]),
        };
        let steps = list(&request.options, &sizes, orientation, output);
        let name = |step: &Step| {
            let text = format!("{step:?}");
            text.split([' ', '(']).next().unwrap_or_default().to_owned()
        };
        steps.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn steps_are_those_that_make_a_difference() {
        let source = Size::new(400, 300);
        assert_eq!(steps("w:100", source, 1, true), "Resize Colour");
        assert_eq!(
            steps("w:100", source, 6, false),
            "Resize Colour Orient Flatten"
        );
        assert_eq!(
            steps("rs:fill:100:100/bl:1", source, 0, true),
            "Resize Colour Cut Blur"
        );
        assert_eq!(
            steps(
                "rs:fill:500:500:0:1/exar:1/pd:1/bg:fff/wm:1/bl:1/sh:1/pix:2/rot:90",
                source,
                1,
                false
            ),
            "Resize Colour Orient Blur Sharpen Pixelate Extend Pad Flatten Watermark"
        );
    }
}
