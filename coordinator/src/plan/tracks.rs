// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens to sound and subtitles.

use super::container::Container;
use super::options::{AudioMode, SubtitleMode, TranscodeOptions};
use crate::error::{JobError, Result};
use framemill_codec::libav::{MediaKind, StreamInfo};
use framemill_worker::index::Index;
use framemill_worker::track::{TrackMode, TrackTask};
use std::collections::BTreeMap;

/// A track of the output.
#[derive(Clone, Debug)]
pub struct TrackPlan {
    /// Stream in the source.
    pub stream: usize,
    /// What happens to it.
    pub mode: TrackMode,
    /// Language, title and the like.
    pub metadata: BTreeMap<String, String>,
    /// Dispositions by name.
    pub dispositions: Vec<String>,
}

/// Plans all tracks.
///
/// # Errors
/// [`JobError::Usage`] for an explicit wish that the container cannot hold.
pub fn plan_tracks(
    index: &Index,
    options: &TranscodeOptions,
    container: Container,
    warnings: &mut Vec<String>,
) -> Result<Vec<TrackPlan>> {
    let mut tracks = Vec::new();
    if options.digest {
        return Ok(tracks);
    }
    for stream in &index.header.tracks {
        let mode = match stream.params.kind {
            MediaKind::Audio => audio_mode(stream, options, container, warnings)?,
            _ => subtitle_mode(stream, options, container, warnings)?,
        };
        if let Some(mode) = mode {
            let mut metadata = super::kept_tags(&stream.metadata);
            metadata.retain(|k, _| {
                !k.starts_with("_STATISTICS")
                    && !matches!(k.as_str(), "DURATION" | "BPS" | "vendor_id")
            });
            tracks.push(TrackPlan {
                stream: stream.index,
                mode,
                metadata,
                dispositions: stream.dispositions.clone(),
            });
        }
    }
    Ok(tracks)
}

/// The task of a track.
#[must_use]
pub fn track_task(
    index: &Index,
    plan: &super::Plan,
    track: &TrackPlan,
    strict: bool,
    trimmed: bool,
) -> TrackTask {
    TrackTask {
        source: index.header.source.clone(),
        stream: track.stream,
        mode: track.mode.clone(),
        origin_us: plan.timeline.origin_us,
        end_us: plan.timeline.end_us,
        trimmed,
        strict,
    }
}

fn audio_mode(
    stream: &StreamInfo,
    options: &TranscodeOptions,
    container: Container,
    warnings: &mut Vec<String>,
) -> Result<Option<TrackMode>> {
    let params = &stream.params;
    let name = format!("stream {} ({})", stream.index, params.codec);
    if options.audio == AudioMode::None {
        return Ok(None);
    }
    if params.codec == "none"
        || params.codec == "unknown_codec"
        || params.sample_rate == 0
        || params.channels == 0
    {
        if options.keep_damaged {
            warnings.push(format!("left out: {name}, sound of an unknown codec"));
            return Ok(None);
        }
        return Err(JobError::Usage(format!(
            "{name}: damaged sound of an unknown codec; --audio none leaves it out"
        )));
    }
    let holds = container.holds_audio(&params.codec);
    let trimmed = options.start.is_some() || options.end.is_some();
    let encoder = match options.audio {
        AudioMode::Copy if holds => return Ok(Some(TrackMode::Copy)),
        AudioMode::Copy => {
            return Err(JobError::Usage(format!(
                "--audio copy: .{} cannot hold {}; use --audio {} or an .mkv file",
                container.extension(),
                params.codec,
                suiting(container)
            )))
        }
        AudioMode::Auto if holds && !trimmed && options.audio_bitrate.is_none() => {
            return Ok(Some(TrackMode::Copy))
        }
        AudioMode::Auto => suiting(container),
        AudioMode::Aac => "aac",
        AudioMode::Opus | AudioMode::None => "opus",
    };
    if !container.holds_audio(encoder) {
        return Err(JobError::Usage(format!(
            "--audio {encoder}: .{} cannot hold it; use --audio {}",
            container.extension(),
            suiting(container)
        )));
    }
    Ok(Some(encode_mode(stream, options, encoder)))
}

const fn suiting(container: Container) -> &'static str {
    match container {
        Container::Mp4 | Container::Mov => "aac",
        Container::Mkv | Container::Webm => "opus",
    }
}

/// Sample rate and channels that both the encoder and players take.
fn encode_mode(stream: &StreamInfo, options: &TranscodeOptions, encoder: &str) -> TrackMode {
    const AAC_RATES: [u32; 7] = [48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 96_000];
    let params = &stream.params;
    let opus = encoder == "opus";
    let sample_rate = if !opus && AAC_RATES.contains(&params.sample_rate) {
        params.sample_rate
    } else {
        48_000
    };
    let (layout, channels) = match params.channels {
        1 => ("mono", 1),
        6 => ("5.1", 6),
        8 => ("7.1", 8),
        _ => ("stereo", 2),
    };
    let per_channel = if opus { 48_000 } else { 64_000 };
    TrackMode::Encode {
        encoder: if opus { "libopus" } else { "aac" }.to_owned(),
        bit_rate: options.audio_bitrate.unwrap_or(per_channel * channels),
        sample_rate,
        channel_layout: layout.to_owned(),
        sample_fmt: if opus { "flt" } else { "fltp" }.to_owned(),
    }
}

fn subtitle_mode(
    stream: &StreamInfo,
    options: &TranscodeOptions,
    container: Container,
    warnings: &mut Vec<String>,
) -> Result<Option<TrackMode>> {
    let codec = &stream.params.codec;
    if options.subtitles == Some(SubtitleMode::None) {
        return Ok(None);
    }
    if container.holds_subtitles(codec) {
        return Ok(Some(TrackMode::Copy));
    }
    let refusal = format!(
        "stream {} ({codec}): .{} cannot hold these subtitles",
        stream.index,
        container.extension()
    );
    if options.subtitles == Some(SubtitleMode::Copy) {
        return Err(JobError::Usage(format!(
            "--subtitles copy: {refusal}; an .mkv file can"
        )));
    }
    warnings.push(format!("left out: {refusal}"));
    Ok(None)
}
