// SPDX-License-Identifier: MIT OR Apache-2.0
//! Options as segments of a path.

use std::fmt;

use base64::Engine;

use super::args::{POSITIONS, RESIZING_TYPES};
use super::options::{Extend, Gravity, Options, Position, VideoSecond, WatermarkPosition};
use super::source::URL_SAFE;

/// Segments as they are collected.
struct Segments(Vec<String>);

impl Segments {
    /// Adds a segment unless the value is the default.
    fn add<T: PartialEq>(&mut self, value: &T, default: &T, print: impl FnOnce(&T) -> String) {
        if value != default {
            self.0.push(print(value));
        }
    }

    fn truth(&mut self, name: &str, value: bool, default: bool) {
        self.add(&value, &default, |value| {
            format!("{name}:{}", u8::from(*value))
        });
    }

    fn plain<T: PartialEq + fmt::Display>(&mut self, name: &str, value: &T, default: &T) {
        self.add(value, default, |value| format!("{name}:{value}"));
    }

    fn some<T: fmt::Display>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.0.push(format!("{name}:{value}"));
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut segments = Segments(Vec::new());
        let default = Self::default();
        size(self, &default, &mut segments);
        place(self, &default, &mut segments);
        pixels(self, &default, &mut segments);
        output(self, &default, &mut segments);
        handling(self, &default, &mut segments);
        f.write_str(&segments.0.join("/"))
    }
}

fn size(o: &Options, default: &Options, s: &mut Segments) {
    s.add(&o.resizing_type, &default.resizing_type, |kind| {
        let name = RESIZING_TYPES.iter().find(|(_, value)| value == kind);
        format!("rt:{}", name.map_or("fit", |(name, _)| *name))
    });
    s.plain("w", &o.width, &default.width);
    s.plain("h", &o.height, &default.height);
    s.plain("mw", &o.min_width, &default.min_width);
    s.plain("mh", &o.min_height, &default.min_height);
    s.add(&(o.zoom_x, o.zoom_y), &(1.0, 1.0), |(x, y)| {
        format!("z:{x}:{y}")
    });
    s.plain("dpr", &o.dpr, &default.dpr);
    s.truth("el", o.enlarge, default.enlarge);
    s.add(&o.extend, &default.extend, |value| extend("ex", value));
    s.add(
        &o.extend_aspect_ratio,
        &default.extend_aspect_ratio,
        |value| extend("exar", value),
    );
}

fn extend(name: &str, extend: &Extend) -> String {
    format!(
        "{name}:{}:{}",
        u8::from(extend.enabled),
        gravity(&extend.gravity)
    )
}

fn position(position: Position) -> &'static str {
    let name = POSITIONS.iter().find(|(_, value)| *value == position);
    name.map_or("ce", |(name, _)| *name)
}

fn gravity(gravity: &Gravity) -> String {
    match gravity {
        Gravity::Smart => "sm".into(),
        Gravity::FocusPoint { x, y } => format!("fp:{x}:{y}"),
        Gravity::Compass { position: at, x, y } => format!("{}:{x}:{y}", position(*at)),
    }
}

fn place(o: &Options, default: &Options, s: &mut Segments) {
    s.add(&o.gravity, &default.gravity, |value| {
        format!("g:{}", gravity(value))
    });
    s.add(&o.crop, &default.crop, |crop| {
        let behind = crop
            .gravity
            .map_or(String::new(), |value| format!(":{}", gravity(&value)));
        format!("c:{}:{}{behind}", crop.width, crop.height)
    });
    if let Some(trim) = o.trim {
        let hex = trim.color.map_or(String::new(), |color| hex(color.0));
        let (h, v) = (
            u8::from(trim.equal_horizontal),
            u8::from(trim.equal_vertical),
        );
        s.0.push(format!("t:{}:{hex}:{h}:{v}", trim.threshold));
    }
    s.add(&o.padding, &default.padding, |pad| {
        format!("pd:{}:{}:{}:{}", pad.top, pad.right, pad.bottom, pad.left)
    });
    s.truth("ar", o.auto_rotate, default.auto_rotate);
    s.add(&o.quarter_turns, &0, |turns| {
        format!("rot:{}", u32::from(*turns) * 90)
    });
    s.add(
        &(o.flip_horizontal, o.flip_vertical),
        &(false, false),
        |(h, v)| format!("fl:{}:{}", u8::from(*h), u8::from(*v)),
    );
}

fn hex(color: [u8; 3]) -> String {
    color.iter().map(|level| format!("{level:02x}")).collect()
}

fn pixels(o: &Options, default: &Options, s: &mut Segments) {
    s.some("bg", o.background.map(|color| hex(color.0)));
    s.plain("bl", &o.blur, &default.blur);
    s.plain("sh", &o.sharpen, &default.sharpen);
    s.plain("pix", &o.pixelate, &default.pixelate);
    s.add(&o.watermark, &default.watermark, |mark| {
        let at = match mark.position {
            WatermarkPosition::At(at) => position(at),
            WatermarkPosition::Replicate => "re",
        };
        format!(
            "wm:{}:{at}:{}:{}:{}",
            mark.opacity, mark.x, mark.y, mark.scale
        )
    });
}

fn output(o: &Options, default: &Options, s: &mut Segments) {
    s.plain("q", &o.quality, &default.quality);
    s.add(&o.format_quality, &default.format_quality, |list| {
        let pairs: Vec<String> = list
            .iter()
            .map(|(format, q)| format!(":{format}:{q}"))
            .collect();
        format!("fq{}", pairs.concat())
    });
    s.plain("mb", &o.max_bytes, &default.max_bytes);
    s.some("f", o.format);
    s.truth("sm", o.strip_metadata, default.strip_metadata);
    s.truth("kcr", o.keep_copyright, default.keep_copyright);
    s.truth("scp", o.strip_color_profile, default.strip_color_profile);
    s.truth("ph", o.preserve_hdr, default.preserve_hdr);
    s.truth("eth", o.enforce_thumbnail, default.enforce_thumbnail);
}

fn handling(o: &Options, default: &Options, s: &mut Segments) {
    s.add(&o.skip_processing, &default.skip_processing, |list| {
        let names: Vec<String> = list.iter().map(|format| format!(":{format}")).collect();
        format!("skp{}", names.concat())
    });
    s.truth("raw", o.raw, default.raw);
    s.plain("cb", &o.cachebuster, &default.cachebuster);
    s.some("exp", o.expires);
    s.add(&o.filename, &default.filename, |name| {
        format!("fn:{}:1", URL_SAFE.encode(name))
    });
    s.truth("att", o.return_attachment, default.return_attachment);
    s.some("msr", o.limits.megapixels);
    s.some("msfs", o.limits.bytes);
    s.some("maf", o.limits.frames);
    s.some("mafr", o.limits.frame_megapixels);
    s.some("mrd", o.limits.result_side);
    match o.video_second {
        None => {}
        Some(VideoSecond::Best) => s.0.push("vts:best".into()),
        Some(VideoSecond::At(second)) => s.0.push(format!("vts:{second}")),
    }
}
