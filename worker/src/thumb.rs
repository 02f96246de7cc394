// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails of one picture or video: it is read once and decoded for each of them.
//!
//! What is wrong with a picture or with one of its thumbnails is a result like any other: it is
//! the same wherever and whenever the task runs, and no reason to try again.

use crate::run::{Monitor, WorkPlace};
use crate::task::{BlobRef, Outcome, TaskKey, TaskStats};
use crate::video::{is_video, Still, VideoFrame};
use crate::{Failure, SourceRef};
use framemill_store::{RangeReader, ReadStats, ReaderOptions};
use framemill_thumbs::decode::Fonts;
use framemill_thumbs::url::{Grammar, Options, VideoSecond};
use framemill_thumbs::{
    read_source, thumbnail_as, thumbnail_of, Class, Limits, Settings, ThumbError, Thumbnail,
};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Makes thumbnails of a picture or video.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThumbTask {
    /// The picture or video.
    pub source: SourceRef,
    /// Options of each thumbnail, in imgproxy's grammar: `w:320/f:webp`.
    pub thumbs: Vec<String>,
}

/// What became of a thumbnail. A task's main output is a list of these as JSON, one for each
/// of its thumbnails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// It lies in the work store.
    Thumbnail {
        /// The extension of its format.
        extension: String,
        /// Where it lies.
        blob: BlobRef,
    },
    /// It cannot be made, for this reason.
    Failed(String),
}

/// How videos are read: in smaller pieces than a transcode would, since little is wanted.
pub const FRAME_READS: ReaderOptions = ReaderOptions {
    block: 64 << 10,
    read_ahead: 1 << 20,
    cache: 4 << 20,
};

/// Adds what FFmpeg decodes, and this machine's fonts, to what `settings` can read.
#[must_use]
pub fn with_decoders(mut settings: Settings) -> Settings {
    settings.decoders = settings.decoders.with_fonts(Fonts::of_this_machine());
    for still in [Still::avif(), Still::heic()] {
        settings.decoders = settings.decoders.with(Arc::new(still));
    }
    settings
}

/// Of all tasks in this process: the list of fonts takes long to make.
fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| with_decoders(Settings::default()))
}

/// Reads options in imgproxy's grammar.
///
/// # Errors
/// A text that names what is wrong.
pub fn options(text: &str) -> Result<Options, String> {
    let grammar = Grammar {
        limits_allowed: true,
        ..Grammar::default()
    };
    let path = format!("/{text}/plain/x").replacen("//", "/", 1);
    let request = grammar.parse_unsigned(&path);
    Ok(request.map_err(|error| error.to_string())?.options)
}

/// A reader that remembers what the store said, which libraries turn into texts.
struct Noting {
    reader: RangeReader,
    said: Arc<Mutex<Option<Failure>>>,
}

impl Noting {
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let failure = io::Error::new(error.kind(), error.to_string());
            let failure = framemill_store::StoreError::from_io(error)
                .map_or_else(|| Failure::from(failure), |said| said.clone().into());
            *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        })
    }
}

impl Read for Noting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into);
        self.note(read)
    }
}

impl Seek for Noting {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.reader.seek(to);
        self.note(at)
    }
}

/// The picture or video, as far as it was read.
struct Source<'a> {
    task: &'a ThumbTask,
    place: &'a WorkPlace,
    monitor: &'a dyn Monitor,
    stats: &'a Arc<ReadStats>,
    said: Arc<Mutex<Option<Failure>>>,
    whole: Option<Vec<u8>>,
    frame: Option<(VideoSecond, VideoFrame)>,
}

