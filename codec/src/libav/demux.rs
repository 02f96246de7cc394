// SPDX-License-Identifier: MIT OR Apache-2.0
use super::caught::Caught;
use super::params::{CodecParams, MediaKind};
use super::raw::{self, text};
use super::{log, Frame, InputPacket};
use crate::error::{Error, Result};
use crate::packet::SideData;
use crate::picture::{ContentLight, MasteringDisplay, Rational};
use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::{ffi, format};
use libc::c_int;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Read, Seek};

/// Dispositions by libav's bit, in the words that users see.
const DISPOSITIONS: [(c_int, &str); 8] = [
    (0x1, "default"),
    (0x2, "dub"),
    (0x4, "original"),
    (0x8, "comment"),
    (0x40, "forced"),
    (0x80, "hearing_impaired"),
    (0x100, "visual_impaired"),
    (0x400, "attached_pic"),
];

/// One stream of an opened container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamInfo {
    /// Position in the container.
    pub index: usize,
    /// Codec parameters, as probing found them.
    pub params: CodecParams,
    /// Unit of the stream's timestamps, in seconds.
    pub time_base: Rational,
    /// First presentation time in `time_base` units.
    pub start: Option<i64>,
    /// Duration in `time_base` units.
    pub duration: Option<i64>,
    /// Packets that the container's tables list, where it has tables.
    pub stated_packets: Option<u64>,
    /// libav's guess of the nominal frame rate.
    pub frame_rate: Rational,
    /// Measured mean frame rate.
    pub average_rate: Rational,
    /// Set dispositions, such as `default` or `forced`.
    pub dispositions: Vec<String>,
    /// Language, title and the like.
    pub metadata: BTreeMap<String, String>,
    /// Display matrix, 16.16 and 2.30 fixed point, when the container has one.
    pub display_matrix: Option<[i32; 9]>,
    /// Mastering display from the container.
    pub mastering: Option<MasteringDisplay>,
    /// Content light level from the container.
    pub content_light: Option<ContentLight>,
}

impl StreamInfo {
    /// True for cover art.
    #[must_use]
    pub fn is_cover_art(&self) -> bool {
        self.dispositions.iter().any(|d| d == "attached_pic")
    }
}

/// A chapter mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChapterInfo {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// Title and other tags.
    pub metadata: BTreeMap<String, String>,
}

/// An open container.
pub struct Demuxer {
    input: Input,
    packet: *mut ffi::AVPacket,
}

// SAFETY: the packet is owned and only touched through &mut self; Input is Send.
unsafe impl Send for Demuxer {}

/// One packet as the demuxer hands it out; borrowed until the next call.
pub struct DemuxedPacket<'a>(&'a ffi::AVPacket);

impl DemuxedPacket<'_> {
    /// Stream index.
    #[must_use]
    pub fn stream(&self) -> usize {
        self.0.stream_index.max(0) as usize
    }
    /// Presentation time.
    #[must_use]
    pub fn pts(&self) -> Option<i64> {
        raw::some_ts(self.0.pts)
    }
    /// Decoding time.
    #[must_use]
    pub fn dts(&self) -> Option<i64> {
        raw::some_ts(self.0.dts)
    }
    /// Duration; 0 when unknown.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.0.duration.max(0)
    }
    /// Byte position in the container; containers differ in what it points at.
    #[must_use]
    pub fn pos(&self) -> Option<u64> {
        u64::try_from(self.0.pos).ok()
    }
    /// libav's packet flags: 1 key, 2 corrupt, 4 discard.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.0.flags as u32
    }
    /// Compressed bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        if self.0.data.is_null() || self.0.size <= 0 {
            return &[];
        }
        // SAFETY: libav's packet holds `size` bytes at `data` while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.0.data, self.0.size as usize) }
    }
    /// This packet on its way into a decoder, with its side data.
    #[must_use]
    pub fn input<'b>(&'b self, side: &'b [SideData]) -> InputPacket<'b> {
        InputPacket {
            data: self.data(),
            pts: self.pts(),
            dts: self.dts(),
            flags: self.flags(),
            side,
        }
    }
    /// Side data, copied.
    #[must_use]
    pub fn side_data(&self) -> Vec<SideData> {
        // SAFETY: the packet holds `side_data_elems` valid entries.
        unsafe { super::decode::read_side_data(self.0) }
    }
}

