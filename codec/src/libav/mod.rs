// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small safe types over FFmpeg's libraries. This is the workspace's only FFI.
//!
//! Call [`init`] first, before any other thread starts: it silences the codec
//! libraries, which otherwise write to standard error on their own.

#![allow(unsafe_code)]
// The bindings' integer types differ between versions of FFmpeg.
#![allow(clippy::unnecessary_cast)]

mod caught;
mod decode;
mod demux;
mod encode;
mod filter;
mod frame;
mod frame_hdr;
mod frame_vp8;
pub mod log;
mod mux;
mod params;
mod raw;

pub use decode::{Decoder, InputPacket};
pub use demux::{ChapterInfo, DemuxedPacket, Demuxer, StreamInfo};
pub use encode::{
    encoder_exists, AudioEncoder, AudioEncoderConfig, VideoEncoder, VideoEncoderConfig,
};
pub use filter::{AudioFilter, VideoFilter};
pub use frame::{Frame, FrameGeometry, SoundFormat};
pub use mux::{container_holds, Muxer, MuxerOptions, OutputStream};
pub use params::{CodecParams, MediaKind};

use ffmpeg_next::ffi;
use std::sync::Once;

/// Silences the codec libraries and installs the log capture. Idempotent.
///
/// # Safety of the environment
/// Sets `SVT_LOG` once, so the first call belongs at the start of `main`,
/// before other threads exist.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: both are NUL-terminated literals; documented to run before threads start.
        unsafe { libc::setenv(c"SVT_LOG".as_ptr(), c"-2".as_ptr(), 1) };
        // A file beyond the size limit is an error to report, not a signal to die of.
        // SAFETY: ignoring a signal needs no handler; documented to run before threads start.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        bound_heap();
        log::install();
    });
}

/// Gives big buffers back to the system as soon as they are freed, so that
/// memory is bounded by the pictures in work and not by the number of chunks
/// done; and switches off glibc's fast bins, whose consolidation took half the
/// time of indexing a long MP4.
fn bound_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: plain settings of the allocator, made before threads start.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
        libc::mallopt(libc::M_ARENA_MAX, 4);
        libc::mallopt(libc::M_MXFAST, 0);
    }
}

/// Heap in use by this process, in bytes; 0 where the allocator does not say.
#[must_use]
pub fn heap_in_use() -> u64 {
    #[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
    {
        // SAFETY: takes nothing and returns counters by value.
        let info = unsafe { libc::mallinfo2() };
        (info.uordblks + info.hblkhd) as u64
    }
    #[cfg(not(all(target_env = "gnu", target_pointer_width = "64")))]
    0
}

/// FFmpeg's library versions and configuration in one line: outputs may depend
/// on them, so they are part of every task's key.
#[must_use]
pub fn versions() -> String {
    // SAFETY: these functions take nothing and return numbers or static strings.
    unsafe {
        let v = |n: u32| format!("{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255);
        format!(
            "libavcodec {} libavformat {} libavfilter {} libswscale {} libswresample {}",
            v(ffi::avcodec_version()),
            v(ffi::avformat_version()),
            v(ffi::avfilter_version()),
            v(ffi::swscale_version()),
            v(ffi::swresample_version()),
        )
    }
}

/// FFmpeg's licence string, as its own build configuration gives it.
#[must_use]
pub fn licence() -> &'static str {
    ffmpeg_next::format::license()
}
