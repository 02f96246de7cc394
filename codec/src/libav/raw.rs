// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conversions at the FFI border.

use crate::picture::Rational;
use ffmpeg_next::ffi;
use libc::c_int;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::ptr;

/// libav's `AV_NOPTS_VALUE`.
pub const NOPTS: i64 = i64::MIN;

/// Reads an enum field as the C integer it is: libraries newer than our
/// bindings may hold values that the Rust enum lacks.
macro_rules! get_enum {
    ($ptr:expr, $field:ident) => {
        *(&raw const (*$ptr).$field).cast::<libc::c_int>()
    };
}
/// Writes an enum field as a C integer.
macro_rules! set_enum {
    ($ptr:expr, $field:ident, $value:expr) => {
        *(&raw mut (*$ptr).$field).cast::<libc::c_int>() = $value
    };
}
pub(super) use {get_enum, set_enum};

pub fn rational(r: ffi::AVRational) -> Rational {
    Rational::new(r.num, r.den)
}

pub fn av_rational(r: Rational) -> ffi::AVRational {
    ffi::AVRational {
        num: r.num,
        den: r.den,
    }
}

pub fn some_ts(ts: i64) -> Option<i64> {
    (ts != NOPTS).then_some(ts)
}

/// libav's text for an error code.
pub fn error_text(code: c_int) -> String {
    let mut buffer = [0 as libc::c_char; 128];
    // SAFETY: the buffer's true length is passed, and av_strerror terminates it.
    unsafe {
        ffi::av_strerror(code, buffer.as_mut_ptr(), buffer.len());
        CStr::from_ptr(buffer.as_ptr())
            .to_string_lossy()
            .into_owned()
    }
}

/// A C string as UTF-8, bad bytes replaced; empty for null.
///
/// # Safety
/// `s` is null or a NUL-terminated string.
pub unsafe fn text(s: *const libc::c_char) -> String {
    if s.is_null() {
        String::new()
    } else {
        CStr::from_ptr(s).to_string_lossy().into_owned()
    }
}

/// A C string of `s` up to its first NUL.
pub fn cstring(s: &str) -> CString {
    let end = s.find('\0').unwrap_or(s.len());
    CString::new(&s[..end]).unwrap_or_default()
}

/// The pixel format named `name`.
pub fn pix_fmt(name: &str) -> Option<ffi::AVPixelFormat> {
    let c = cstring(name);
    // SAFETY: a NUL-terminated string in, an enum value of this library out.
    let format = unsafe { ffi::av_get_pix_fmt(c.as_ptr()) };
    (format != ffi::AVPixelFormat::AV_PIX_FMT_NONE).then_some(format)
}

/// The name of pixel format number `format`; empty when unknown.
pub fn pix_fmt_name(format: c_int) -> String {
    if !(0..ffi::AVPixelFormat::AV_PIX_FMT_NB as c_int).contains(&format) {
        return String::new();
    }
    // SAFETY: the enum is contiguous from 0 to AV_PIX_FMT_NB, checked above.
    unsafe {
        text(ffi::av_get_pix_fmt_name(std::mem::transmute::<
            c_int,
            ffi::AVPixelFormat,
        >(format)))
    }
}

/// The name of sample format number `format`; empty when unknown.
pub fn sample_fmt_name(format: c_int) -> String {
    if !(0..ffi::AVSampleFormat::AV_SAMPLE_FMT_NB as c_int).contains(&format) {
        return String::new();
    }
    // SAFETY: the enum is contiguous from 0 to AV_SAMPLE_FMT_NB, checked above.
    unsafe {
        text(ffi::av_get_sample_fmt_name(std::mem::transmute::<
            c_int,
            ffi::AVSampleFormat,
        >(format)))
    }
}

/// The sample format named `name`.
pub fn sample_fmt(name: &str) -> Option<ffi::AVSampleFormat> {
    let c = cstring(name);
    // SAFETY: a NUL-terminated string in, an enum value of this library out.
    let format = unsafe { ffi::av_get_sample_fmt(c.as_ptr()) };
    (format != ffi::AVSampleFormat::AV_SAMPLE_FMT_NONE).then_some(format)
}

/// An owned `AVDictionary`.
pub struct Dict(pub *mut ffi::AVDictionary);

impl Dict {
    pub fn new() -> Self {
        Self(ptr::null_mut())
    }

    pub fn from_map(map: &BTreeMap<String, String>) -> Self {
        let mut dict = Self::new();
        for (key, value) in map {
            dict.set(key, value);
        }
        dict
    }

    pub fn set(&mut self, key: &str, value: &str) {
        let (key, value) = (cstring(key), cstring(value));
        // SAFETY: av_dict_set copies both strings; self.0 is null or a dictionary we own.
        unsafe { ffi::av_dict_set(&raw mut self.0, key.as_ptr(), value.as_ptr(), 0) };
    }

    /// The first key left, after libav took what it knew.
    pub fn first_key(&self) -> Option<String> {
        // SAFETY: reads a dictionary that lives.
        unsafe { to_map(self.0) }.into_keys().next()
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        // SAFETY: we own it; null is allowed.
        unsafe { ffi::av_dict_free(&raw mut self.0) };
    }
}

/// All entries of a dictionary.
///
/// # Safety
/// `dict` is null or a living dictionary.
pub unsafe fn to_map(dict: *const ffi::AVDictionary) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    let mut entry = ptr::null();
    loop {
        entry = ffi::av_dict_get(
            dict,
            c"".as_ptr(),
            entry,
            ffi::AV_DICT_IGNORE_SUFFIX as c_int,
        );
        if entry.is_null() {
            return map;
        }
        map.insert(text((*entry).key), text((*entry).value));
    }
}
