// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a source and options to a result: in the cache, or made now.
//!
//! | Module | What is in it |
//! |---|---|
//! | `settings` | the pipeline's settings of a server |
//! | `frame` | thumbnails of videos |
//! | `material` | what thumbnails are made of |
//! | `wish` | [`Wish`] |

mod frame;
mod material;
mod settings;
mod wish;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use framemill_thumbs::url::VideoSecond;
use framemill_thumbs::{Format, Settings, Thumbnail};
use framemill_worker::video::{is_video, VideoFacts};
use futures::FutureExt;
use serde_json::{json, Value};
use tokio_util::sync::CancellationToken;

use crate::cache::{Key, Results, Stored};
use crate::config::Config;
use crate::error::{Kind, Result, ServeError};
use crate::flight::Flight;
use crate::gate::{Gate, Phase};
use crate::metrics::{From, Metrics};
use crate::sources::{Fetched, Identity, Sources};

use frame::reader;
use material::Material;

pub use settings::settings;
pub use wish::Wish;

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
        if let Some(mark) = &settings.watermark {
            ground.update(format!("{:?} {:?}", mark.size(), mark.layout()).as_bytes());
            ground.update(blake3::hash(mark.samples()).as_bytes());
        }
        let plain = Settings {
            watermark: None,
            ..settings.clone()
        };
        let own = (config.avif_time, config.video, config.video_second);
        // Another FFmpeg decodes other pixels.
        let libraries = framemill_codec::libav::versions();
        ground.update(format!("{plain:?} {own:?} {libraries}").as_bytes());
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
        let work = |stop| maker.find(wish, text, phase, stop).boxed();
        let found = self.flights.join(key, work).await;
        found.map_err(|_| ServeError::new(Kind::Bug, "a panic while the picture was made"))?
    }

    /// The result of a key, where a cache has it.
    async fn kept(&self, key: Key) -> Option<Found> {
        let (result, from) = match self.results.in_memory(&key) {
            Some(result) => (result, From::Memory),
            None => (self.results.in_store(&key).await?, From::Store),
        };
        Some(Found { result, key, from })
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
            return self.find_frame(wish, text, second, &phase, &stop).await;
        }
        let (identity, whole) = self.sources.look_up(&wish.source).await?;
        let key = self.key_of(&text, &identity);
        if let Some(found) = self.kept(key).await {
            return Ok(found);
        }
        let fetched = match whole {
            Some(whole) => whole,
            None => self.sources.read(&wish.source).await?,
        };
        phase.fetched();
        let identity = fetched.identity.clone();
        let material = Material::Whole(fetched);
        self.make_and_keep((wish, text), material, identity, &phase, &stop)
            .await
    }

    /// Makes a result of a source whose content is this, which may not be what it was when it was
    /// looked at.
    async fn make_and_keep(
        &self,
        (wish, text): (Wish, String),
        material: Material,
        identity: Identity,
        phase: &Phase,
        stop: &CancellationToken,
    ) -> Result<Found> {
        let key = self.key_of(&text, &identity);
        let made = self.make(wish, material, phase, stop).await?;
        let result = Arc::new(stored(made, identity.modified));
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
        text: String,
        second: VideoSecond,
        phase: &Phase,
        stop: &CancellationToken,
    ) -> Result<Found> {
        if let Some(identity) = self.sources.fresh(&wish.source) {
            if let Some(found) = self.kept(self.key_of(&text, &identity)).await {
                return Ok(found);
            }
        }
        let ranged = Arc::new(self.sources.ranged(&wish.source).await?);
        phase.fetched();
        let identity = ranged.identity.clone();
        if let Some(found) = self.kept(self.key_of(&text, &identity)).await {
            return Ok(found);
        }
        let material = Material::Frame(ranged, second);
        self.make_and_keep((wish, text), material, identity, phase, stop)
            .await
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
        let material = Material::Whole(Arc::new(Fetched::new(image.clone(), identity)));
        let stop = CancellationToken::new();
        let _stop_when_dropped = stop.clone().drop_guard();
        let made = self.make(wish, material, &Phase::default(), &stop).await?;
        let result = Arc::new(stored(made, None));
        self.results.keep(key, &result, &self.metrics);
        Ok(result)
    }

    /// What a source's headers say, as JSON has it.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn info(&self, wish: &Wish, phase: &Phase) -> Result<Value> {
        let _place = self.gate.enter()?;
        phase.fetching();
        let limits = self.settings.limits.asked(&wish.options.limits);
        if self.frame_of(wish).is_some() {
            let video = self.sources.ranged(&wish.source).await?;
            phase.fetched();
            let stop = CancellationToken::new();
            let _stop_when_dropped = stop.clone().drop_guard();
            let phase = phase.clone();
            let facts = self.gate.work(move || {
                let size = video.meta.size;
                phase.fetching();
                let facts = VideoFacts::read(reader(&video, &stop), &video.key, &limits)?;
                Ok((facts, size))
            });
            let (facts, size) = facts.await?;
            return Ok(facts.json(size));
        }
        let fetched = self.sources.read(&wish.source).await?;
        phase.fetched();
        let settings = Arc::clone(&self.settings);
        let facts = self.gate.work(move || {
            let source = settings.decoders.open(&fetched.bytes, &limits)?;
            Ok((source.facts().clone(), fetched.bytes.len()))
        });
        let (facts, size) = facts.await?;
        Ok(json!({
            "format": facts.format.extension(),
            "content_type": facts.format.content_type(),
            "width": facts.size.width,
            "height": facts.size.height,
            "orientation": facts.orientation,
            "size": size,
            "animated": facts.animated,
            "color_profile": facts.profile.is_some(),
            "exif": facts.exif.is_some(),
        }))
    }

    async fn make(
        &self,
        wish: Wish,
        material: Material,
        phase: &Phase,
        stop: &CancellationToken,
    ) -> Result<Thumbnail> {
        let work = |wish: Wish, stop: CancellationToken, begun: Arc<AtomicBool>| {
            let (settings, material) = (Arc::clone(&self.settings), material.clone());
            let phase = phase.clone();
            self.gate.work(move || {
                begun.store(true, Ordering::Relaxed);
                let made = material.thumbnail(&wish, &settings, &phase, &stop);
                made.map_err(|error| {
                    if error.class() == framemill_thumbs::Class::Bug {
                        tracing::error!("{}: {error}", framemill_store::shown(&wish.source));
                    }
                    ServeError::from(error)
                })
            })
        };
        if !wish.may_be_avif() {
            return work(wish, stop.clone(), Arc::default()).await;
        }
        let begun = Arc::new(AtomicBool::new(false));
        // A child: giving up AVIF must not give up the wish.
        let child = stop.child_token();
        let first = work(wish.clone(), child.clone(), Arc::clone(&begun));
        match in_time(first, &begun, self.avif_time).await {
            Some(made) => made,
            None => {
                child.cancel();
                let mut made = work(wish.as_webp(), stop.clone(), Arc::default()).await?;
                made.instead_of = Some(Format::Avif);
                Ok(made)
            }
        }
    }
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
