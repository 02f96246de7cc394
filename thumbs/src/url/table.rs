// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every option: its names, how many arguments it takes, and what they do.

use std::ops::RangeInclusive;

use base64::Engine;

use super::args::{
    factor, gravity, hex_color, named, number, whole, Args, POSITIONS, RESIZING_TYPES,
};
use super::options::{Extend, Options, Rgb, Trim, VideoSecond, WatermarkPosition};
use super::source::URL_SAFE;
use crate::Format;

/// Longest side and offset that a URL may ask for, in pixels. Far above any limit of results, it
/// keeps sums and products of sizes within 64 bits.
pub(super) const MOST_PIXELS: u32 = 1 << 24;

/// One option.
pub(super) struct Entry {
    /// The long name first, then the others.
    pub(super) names: &'static [&'static str],
    /// How many arguments it takes.
    pub(super) arguments: RangeInclusive<usize>,
    /// Puts the arguments into the options; an error says what is wrong.
    pub(super) apply: fn(&mut Options, &mut Args<'_>) -> Result<(), String>,
    /// Whether only servers that say so let URLs use it.
    pub(super) limit: bool,
}

const fn entry(
    names: &'static [&'static str],
    arguments: RangeInclusive<usize>,
    apply: fn(&mut Options, &mut Args<'_>) -> Result<(), String>,
) -> Entry {
    Entry {
        names,
        arguments,
        apply,
        limit: false,
    }
}

const fn limit(
    names: &'static [&'static str],
    apply: fn(&mut Options, &mut Args<'_>) -> Result<(), String>,
) -> Entry {
    Entry {
        names,
        arguments: 1..=1,
        apply,
        limit: true,
    }
}

