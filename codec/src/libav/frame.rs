// SPDX-License-Identifier: MIT OR Apache-2.0
use super::raw::{self, get_enum, set_enum};
use crate::error::{Error, Result};
use crate::picture::{ChromaSampling, ColourInfo, PictureView, PlaneView, Rational};
use ffmpeg_next::ffi;
use std::ptr::NonNull;

/// A decoded picture or stretch of sound, reference-counted by libav.
pub struct Frame(NonNull<ffi::AVFrame>);

// SAFETY: an AVFrame and its buffers belong to whoever holds the reference;
// buffer reference counts are atomic.
unsafe impl Send for Frame {}

/// What a filter or encoder must know of a picture before the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameGeometry {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// libav's pixel format name.
    pub pix_fmt: String,
    /// Shape of a pixel; 0/1 when unknown.
    pub sar: Rational,
}

/// Format of decoded sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundFormat {
    /// Samples a second.
    pub sample_rate: u32,
    /// libav's sample format name.
    pub sample_fmt: String,
    /// Channel layout as libav writes it.
    pub channel_layout: String,
}

impl Frame {
    /// An empty frame.
    ///
    /// # Panics
    /// When memory is exhausted.
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: takes nothing, returns null or a new frame.
        let ptr = unsafe { ffi::av_frame_alloc() };
        Self(NonNull::new(ptr).expect("out of memory for a frame header"))
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }

    fn get(&self) -> &ffi::AVFrame {
        // SAFETY: we own a valid frame.
        unsafe { self.0.as_ref() }
    }

    /// A second reference to the same samples, with its own properties.
    pub fn share(&self) -> Result<Self> {
        // SAFETY: clones a valid frame by reference.
        let ptr = unsafe { ffi::av_frame_clone(self.as_ptr()) };
        NonNull::new(ptr).map(Self).ok_or_else(|| Error::Bug {
            detail: "cannot reference a frame".into(),
        })
    }

    /// Geometry of a picture.
    #[must_use]
    pub fn geometry(&self) -> FrameGeometry {
        let f = self.get();
        FrameGeometry {
            width: f.width.max(0) as u32,
            height: f.height.max(0) as u32,
            pix_fmt: raw::pix_fmt_name(f.format),
            sar: raw::rational(f.sample_aspect_ratio),
        }
    }

    /// Format of a stretch of sound.
    #[must_use]
    pub fn sound(&self) -> SoundFormat {
        let f = self.get();
        let mut channel_layout = super::params::describe_layout(&f.ch_layout);
        if channel_layout.is_empty() || channel_layout.contains("channels") {
            channel_layout = super::params::default_layout(f.ch_layout.nb_channels);
        }
        SoundFormat {
            sample_rate: f.sample_rate.max(0) as u32,
            sample_fmt: raw::sample_fmt_name(f.format),
            channel_layout,
        }
    }

    /// Turns the deprecated `yuvj` formats into their plain twins with the
    /// range marked: the samples are the same.
    pub fn normalise_range(&mut self) {
        let name = raw::pix_fmt_name(self.get().format);
        let Some(rest) = name.strip_prefix("yuvj") else {
            return;
        };
        if let Some(format) = raw::pix_fmt(&format!("yuv{rest}")) {
            let p = self.as_ptr();
            // SAFETY: a frame we own; both formats have the same layout. 2 is AVCOL_RANGE_JPEG.
            unsafe {
                (*p).format = format as libc::c_int;
                set_enum!(p, color_range, 2);
            }
        }
    }

    /// Presentation time in the time base of whoever made the frame.
    #[must_use]
    pub fn pts(&self) -> Option<i64> {
        raw::some_ts(self.get().pts)
    }

    /// libav's best guess of the presentation time.
    #[must_use]
    pub fn best_effort_timestamp(&self) -> Option<i64> {
        raw::some_ts(self.get().best_effort_timestamp)
    }

    /// Sets the presentation time.
    pub fn set_pts(&mut self, pts: i64) {
        // SAFETY: we own a valid frame exclusively.
        unsafe { self.0.as_mut().pts = pts };
    }

    /// True when the decoder itself marked the picture as damaged.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        let f = self.get();
        f.decode_error_flags != 0 || f.flags & ffi::AV_FRAME_FLAG_CORRUPT as i32 != 0
    }

    /// Forgets the decoder's frame type, so that an encoder chooses its own.
    pub fn clear_type(&mut self) {
        // SAFETY: we own a valid frame exclusively.
        unsafe { self.0.as_mut().pict_type = ffi::AVPictureType::AV_PICTURE_TYPE_NONE };
    }

    /// Colour description of a picture.
    #[must_use]
    pub fn colour(&self) -> ColourInfo {
        let p = self.as_ptr();
        // SAFETY: reads integer-sized enum fields of a valid frame.
        unsafe {
            ColourInfo {
                primaries: get_enum!(p, color_primaries) as u8,
                transfer: get_enum!(p, color_trc) as u8,
                matrix: get_enum!(p, colorspace) as u8,
                range: get_enum!(p, color_range) as u8,
                chroma_location: get_enum!(p, chroma_location) as u8,
            }
        }
    }

    /// Sets the colour description of a picture.
    pub fn set_colour(&mut self, colour: &ColourInfo) {
        let p = self.as_ptr();
        // SAFETY: writes integer-sized enum fields of a frame we own.
        unsafe {
            set_enum!(p, color_primaries, i32::from(colour.primaries));
            set_enum!(p, color_trc, i32::from(colour.transfer));
            set_enum!(p, colorspace, i32::from(colour.matrix));
            set_enum!(p, color_range, i32::from(colour.range));
            set_enum!(p, chroma_location, i32::from(colour.chroma_location));
        }
    }

    /// The picture's planes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for formats that are not planar YUV or grey of
    /// 8 to 16 bits in native byte order.
    pub fn view(&self) -> Result<PictureView<'_>> {
        let f = self.get();
        let name = raw::pix_fmt_name(f.format);
        let (depth, sampling) = planar_format(&name).ok_or_else(|| Error::Unsupported {
            what: format!("pixel format {name} has no planar view"),
        })?;
        let bytes = if depth > 8 { 2 } else { 1 };
        let (w, h) = (f.width.max(0) as usize, f.height.max(0) as usize);
        let (cw, ch) = match sampling {
            ChromaSampling::Mono => (0, 0),
            ChromaSampling::Cs420 => (w.div_ceil(2), h.div_ceil(2)),
            ChromaSampling::Cs422 => (w.div_ceil(2), h),
            ChromaSampling::Cs444 => (w, h),
        };
        let count = if sampling == ChromaSampling::Mono {
            1
        } else {
            3
        };
        let mut planes = Vec::with_capacity(count);
        for i in 0..count {
            let (width, height) = if i == 0 { (w, h) } else { (cw, ch) };
            let stride = f.linesize[i];
            if f.data[i].is_null() || stride < (width * bytes) as i32 || height == 0 {
                return Err(Error::Unsupported {
                    what: format!("a {name} picture without plane {i}"),
                });
            }
            let len = stride as usize * (height - 1) + width * bytes;
            // SAFETY: libav allocates at least `linesize` bytes for every row of a plane, and
            // the slice ends with the last row's samples; it borrows from self.
            let data = unsafe { std::slice::from_raw_parts(f.data[i], len) };
            planes.push(PlaneView {
                data,
                stride: stride as usize,
                width,
                height,
            });
        }
        Ok(PictureView {
            planes,
            depth,
            sampling,
        })
    }

    /// BLAKE3 over format, size and all visible samples.
    pub fn digest(&self) -> Result<[u8; 32]> {
        let view = self.view()?;
        let mut hash = blake3::Hasher::new();
        hash.update(raw::pix_fmt_name(self.get().format).as_bytes());
        for plane in &view.planes {
            hash.update(&(plane.width as u64).to_le_bytes());
            for y in 0..plane.height {
                hash.update(plane.row(y, view.bytes_per_sample()));
            }
        }
        Ok(*hash.finalize().as_bytes())
    }
}

/// Bit depth and chroma sampling of planar YUV formats by libav's name.
fn planar_format(name: &str) -> Option<(u8, ChromaSampling)> {
    let base = name.strip_suffix("le").unwrap_or(name);
    if let Some(depth) = base.strip_prefix("gray") {
        return Some((
            if depth.is_empty() {
                8
            } else {
                depth.parse().ok()?
            },
            ChromaSampling::Mono,
        ));
    }
    let rest = base
        .strip_prefix("yuvj")
        .or_else(|| base.strip_prefix("yuv"))?;
    let (sampling, depth) = rest.split_once('p')?;
    let sampling = match sampling {
        "420" => ChromaSampling::Cs420,
        "422" => ChromaSampling::Cs422,
        "444" => ChromaSampling::Cs444,
        _ => return None,
    };
    Some((
        if depth.is_empty() {
            8
        } else {
            depth.parse().ok()?
        },
        sampling,
    ))
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut ptr = self.as_ptr();
        // SAFETY: we own the frame; the pointer is not used again.
        unsafe { ffi::av_frame_free(&raw mut ptr) };
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({:?} at {:?})", self.geometry(), self.pts())
    }
}
