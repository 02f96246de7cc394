// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a URL can ask for, with the values that hold where it asks for nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::Format;

/// How a picture is brought to the size that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResizingType {
    /// Within the size, keeping its shape.
    #[default]
    Fit,
    /// Covering the size, keeping its shape; what stands out is cut off.
    Fill,
    /// Like `Fill`; where the picture is smaller than the size, the size shrinks and keeps its
    /// shape.
    FillDown,
    /// Exactly to the size, whatever becomes of its shape.
    Force,
    /// `Fill` where picture and size are both upright or both lying, else `Fit`.
    Auto,
}

/// A place in a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// The middle.
    #[default]
    Center,
    /// The middle of the upper edge.
    North,
    /// The middle of the right edge.
    East,
    /// The middle of the lower edge.
    South,
    /// The middle of the left edge.
    West,
    /// The upper left corner.
    NorthWest,
    /// The upper right corner.
    NorthEast,
    /// The lower left corner.
    SouthWest,
    /// The lower right corner.
    SouthEast,
}

/// What stays when something is cut off, or where a picture lies in a larger one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gravity {
    /// A place, moved by `x` and `y`: pixels before `dpr`, or between −1 and 1 (exclusive) shares
    /// of the outer picture's sides.
    Compass {
        /// The place.
        position: Position,
        /// To the right; at the right edge to the left.
        x: f64,
        /// Down; at the lower edge up.
        y: f64,
    },
    /// A point to keep near the middle, as shares of width and height from 0 to 1.
    FocusPoint {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// The part that draws the eye.
    Smart,
}

impl Default for Gravity {
    fn default() -> Self {
        Self::Compass {
            position: Position::Center,
            x: 0.0,
            y: 0.0,
        }
    }
}

/// Room made around a picture that is smaller than asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extend {
    /// Whether room is made at all.
    pub enabled: bool,
    /// Where the picture lies in it; never [`Gravity::Smart`].
    pub gravity: Gravity,
}

/// A cut before the resize.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Crop {
    /// Width in pixels, below 1 as a share of the source's, 0 for all of it.
    pub width: f64,
    /// Height in the same way.
    pub height: f64,
    /// What stays; without it the gravity of the resize.
    pub gravity: Option<Gravity>,
}

/// A colour, red, green, blue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rgb(pub [u8; 3]);

/// Removal of a border of one colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trim {
    /// How far a border's pixels may be from its colour, in levels of 0 to 255 a channel.
    pub threshold: f64,
    /// The border's colour; without it that of the upper left pixel.
    pub color: Option<Rgb>,
    /// Cut as much on the left as on the right: the lesser of the two.
    pub equal_horizontal: bool,
    /// Cut as much above as below: the lesser of the two.
    pub equal_vertical: bool,
}

/// Room around the result, in pixels before `dpr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Above.
    pub top: u32,
    /// On the right.
    pub right: u32,
    /// Below.
    pub bottom: u32,
    /// On the left.
    pub left: u32,
}

/// Where watermarks lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatermarkPosition {
    /// Once, at a place.
    At(Position),
    /// Side by side over all of the result.
    Replicate,
}

/// A picture laid over the result; off while `opacity` is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watermark {
    /// From 0 (off) to 1; the server's own opacity is multiplied in.
    pub opacity: f64,
    /// Where it lies.
    pub position: WatermarkPosition,
    /// Offset to the right in pixels, below 1 as a share of the width; between watermarks when
    /// replicated.
    pub x: f64,
    /// Offset down in the same way.
    pub y: f64,
    /// Its size as a share of the result's; 0 leaves it as it is.
    pub scale: f64,
}

impl Default for Watermark {
    fn default() -> Self {
        Self {
            opacity: 0.0,
            position: WatermarkPosition::At(Position::Center),
            x: 0.0,
            y: 0.0,
            scale: 0.0,
        }
    }
}

/// Limits that a URL sets, where the server lets it; 0 and `None` leave the server's own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AskedLimits {
    /// Megapixels of the source.
    pub megapixels: Option<f64>,
    /// Bytes of the source.
    pub bytes: Option<u64>,
    /// Frames of an animation; further ones are left out.
    pub frames: Option<u32>,
    /// Megapixels of a frame of an animation.
    pub frame_megapixels: Option<f64>,
    /// Pixels of the result's longer side.
    pub result_side: Option<u32>,
}

/// Which frame of a video is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VideoSecond {
    /// The one shown at this time, in seconds from the start.
    At(f64),
    /// One that is neither black nor blurred.
    Best,
}

