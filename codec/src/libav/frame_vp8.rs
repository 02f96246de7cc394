// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures of our own VP8 decoder as libav's frames, without copying them.

use super::{raw, Frame};
use crate::error::{Error, Result};
use crate::picture::Rational;
use crate::vp8;
use ffmpeg_next::ffi;
use std::ffi::c_void;
use std::sync::Arc;

impl Frame {
    /// A frame of 4:2:0 with 8 bits that shares a picture's planes; `sar` is the
    /// shape of its pixels. Whoever wants to write to it makes a copy first.
    ///
    /// # Errors
    /// [`Error::Bug`] when memory is exhausted.
    pub fn of_vp8(picture: &vp8::Picture, sar: Rational) -> Result<Self> {
        let planes = Arc::clone(picture.frame());
        let frame = Self::new();
        let p = frame.as_ptr();
        let samples = planes.samples.as_ptr().cast_mut();
        let (len, geometry) = (planes.samples.len(), planes.geometry);
        let owner = Arc::into_raw(planes);
        // SAFETY: the buffer covers the samples of `owner`, which it keeps alive
        // until `release`, and is read-only, so libav never writes to them. All
        // planes lie inside, borders included.
        unsafe {
            let flags = ffi::AV_BUFFER_FLAG_READONLY as i32;
            let opaque = owner.cast_mut().cast::<c_void>();
            let buffer = ffi::av_buffer_create(samples, len, Some(release), opaque, flags);
            if buffer.is_null() {
                drop(Arc::from_raw(owner));
                return Err(Error::Bug {
                    detail: "out of memory for a frame's buffer".into(),
                });
            }
            (*p).buf[0] = buffer;
            for plane in 0..3 {
                let layout = geometry.plane(plane);
                (*p).data[plane] = samples.add(layout.at);
                (*p).linesize[plane] = layout.stride as i32;
            }
            (*p).format = ffi::AVPixelFormat::AV_PIX_FMT_YUV420P as i32;
            (*p).width = i32::from(picture.width());
            (*p).height = i32::from(picture.height());
            (*p).sample_aspect_ratio = raw::av_rational(sar);
        }
        Ok(frame)
    }
}

/// Lets go of a picture's planes.
///
/// # Safety
/// `opaque` is what `Arc::into_raw` gave in [`Frame::of_vp8`].
unsafe extern "C" fn release(opaque: *mut c_void, _samples: *mut u8) {
    drop(Arc::from_raw(opaque.cast_const().cast::<vp8::Frame>()));
}
