// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill probe`: what a file holds, as its index tells.

mod colour;
mod rate;
mod table;

use crate::error::{JobError, Result};
use crate::orientation::orientation;
use colour::{ColourReport, HdrReport};
use framemill_codec::libav::{MediaKind, StreamInfo};
use framemill_codec::picture::Rational;
use framemill_store::{self as store, Location, MemoryStore, Store, StoreRoot};
use framemill_worker::index::{Damage, Index, IndexTask};
use framemill_worker::{Failure, SourceRef, Task, Unwatched, WorkPlace};
use rate::gcd;
pub use rate::is_variable;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Show what a media file holds.
#[derive(clap::Args, Clone, Debug)]
pub struct ProbeArgs {
    /// What to look into: a file, s3://BUCKET/KEY or https://HOST/PATH.
    pub input: String,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Indexes the input and prints what was found.
///
/// # Errors
/// [`JobError::Input`] when the input is not a readable video.
pub async fn run(args: &ProbeArgs) -> Result<()> {
    let index = index_of(&args.input).await?;
    let report = Report::of(&index);
    if args.json {
        let text = serde_json::to_string(&report).map_err(|e| JobError::Failed(e.to_string()))?;
        print(&format!("{text}\n"))
    } else {
        print(&table::table(&store::shown(&args.input), &report))
    }
}

/// Writes `text` to standard output; a reader that has left is no error.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(JobError::Failed(format!("standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Runs the index task with a store of its own that goes away with it.
async fn index_of(input: &str) -> Result<Index> {
    let name = store::shown(input);
    let failed = |failure: Failure| JobError::from_failure(&name, &failure);
    let source = SourceRef::look_up(&absolute(input)?)
        .await
        .map_err(failed)?;
    let work = Arc::new(MemoryStore::new());
    let place = WorkPlace {
        handle: Handle::current(),
        work: work.clone(),
        prefix: String::new(),
        simd: None,
    };
    let task = Task::Index(IndexTask {
        source,
        decode: false,
    });
    let outcome =
        tokio::task::spawn_blocking(move || framemill_worker::run(&task, &place, &Unwatched))
            .await
            .map_err(|e| JobError::Failed(format!("{name}: internal error: {e}")))?
            .map_err(failed)?;
    let blob = outcome
        .blobs
        .first()
        .ok_or_else(|| failed(Failure::bug("an index without a blob")))?;
    let bytes = work
        .get(&blob.key, blob.size)
        .await
        .map_err(|e| failed(e.into()))?;
    Index::from_bytes(&bytes).map_err(failed)
}

/// The input with its path made absolute; URIs of other stores as they are.
fn absolute(input: &str) -> Result<String> {
    let wrong = |detail: String| JobError::Input {
        file: store::shown(input),
        detail,
    };
    match Location::parse(input).map_err(|e| wrong(e.to_string()))? {
        Location {
            root: StoreRoot::Dir(root),
            key,
        } => {
            let path = std::path::absolute(root.join(key)).map_err(|e| wrong(e.to_string()))?;
            path.into_os_string()
                .into_string()
                .map_err(|_| wrong("the working directory is not UTF-8".into()))
        }
        _ => Ok(input.to_owned()),
    }
}

/// What a file holds; the JSON form is this structure's.
#[derive(Debug, Serialize)]
struct Report {
    version: u32,
    container: String,
    duration_s: f64,
    start_s: f64,
    video: VideoReport,
    audio: Vec<AudioReport>,
    subtitles: Vec<SubtitleReport>,
    left_out: Vec<String>,
    chapters: usize,
    damage: Vec<Damage>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct VideoReport {
    stream: usize,
    codec: String,
    width: u32,
    height: u32,
    pix_fmt: String,
    frames: usize,
    time_base: String,
    frame_rate: String,
    vfr: bool,
    key_frames: Vec<f64>,
    colour: ColourReport,
    hdr: Option<HdrReport>,
    rotation: u16,
    mirrored: bool,
    sar: String,
    field_order: &'static str,
    #[serde(skip)]
    fps: f64,
    #[serde(skip)]
    mean_fps: f64,
    #[serde(skip)]
    last_end_s: f64,
    #[serde(skip)]
    display_aspect: (u64, u64),
}

#[derive(Debug, Serialize)]
struct AudioReport {
    stream: usize,
    codec: String,
    channels: u32,
    sample_rate: u32,
    language: Option<String>,
    title: Option<String>,
    default: bool,
}

#[derive(Debug, Serialize)]
struct SubtitleReport {
    stream: usize,
    codec: String,
    language: Option<String>,
    title: Option<String>,
    default: bool,
    forced: bool,
}

impl Report {
    fn of(index: &Index) -> Self {
        let header = &index.header;
        let mut warnings = header.warnings.clone();
        if header
            .video
            .stream
            .display_matrix
            .is_some_and(|m| orientation(&m).is_none())
        {
            warnings
                .push("the display matrix is not made of right angles and is left alone".into());
        }
        let video = VideoReport::of(index);
        let start_s = header.start_us as f64 * 1e-6;
        let of_kind = |kind| header.tracks.iter().filter(move |t| t.params.kind == kind);
        Self {
            version: 1,
            container: header.container.clone(),
            duration_s: header
                .duration_us
                .map_or(video.last_end_s - start_s, |us| us as f64 * 1e-6),
            start_s,
            video,
            audio: of_kind(MediaKind::Audio).map(AudioReport::of).collect(),
            subtitles: of_kind(MediaKind::Subtitle)
                .map(SubtitleReport::of)
                .collect(),
            left_out: header.left_out.clone(),
            chapters: header.chapters.len(),
            damage: header.damage.clone(),
            warnings,
        }
    }
}

impl VideoReport {
    fn of(index: &Index) -> Self {
        let track = &index.header.video;
        let params = &track.stream.params;
        let unit = track.stream.time_base.as_f64();
        let order = index.display_order();
        let frames = || order.iter().filter_map(|&i| index.packets.get(i as usize));
        let pts: Vec<i64> = frames().map(|p| p.pts).collect();
        let last_end = frames()
            .next_back()
            .map_or(0, |p| p.pts.saturating_add(i64::from(p.duration)));
        let (rotation, mirrored) = track
            .stream
            .display_matrix
            .and_then(|m| orientation(&m))
            .unwrap_or((0, false));
        let sar = if params.sar.is_positive() {
            params.sar
        } else {
            Rational::new(1, 1)
        };
        Self {
            stream: track.stream.index,
            codec: params.codec.clone(),
            width: track.width,
            height: track.height,
            pix_fmt: track.pix_fmt.clone(),
            frames: pts.len(),
            time_base: track.stream.time_base.to_string(),
            frame_rate: track.frame_rate.to_string(),
            vfr: is_variable(&pts),
            key_frames: frames()
                .filter(|p| p.is_key())
                .map(|p| p.pts as f64 * unit)
                .collect(),
            colour: ColourReport::of(&track.colour),
            hdr: HdrReport::of(track.colour.transfer, track.mastering, track.content_light),
            rotation,
            mirrored,
            sar: sar.to_string(),
            field_order: field_order(params.field_order),
            fps: track.frame_rate.as_f64(),
            mean_fps: mean_rate(&pts, unit),
            last_end_s: last_end as f64 * unit,
            display_aspect: display_aspect(track.width, track.height, sar, rotation % 180 != 0),
        }
    }
}

impl AudioReport {
    fn of(stream: &StreamInfo) -> Self {
        Self {
            stream: stream.index,
            codec: stream.params.codec.clone(),
            channels: stream.params.channels,
            sample_rate: stream.params.sample_rate,
            language: tag(stream, "language"),
            title: tag(stream, "title"),
            default: has(stream, "default"),
        }
    }
}

impl SubtitleReport {
    fn of(stream: &StreamInfo) -> Self {
        Self {
            stream: stream.index,
            codec: stream.params.codec.clone(),
            language: tag(stream, "language"),
            title: tag(stream, "title"),
            default: has(stream, "default"),
            forced: has(stream, "forced"),
        }
    }
}

fn tag(stream: &StreamInfo, key: &str) -> Option<String> {
    stream.metadata.get(key).filter(|v| !v.is_empty()).cloned()
}

fn has(stream: &StreamInfo, disposition: &str) -> bool {
    stream.dispositions.iter().any(|d| d == disposition)
}

/// Frames a second from the first to the last; 0 of less than two.
fn mean_rate(pts: &[i64], unit: f64) -> f64 {
    match (pts.first(), pts.last()) {
        (Some(first), Some(last)) if first < last => {
            (pts.len() - 1) as f64 / (last.abs_diff(*first) as f64 * unit)
        }
        _ => 0.0,
    }
}

/// Width to height as shown, in lowest terms.
fn display_aspect(width: u32, height: u32, sar: Rational, turned: bool) -> (u64, u64) {
    let w = u64::from(width) * u64::from(sar.num.unsigned_abs());
    let h = u64::from(height) * u64::from(sar.den.unsigned_abs());
    let divisor = gcd(w, h).max(1);
    let (w, h) = (w / divisor, h / divisor);
    if turned {
        (h, w)
    } else {
        (w, h)
    }
}

/// ffprobe's word for libav's field order number.
fn field_order(code: i32) -> &'static str {
    match code {
        1 => "progressive",
        2 => "tt",
        3 => "bb",
        4 => "tb",
        5 => "bt",
        _ => "unknown",
    }
}