impl Demuxer {
    /// Opens a container and probes its streams as FFmpeg does by default.
    ///
    /// `name` helps recognition by extension; nothing is opened under it.
    ///
    /// # Errors
    /// [`Error::Open`] with libavformat's reason.
    pub fn open<R: Read + Seek + Send + 'static>(reader: R, name: &str) -> Result<Self> {
        Self::open_with(reader, name, &[])
    }

    /// Opens a container for its tables alone: hardly any probing, no parsing,
    /// so that packets carry what the container says and nothing else.
    ///
    /// # Errors
    /// [`Error::Open`] with libavformat's reason.
    pub fn open_tables<R: Read + Seek + Send + 'static>(reader: R, name: &str) -> Result<Self> {
        Self::open_with(
            reader,
            name,
            &[
                ("fflags", "noparse+nofillin"),
                ("probesize", "32"),
                ("analyzeduration", "0"),
            ],
        )
    }

    fn open_with<R: Read + Seek + Send + 'static>(
        reader: R,
        name: &str,
        options: &[(&str, &str)],
    ) -> Result<Self> {
        let _ = log::take();
        let mut dictionary = ffmpeg_next::Dictionary::new();
        // Playlists and the like name other files and hosts: none of them is opened.
        dictionary.set("protocol_whitelist", "none");
        for (key, value) in options {
            dictionary.set(key, value);
        }
        let failed = |e: ffmpeg_next::Error| Error::Open {
            detail: log::last_or(&raw::error_text(e.into())),
        };
        let reader = Caught(reader);
        let io = StreamIo::from_read_seek_with_capacity(reader, 64 << 10).map_err(failed)?;
        let input = format::input_from_stream(io, Some(name), Some(dictionary)).map_err(failed)?;
        // SAFETY: allocates a packet or returns null.
        let packet = unsafe { ffi::av_packet_alloc() };
        if packet.is_null() {
            return Err(Error::Bug {
                detail: "out of memory for a packet".into(),
            });
        }
        let _ = log::take();
        Ok(Self { input, packet })
    }

    fn context(&self) -> &ffi::AVFormatContext {
        // SAFETY: Input holds a valid context while it lives.
        unsafe { &*self.input.as_ptr() }
    }

    /// libavformat's short name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    #[must_use]
    pub fn format_name(&self) -> String {
        // SAFETY: an open input has a format with a static name.
        unsafe { text((*self.context().iformat).name) }
    }

    /// Tags of the whole file.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        // SAFETY: a dictionary of a living context.
        unsafe { raw::to_map(self.context().metadata) }
    }

    /// First presentation time of any stream, in microseconds.
    #[must_use]
    pub fn start_us(&self) -> Option<i64> {
        raw::some_ts(self.context().start_time)
    }

    /// Duration in microseconds.
    #[must_use]
    pub fn duration_us(&self) -> Option<i64> {
        raw::some_ts(self.context().duration)
    }

    /// Chapters in order.
    #[must_use]
    pub fn chapters(&self) -> Vec<ChapterInfo> {
        let c = self.context();
        (0..c.nb_chapters as usize)
            .map(|i| {
                // SAFETY: the context holds nb_chapters valid chapters.
                unsafe {
                    let chapter = &**c.chapters.add(i);
                    let unit = raw::rational(chapter.time_base).as_f64();
                    ChapterInfo {
                        start: chapter.start as f64 * unit,
                        end: chapter.end as f64 * unit,
                        metadata: raw::to_map(chapter.metadata),
                    }
                }
            })
            .collect()
    }

    /// All streams in order.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamInfo> {
        // SAFETY: the context holds nb_streams valid streams.
        (0..self.context().nb_streams as usize)
            .map(|i| unsafe { self.stream_info(i) })
            .collect()
    }

    unsafe fn stream_info(&self, index: usize) -> StreamInfo {
        let context = self.input.as_ptr().cast_mut();
        let stream = *(*context).streams.add(index);
        let s = &*stream;
        let mut params = CodecParams::read(s.codecpar);
        if s.sample_aspect_ratio.num > 0 {
            params.sar = raw::rational(s.sample_aspect_ratio);
        }
        let guessed = if params.kind == MediaKind::Video {
            raw::rational(ffi::av_guess_frame_rate(
                context,
                stream,
                std::ptr::null_mut(),
            ))
        } else {
            Rational::new(0, 1)
        };
        StreamInfo {
            index,
            params,
            time_base: raw::rational(s.time_base),
            start: raw::some_ts(s.start_time),
            duration: raw::some_ts(s.duration).filter(|&d| d > 0),
            stated_packets: u64::try_from(s.nb_frames).ok().filter(|&n| n > 0),
            frame_rate: guessed,
            average_rate: raw::rational(s.avg_frame_rate),
            dispositions: DISPOSITIONS
                .iter()
                .filter(|(bit, _)| s.disposition & bit != 0)
                .map(|(_, name)| (*name).to_owned())
                .collect(),
            metadata: raw::to_map(s.metadata),
            display_matrix: display_matrix(stream),
            mastering: side_data(
                stream,
                ffi::AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
            )
            .and_then(super::frame_hdr::mastering_from_bytes),
            content_light: side_data(
                stream,
                ffi::AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
            )
            .and_then(super::frame_hdr::content_light_from_bytes),
        }
    }

    /// Tells the demuxer to hand out only the streams for which `keep` says so.
    pub fn keep_streams(&mut self, keep: impl Fn(usize) -> bool) {
        // SAFETY: the context holds nb_streams valid streams.
        unsafe {
            let context = self.input.as_mut_ptr();
            for i in 0..(*context).nb_streams as usize {
                (**(*context).streams.add(i)).discard = if keep(i) {
                    ffi::AVDiscard::AVDISCARD_DEFAULT
                } else {
                    ffi::AVDiscard::AVDISCARD_ALL
                };
            }
        }
    }

    /// The next packet of any kept stream in file order; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Read`] when the container breaks off or reading fails.
    pub fn next_packet(&mut self) -> Result<Option<DemuxedPacket<'_>>> {
        // SAFETY: packet and context are ours; unref of a blank packet is allowed.
        unsafe {
            ffi::av_packet_unref(self.packet);
            match ffi::av_read_frame(self.input.as_mut_ptr(), self.packet) {
                0.. => Ok(Some(DemuxedPacket(&*self.packet))),
                ffi::AVERROR_EOF => {
                    let io = (*self.input.as_ptr()).pb;
                    if !io.is_null() && (*io).error < 0 && (*io).error != ffi::AVERROR_EOF {
                        return Err(Error::Read {
                            detail: raw::error_text((*io).error),
                        });
                    }
                    Ok(None)
                }
                code => Err(Error::Read {
                    detail: raw::error_text(code),
                }),
            }
        }
    }

    /// Seeks so that the next packets lie at or before `us` microseconds.
    ///
    /// # Errors
    /// [`Error::Read`] when the container cannot seek.
    pub fn seek_before(&mut self, us: i64) -> Result<()> {
        self.input.seek(us, ..us).map_err(|e| Error::Read {
            detail: raw::error_text(e.into()),
        })
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        // SAFETY: we own the packet.
        unsafe { ffi::av_packet_free(&raw mut self.packet) };
    }
}

