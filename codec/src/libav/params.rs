// SPDX-License-Identifier: MIT OR Apache-2.0
use super::raw::{self, get_enum, set_enum};
use crate::error::{Error, Result};
use crate::picture::{ColourInfo, Rational};
use ffmpeg_next::ffi;
use libc::c_int;
use serde::{Deserialize, Serialize};
use std::ptr;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles.
    Subtitle,
    /// Anything else: data, attachments, unknown.
    Other,
}

/// All that a decoder or muxer needs to know of a stream, as a plain value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecParams {
    /// What the stream carries.
    pub kind: MediaKind,
    /// libav's codec name, such as `h264`.
    pub codec: String,
    /// Parameter sets or codec header.
    #[serde(with = "crate::packet::base64_bytes")]
    pub extradata: Vec<u8>,
    /// Pixel or sample format name; empty when unknown.
    pub format: String,
    /// Bits a second; 0 when unknown.
    pub bit_rate: i64,
    /// Bits per coded sample; palettes and PCM need it.
    pub bits_per_coded_sample: i32,
    /// Valid bits per decoded sample; 0 when unknown.
    pub bits_per_raw_sample: i32,
    /// libav's profile number; -99 when unknown.
    pub profile: i32,
    /// libav's level number; -99 when unknown.
    pub level: i32,
    /// Container tag; decoders of some AVI codecs look at it.
    pub tag: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Shape of a pixel; 0/1 when unknown.
    pub sar: Rational,
    /// libav's field order number: 0 unknown, 1 progressive, 2 to 5 interlaced.
    pub field_order: i32,
    /// Colour description.
    pub colour: ColourInfo,
    /// Frames of reordering delay that probing found.
    pub video_delay: i32,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channel layout as libav writes it, such as `5.1`; empty when unknown.
    pub channel_layout: String,
    /// Number of channels.
    pub channels: u32,
    /// Bytes per block of sound.
    pub block_align: i32,
    /// Samples per packet of sound; 0 when it varies.
    pub frame_size: i32,
    /// Samples of encoder delay at the start.
    pub initial_padding: i32,
    /// Samples to drop at the end.
    pub trailing_padding: i32,
    /// Samples to decode before a seek target.
    pub seek_preroll: i32,
}

impl Default for CodecParams {
    /// Parameters that say nothing.
    fn default() -> Self {
        Self {
            kind: MediaKind::Other,
            codec: String::new(),
            extradata: Vec::new(),
            format: String::new(),
            bit_rate: 0,
            bits_per_coded_sample: 0,
            bits_per_raw_sample: 0,
            profile: -99,
            level: -99,
            tag: 0,
            width: 0,
            height: 0,
            sar: Rational::new(0, 1),
            field_order: 0,
            colour: ColourInfo::default(),
            video_delay: 0,
            sample_rate: 0,
            channel_layout: String::new(),
            channels: 0,
            block_align: 0,
            frame_size: 0,
            initial_padding: 0,
            trailing_padding: 0,
            seek_preroll: 0,
        }
    }
}

impl CodecParams {
    /// Copies the value out of libav's structure.
    ///
    /// # Safety
    /// `par` points to valid, initialised parameters.
    pub(super) unsafe fn read(par: *const ffi::AVCodecParameters) -> Self {
        let p = &*par;
        let kind = match get_enum!(par, codec_type) {
            0 => MediaKind::Video,
            1 => MediaKind::Audio,
            3 => MediaKind::Subtitle,
            _ => MediaKind::Other,
        };
        let format = match kind {
            MediaKind::Video => raw::pix_fmt_name(p.format),
            MediaKind::Audio => raw::sample_fmt_name(p.format),
            _ => String::new(),
        };
        let extradata = if p.extradata.is_null() || p.extradata_size <= 0 {
            Vec::new()
        } else {
            std::slice::from_raw_parts(p.extradata, p.extradata_size as usize).to_vec()
        };
        Self {
            kind,
            codec: raw::text(ffi::avcodec_get_name(p.codec_id)),
            extradata,
            format,
            bit_rate: p.bit_rate,
            bits_per_coded_sample: p.bits_per_coded_sample,
            bits_per_raw_sample: p.bits_per_raw_sample,
            profile: p.profile,
            level: p.level,
            tag: p.codec_tag,
            width: p.width.max(0) as u32,
            height: p.height.max(0) as u32,
            sar: raw::rational(p.sample_aspect_ratio),
            field_order: get_enum!(par, field_order),
            colour: ColourInfo {
                primaries: get_enum!(par, color_primaries) as u8,
                transfer: get_enum!(par, color_trc) as u8,
                matrix: get_enum!(par, color_space) as u8,
                range: get_enum!(par, color_range) as u8,
                chroma_location: get_enum!(par, chroma_location) as u8,
            },
            video_delay: p.video_delay,
            sample_rate: p.sample_rate.max(0) as u32,
            channel_layout: if kind == MediaKind::Audio {
                describe_layout(&p.ch_layout)
            } else {
                String::new()
            },
            channels: p.ch_layout.nb_channels.max(0) as u32,
            block_align: p.block_align,
            frame_size: p.frame_size,
            initial_padding: p.initial_padding,
            trailing_padding: p.trailing_padding,
            seek_preroll: p.seek_preroll,
        }
    }

