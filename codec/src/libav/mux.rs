// SPDX-License-Identifier: MIT OR Apache-2.0
use super::decode::{fill_packet, InputPacket};
use super::demux::ChapterInfo;
use super::params::MediaKind;
use super::raw::{self, cstring, error_text, Dict};
use super::{frame_hdr, log};
use crate::error::{Error, Result};
use crate::packet::{Packet, StreamHeader};
use crate::picture::Rational;
use ffmpeg_next::ffi;
use libc::c_int;
use std::collections::BTreeMap;
use std::path::Path;
use std::ptr;

/// A stream to be written.
#[derive(Clone, Debug)]
pub struct OutputStream {
    /// Codec, time base and HDR.
    pub header: StreamHeader,
    /// Language, title and the like.
    pub metadata: BTreeMap<String, String>,
    /// Dispositions by name, such as `default`.
    pub dispositions: Vec<String>,
    /// Display matrix to keep.
    pub display_matrix: Option<[i32; 9]>,
}

/// What concerns the file as a whole.
#[derive(Clone, Debug, Default)]
pub struct MuxerOptions {
    /// Title and other tags.
    pub metadata: BTreeMap<String, String>,
    /// Chapters in order.
    pub chapters: Vec<ChapterInfo>,
    /// Bytes to keep for the index in front of MP4's media, what is left over being
    /// a `free` atom. Without it the file is read and written once more at the end,
    /// to make that room.
    pub index_room: Option<u32>,
}

/// True when libavformat's muxer `container` can hold `codec`.
#[must_use]
pub fn container_holds(container: &str, codec: &str) -> bool {
    let (muxer, codec) = (cstring(container), cstring(codec));
    // SAFETY: NUL-terminated strings in; null results are handled.
    unsafe {
        let format = ffi::av_guess_format(muxer.as_ptr(), ptr::null(), ptr::null());
        let descriptor = ffi::avcodec_descriptor_get_by_name(codec.as_ptr());
        !format.is_null()
            && !descriptor.is_null()
            && ffi::avformat_query_codec(
                format,
                (*descriptor).id,
                ffi::FF_COMPLIANCE_NORMAL as c_int,
            ) == 1
    }
}

/// By how much later a Matroska block has to be stamped than it is heard, in the
/// stream's unit: players take CodecDelay off its time. libavformat writes that
/// delay for Opus, but moves the times by it only since version 60.
fn codec_delay(container: &str, stream: &OutputStream) -> i64 {
    // SAFETY: a plain query.
    let old = unsafe { ffi::avformat_version() } >> 16 < 60;
    let params = &stream.header.params;
    if !old || !matches!(container, "matroska" | "webm") || params.codec != "opus" {
        return 0;
    }
    let samples = Rational::new(1, params.sample_rate.max(1) as i32);
    samples.rescale(params.initial_padding.into(), stream.header.time_base)
}

/// Writes a container to a local file, front to back where the format allows.
pub struct Muxer {
    context: *mut ffi::AVFormatContext,
    packet: *mut ffi::AVPacket,
    container: String,
    units: Vec<Rational>,
    /// What is added to a stream's times, in its unit.
    shifts: Vec<i64>,
    index_room: Option<u32>,
    started: bool,
}

// SAFETY: context and packet are owned and only touched through &mut self.
unsafe impl Send for Muxer {}

impl Muxer {
    /// Creates `path` and writes the header. Output bytes depend on nothing but
    /// what is written: no dates, random ids or library versions.
    ///
    /// # Errors
    /// [`Error::Mux`] with libavformat's or the system's reason.
    pub fn create(
        path: &Path,
        container: &str,
        streams: &[OutputStream],
        options: &MuxerOptions,
    ) -> Result<Self> {
        let (format, file) = (cstring(container), cstring(&path.to_string_lossy()));
        let _ = log::take();
        // SAFETY: every pointer is checked; what is allocated is owned by `muxer` at once.
        unsafe {
            let mut context = ptr::null_mut();
            let code = ffi::avformat_alloc_output_context2(
                &raw mut context,
                ptr::null_mut(),
                format.as_ptr(),
                file.as_ptr(),
            );
            let mut muxer = Self {
                context,
                packet: ffi::av_packet_alloc(),
                container: container.to_owned(),
                units: streams.iter().map(|s| s.header.time_base).collect(),
                shifts: streams.iter().map(|s| codec_delay(container, s)).collect(),
                index_room: options.index_room,
                started: false,
            };
            muxer.check(code)?;
            (*context).flags |= ffi::AVFMT_FLAG_BITEXACT as c_int;
            // Matroska keeps presentation times alone, and Opus's pre-skip as a delay
            // that its times include: nothing of theirs is negative.
            let delayed = |s: &OutputStream| {
                s.header.params.kind != MediaKind::Audio || s.header.params.codec == "opus"
            };
            if matches!(container, "matroska" | "webm") && streams.iter().all(delayed) {
                (*context).avoid_negative_ts = 0;
            }
            for stream in streams {
                muxer.add_stream(stream)?;
            }
            set_metadata(&raw mut (*context).metadata, &options.metadata);
            muxer.add_chapters(&options.chapters)?;
            let code = ffi::avio_open(
                &raw mut (*context).pb,
                file.as_ptr(),
                ffi::AVIO_FLAG_WRITE as c_int,
            );
            muxer.check_io(code)?;
            muxer.write_header(streams)?;
            Ok(muxer)
        }
    }

