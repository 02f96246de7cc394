// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the codec libraries say, captured per thread instead of printed.
//!
//! Decoders run single-threaded in the caller's thread, so a message captured
//! between two calls belongs to the packet between them.

use ffmpeg_next::ffi;
use libc::{c_char, c_int, c_void};
use std::cell::RefCell;
use std::ffi::CStr;

/// Messages kept per thread until taken; more are counted only.
const KEPT: usize = 8;

#[derive(Default)]
struct Captured {
    messages: Vec<String>,
    count: usize,
}

thread_local! {
    static CAPTURED: RefCell<Captured> = RefCell::default();
}

/// Error messages of one stretch of calls.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// The first few, one line each.
    pub lines: Vec<String>,
    /// How many there were.
    pub count: usize,
}

/// Takes the error messages this thread's libav calls gave since the last call.
#[must_use]
pub fn take() -> Messages {
    CAPTURED.with_borrow_mut(|c| Messages {
        lines: std::mem::take(&mut c.messages),
        count: std::mem::take(&mut c.count),
    })
}

/// The last error message since the last [`take`], or `fallback`.
#[must_use]
pub fn last_or(fallback: &str) -> String {
    let messages = take();
    messages
        .lines
        .last()
        .cloned()
        .unwrap_or_else(|| fallback.to_owned())
}

#[cfg(target_arch = "x86_64")]
type VaList = *mut ffi::__va_list_tag;
#[cfg(not(target_arch = "x86_64"))]
type VaList = ffi::va_list;

unsafe extern "C" fn capture(
    source: *mut c_void,
    level: c_int,
    format: *const c_char,
    args: VaList,
) {
    if level > ffi::AV_LOG_ERROR as c_int {
        return;
    }
    let mut line = [0 as c_char; 512];
    let mut prefix: c_int = 0;
    // SAFETY: libav calls us with a valid format and argument list; the buffer's length is passed.
    let text = unsafe {
        ffi::av_log_format_line2(
            source,
            level,
            format,
            args,
            line.as_mut_ptr(),
            line.len() as c_int,
            &raw mut prefix,
        );
        CStr::from_ptr(line.as_ptr())
            .to_string_lossy()
            .trim()
            .to_owned()
    };
    // A thread that is being torn down has no slot any more.
    let _ = CAPTURED.try_with(|c| {
        if let Ok(mut c) = c.try_borrow_mut() {
            c.count += 1;
            if c.messages.len() < KEPT && !text.is_empty() {
                c.messages.push(text);
            }
        }
    });
}

/// Replaces libav's printing with the capture.
pub(super) fn install() {
    // SAFETY: `capture` has the signature libav asks for and lives for ever.
    unsafe {
        ffi::av_log_set_level(ffi::AV_LOG_ERROR as c_int);
        ffi::av_log_set_callback(Some(capture));
    }
}
