// SPDX-License-Identifier: MIT OR Apache-2.0
use super::params::{CodecParams, MediaKind, Parameters};
use super::raw::{self, error_text, NOPTS};
use super::{log, Frame};
use crate::error::{Error, Result};
use crate::packet::SideData;
use crate::picture::Rational;
use ffmpeg_next::ffi;
use std::ptr;

/// Pixels of a picture that we accept: 16384 × 16384.
const MAX_PIXELS: u64 = 1 << 28;

/// A compressed frame on its way into a decoder.
#[derive(Clone, Copy, Debug)]
pub struct InputPacket<'a> {
    /// Compressed bytes.
    pub data: &'a [u8],
    /// Presentation time; decoders hand it back with the frame.
    pub pts: Option<i64>,
    /// Decoding time.
    pub dts: Option<i64>,
    /// libav's packet flags: 1 key, 2 corrupt, 4 discard.
    pub flags: u32,
    /// Side data.
    pub side: &'a [SideData],
}

/// A decoder of one stream, single-threaded in the caller's thread.
pub struct Decoder {
    context: *mut ffi::AVCodecContext,
    packet: *mut ffi::AVPacket,
}

// SAFETY: context and packet are owned and only touched through &mut self.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Opens libav's default decoder for `params`, with FFmpeg's default flags.
    ///
    /// # Errors
    /// [`Error::Unsupported`] without a decoder, [`Error::Limit`] for absurd
    /// sizes, [`Error::Decode`] when the parameters are refused.
    pub fn open(params: &CodecParams, time_base: Rational) -> Result<Self> {
        let pixels = u64::from(params.width) * u64::from(params.height);
        if params.kind == MediaKind::Video && pixels > MAX_PIXELS {
            return Err(Error::Limit {
                what: "picture size in pixels",
                value: pixels,
                limit: MAX_PIXELS,
            });
        }
        let par = Parameters::from(params)?;
        // SAFETY: every pointer is checked; what is allocated here is owned by `decoder` at once.
        unsafe {
            let codec = ffi::avcodec_find_decoder((*par.0).codec_id);
            if codec.is_null() {
                return Err(Error::Unsupported {
                    what: format!("this FFmpeg has no decoder for {}", params.codec),
                });
            }
            let decoder = Self {
                context: ffi::avcodec_alloc_context3(codec),
                packet: ffi::av_packet_alloc(),
            };
            if decoder.context.is_null() || decoder.packet.is_null() {
                return Err(Error::Bug {
                    detail: "out of memory for a decoder".into(),
                });
            }
            let c = decoder.context;
            let refused = |code| Error::Decode {
                detail: log::last_or(&format!(
                    "the {} decoder does not open: {}",
                    params.codec,
                    error_text(code)
                )),
            };
            match ffi::avcodec_parameters_to_context(c, par.0) {
                0.. => {}
                code => return Err(refused(code)),
            }
            (*c).pkt_timebase = raw::av_rational(time_base);
            (*c).thread_count = 1;
            (*c).max_pixels = MAX_PIXELS as i64;
            let _ = log::take();
            match ffi::avcodec_open2(c, codec, ptr::null_mut()) {
                0.. => Ok(decoder),
                code => Err(refused(code)),
            }
        }
    }

    /// Sends one packet, or the end of the stream with `None`.
    ///
    /// Receive all frames after every call. Error messages that the decoder
    /// logs without failing are left in [`log`].
    ///
    /// # Errors
    /// [`Error::Decode`] when the packet is refused; decoding can go on.
    pub fn send(&mut self, packet: Option<&InputPacket<'_>>) -> Result<()> {
        // SAFETY: context and packet are valid; a null packet means end of stream.
        let code = unsafe {
            match packet {
                None => ffi::avcodec_send_packet(self.context, ptr::null()),
                Some(p) => {
                    fill_packet(self.packet, p)?;
                    ffi::avcodec_send_packet(self.context, self.packet)
                }
            }
        };
        match code {
            0.. | ffi::AVERROR_EOF => Ok(()),
            code => Err(Error::Decode {
                detail: error_text(code),
            }),
        }
    }

    /// The next decoded frame; `None` when more packets are needed or the end is reached.
    ///
    /// # Errors
    /// [`Error::Decode`]; decoding can go on.
    pub fn receive(&mut self) -> Result<Option<Frame>> {
        let frame = Frame::new();
        // SAFETY: context and frame are valid.
        match unsafe { ffi::avcodec_receive_frame(self.context, frame.as_ptr()) } {
            0.. => Ok(Some(frame)),
            code if code == ffi::AVERROR(libc::EAGAIN) || code == ffi::AVERROR_EOF => Ok(None),
            code => Err(Error::Decode {
                detail: error_text(code),
            }),
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: both are ours or null.
        unsafe {
            ffi::av_packet_free(&raw mut self.packet);
            ffi::avcodec_free_context(&raw mut self.context);
        }
    }
}

/// Copies a packet into libav's structure, with the padding decoders read past the end.
///
/// # Safety
/// `to` is a valid packet.
pub(super) unsafe fn fill_packet(to: *mut ffi::AVPacket, from: &InputPacket<'_>) -> Result<()> {
    ffi::av_packet_unref(to);
    let size = i32::try_from(from.data.len()).map_err(|_| Error::Limit {
        what: "packet size in bytes",
        value: from.data.len() as u64,
        limit: i32::MAX as u64,
    })?;
    if ffi::av_new_packet(to, size) < 0 {
        return Err(Error::Bug {
            detail: format!("out of memory for a packet of {size} bytes"),
        });
    }
    ptr::copy_nonoverlapping(from.data.as_ptr(), (*to).data, from.data.len());
    (*to).pts = from.pts.unwrap_or(NOPTS);
    (*to).dts = from.dts.unwrap_or(NOPTS);
    (*to).flags = from.flags as i32;
    for side in from.side {
        add_side_data(to, side)?;
    }
    Ok(())
}

unsafe fn add_side_data(to: *mut ffi::AVPacket, side: &SideData) -> Result<()> {
    if side.kind < 0 || side.kind >= ffi::AVPacketSideDataType::AV_PKT_DATA_NB as i32 {
        return Err(Error::Corrupt {
            what: "packet side data",
            detail: format!("unknown kind {}", side.kind),
        });
    }
    // SAFETY: the enum is contiguous below AV_PKT_DATA_NB, checked above.
    let kind = std::mem::transmute::<i32, ffi::AVPacketSideDataType>(side.kind);
    let data = ffi::av_packet_new_side_data(to, kind, side.data.len() as _);
    if data.is_null() {
        return Err(Error::Bug {
            detail: "out of memory for packet side data".into(),
        });
    }
    ptr::copy_nonoverlapping(side.data.as_ptr(), data, side.data.len());
    Ok(())
}

/// Copies a packet's side data.
///
/// # Safety
/// `packet` is valid.
pub(super) unsafe fn read_side_data(packet: *const ffi::AVPacket) -> Vec<SideData> {
    let count = (*packet).side_data_elems.max(0) as usize;
    (0..count)
        .map(|i| {
            let entry = (*packet).side_data.add(i);
            SideData {
                kind: raw::get_enum!(entry, type_),
                data: std::slice::from_raw_parts((*entry).data, (*entry).size as usize).to_vec(),
            }
        })
        .collect()
}