    unsafe fn write_header(&mut self, streams: &[OutputStream]) -> Result<()> {
        let mut dict = Dict::new();
        if matches!(self.container.as_str(), "mp4" | "mov") {
            match self.index_room {
                Some(room) => dict.set("moov_size", &room.to_string()),
                None => dict.set("movflags", "+faststart"),
            }
            // Edit lists count in movie ticks: the default of 1/1000 s moves a
            // stream's start by up to half a millisecond.
            let scale = streams
                .iter()
                .map(|s| s.header.time_base.den)
                .find(|&d| d >= 1000)
                .unwrap_or(90_000);
            dict.set("movie_timescale", &scale.min(240_000).to_string());
        }
        if matches!(self.container.as_str(), "matroska" | "webm") {
            // Sums of clusters take two fifths of the time of a stream copy;
            // chunks come with digests of their own.
            dict.set("write_crc32", "0");
        }
        let code = ffi::avformat_write_header(self.context, &raw mut dict.0);
        self.check(code)?;
        self.started = true;
        Ok(())
    }

    fn error(&self, code: c_int, io: bool) -> Error {
        let system = io
            || matches!(
                -code,
                libc::ENOSPC | libc::EIO | libc::EDQUOT | libc::EFBIG | libc::EROFS
            );
        let detail = if system {
            error_text(code)
        } else {
            log::last_or(&error_text(code))
        };
        Error::Mux {
            container: self.container.clone(),
            detail,
            io: system,
        }
    }

    /// libavformat tells of too little room in a message only.
    fn room_error(&self, error: Error) -> Error {
        match (&error, self.index_room) {
            (Error::Mux { detail, .. }, Some(room))
                if detail.contains("moov_size is too small") =>
            {
                Error::IndexRoom { room }
            }
            _ => error,
        }
    }

    fn check(&self, code: c_int) -> Result<()> {
        if code < 0 {
            Err(self.error(code, false))
        } else {
            Ok(())
        }
    }

    fn check_io(&self, code: c_int) -> Result<()> {
        if code < 0 {
            Err(self.error(code, true))
        } else {
            Ok(())
        }
    }

    unsafe fn add_stream(&mut self, stream: &OutputStream) -> Result<()> {
        let st = ffi::avformat_new_stream(self.context, ptr::null());
        if st.is_null() {
            return Err(Error::Bug {
                detail: "out of memory for a stream".into(),
            });
        }
        let header = &stream.header;
        header.params.write((*st).codecpar)?;
        let isobmff = matches!(self.container.as_str(), "mp4" | "mov");
        // Apple's players want parameter sets out of band, which `hvc1` promises.
        (*(*st).codecpar).codec_tag = if isobmff && header.params.codec == "hevc" {
            u32::from_le_bytes(*b"hvc1")
        } else {
            0
        };
        (*st).time_base = raw::av_rational(header.time_base);
        (*st).avg_frame_rate = raw::av_rational(header.frame_rate);
        (*st).sample_aspect_ratio = raw::av_rational(header.params.sar);
        for name in &stream.dispositions {
            let c = cstring(name);
            (*st).disposition |= ffi::av_disposition_from_string(c.as_ptr()).max(0);
        }
        set_metadata(&raw mut (*st).metadata, &stream.metadata);
        if let Some(matrix) = stream.display_matrix {
            let bytes: Vec<u8> = matrix.iter().flat_map(|v| v.to_ne_bytes()).collect();
            add_side_data(
                st,
                ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX,
                &bytes,
            )?;
        }
        if let Some(mastering) = &header.mastering {
            let value = frame_hdr::mastering_to_av(mastering);
            let bytes =
                std::slice::from_raw_parts((&raw const value).cast::<u8>(), size_of_val(&value));
            add_side_data(
                st,
                ffi::AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
                bytes,
            )?;
        }
        if let Some(light) = &header.content_light {
            let values = [
                u32::from(light.max_content),
                u32::from(light.max_frame_average),
            ];
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
            add_side_data(
                st,
                ffi::AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
                &bytes,
            )?;
        }
        Ok(())
    }