/// Every option but `preset`, which is not one of [`Options`].
pub(super) const TABLE: &[Entry] = &[
    entry(&["resize", "rs"], 1..=8, |o, a| {
        set_resizing_type(o, a)?;
        size(o, &mut a.tail(1))
    }),
    entry(&["size", "s"], 1..=7, size),
    entry(&["resizing_type", "rt"], 1..=1, set_resizing_type),
    entry(&["width", "w"], 1..=1, |o, a| {
        a.whole(0, 0..=MOST_PIXELS, &mut o.width)
    }),
    entry(&["height", "h"], 1..=1, |o, a| {
        a.whole(0, 0..=MOST_PIXELS, &mut o.height)
    }),
    entry(&["min-width", "min_width", "mw"], 1..=1, |o, a| {
        a.whole(0, 0..=MOST_PIXELS, &mut o.min_width)
    }),
    entry(&["min-height", "min_height", "mh"], 1..=1, |o, a| {
        a.whole(0, 0..=MOST_PIXELS, &mut o.min_height)
    }),
    entry(&["zoom", "z"], 1..=2, zoom),
    entry(&["dpr"], 1..=1, |o, a| a.factor(0, &mut o.dpr)),
    entry(&["enlarge", "el"], 1..=1, |o, a| {
        a.truth(0, &mut o.enlarge);
        Ok(())
    }),
    entry(&["extend", "ex"], 1..=4, |o, a| extend(&mut o.extend, a)),
    entry(
        &["extend_aspect_ratio", "extend_ar", "exar"],
        1..=4,
        |o, a| extend(&mut o.extend_aspect_ratio, a),
    ),
    entry(&["gravity", "g"], 1..=3, |o, a| {
        o.gravity = gravity(a, true)?.unwrap_or(o.gravity);
        Ok(())
    }),
    entry(&["crop", "c"], 1..=5, crop),
    entry(&["trim", "t"], 1..=4, trim),
    entry(&["padding", "pd"], 1..=4, padding),
    entry(&["auto_rotate", "ar"], 1..=1, |o, a| {
        a.truth(0, &mut o.auto_rotate);
        Ok(())
    }),
    entry(&["rotate", "rot"], 1..=1, rotate),
    entry(&["flip", "fl"], 1..=2, |o, a| {
        a.truth(0, &mut o.flip_horizontal);
        a.truth(1, &mut o.flip_vertical);
        Ok(())
    }),
    entry(&["background", "bg"], 1..=3, background),
    entry(&["blur", "bl"], 1..=1, |o, a| {
        a.number(0, 0.0..=f64::MAX, &mut o.blur)
    }),
    entry(&["sharpen", "sh"], 1..=1, |o, a| {
        a.number(0, 0.0..=f64::MAX, &mut o.sharpen)
    }),
    entry(&["pixelate", "pix"], 1..=1, |o, a| {
        a.whole(0, 0..=MOST_PIXELS, &mut o.pixelate)
    }),
    entry(&["watermark", "wm"], 1..=5, watermark),
    entry(&["quality", "q"], 1..=1, |o, a| {
        a.whole(0, 0..=100, &mut o.quality)
    }),
    entry(&["format_quality", "fq"], 2..=64, format_quality),
    entry(&["max_bytes", "mb"], 1..=1, |o, a| {
        a.whole(0, 0..=u64::MAX, &mut o.max_bytes)
    }),
    entry(&["format", "f", "ext"], 1..=1, |o, a| {
        if let Some(name) = a.get(0) {
            o.format = Some(format(name)?);
        }
        Ok(())
    }),
    entry(&["strip_metadata", "sm"], 1..=1, |o, a| {
        a.truth(0, &mut o.strip_metadata);
        Ok(())
    }),
    entry(&["keep_copyright", "kcr"], 1..=1, |o, a| {
        a.truth(0, &mut o.keep_copyright);
        Ok(())
    }),
    entry(&["strip_color_profile", "scp"], 1..=1, |o, a| {
        a.truth(0, &mut o.strip_color_profile);
        Ok(())
    }),
    entry(&["preserve_hdr", "ph"], 1..=1, |o, a| {
        a.truth(0, &mut o.preserve_hdr);
        Ok(())
    }),
    entry(&["enforce_thumbnail", "eth"], 1..=1, |o, a| {
        a.truth(0, &mut o.enforce_thumbnail);
        Ok(())
    }),
    entry(&["skip_processing", "skp"], 1..=64, |o, a| {
        for name in a.all().iter().filter(|name| !name.is_empty()) {
            o.skip_processing.insert(format(name)?);
        }
        Ok(())
    }),
    entry(&["raw"], 1..=1, |o, a| {
        a.truth(0, &mut o.raw);
        Ok(())
    }),
    entry(&["cachebuster", "cb"], 1..=1, |o, a| {
        if let Some(text) = a.get(0) {
            text.clone_into(&mut o.cachebuster);
        }
        Ok(())
    }),
    entry(&["expires", "exp"], 1..=1, |o, a| {
        if let Some(text) = a.get(0) {
            o.expires = Some(whole(text, 0..=i64::MAX)?);
        }
        Ok(())
    }),
    entry(&["filename", "fn"], 1..=2, filename),
    entry(&["return_attachment", "att"], 1..=1, |o, a| {
        a.truth(0, &mut o.return_attachment);
        Ok(())
    }),
    entry(&["video_thumbnail_second", "vts"], 1..=1, |o, a| {
        match a.get(0) {
            None => {}
            Some("best") => o.video_second = Some(VideoSecond::Best),
            Some(text) => {
                o.video_second = Some(VideoSecond::At(number(text, 0.0..=f64::MAX)?));
            }
        }
        Ok(())
    }),
    limit(&["max_src_resolution", "msr"], |o, a| {
        set_some(a, &mut o.limits.megapixels, factor)
    }),
    limit(&["max_src_file_size", "msfs"], |o, a| {
        set_some(a, &mut o.limits.bytes, |text| whole(text, 0..=u64::MAX))
    }),
    limit(&["max_animation_frames", "maf"], |o, a| {
        set_some(a, &mut o.limits.frames, |text| whole(text, 1..=u32::MAX))
    }),
    limit(&["max_animation_frame_resolution", "mafr"], |o, a| {
        set_some(a, &mut o.limits.frame_megapixels, |text| {
            number(text, 0.0..=f64::MAX)
        })
    }),
    limit(&["max_result_dimension", "mrd"], |o, a| {
        set_some(a, &mut o.limits.result_side, |text| {
            whole(text, 0..=MOST_PIXELS)
        })
    }),
];

/// The entry that has this name.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.names.contains(&name))
}

/// The format that an extension names, or an error that says it names none.
pub(super) fn format(name: &str) -> Result<Format, String> {
    Format::from_extension(name).ok_or_else(|| {
        let name = super::error::shown(name);
        format!("{name:?} is no image format known here")
    })
}