impl Source<'_> {
    fn reader(&self, options: ReaderOptions) -> Result<Noting, Failure> {
        let (store, key) = self.task.source.open(&self.place.handle)?;
        let (meta, stats) = (self.task.source.meta(), self.stats.clone());
        Ok(Noting {
            reader: RangeReader::new(store, key, meta, options, stats),
            said: self.said.clone(),
        })
    }

    /// Makes a thumbnail.
    ///
    /// # Errors
    /// The store's, and [`Failure::Cancelled`]; what is wrong with the picture is inside.
    fn thumbnail(&mut self, options: &Options) -> Result<Result<Thumbnail, ThumbError>, Failure> {
        let name = self.task.source.file_name();
        let made = match options.video_second {
            None if !is_video(&name) => self.of_picture(options)?,
            second => self.of_video(options, second.unwrap_or(VideoSecond::Best))?,
        };
        let said = || {
            self.said
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
        };
        match made {
            Err(ThumbError::Cancelled) => Err(Failure::Cancelled),
            // Not the picture's fault: a store that denies it now may give it to a later run.
            Err(error) => said().map_or(Ok(Err(error)), Err),
            made => Ok(made),
        }
    }

    fn of_picture(&mut self, options: &Options) -> Result<Result<Thumbnail, ThumbError>, Failure> {
        if self.whole.is_none() {
            // One request brings most pictures whole.
            let reads = ReaderOptions {
                block: 4 << 20,
                ..ReaderOptions::default()
            };
            let limits = &settings().limits;
            // It would be read up to the limit first.
            if self.task.source.size > limits.bytes {
                return Ok(Err(ThumbError::TooLarge {
                    what: "bytes of the source",
                    value: self.task.source.size,
                    limit: limits.bytes,
                }));
            }
            match read_source(self.reader(reads)?, limits) {
                Ok(bytes) => self.whole = Some(bytes),
                Err(error) => return Ok(Err(error)),
            }
        }
        let (bytes, stopped) = (self.whole.as_deref(), || self.monitor.is_cancelled());
        let bytes = bytes.unwrap_or_default();
        Ok(thumbnail_as(bytes, options, &[], settings(), &stopped))
    }

    fn of_video(
        &mut self,
        options: &Options,
        second: VideoSecond,
    ) -> Result<Result<Thumbnail, ThumbError>, Failure> {
        let stopped = || self.monitor.is_cancelled();
        let limits = settings().limits.asked(&options.limits);
        let known = self.frame.as_ref().filter(|(of, _)| *of == second);
        let frame = match known {
            Some((_, frame)) => frame.clone(),
            None => {
                let (reader, name) = (self.reader(FRAME_READS)?, self.task.source.file_name());
                match VideoFrame::read(reader, &name, second, &limits, &stopped) {
                    Ok(frame) => frame,
                    Err(error) => return Ok(Err(error)),
                }
            }
        };
        if self.task.thumbs.len() > 1 {
            self.frame = Some((second, frame.clone()));
        }
        Ok(thumbnail_of(
            Box::new(frame),
            options,
            &[],
            settings(),
            &stopped,
        ))
    }
}

/// Runs a [`ThumbTask`].
pub(crate) fn run(
    task: &ThumbTask,
    key: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
) -> Result<Outcome, Failure> {
    let mut source = Source {
        task,
        place,
        monitor,
        stats,
        said: Arc::default(),
        whole: None,
        frame: None,
    };
    let (mut list, mut blobs, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (number, text) in task.thumbs.iter().enumerate() {
        monitor.check()?;
        let options = options(text).map_err(Failure::bad_input)?;
        list.push(match source.thumbnail(&options)? {
            Ok(made) => {
                bytes += made.bytes.len() as u64;
                let blob = place.put_blob(&key.thumb_key(number), made.bytes)?;
                blobs.push(blob.clone());
                Made::Thumbnail {
                    extension: made.format.to_string(),
                    blob,
                }
            }
            Err(error) if error.class() == Class::Bug => {
                return Err(Failure::bug(error.to_string()))
            }
            Err(error) => Made::Failed(error.to_string()),
        });
        monitor.progress(1);
    }
    let json = serde_json::to_vec(&list).map_err(|error| Failure::bug(error.to_string()))?;
    blobs.insert(0, place.put_blob(&key.data_key(), json)?);
    Ok(Outcome {
        key: *key,
        state: None,
        packets: 0,
        frames: blobs.len() as u64 - 1,
        payload_bytes: bytes,
        reorder: 0,
        first_pts: None,
        warnings: Vec::new(),
        stats: TaskStats::default(),
        blobs,
    })
}

/// Bytes of memory that a task may need beside libraries: the file, and its pixels in the
/// largest picture that is read.
pub(crate) fn memory(task: &ThumbTask) -> u64 {
    let limits = Limits::default();
    let file = match is_video(&task.source.file_name()) {
        true => FRAME_READS.cache,
        false => task.source.size.min(limits.bytes),
    };
    file + limits.pixels * 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run, Task, Unwatched};
    use framemill_store::MemoryStore;
    use tokio::runtime::Runtime;

    #[test]
    fn a_broken_picture_is_a_result_and_a_store_that_denies_it_is_a_failure() {
        let runtime = Runtime::new().unwrap();
        let place = WorkPlace {
            handle: runtime.handle().clone(),
            work: Arc::new(MemoryStore::named("thumb-tests")),
            prefix: String::new(),
            simd: None,
        };
        let path = std::env::temp_dir().join(format!("broken-{}.png", std::process::id()));
        std::fs::write(&path, b"\x89PNG\r\n\x1a\nand no more").unwrap();
        let look_up = SourceRef::look_up(path.to_str().unwrap());
        let source = runtime.block_on(look_up).unwrap();
        let task = Task::Thumb(ThumbTask {
            source,
            thumbs: vec!["w:8".into(), "w:9/f:webp".into()],
        });
        let outcome = run(&task, &place, &Unwatched).unwrap();
        let list = runtime.block_on(place.get_blob(&outcome.blobs[0])).unwrap();
        let list: Vec<Made> = serde_json::from_slice(&list).unwrap();
        assert!(matches!(&list[..], [Made::Failed(_), Made::Failed(_)]));
        // It would be taken for the result for ever, also once the file is there again.
        std::fs::remove_file(&path).unwrap();
        let denied = run(&task, &place, &Unwatched);
        assert!(
            matches!(denied, Err(Failure::BadInput { .. })),
            "{denied:?}"
        );
    }
}