    /// Fills libav's structure.
    ///
    /// # Safety
    /// `par` points to valid parameters that libav allocated.
    pub(super) unsafe fn write(&self, par: *mut ffi::AVCodecParameters) -> Result<()> {
        let name = raw::cstring(&self.codec);
        let descriptor = ffi::avcodec_descriptor_get_by_name(name.as_ptr());
        if descriptor.is_null() {
            return Err(Error::Unsupported {
                what: format!("codec {} is not known to this FFmpeg", self.codec),
            });
        }
        (*par).codec_id = (*descriptor).id;
        (*par).codec_type = (*descriptor).type_;
        (*par).codec_tag = self.tag;
        set_extradata(par, &self.extradata)?;
        (*par).format = match self.kind {
            MediaKind::Video => raw::pix_fmt(&self.format).map_or(-1, |f| f as c_int),
            MediaKind::Audio => raw::sample_fmt(&self.format).map_or(-1, |f| f as c_int),
            _ => -1,
        };
        (*par).bit_rate = self.bit_rate;
        (*par).bits_per_coded_sample = self.bits_per_coded_sample;
        (*par).bits_per_raw_sample = self.bits_per_raw_sample;
        (*par).profile = self.profile;
        (*par).level = self.level;
        (*par).width = self.width as c_int;
        (*par).height = self.height as c_int;
        (*par).sample_aspect_ratio = raw::av_rational(self.sar);
        set_enum!(par, field_order, self.field_order);
        set_enum!(par, color_primaries, i32::from(self.colour.primaries));
        set_enum!(par, color_trc, i32::from(self.colour.transfer));
        set_enum!(par, color_space, i32::from(self.colour.matrix));
        set_enum!(par, color_range, i32::from(self.colour.range));
        set_enum!(par, chroma_location, i32::from(self.colour.chroma_location));
        (*par).video_delay = self.video_delay;
        (*par).sample_rate = self.sample_rate as c_int;
        (*par).block_align = self.block_align;
        (*par).frame_size = self.frame_size;
        (*par).initial_padding = self.initial_padding;
        (*par).trailing_padding = self.trailing_padding;
        (*par).seek_preroll = self.seek_preroll;
        if self.kind == MediaKind::Audio {
            set_layout(
                &raw mut (*par).ch_layout,
                &self.channel_layout,
                self.channels,
            );
        }
        Ok(())
    }

    /// True for the field orders that libav counts as interlaced.
    #[must_use]
    pub const fn is_interlaced(&self) -> bool {
        self.field_order >= 2
    }
}

/// A channel layout as libav writes it.
pub(super) fn describe_layout(layout: &ffi::AVChannelLayout) -> String {
    let mut buffer = [0 as libc::c_char; 256];
    // SAFETY: a valid layout and a buffer of the stated size; libav terminates it.
    unsafe {
        if ffi::av_channel_layout_describe(layout, buffer.as_mut_ptr(), buffer.len()) < 0 {
            return String::new();
        }
        raw::text(buffer.as_ptr())
    }
}

/// The usual layout of `channels` channels.
pub(super) fn default_layout(channels: c_int) -> String {
    // SAFETY: an all-zero layout is valid; the default of any count needs no freeing.
    unsafe {
        let mut layout: ffi::AVChannelLayout = std::mem::zeroed();
        ffi::av_channel_layout_default(&raw mut layout, channels.clamp(1, 64));
        describe_layout(&layout)
    }
}

/// Sets a layout from its description, or the default one of `channels`.
///
/// # Safety
/// `layout` points to an initialised layout.
pub(super) unsafe fn set_layout(
    layout: *mut ffi::AVChannelLayout,
    description: &str,
    channels: u32,
) {
    ffi::av_channel_layout_uninit(layout);
    let c = raw::cstring(description);
    if description.is_empty() || ffi::av_channel_layout_from_string(layout, c.as_ptr()) < 0 {
        ffi::av_channel_layout_default(layout, channels as c_int);
    }
}

unsafe fn set_extradata(par: *mut ffi::AVCodecParameters, bytes: &[u8]) -> Result<()> {
    ffi::av_freep((&raw mut (*par).extradata).cast());
    (*par).extradata_size = 0;
    if bytes.is_empty() {
        return Ok(());
    }
    let size = bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
    let buffer = ffi::av_mallocz(size).cast::<u8>();
    if buffer.is_null() {
        return Err(Error::Bug {
            detail: "out of memory for codec parameters".into(),
        });
    }
    ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, bytes.len());
    (*par).extradata = buffer;
    (*par).extradata_size = bytes.len() as c_int;
    Ok(())
}

/// Owned libav parameters, for calls that want the structure.
pub(super) struct Parameters(pub *mut ffi::AVCodecParameters);

impl Parameters {
    pub fn from(params: &CodecParams) -> Result<Self> {
        // SAFETY: freshly allocated parameters, freed on drop.
        unsafe {
            let par = ffi::avcodec_parameters_alloc();
            if par.is_null() {
                return Err(Error::Bug {
                    detail: "out of memory for codec parameters".into(),
                });
            }
            let owned = Self(par);
            params.write(par)?;
            Ok(owned)
        }
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        // SAFETY: we own them.
        unsafe { ffi::avcodec_parameters_free(&raw mut self.0) };
    }
}
