// SPDX-License-Identifier: MIT OR Apache-2.0
use super::params::{describe_layout, set_layout, CodecParams};
use super::raw::{self, error_text, set_enum, Dict};
use super::{log, Frame};
use crate::error::{Error, Result};
use crate::packet::Packet;
use crate::picture::{ColourInfo, Rational};
use ffmpeg_next::ffi;
use libc::c_int;
use std::collections::BTreeMap;

/// True when this FFmpeg has an encoder of that name.
#[must_use]
pub fn encoder_exists(name: &str) -> bool {
    let c = raw::cstring(name);
    // SAFETY: a NUL-terminated string in, null or a static codec out.
    unsafe { !ffi::avcodec_find_encoder_by_name(c.as_ptr()).is_null() }
}

/// Everything that determines a video encoder's output.
#[derive(Clone, Debug)]
pub struct VideoEncoderConfig {
    /// libav's encoder name, such as `libx264`.
    pub encoder: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixel format name of the pictures to come.
    pub pix_fmt: String,
    /// Shape of a pixel; 0/1 when unknown.
    pub sar: Rational,
    /// Unit of picture times.
    pub time_base: Rational,
    /// Nominal frame rate.
    pub frame_rate: Rational,
    /// Colour description to signal.
    pub colour: ColourInfo,
    /// Encoder threads; pinned, because output may depend on it.
    pub threads: u32,
    /// Pictures are interlaced, top field first if true inside.
    pub interlaced: Option<bool>,
    /// libav options by name, such as `crf` or `x264-params`.
    pub options: BTreeMap<String, String>,
}

/// State that both kinds of encoder share.
struct Encoder {
    context: *mut ffi::AVCodecContext,
    packet: *mut ffi::AVPacket,
    name: String,
    time_base: Rational,
    frames_sent: u64,
}

// SAFETY: context and packet are owned and only touched through &mut self.
unsafe impl Send for Encoder {}

impl Encoder {
    fn alloc(name: &str) -> Result<Self> {
        let c_name = raw::cstring(name);
        // SAFETY: pointers are checked; what is allocated is owned by the result at once.
        unsafe {
            let codec = ffi::avcodec_find_encoder_by_name(c_name.as_ptr());
            if codec.is_null() {
                return Err(Error::Unsupported {
                    what: format!("this FFmpeg has no encoder {name}"),
                });
            }
            let encoder = Self {
                context: ffi::avcodec_alloc_context3(codec),
                packet: ffi::av_packet_alloc(),
                name: name.to_owned(),
                time_base: Rational::new(0, 1),
                frames_sent: 0,
            };
            if encoder.context.is_null() || encoder.packet.is_null() {
                return Err(Error::Bug {
                    detail: "out of memory for an encoder".into(),
                });
            }
            (*encoder.context).flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
            Ok(encoder)
        }
    }

    fn failed(&self, code: c_int) -> Error {
        Error::Encode {
            encoder: self.name.clone(),
            detail: log::last_or(&error_text(code)),
        }
    }

    fn open(&mut self, options: &BTreeMap<String, String>) -> Result<()> {
        let mut dict = Dict::from_map(options);
        let _ = log::take();
        // SAFETY: a configured context that was never opened.
        let code = unsafe { ffi::avcodec_open2(self.context, std::ptr::null(), &raw mut dict.0) };
        if code < 0 {
            return Err(self.failed(code));
        }
        // SAFETY: the context is open.
        self.time_base = unsafe { raw::rational((*self.context).time_base) };
        match dict.first_key() {
            None => Ok(()),
            Some(option) => Err(Error::Encode {
                encoder: self.name.clone(),
                detail: format!("it has no option '{option}'"),
            }),
        }
    }

    fn send(&mut self, frame: Option<&Frame>) -> Result<()> {
        let ptr = frame.map_or(std::ptr::null_mut(), Frame::as_ptr);
        // SAFETY: an open context and a valid frame, or null for the end.
        match unsafe { ffi::avcodec_send_frame(self.context, ptr) } {
            0.. => {
                self.frames_sent += u64::from(frame.is_some());
                Ok(())
            }
            code => Err(self.failed(code)),
        }
    }

