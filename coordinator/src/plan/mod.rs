// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an index and the user's wishes to tasks.
//!
//! | module | decides |
//! |---|---|
//! | [`options`] | what the user asked for, as values |
//! | [`container`] | what fits into which file |
//! | [`output`] | size, pixels, colour, times and encoder of the video |
//! | [`encoder`] | the encoder's own options from quality and preset |
//! | [`chunks`] | where to cut |
//! | [`batches`] | which chunks continue from the one before |
//! | [`auto`] | how long chunks and batches are then |
//! | [`scenes`] | where the pictures themselves ask for a cut |
//! | [`costs`] | what frames take |
//! | [`expect`] | what all of it is expected to take |
//! | [`fit`] | whether workers can do it; cuts further what takes too long |
//! | [`span`] | which packets a chunk needs |
//! | [`tracks`] | what happens to sound and subtitles |
//!
//! A plan depends on the source and the options alone, never on how many
//! workers there are, so that the output doesn't either.

pub mod auto;
pub mod batches;
pub mod chunks;
pub mod colour;
pub mod container;
pub mod costs;
pub mod encoder;
pub mod expect;
pub mod fit;
pub mod options;
pub mod output;
pub mod scenes;
pub mod span;
pub mod tracks;

use crate::error::{JobError, Result};
use auto::Shape;
use batches::Batches;
use chunks::Chunk;
use container::Container;
use framemill_codec::libav::ChapterInfo;
use framemill_worker::index::Index;
use options::{ChunkRule, Seam, TranscodeOptions};
use output::VideoPlan;
use span::Timeline;
use std::collections::BTreeMap;
use tracks::TrackPlan;

/// Everything a job will do, before any of it is done.
#[derive(Debug)]
pub struct Plan {
    /// The container to write.
    pub container: Container,
    /// The video.
    pub video: VideoPlan,
    /// Frames in display order and what becomes of each.
    pub timeline: Timeline,
    /// Where it is cut.
    pub chunks: Vec<Chunk>,
    /// Which of them begin with a key frame.
    pub batches: Batches,
    /// How chunks that continue are cut.
    pub shape: Option<Shape>,
    /// Sound and subtitles.
    pub tracks: Vec<TrackPlan>,
    /// Tags of the whole file.
    pub metadata: BTreeMap<String, String>,
    /// Chapters on the output's line.
    pub chapters: Vec<ChapterInfo>,
    /// Things the user should know.
    pub warnings: Vec<String>,
}

/// Plans a job.
///
/// # Errors
/// [`JobError::Usage`] for what cannot be held, encoded or found; nothing has
/// been done then.
pub fn plan(index: &Index, options: &TranscodeOptions, file: &str) -> Result<Plan> {
    let container = Container::of(&options.output)?;
    let mut warnings = index.header.warnings.clone();
    warnings.extend(
        index
            .header
            .left_out
            .iter()
            .map(|s| format!("left out: {s}")),
    );
    check_damage(index, options, file, &mut warnings)?;
    let video = output::plan_video(index, options, container, &mut warnings)?;
    let timeline = Timeline::new(index, options)?;
    if timeline.is_empty() {
        return Err(JobError::Input {
            file: file.to_owned(),
            detail: "no frames to encode".into(),
        });
    }
    let shape = match options.seam {
        Seam::Closed => None,
        Seam::Rebase => Some(auto::shape(index, &timeline, &video.encoder, options)),
    };
    warnings.extend(shape.and_then(|shape| batches::misses(options, shape)));
    let chunks = chunks::cut(index, &timeline, &batches::rule(options, shape))?;
    let batches = match (shape, options.chunk) {
        (None, _) => Batches::default(),
        // These chunks are for the analysis alone.
        (Some(_), ChunkRule::Scenes) => Batches::default(),
        (Some(shape), _) => {
            batches::check_chunks(&chunks)?;
            Batches::of(&chunks, shape.chunks, &[])
        }
    };
    let tracks = tracks::plan_tracks(index, options, container, &mut warnings)?;
    let origin = timeline.origin_us as f64 * 1e-6;
    let end = timeline.end_us.map(|e| e as f64 * 1e-6);
    Ok(Plan {
        container,
        video,
        chunks,
        batches,
        shape,
        tracks,
        metadata: kept_tags(&index.header.metadata),
        chapters: shift_chapters(&index.header.chapters, origin, end),
        timeline,
        warnings,
    })
}

/// Damage before the first key frame costs nothing that could be shown; any
/// other is refused unless the user takes what decodes.
fn check_damage(
    index: &Index,
    options: &TranscodeOptions,
    file: &str,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let first_key = index
        .packets
        .iter()
        .position(|p| p.is_key())
        .unwrap_or(index.packets.len()) as u64;
    let mut early = 0usize;
    for damage in &index.header.damage {
        if damage.packet.is_some_and(|p| p < first_key) {
            early += 1;
            continue;
        }
        let mut place = format!("stream {}", index.header.video.stream.index);
        if let Some(packet) = damage.packet {
            place.push_str(&format!(", packet {packet}"));
        }
        if let Some(offset) = damage.offset {
            place.push_str(&format!(", byte {offset}"));
        }
        let what = format!("damaged at {place}: {}", damage.detail);
        if !options.keep_damaged {
            let detail = format!("{what} (--damaged keep takes what decodes)");
            return Err(JobError::Input {
                file: file.to_owned(),
                detail,
            });
        }
        warnings.push(what);
    }
    if early > 0 {
        warnings.push(format!(
            "{early} packets before the first key frame do not decode; output starts with it"
        ));
    }
    Ok(())
}

/// Tags that describe the programme, not the file it came in.
fn kept_tags(from: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    const FILE_TAGS: [&str; 6] = [
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
        "creation_time",
        "handler_name",
    ];
    from.iter()
        .filter(|(k, _)| !FILE_TAGS.contains(&k.to_ascii_lowercase().as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

fn shift_chapters(chapters: &[ChapterInfo], origin: f64, end: Option<f64>) -> Vec<ChapterInfo> {
    chapters
        .iter()
        .filter(|c| c.end > origin && end.is_none_or(|e| c.start < e))
        .map(|c| ChapterInfo {
            start: (c.start - origin).max(0.0),
            end: end.map_or(c.end, |e| c.end.min(e)) - origin,
            metadata: c.metadata.clone(),
        })
        .collect()
}