    unsafe fn add_chapters(&mut self, chapters: &[ChapterInfo]) -> Result<()> {
        if chapters.is_empty() {
            return Ok(());
        }
        let size = chapters.len() * size_of::<*mut ffi::AVChapter>();
        let list = ffi::av_mallocz(size).cast::<*mut ffi::AVChapter>();
        if list.is_null() {
            return Err(Error::Bug {
                detail: "out of memory for chapters".into(),
            });
        }
        (*self.context).chapters = list;
        for (i, chapter) in chapters.iter().enumerate() {
            let to = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
            if to.is_null() {
                return Err(Error::Bug {
                    detail: "out of memory for chapters".into(),
                });
            }
            (*to).id = i as _;
            (*to).time_base = ffi::AVRational { num: 1, den: 1000 };
            (*to).start = (chapter.start * 1000.0).round() as i64;
            (*to).end = (chapter.end * 1000.0).round() as i64;
            set_metadata(&raw mut (*to).metadata, &chapter.metadata);
            *list.add(i) = to;
            (*self.context).nb_chapters = (i + 1) as _;
        }
        Ok(())
    }

    /// Writes a packet of stream `index`; callers interleave by decoding time.
    ///
    /// # Errors
    /// [`Error::Mux`].
    ///
    /// # Panics
    /// When there is no stream `index`.
    pub fn write(&mut self, index: usize, packet: &Packet) -> Result<()> {
        let (unit, shift) = (self.units[index], self.shifts[index]);
        // SAFETY: the context has at least `units.len()` streams and our packet is valid.
        unsafe {
            let input = InputPacket {
                data: &packet.data,
                pts: Some(packet.pts + shift),
                dts: Some(packet.dts + shift),
                flags: packet.flags,
                side: &packet.side,
            };
            fill_packet(self.packet, &input)?;
            (*self.packet).duration = packet.duration;
            (*self.packet).stream_index = index as c_int;
            let to = (**(*self.context).streams.add(index)).time_base;
            ffi::av_packet_rescale_ts(self.packet, raw::av_rational(unit), to);
            let code = ffi::av_write_frame(self.context, self.packet);
            self.check(code)?;
            self.check((*(*self.context).pb).error)
        }
    }

    /// Writes the trailer and closes the file.
    ///
    /// # Errors
    /// [`Error::IndexRoom`] when the index needs more, [`Error::Mux`] for the rest;
    /// the file is then not usable.
    pub fn finish(mut self) -> Result<()> {
        // SAFETY: the header is written; pb is ours.
        unsafe {
            self.started = false;
            let _ = log::take();
            let code = ffi::av_write_trailer(self.context);
            self.check(code).map_err(|error| self.room_error(error))?;
            let error = (*(*self.context).pb).error;
            self.check_io(error)?;
            let code = ffi::avio_closep(&raw mut (*self.context).pb);
            self.check_io(code)
        }
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        // SAFETY: all are ours or null. A started muxer without a trailer frees its
        // tables in write_trailer only, so an aborted one writes it and is thrown away.
        unsafe {
            if self.started {
                ffi::av_write_trailer(self.context);
            }
            ffi::av_packet_free(&raw mut self.packet);
            if !self.context.is_null() {
                ffi::avio_closep(&raw mut (*self.context).pb);
                ffi::avformat_free_context(self.context);
            }
        }
    }
}

unsafe fn set_metadata(to: *mut *mut ffi::AVDictionary, from: &BTreeMap<String, String>) {
    for (key, value) in from {
        let (key, value) = (cstring(key), cstring(value));
        ffi::av_dict_set(to, key.as_ptr(), value.as_ptr(), 0);
    }
}

unsafe fn add_side_data(
    st: *mut ffi::AVStream,
    kind: ffi::AVPacketSideDataType,
    bytes: &[u8],
) -> Result<()> {
    let data = ffi::av_stream_new_side_data(st, kind, bytes.len() as _);
    if data.is_null() {
        return Err(Error::Bug {
            detail: "out of memory for stream side data".into(),
        });
    }
    ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
    Ok(())
}