    fn receive(&mut self) -> Result<Option<Packet>> {
        // SAFETY: an open context and a packet of ours.
        unsafe {
            match ffi::avcodec_receive_packet(self.context, self.packet) {
                0.. => {}
                code if code == ffi::AVERROR(libc::EAGAIN) || code == ffi::AVERROR_EOF => {
                    return Ok(None)
                }
                code => return Err(self.failed(code)),
            }
            let p = &*self.packet;
            let pts = raw::some_ts(p.pts).ok_or_else(|| Error::Encode {
                encoder: self.name.clone(),
                detail: "it gave a packet without a time".into(),
            })?;
            let packet = Packet {
                pts,
                dts: raw::some_ts(p.dts).unwrap_or(pts),
                duration: p.duration.max(0),
                flags: p.flags as u32,
                data: std::slice::from_raw_parts(p.data, p.size.max(0) as usize).to_vec(),
                side: super::decode::read_side_data(p),
            };
            ffi::av_packet_unref(self.packet);
            Ok(Some(packet))
        }
    }

    fn params(&self) -> Result<CodecParams> {
        // SAFETY: an open context; the parameters are freed here.
        unsafe {
            let mut par = ffi::avcodec_parameters_alloc();
            if par.is_null() || ffi::avcodec_parameters_from_context(par, self.context) < 0 {
                ffi::avcodec_parameters_free(&raw mut par);
                return Err(Error::Bug {
                    detail: "out of memory for codec parameters".into(),
                });
            }
            let params = CodecParams::read(par);
            ffi::avcodec_parameters_free(&raw mut par);
            Ok(params)
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // An SVT-AV1 encoder that never got a picture hangs when it is closed:
        // leaking it is the lesser evil, and only failing jobs get here.
        let hangs = self.name == "libsvtav1" && self.frames_sent == 0;
        // SAFETY: both are ours or null.
        unsafe {
            ffi::av_packet_free(&raw mut self.packet);
            if !(hangs && ffi::avcodec_is_open(self.context) != 0) {
                ffi::avcodec_free_context(&raw mut self.context);
            }
        }
    }
}

/// A video encoder of libav.
pub struct VideoEncoder(Encoder);

impl VideoEncoder {
    /// Opens an encoder. Open it only when the first picture is at hand:
    /// see the note on SVT-AV1 in docs/traps.md.
    ///
    /// # Errors
    /// [`Error::Unsupported`] or [`Error::Encode`] with the encoder's reason.
    pub fn open(config: &VideoEncoderConfig) -> Result<Self> {
        let mut encoder = Encoder::alloc(&config.encoder)?;
        let format = raw::pix_fmt(&config.pix_fmt).ok_or_else(|| Error::Unsupported {
            what: format!("pixel format {}", config.pix_fmt),
        })?;
        // SAFETY: configures a context that was never opened.
        unsafe {
            let c = encoder.context;
            (*c).width = config.width as c_int;
            (*c).height = config.height as c_int;
            (*c).pix_fmt = format;
            (*c).sample_aspect_ratio = raw::av_rational(config.sar);
            (*c).time_base = raw::av_rational(config.time_base);
            (*c).framerate = raw::av_rational(config.frame_rate);
            (*c).thread_count = config.threads as c_int;
            set_enum!(c, color_primaries, i32::from(config.colour.primaries));
            set_enum!(c, color_trc, i32::from(config.colour.transfer));
            set_enum!(c, colorspace, i32::from(config.colour.matrix));
            set_enum!(c, color_range, i32::from(config.colour.range));
            set_enum!(
                c,
                chroma_sample_location,
                i32::from(config.colour.chroma_location)
            );
            if let Some(top_first) = config.interlaced {
                (*c).flags |=
                    (ffi::AV_CODEC_FLAG_INTERLACED_DCT | ffi::AV_CODEC_FLAG_INTERLACED_ME) as c_int;
                set_enum!(c, field_order, if top_first { 2 } else { 3 });
            }
        }
        let mut options = config.options.clone();
        if config.encoder == "libx264" {
            avoid_avx512(&mut options);
        }
        encoder.open(&options)?;
        Ok(Self(encoder))
    }

