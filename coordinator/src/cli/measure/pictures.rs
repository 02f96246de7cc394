// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file's pictures in display order, decoded front to back as FFmpeg would.

use crate::error::{JobError, Result};
use crate::orientation::orientation;
use framemill_codec::libav::{log, Decoder, Demuxer, Frame, MediaKind, StreamInfo};
use framemill_codec::picture::Rational;
use framemill_codec::{Class, Error};
use framemill_store::{shown, Location, StoreRoot};
use framemill_worker::{Failure, SourceRef};
use std::fs::File;
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::runtime::Handle;

/// Pictures that a decoder may be ahead.
const AHEAD: usize = 2;
/// Answers to one packet that are listened to: a decoder that fails for ever must not hold us for ever.
const ANSWERS: usize = 1000;

/// The pictures of one file's video, decoded in a thread of its own.
pub struct Pictures {
    file: String,
    /// Clockwise turn and mirror before it that the container asks for.
    pub orientation: (u16, bool),
    /// Unit of picture times.
    pub time_base: Rational,
    /// The nominal frame rate, 0 where nothing is known.
    pub frame_rate: Rational,
    frames: Option<Receiver<Frame>>,
    thread: Option<JoinHandle<Damage>>,
    count: u64,
    damage: Damage,
}

/// What did not decode.
#[derive(Default)]
struct Damage {
    places: u64,
    first: Option<String>,
}

impl Damage {
    fn add(&mut self, detail: String) {
        self.places += 1;
        self.first.get_or_insert(detail);
    }
}

impl Pictures {
    /// Opens a file's video stream. Other stores than directories need a tokio runtime that was
    /// entered.
    ///
    /// # Errors
    /// [`JobError::Input`] for what is no readable video.
    pub fn open(file: &str) -> Result<Self> {
        let name = shown(file);
        let wrong = |detail: String| JobError::Input {
            file: name.clone(),
            detail,
        };
        let location = Location::parse(file).map_err(|e| wrong(e.to_string()))?;
        let failed = |error: Error| match error.class() {
            Class::BadInput => wrong(error.to_string()),
            _ => JobError::Failed(format!("{name}: {error}")),
        };
        let demuxer = match &location.root {
            StoreRoot::Dir(root) => {
                let path = root.join(&location.key);
                Demuxer::open(
                    File::open(path).map_err(|e| wrong(e.to_string()))?,
                    &location.key,
                )
            }
            _ => {
                let remote = |e: Failure| JobError::from_failure(&name, &e);
                let handle = &Handle::try_current().map_err(|e| JobError::Failed(e.to_string()))?;
                let source = handle.block_on(SourceRef::look_up(file)).map_err(remote)?;
                let reader = source.reader(handle, &Arc::default()).map_err(remote)?;
                Demuxer::open(reader, &source.file_name())
            }
        };
        let mut demuxer = demuxer.map_err(failed)?;
        let streams = demuxer.streams();
        let video = choose_video(&streams).ok_or_else(|| wrong("no video stream".into()))?;
        let decoder = Decoder::open(&video.params, video.time_base).map_err(failed)?;
        let stream = video.index;
        demuxer.keep_streams(|i| i == stream);
        let (sender, frames) = sync_channel(AHEAD);
        let thread = thread::Builder::new()
            .name("pictures".into())
            .spawn(move || decode(demuxer, decoder, stream, &sender))
            .map_err(|e| JobError::Failed(format!("no thread to decode in: {e}")))?;
        Ok(Self {
            file: name.clone(),
            orientation: video
                .display_matrix
                .and_then(|m| orientation(&m))
                .unwrap_or((0, false)),
            time_base: video.time_base,
            frame_rate: video.frame_rate,
            frames: Some(frames),
            thread: Some(thread),
            count: 0,
            damage: Damage::default(),
        })
    }

    /// The next picture, of a format without a range of its own; `None` after the last.
    ///
    /// # Errors
    /// [`JobError::Failed`] when decoding broke down.
    pub fn next(&mut self) -> Result<Option<Frame>> {
        if let Some(Ok(mut frame)) = self.frames.as_ref().map(Receiver::recv) {
            frame.normalise_range();
            frame.set_pts(self.count as i64);
            self.count += 1;
            return Ok(Some(frame));
        }
        self.frames = None;
        if let Some(thread) = self.thread.take() {
            self.damage = thread.join().map_err(|_| {
                JobError::Failed(format!("{}: internal error in decoding", self.file))
            })?;
        }
        Ok(None)
    }

    /// Counts the pictures that are left.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn drain(&mut self) -> Result<()> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// Pictures so far.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// What did not decode in which file, in words, once the end is reached.
    pub fn note(&self) -> Option<String> {
        Some(format!("{}: {}", self.file, self.damage()?))
    }

    /// What did not decode, in words, once the end is reached.
    pub fn damage(&self) -> Option<String> {
        let first = self.damage.first.as_ref()?;
        let places = self.damage.places;
        let word = if places == 1 { "place" } else { "places" };
        Some(format!(
            "{places} {word} did not decode cleanly, the first: {first}"
        ))
    }
}

/// The choice of `framemill_worker::index`: the largest video that is no cover art, the first of equals.
fn choose_video(streams: &[StreamInfo]) -> Option<&StreamInfo> {
    streams
        .iter()
        .filter(|s| s.params.kind == MediaKind::Video && !s.is_cover_art())
        .rev()
        .max_by_key(|s| u64::from(s.params.width) * u64::from(s.params.height))
}

/// Decodes everything into `out`, passing over damage; stops when nobody listens.
fn decode(
    mut demuxer: Demuxer,
    mut decoder: Decoder,
    stream: usize,
    out: &SyncSender<Frame>,
) -> Damage {
    let mut damage = Damage::default();
    let _ = log::take();
    let mut ended = false;
    while !ended {
        let sent = match demuxer.next_packet() {
            Ok(Some(packet)) if packet.stream() != stream => continue,
            Ok(Some(packet)) => {
                let side = packet.side_data();
                decoder.send(Some(&packet.input(&side)))
            }
            end => {
                ended = true;
                if let Err(error) = end {
                    damage.add(error.to_string());
                }
                decoder.send(None)
            }
        };
        let mut failed = sent.err();
        for _ in 0..ANSWERS {
            match decoder.receive() {
                Ok(Some(frame)) => {
                    if out.send(frame).is_err() {
                        return damage;
                    }
                }
                Ok(None) => break,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let messages = log::take();
        if failed.is_some() || messages.count > 0 {
            let words = messages.lines.into_iter().next();
            damage.add(words.or(failed.map(|e| e.to_string())).unwrap_or_default());
        }
    }
    damage
}