unsafe fn side_data<'a>(
    stream: *const ffi::AVStream,
    kind: ffi::AVPacketSideDataType,
) -> Option<&'a [u8]> {
    let mut size = 0;
    let data = ffi::av_stream_get_side_data(stream, kind, &raw mut size);
    (!data.is_null() && size > 0).then(|| std::slice::from_raw_parts(data, size as usize))
}

unsafe fn display_matrix(stream: *const ffi::AVStream) -> Option<[i32; 9]> {
    let bytes = side_data(stream, ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX)?;
    let mut matrix = [0i32; 9];
    if bytes.len() < 36 {
        return None;
    }
    for (value, chunk) in matrix.iter_mut().zip(bytes.chunks_exact(4)) {
        *value = i32::from_ne_bytes(chunk.try_into().ok()?);
    }
    Some(matrix)
}

impl Frame {
    /// Mastering display that the bitstream itself carries.
    #[must_use]
    pub fn mastering(&self) -> Option<MasteringDisplay> {
        self.side_bytes(ffi::AVFrameSideDataType::AV_FRAME_DATA_MASTERING_DISPLAY_METADATA)
            .and_then(super::frame_hdr::mastering_from_bytes)
    }

    /// Content light level that the bitstream itself carries.
    #[must_use]
    pub fn content_light(&self) -> Option<ContentLight> {
        self.side_bytes(ffi::AVFrameSideDataType::AV_FRAME_DATA_CONTENT_LIGHT_LEVEL)
            .and_then(super::frame_hdr::content_light_from_bytes)
    }

    fn side_bytes(&self, kind: ffi::AVFrameSideDataType) -> Option<&[u8]> {
        // SAFETY: libav returns null or an entry that lives as long as the frame.
        unsafe {
            let entry = ffi::av_frame_get_side_data(self.as_ptr(), kind);
            if entry.is_null() || (*entry).data.is_null() {
                return None;
            }
            Some(std::slice::from_raw_parts(
                (*entry).data,
                (*entry).size as usize,
            ))
        }
    }
}
