// SPDX-License-Identifier: MIT OR Apache-2.0
//! HDR side data between libav's structures and our values.

use crate::picture::{ContentLight, MasteringDisplay};
use ffmpeg_next::ffi;

/// `libavutil/mastering_display_metadata.h`, which the bindings leave out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AvMastering {
    display_primaries: [[ffi::AVRational; 2]; 3],
    white_point: [ffi::AVRational; 2],
    min_luminance: ffi::AVRational,
    max_luminance: ffi::AVRational,
    has_primaries: libc::c_int,
    has_luminance: libc::c_int,
}

/// `AVContentLightMetadata` of the same header.
#[repr(C)]
#[derive(Clone, Copy)]
struct AvContentLight {
    max_cll: libc::c_uint,
    max_fall: libc::c_uint,
}

/// A libav rational in units of `1/scale`, rounded; 0 for unusable ones.
fn scaled(r: ffi::AVRational, scale: f64) -> f64 {
    if r.den == 0 {
        return 0.0;
    }
    (f64::from(r.num) * scale / f64::from(r.den))
        .round()
        .max(0.0)
}

/// Reads an `AVMasteringDisplayMetadata`; `None` when neither half is set.
pub fn mastering_from_bytes(bytes: &[u8]) -> Option<MasteringDisplay> {
    if bytes.len() < size_of::<AvMastering>() {
        return None;
    }
    // SAFETY: the length is checked, the structure is plain data, the read unaligned.
    let m = unsafe { bytes.as_ptr().cast::<AvMastering>().read_unaligned() };
    if m.has_primaries == 0 || m.has_luminance == 0 {
        return None;
    }
    let point =
        |p: [ffi::AVRational; 2]| (scaled(p[0], 50_000.0) as u16, scaled(p[1], 50_000.0) as u16);
    Some(MasteringDisplay {
        primaries: [
            point(m.display_primaries[0]),
            point(m.display_primaries[1]),
            point(m.display_primaries[2]),
        ],
        white_point: point(m.white_point),
        max_luminance: scaled(m.max_luminance, 10_000.0) as u32,
        min_luminance: scaled(m.min_luminance, 10_000.0) as u32,
    })
}

/// Reads an `AVContentLightMetadata`.
pub fn content_light_from_bytes(bytes: &[u8]) -> Option<ContentLight> {
    if bytes.len() < size_of::<AvContentLight>() {
        return None;
    }
    // SAFETY: the length is checked, the structure is plain data, the read unaligned.
    let c = unsafe { bytes.as_ptr().cast::<AvContentLight>().read_unaligned() };
    Some(ContentLight {
        max_content: c.max_cll.min(65_535) as u16,
        max_frame_average: c.max_fall.min(65_535) as u16,
    })
}

/// libav's structure from our value.
pub fn mastering_to_av(m: &MasteringDisplay) -> AvMastering {
    let chroma = |v: u16| ffi::AVRational {
        num: i32::from(v),
        den: 50_000,
    };
    let light = |v: u32| ffi::AVRational {
        num: v.min(i32::MAX as u32) as i32,
        den: 10_000,
    };
    AvMastering {
        display_primaries: m.primaries.map(|(x, y)| [chroma(x), chroma(y)]),
        white_point: [chroma(m.white_point.0), chroma(m.white_point.1)],
        min_luminance: light(m.min_luminance),
        max_luminance: light(m.max_luminance),
        has_primaries: 1,
        has_luminance: 1,
    }
}