    /// Sends a picture with its time set, or the end with `None`. Receive all
    /// packets after every call.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn send(&mut self, picture: Option<&Frame>) -> Result<()> {
        self.0.send(picture)
    }

    /// The next packet in decoding order; `None` when more pictures are needed.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn receive(&mut self) -> Result<Option<Packet>> {
        self.0.receive()
    }

    /// Parameters for a muxer.
    ///
    /// # Errors
    /// [`Error::Bug`] when memory is exhausted.
    pub fn params(&self) -> Result<CodecParams> {
        self.0.params()
    }
}

/// Keeps x264 off its AVX-512 code: that of its lookahead reads memory it
/// never wrote, and the same pictures give other bytes from run to run
/// (docs/traps.md). All other levels give the same bytes.
fn avoid_avx512(options: &mut BTreeMap<String, String>) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        let params = options.entry("x264-params".to_owned()).or_default();
        let rest = std::mem::take(params);
        *params = "asm=AVX2,FMA3,LZCNT,BMI2".to_owned();
        if !rest.is_empty() {
            params.push(':');
            params.push_str(&rest);
        }
    }
    let _ = options;
}

/// Everything that determines an audio encoder's output.
#[derive(Clone, Debug)]
pub struct AudioEncoderConfig {
    /// libav's encoder name: `aac` or `libopus`.
    pub encoder: String,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channel layout, such as `stereo`.
    pub channel_layout: String,
    /// Sample format name.
    pub sample_fmt: String,
    /// Bits a second.
    pub bit_rate: u64,
    /// libav options by name.
    pub options: BTreeMap<String, String>,
}

/// An audio encoder of libav; its time base is one sample.
pub struct AudioEncoder(Encoder);

impl AudioEncoder {
    /// Opens an encoder.
    ///
    /// # Errors
    /// [`Error::Unsupported`] or [`Error::Encode`] with the encoder's reason.
    pub fn open(config: &AudioEncoderConfig) -> Result<Self> {
        let mut encoder = Encoder::alloc(&config.encoder)?;
        let format = raw::sample_fmt(&config.sample_fmt).ok_or_else(|| Error::Unsupported {
            what: format!("sample format {}", config.sample_fmt),
        })?;
        // SAFETY: configures a context that was never opened.
        unsafe {
            let c = encoder.context;
            (*c).sample_fmt = format;
            (*c).sample_rate = config.sample_rate as c_int;
            (*c).time_base = ffi::AVRational {
                num: 1,
                den: config.sample_rate as c_int,
            };
            (*c).bit_rate = config.bit_rate as i64;
            (*c).thread_count = 1;
            set_layout(&raw mut (*c).ch_layout, &config.channel_layout, 2);
        }
        encoder.open(&config.options)?;
        Ok(Self(encoder))
    }

    /// Samples per frame that the encoder wants; 0 when any number will do.
    #[must_use]
    pub fn frame_size(&self) -> u32 {
        // SAFETY: the context is open.
        unsafe { (*self.0.context).frame_size.max(0) as u32 }
    }

    /// The channel layout in use.
    #[must_use]
    pub fn channel_layout(&self) -> String {
        // SAFETY: the context is open.
        unsafe { describe_layout(&(*self.0.context).ch_layout) }
    }

    /// Sends sound with its time set in samples, or the end with `None`.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn send(&mut self, sound: Option<&Frame>) -> Result<()> {
        self.0.send(sound)
    }

    /// The next packet; times in samples, the first one before zero by the
    /// encoder's delay.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn receive(&mut self) -> Result<Option<Packet>> {
        self.0.receive()
    }

    /// Parameters for a muxer.
    ///
    /// # Errors
    /// [`Error::Bug`] when memory is exhausted.
    pub fn params(&self) -> Result<CodecParams> {
        self.0.params()
    }

    /// Unit of packet times.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.0.time_base
    }
}
