// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a source and options to a result: in the cache, or made now.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use framemill_store::{RangeReader, ReaderOptions};
use framemill_thumbs::decode::{Facts, Fonts};
use framemill_thumbs::url::{Options, VideoSecond};
use framemill_thumbs::{
    thumbnail, thumbnail_as, thumbnail_of, Format, Limits, Settings, Thumbnail,
};
use tokio_util::sync::CancellationToken;

use crate::cache::{Key, Results, Stored};
use crate::config::{Config, ConfigError};
use crate::error::{Kind, Result, ServeError};
use crate::flight::Flight;
use crate::gate::{Gate, Phase};
use crate::metrics::{From, Metrics};
use crate::sources::{Fetched, Identity, Ranged, Sources};
use crate::video::{is_video, Still, VideoFrame};

/// How videos are read: in smaller pieces than a transcode would, since little is wanted.
const FRAME_READS: ReaderOptions = ReaderOptions {
    block: 64 << 10,
    read_ahead: 1 << 20,
    cache: 4 << 20,
};

/// What is wanted of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// The source's URL.
    pub source: String,
    /// The options.
    pub options: Options,
    /// Formats to choose from where the options name none, the best first.
    pub formats: Vec<Format>,
}

impl Wish {
    /// A text that is the same for wishes that have the same results.
    fn text(&self) -> String {
        let formats: Vec<&str> = self
            .formats
            .iter()
            .map(|format| format.extension())
            .collect();
        let limits = &self.options.limits;
        let (options, source) = (&self.options, &self.source);
        format!("{options}\n{limits:?}\n{}\n{source}", formats.join(","))
    }
}

/// A result, and where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The result.
    pub result: Arc<Stored>,
    /// Its key.
    pub key: Key,
    /// Where it came from.
    pub from: From,
}

/// Makes results, and keeps them.
#[derive(Debug)]
pub struct Maker {
    settings: Arc<Settings>,
    /// A digest of all settings that results depend on.
    ground: blake3::Hasher,
    sources: Arc<Sources>,
    results: Arc<Results>,
    flights: Flight<String, Result<Found>>,
    gate: Gate,
    avif_time: Duration,
    video: Option<VideoSecond>,
    metrics: Arc<Metrics>,
}

