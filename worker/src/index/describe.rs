// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a container says of itself, as an index header.

use super::{IndexHeader, IndexTask, PacketHome, VideoTrack};
use crate::{Failure, SourceRef};
use framemill_codec::libav::{Decoder, Demuxer, Frame, MediaKind, StreamInfo};
use framemill_codec::picture::Rational;
use framemill_store as store;

/// Packets read in search of the first picture.
const FIRST_PICTURE_PACKETS: usize = 400;

/// FFmpeg's own choice among video streams: the largest, never cover art.
///
/// # Errors
/// [`Failure::BadInput`] when there is none.
pub fn choose_video(streams: &[StreamInfo]) -> Result<&StreamInfo, Failure> {
    streams
        .iter()
        .filter(|s| s.params.kind == MediaKind::Video && !s.is_cover_art())
        .rev()
        .max_by_key(|s| u64::from(s.params.width) * u64::from(s.params.height))
        .ok_or_else(|| {
            let art = streams.iter().any(StreamInfo::is_cover_art);
            Failure::bad_input(if art {
                "no video stream, only cover art"
            } else {
                "no video stream"
            })
        })
}

/// Decodes from the start until a picture comes; `None` when none does.
pub fn first_picture(demuxer: &mut Demuxer, video: &StreamInfo) -> Result<Option<Frame>, Failure> {
    let mut decoder = Decoder::open(&video.params, video.time_base)?;
    let mut left = FIRST_PICTURE_PACKETS;
    let mut ended = false;
    while !ended && left > 0 {
        let sent = match demuxer.next_packet() {
            Ok(Some(packet)) if packet.stream() != video.index => continue,
            Ok(Some(packet)) => {
                left -= 1;
                let side = packet.side_data();
                let input = packet.input(&side);
                decoder.send(Some(&input))
            }
            Ok(None) | Err(_) => {
                ended = true;
                decoder.send(None)
            }
        };
        if sent.is_ok() {
            if let Ok(Some(frame)) = decoder.receive() {
                return Ok(Some(frame));
            }
        }
    }
    Ok(None)
}

pub fn header_of(
    demuxer: &Demuxer,
    task: &IndexTask,
    streams: &[StreamInfo],
    video: &StreamInfo,
    first: Option<&Frame>,
) -> IndexHeader {
    let mut stream = video.clone();
    let geometry = first.map(Frame::geometry);
    if let Some(g) = geometry
        .as_ref()
        .filter(|g| g.sar.is_positive() && !stream.params.sar.is_positive())
    {
        stream.params.sar = g.sar;
    }
    let mut colour = stream.params.colour;
    if let Some(seen) = first.map(Frame::colour) {
        let pick = |said: u8, seen: u8, unknown: u8| {
            if said == unknown || said == 0 {
                seen
            } else {
                said
            }
        };
        colour.primaries = pick(colour.primaries, seen.primaries, 2);
        colour.transfer = pick(colour.transfer, seen.transfer, 2);
        colour.matrix = pick(colour.matrix, seen.matrix, 2);
        colour.range = pick(colour.range, seen.range, 0);
        colour.chroma_location = pick(colour.chroma_location, seen.chroma_location, 0);
    }
    IndexHeader {
        // The index is kept, and secrets are not: who reads it knows its source.
        source: SourceRef {
            uri: store::shown(&task.source.uri),
            ..task.source.clone()
        },
        container: demuxer.format_name(),
        start_us: demuxer.start_us().unwrap_or(0),
        duration_us: demuxer.duration_us(),
        metadata: demuxer.metadata(),
        chapters: demuxer.chapters(),
        tracks: streams
            .iter()
            .filter(|s| matches!(s.params.kind, MediaKind::Audio | MediaKind::Subtitle))
            .cloned()
            .collect(),
        left_out: streams
            .iter()
            .filter(|s| s.index != video.index)
            .filter_map(left_out)
            .collect(),
        video: VideoTrack {
            home: PacketHome::Source,
            pix_fmt: geometry
                .as_ref()
                .map_or_else(|| stream.params.format.clone(), |g| g.pix_fmt.clone()),
            width: geometry.as_ref().map_or(stream.params.width, |g| g.width),
            height: geometry.as_ref().map_or(stream.params.height, |g| g.height),
            colour,
            mastering: first.and_then(Frame::mastering).or(stream.mastering),
            content_light: first
                .and_then(Frame::content_light)
                .or(stream.content_light),
            frame_rate: nominal_rate(&stream),
            decoded: false,
            side: Vec::new(),
            stream,
        },
        damage: Vec::new(),
        warnings: Vec::new(),
    }
}

fn nominal_rate(stream: &StreamInfo) -> Rational {
    let usable = |r: &Rational| r.is_positive() && r.as_f64() <= 240.0;
    [stream.frame_rate, stream.average_rate]
        .into_iter()
        .find(usable)
        .unwrap_or(Rational::new(25, 1))
}

fn left_out(stream: &StreamInfo) -> Option<String> {
    let what = match stream.params.kind {
        MediaKind::Audio | MediaKind::Subtitle => return None,
        MediaKind::Video if stream.is_cover_art() => "cover art",
        MediaKind::Video => "a further video stream",
        MediaKind::Other if stream.params.codec == "none" => "data of an unknown kind",
        MediaKind::Other => "data",
    };
    Some(format!(
        "stream {} ({}, {what})",
        stream.index, stream.params.codec
    ))
}