fn set_some<T>(
    args: &Args<'_>,
    value: &mut Option<T>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<(), String> {
    if let Some(text) = args.get(0) {
        *value = Some(read(text)?);
    }
    Ok(())
}

fn set_resizing_type(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    if let Some(text) = args.get(0) {
        options.resizing_type = named(text, &RESIZING_TYPES)?;
    }
    Ok(())
}

fn size(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    args.whole(0, 0..=MOST_PIXELS, &mut options.width)?;
    args.whole(1, 0..=MOST_PIXELS, &mut options.height)?;
    args.truth(2, &mut options.enlarge);
    extend(&mut options.extend, &mut args.tail(3))
}

fn zoom(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    args.factor(0, &mut options.zoom_x)?;
    if args.get(0).is_some() {
        options.zoom_y = options.zoom_x;
    }
    args.factor(1, &mut options.zoom_y)
}

fn extend(extend: &mut Extend, args: &mut Args<'_>) -> Result<(), String> {
    args.truth(0, &mut extend.enabled);
    if let Some(wanted) = gravity(&args.tail(1), false)? {
        extend.gravity = wanted;
    }
    Ok(())
}

fn crop(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    let most = f64::from(MOST_PIXELS);
    args.number(0, 0.0..=most, &mut options.crop.width)?;
    args.number(1, 0.0..=most, &mut options.crop.height)?;
    if let Some(wanted) = gravity(&args.tail(2), true)? {
        options.crop.gravity = Some(wanted);
    }
    Ok(())
}

fn trim(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    let mut trim = options.trim.unwrap_or(Trim {
        threshold: 10.0,
        color: None,
        equal_horizontal: false,
        equal_vertical: false,
    });
    args.number(0, 0.0..=f64::MAX, &mut trim.threshold)?;
    if let Some(text) = args.get(1) {
        trim.color = Some(hex_color(text)?);
    }
    args.truth(2, &mut trim.equal_horizontal);
    args.truth(3, &mut trim.equal_vertical);
    options.trim = Some(trim);
    Ok(())
}

/// As in CSS: right follows top, below follows top, left follows right.
fn padding(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    let padding = &mut options.padding;
    let range = 0..=MOST_PIXELS;
    if let Some(text) = args.get(0) {
        let all = whole(text, range.clone())?;
        (padding.top, padding.right) = (all, all);
        (padding.bottom, padding.left) = (all, all);
    }
    if let Some(text) = args.get(1) {
        padding.right = whole(text, range.clone())?;
        padding.left = padding.right;
    }
    args.whole(2, range.clone(), &mut padding.bottom)?;
    args.whole(3, range, &mut padding.left)
}

fn rotate(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    let Some(text) = args.get(0) else {
        return Ok(());
    };
    let angle: i64 = whole(text, i64::MIN..=i64::MAX)
        .map_err(|_| format!("{:?} is no whole number", super::error::shown(text)))?;
    if angle % 90 != 0 {
        return Err(format!("{angle} degrees are not a multiple of 90"));
    }
    options.quarter_turns = u8::try_from(angle.rem_euclid(360) / 90).unwrap_or(0);
    Ok(())
}

fn background(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    match args.all() {
        [""] => options.background = None,
        [hex] => options.background = Some(hex_color(hex)?),
        [r, g, b] => {
            let level = |text: &str| whole(text, 0..=255u8);
            options.background = Some(Rgb([level(r)?, level(g)?, level(b)?]));
        }
        _ => return Err("it takes one argument or three".into()),
    }
    Ok(())
}

fn watermark(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    let watermark = &mut options.watermark;
    args.number(0, 0.0..=1.0, &mut watermark.opacity)?;
    match args.get(1) {
        None => {}
        Some("re") => watermark.position = WatermarkPosition::Replicate,
        Some(text) => {
            let position = named(text, &POSITIONS).map_err(|reason| format!("{reason}, re"))?;
            watermark.position = WatermarkPosition::At(position);
        }
    }
    args.number(2, f64::MIN..=f64::MAX, &mut watermark.x)?;
    args.number(3, f64::MIN..=f64::MAX, &mut watermark.y)?;
    args.number(4, 0.0..=f64::MAX, &mut watermark.scale)
}

fn format_quality(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    for pair in args.all().chunks(2) {
        let [name, quality] = pair else {
            return Err(format!("{:?} has no quality", super::error::shown(pair[0])));
        };
        options
            .format_quality
            .insert(format(name)?, whole(quality, 0..=100)?);
    }
    Ok(())
}

fn filename(options: &mut Options, args: &mut Args<'_>) -> Result<(), String> {
    let mut encoded = false;
    args.truth(1, &mut encoded);
    let Some(name) = args.get(0) else {
        return Ok(());
    };
    let bytes = if encoded {
        URL_SAFE
            .decode(name.trim_end_matches('='))
            .map_err(|_| "the name is no base64".to_owned())?
    } else {
        percent_encoding::percent_decode_str(name).collect()
    };
    options.filename = String::from_utf8(bytes).map_err(|_| "the name is no UTF-8".to_owned())?;
    Ok(())
}