/// The pipeline's settings of a server.
///
/// # Errors
/// [`ConfigError`] for a watermark that cannot be read.
pub fn settings(config: &Config) -> Result<Settings, ConfigError> {
    let mut settings = Settings {
        limits: config.limits,
        quality: config.quality,
        webp_quality: config.webp_quality,
        avif_quality: config.avif_quality,
        avif_speed: config.avif_speed,
        avif_pixels: config.avif_pixels,
        background: config.background,
        linear_light: config.linear_light,
        watermark_opacity: config.watermark_opacity,
        ..Settings::default()
    };
    settings.decoders = settings.decoders.with_fonts(Fonts::of_this_machine());
    for still in [Still::avif(), Still::heic()] {
        settings.decoders = settings.decoders.with(Arc::new(still));
    }
    if let Some(path) = &config.watermark {
        let wrong = |text: String| ConfigError(format!("watermark {}: {text}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        settings.watermark = Some(watermark(&bytes).map_err(|error| wrong(error.to_string()))?);
    }
    Ok(settings)
}

/// The watermark's picture, in sRGB.
fn watermark(bytes: &[u8]) -> framemill_thumbs::Result<framemill_thumbs::Picture> {
    let settings = Settings::default();
    // Through the pipeline once, so that profile and orientation are seen to.
    let options = Options {
        format: Some(Format::Png),
        ..Options::default()
    };
    let made = thumbnail(bytes, &options, &settings, &|| false)?;
    let mut source = settings.decoders.open(&made.bytes, &Limits::default())?;
    let size = source.facts().size;
    let frame = source.next_frame(size)?;
    frame
        .map(|frame| frame.picture)
        .ok_or(framemill_thumbs::ThumbError::UnknownFormat)
}

impl Maker {
    /// A maker with these sources and this cache.
    #[must_use]
    pub fn new(
        config: &Config,
        settings: Settings,
        sources: Arc<Sources>,
        results: Arc<Results>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut ground = blake3::Hasher::new();
        ground.update(crate::BUILD.as_bytes());
        let watermark = settings.watermark.as_ref();
        ground.update(blake3::hash(watermark.map_or(&[], |mark| mark.samples())).as_bytes());
        let plain = Settings {
            watermark: None,
            ..settings.clone()
        };
        let own = (config.avif_time, config.video_second);
        ground.update(format!("{plain:?} {own:?}").as_bytes());
        Self {
            settings: Arc::new(settings),
            ground,
            sources,
            results,
            flights: Flight::default(),
            gate: Gate::new(config.workers, config.queue),
            avif_time: config.avif_time,
            video: config.video.then_some(config.video_second),
            metrics,
        }
    }

    /// The queue and the threads.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The cache.
    #[must_use]
    pub fn results(&self) -> &Arc<Results> {
        &self.results
    }

    /// The sources.
    #[must_use]
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// The key of a wish whose source has this content.
    #[must_use]
    pub fn key(&self, wish: &Wish, identity: &Identity) -> Key {
        self.key_of(&wish.text(), identity)
    }

    fn key_of(&self, text: &str, identity: &Identity) -> Key {
        let mut hasher = self.ground.clone();
        for part in [text, identity.version.as_str()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// The key of a wish and its result, where both are at hand without waiting for anything.
    #[must_use]
    pub fn at_hand(&self, wish: &Wish) -> Option<Found> {
        let identity = self.sources.fresh(&wish.source)?;
        let key = self.key(wish, &identity);
        let result = self.results.in_memory(&key)?;
        let from = From::Memory;
        Some(Found { result, key, from })
    }

    /// The result of a wish. `phase` tells meanwhile what is being waited for.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn result(self: &Arc<Self>, wish: Wish, phase: &Phase) -> Result<Found> {
        if let Some(found) = self.at_hand(&wish) {
            return Ok(found);
        }
        let (maker, phase) = (Arc::clone(self), phase.clone());
        let text = wish.text();
        let key = text.clone();
        let work = |stop| async move { maker.find(wish, text, phase, stop).await };
        let found = self.flights.join(key, work).await;
        found.map_err(|_| ServeError::new(Kind::Bug, "a panic while the picture was made"))?
    }

    async fn find(
        self: Arc<Self>,
        wish: Wish,
        text: String,
        phase: Phase,
        stop: CancellationToken,
    ) -> Result<Found> {
        let _place = self.gate.enter()?;
        phase.fetching();
        if let Some(second) = self.frame_of(&wish) {
            return self.find_frame(wish, &text, second, &phase, &stop).await;
        }
        let (identity, whole) = self.sources.look_up(&wish.source).await?;
        let key = self.key_of(&text, &identity);
        if let Some(result) = self.results.in_memory(&key) {
            let from = From::Memory;
            return Ok(Found { result, key, from });
        }
        if let Some(result) = self.results.in_store(&key).await {
            let from = From::Store;
            return Ok(Found { result, key, from });
        }
        let fetched = match whole {
            Some(whole) => whole,
            None => self.sources.read(&wish.source).await?,
        };
        phase.fetched();
        // The source may have changed since it was looked at.
        let key = self.key_of(&text, &fetched.identity);
        let modified = fetched.identity.modified;
        let result = Arc::new(self.make(wish, fetched, modified, &stop).await?);
        if result.instead_of.is_some() {
            self.metrics.webp_for_avif();
        }
        self.results.keep(key, &result, &self.metrics);
        let from = From::Made;
        Ok(Found { result, key, from })
    }

    /// Which frame is wanted, where the source is a video.
    fn frame_of(&self, wish: &Wish) -> Option<VideoSecond> {
        let default = self.video?;
        let asked = wish.options.video_second;
        asked.or_else(|| is_video(&wish.source).then_some(default))
    }

    async fn find_frame(
        &self,
        wish: Wish,
        text: &str,
        second: VideoSecond,
        phase: &Phase,
        stop: &CancellationToken,
    ) -> Result<Found> {
        let ranged = self.sources.ranged(&wish.source).await?;
        phase.fetched();
        let key = self.key_of(text, &ranged.identity);
        if let Some(result) = self.results.in_memory(&key) {
            let from = From::Memory;
            return Ok(Found { result, key, from });
        }
        if let Some(result) = self.results.in_store(&key).await {
            let from = From::Store;
            return Ok(Found { result, key, from });
        }
        let modified = ranged.identity.modified;
        let (settings, stop) = (Arc::clone(&self.settings), stop.clone());
        let made = self.gate.work(move || {
            let (options, formats) = (&wish.options, &wish.formats);
            let stopped = || stop.is_cancelled();
            let made = frame_thumbnail(&ranged, second, options, formats, &settings, &stopped);
            made.map_err(ServeError::from)
        });
        let result = Arc::new(stored(made.await?, modified));
        self.results.keep(key, &result, &self.metrics);
        let from = From::Made;
        Ok(Found { result, key, from })
    }

    /// The fallback image as a wish has it, whatever its own source is.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn fallback(&self, wish: Wish, image: &Bytes) -> Result<Arc<Stored>> {
        let identity = Identity {
            version: blake3::hash(image).to_hex().to_string(),
            modified: None,
        };
        let wish = Wish {
            source: "fallback image".into(),
            ..wish
        };
        let key = self.key(&wish, &identity);
        if let Some(result) = self.results.in_memory(&key) {
            return Ok(result);
        }
        let _place = self.gate.enter()?;
        let fetched = Arc::new(Fetched {
            bytes: image.clone(),
            identity,
        });
        let stop = CancellationToken::new();
        let _stop_when_dropped = stop.clone().drop_guard();
        let result = Arc::new(self.make(wish, fetched, None, &stop).await?);
        self.results.keep(key, &result, &self.metrics);
        Ok(result)
    }

    /// What a source's headers say.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn facts(&self, wish: &Wish, phase: &Phase) -> Result<(Facts, usize)> {
        let _place = self.gate.enter()?;
        phase.fetching();
        let fetched = self.sources.read(&wish.source).await?;
        phase.fetched();
        let settings = Arc::clone(&self.settings);
        let asked = wish.options.limits;
        let facts = self.gate.work(move || {
            let limits = settings.limits.asked(&asked);
            let source = settings.decoders.open(&fetched.bytes, &limits)?;
            Ok((source.facts().clone(), fetched.bytes.len()))
        });
        facts.await
    }

    async fn make(
        &self,
        wish: Wish,
        fetched: Arc<Fetched>,
        modified: Option<u64>,
        stop: &CancellationToken,
    ) -> Result<Stored> {
        let wish = Arc::new(wish);
        let work = |wish: Arc<Wish>, stop: CancellationToken, begun: Arc<AtomicBool>| {
            let (settings, fetched) = (Arc::clone(&self.settings), Arc::clone(&fetched));
            self.gate.work(move || {
                begun.store(true, Ordering::Relaxed);
                let stopped = || stop.is_cancelled();
                let (options, formats) = (&wish.options, &wish.formats);
                let made = thumbnail_as(&fetched.bytes, options, formats, &settings, &stopped);
                made.map_err(|error| {
                    if error.class() == framemill_thumbs::Class::Bug {
                        tracing::error!("{}: {error}", framemill_store::shown(&wish.source));
                    }
                    ServeError::from(error)
                })
            })
        };
        if !may_be_avif(&wish) {
            let made = work(wish, stop.clone(), Arc::default()).await?;
            return Ok(stored(made, modified));
        }
        let begun = Arc::new(AtomicBool::new(false));
        // A child: giving up AVIF must not give up the wish.
        let child = stop.child_token();
        let first = work(Arc::clone(&wish), child.clone(), Arc::clone(&begun));
        let made = match in_time(first, &begun, self.avif_time).await {
            Some(made) => made?,
            None => {
                child.cancel();
                let webp = Arc::new(as_webp(&wish));
                let mut made = work(webp, stop.clone(), Arc::default()).await?;
                made.instead_of = Some(Format::Avif);
                made
            }
        };
        Ok(stored(made, modified))
    }
}

fn may_be_avif(wish: &Wish) -> bool {
    match wish.options.format {
        Some(format) => format == Format::Avif,
        None => wish.formats.contains(&Format::Avif),
    }
}

/// The same wish, without AVIF.
fn as_webp(wish: &Wish) -> Wish {
    let mut wish = wish.clone();
    if wish.options.format.is_some() {
        wish.options.format = Some(Format::Webp);
    }
    wish.formats = vec![Format::Webp];
    wish
}

/// The work's result, unless it takes longer than `time` once it has begun.
async fn in_time<T>(
    work: impl std::future::Future<Output = T>,
    begun: &AtomicBool,
    time: Duration,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        // Waiting for a thread does not count.
        let waiting = !begun.load(Ordering::Relaxed);
        let time = if waiting {
            time.min(Duration::from_millis(50))
        } else {
            time
        };
        match tokio::time::timeout(time, work.as_mut()).await {
            Ok(done) => return Some(done),
            Err(_) if waiting => {}
            Err(_) => return None,
        }
    }
}

fn stored(made: Thumbnail, modified: Option<u64>) -> Stored {
    Stored {
        body: made.bytes.into(),
        format: made.format,
        size: made.size.map(|size| (size.width, size.height)),
        modified,
        instead_of: made.instead_of,
        warnings: made.warnings,
    }
}

/// A thumbnail of a frame of a video, which is read by ranges. For a thread that may block.
///
/// # Errors
/// Any [`framemill_thumbs::ThumbError`].
pub fn frame_thumbnail(
    video: &Ranged,
    second: VideoSecond,
    options: &Options,
    formats: &[Format],
    settings: &Settings,
    stopped: &dyn Fn() -> bool,
) -> framemill_thumbs::Result<Thumbnail> {
    let limits = settings.limits.asked(&options.limits);
    let (store, key, meta) = (video.store.clone(), video.key.clone(), video.meta.clone());
    let reader = RangeReader::new(store, key, meta, FRAME_READS, Arc::default());
    let frame = VideoFrame::read(reader, &video.key, second, &limits, stopped)?;
    thumbnail_of(Box::new(frame), options, formats, settings, stopped)
}