/// Everything that a URL asks for.
///
/// `Display` prints it as segments of a path, and only what is not as in [`Options::default`]:
/// parsing that gives the same options.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How the picture is brought to its size.
    pub resizing_type: ResizingType,
    /// Width in pixels before `dpr`; 0 follows from the height.
    pub width: u32,
    /// Height in pixels before `dpr`; 0 follows from the width.
    pub height: u32,
    /// Least width of the resized picture in pixels before `dpr`.
    pub min_width: u32,
    /// Least height in the same way.
    pub min_height: u32,
    /// Factor of the width, above 0.
    pub zoom_x: f64,
    /// Factor of the height, above 0.
    pub zoom_y: f64,
    /// Pixels of the result a pixel asked for, above 0.
    pub dpr: f64,
    /// Make small pictures larger.
    pub enlarge: bool,
    /// Make room up to width and height.
    pub extend: Extend,
    /// Make room up to the shape of width and height.
    pub extend_aspect_ratio: Extend,
    /// What stays when the result is cut.
    pub gravity: Gravity,
    /// The cut before the resize.
    pub crop: Crop,
    /// Removal of a border.
    pub trim: Option<Trim>,
    /// Room around the result.
    pub padding: Padding,
    /// Turn as EXIF says.
    pub auto_rotate: bool,
    /// Quarter turns clockwise, 0 to 3.
    pub quarter_turns: u8,
    /// Mirror left and right.
    pub flip_horizontal: bool,
    /// Mirror above and below.
    pub flip_vertical: bool,
    /// The colour behind transparent parts.
    pub background: Option<Rgb>,
    /// Sigma of a Gaussian blur in pixels; 0 for none.
    pub blur: f64,
    /// Sigma of the mask that sharpens, in pixels; 0 for none.
    pub sharpen: f64,
    /// Side of squares of one colour in pixels; 0 and 1 for none.
    pub pixelate: u32,
    /// The watermark.
    pub watermark: Watermark,
    /// 1 to 100; 0 takes the format's.
    pub quality: u8,
    /// Qualities by format, which hold where `quality` is 0.
    pub format_quality: BTreeMap<Format, u8>,
    /// Lower the quality until the result has no more bytes; 0 for any.
    pub max_bytes: u64,
    /// The result's format; without it the server's choice.
    pub format: Option<Format>,
    /// Drop EXIF, XMP and the like.
    pub strip_metadata: bool,
    /// Keep copyright notices even then.
    pub keep_copyright: bool,
    /// Convert to sRGB and drop the colour profile.
    pub strip_color_profile: bool,
    /// Keep more than 8 bits a channel where the result's format can.
    pub preserve_hdr: bool,
    /// Take the small picture that HEIC and AVIF may hold.
    pub enforce_thumbnail: bool,
    /// Formats that pass through untouched where no other format is asked for.
    pub skip_processing: BTreeSet<Format>,
    /// Pass the source through without looking at it.
    pub raw: bool,
    /// Any text, to make caches see another URL.
    pub cachebuster: String,
    /// When the URL stops working, in seconds since 1970.
    pub expires: Option<i64>,
    /// The file name for `Content-Disposition`, without extension; empty for the source's.
    pub filename: String,
    /// Ask browsers to save the result.
    pub return_attachment: bool,
    /// Limits.
    pub limits: AskedLimits,
    /// Which frame of a video.
    pub video_second: Option<VideoSecond>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            resizing_type: ResizingType::default(),
            width: 0,
            height: 0,
            min_width: 0,
            min_height: 0,
            zoom_x: 1.0,
            zoom_y: 1.0,
            dpr: 1.0,
            enlarge: false,
            extend: Extend::default(),
            extend_aspect_ratio: Extend::default(),
            gravity: Gravity::default(),
            crop: Crop::default(),
            trim: None,
            padding: Padding::default(),
            auto_rotate: true,
            quarter_turns: 0,
            flip_horizontal: false,
            flip_vertical: false,
            background: None,
            blur: 0.0,
            sharpen: 0.0,
            pixelate: 0,
            watermark: Watermark::default(),
            quality: 0,
            format_quality: BTreeMap::new(),
            max_bytes: 0,
            format: None,
            strip_metadata: true,
            keep_copyright: true,
            strip_color_profile: true,
            preserve_hdr: false,
            enforce_thumbnail: false,
            skip_processing: BTreeSet::new(),
            raw: false,
            cachebuster: String::new(),
            expires: None,
            filename: String::new(),
            return_attachment: false,
            limits: AskedLimits::default(),
            video_second: None,
        }
    }
}
