// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where pictures come from: a directory, S3, HTTP.
//!
//! | Module | What is in it |
//! |---|---|
//! | `place` | which store a source's URL means |
//! | `remote` | sources at HTTP servers |
//! | `room` | memory for sources |
//!
//! A source that was read is kept in memory for a while, so that ten sizes of it read it once, and
//! many who want it at the same time share one read. Within `source_ttl` a source counts as
//! unchanged; after that it is looked at again, and read again only if it changed.

mod place;
mod remote;
mod room;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;

use crate::cache::Shelf;
use crate::config::Config;
use crate::error::{Kind, Result, ServeError};
use crate::flight::Flight;
use crate::guard::Lookup;
use crate::metrics::Metrics;
use room::{Room, Taken};

pub use place::{Place, Places, Ranged};

/// Bytes of what is remembered of sources: their URLs, which strangers write, and versions.
const REMEMBERED: u64 = 16 << 20;

/// Which content a source has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Differs after every change.
    pub version: String,
    /// When it changed, in seconds since 1970, where that is told.
    pub modified: Option<u64>,
}

/// A source that was read.
#[derive(Debug)]
pub struct Fetched {
    /// All of it.
    pub bytes: Bytes,
    /// Which content it is.
    pub identity: Identity,
    /// Its room in memory, once it has one of its own.
    _room: Option<Taken>,
}

impl Fetched {
    /// All of a source.
    #[must_use]
    pub fn new(bytes: Bytes, identity: Identity) -> Self {
        Self {
            bytes,
            identity,
            _room: None,
        }
    }
}

/// What looking again at a source gave.
pub(crate) enum Look {
    /// Its content is the one that was known.
    Same,
    /// Its identity alone.
    Identity(Identity),
    /// All of it, since it came with the answer.
    Whole(Fetched),
}

/// Which content a source has, and all of it where it came along.
type Looked = (Identity, Option<Arc<Fetched>>);

/// The sources of a server.
pub struct Sources {
    places: Places,
    metrics: Arc<Metrics>,
    ttl: Duration,
    most: u64,
    room: Room,
    held: Mutex<Shelf<String, Arc<Fetched>>>,
    known: Mutex<Shelf<String, (Identity, Instant)>>,
    looks: Flight<String, Result<Looked>>,
    reads: Flight<String, Result<Arc<Fetched>>>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sources({:?})", self.places)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lost<E>(_: E) -> ServeError {
    ServeError::new(Kind::Bug, "a panic while the source was read")
}

impl Sources {
    /// The sources that `config` allows; names are resolved by `lookup`.
    ///
    /// # Errors
    /// [`ServeError`] where no HTTP client can be made.
    pub fn new(config: &Config, lookup: Arc<dyn Lookup>, metrics: Arc<Metrics>) -> Result<Self> {
        Ok(Self {
            places: Places::new(config, lookup)?,
            metrics,
            ttl: config.source_ttl,
            most: config.limits.bytes,
            room: Room::new(config.source_bytes, config.limits.bytes),
            held: Mutex::new(Shelf::new(config.source_bytes)),
            known: Mutex::new(Shelf::new(REMEMBERED)),
            looks: Flight::default(),
            reads: Flight::default(),
        })
    }

    /// Bytes of sources in memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        lock(&self.held).bytes()
    }

    /// The store and key of a source.
    ///
    /// # Errors
    /// [`Kind::Forbidden`], [`Kind::NotFound`], [`Kind::BadRequest`].
    pub async fn place(&self, url: &str) -> Result<Place> {
        self.places.find(url).await
    }

    /// What is known of a source and still counts.
    #[must_use]
    pub fn fresh(&self, url: &str) -> Option<Identity> {
        let mut known = lock(&self.known);
        let (identity, at) = known.get(url)?;
        (at.elapsed() < self.ttl).then(|| identity.clone())
    }

    /// Which content a source has now, or had within `source_ttl`; and all of it, where it had to
    /// be read to know that.
    ///
    /// # Errors
    /// [`ServeError`] where it cannot be looked at.
    pub async fn look_up(self: &Arc<Self>, url: &str) -> Result<Looked> {
        if let Some(identity) = self.fresh(url) {
            return Ok((identity, None));
        }
        let (sources, name) = (Arc::clone(self), url.to_owned());
        let look = |_| async move { sources.look(&name).await }.boxed();
        self.looks.join(url.to_owned(), look).await.map_err(lost)?
    }

    async fn look(&self, url: &str) -> Result<Looked> {
        let known = lock(&self.known).get(url).map(|known| known.0.clone());
        let place = self.places.find(url).await?;
        // Of servers' sources it may be all that comes.
        let room = match place {
            Place::Remote { .. } => self.room.take().await,
            _ => None,
        };
        let looked = match place.look(known.as_ref(), self.most).await? {
            Look::Same => (known.ok_or_else(|| lost(()))?, None),
            Look::Identity(identity) => (identity, None),
            Look::Whole(fetched) => {
                let identity = fetched.identity.clone();
                (identity, Some(self.hold(url, fetched, room)))
            }
        };
        self.know(url, &looked.0);
        Ok(looked)
    }

    /// All of a source, of the content that it has now, or had within `source_ttl`.
    ///
    /// # Errors
    /// [`ServeError`] where it cannot be read, or is too large.
    pub async fn read(self: &Arc<Self>, url: &str) -> Result<Arc<Fetched>> {
        let (identity, whole) = self.look_up(url).await?;
        if let Some(whole) = whole {
            return Ok(whole);
        }
        let held = lock(&self.held).get(url).cloned();
        if let Some(held) = held.filter(|held| held.identity.version == identity.version) {
            return Ok(held);
        }
        let (sources, name) = (Arc::clone(self), url.to_owned());
        let read = async move {
            let place = sources.places.find(&name).await?;
            let room = sources.room.take().await;
            let fetched = place.read(sources.most).await?;
            sources.know(&name, &fetched.identity);
            Ok(sources.hold(&name, fetched, room))
        };
        let read = |_| read.boxed();
        self.reads.join(url.to_owned(), read).await.map_err(lost)?
    }

    /// A source to be read in parts, and which content it has now.
    ///
    /// # Errors
    /// [`ServeError`] where it cannot be looked at.
    pub async fn ranged(&self, url: &str) -> Result<Ranged> {
        let ranged = self.places.find(url).await?.ranged().await?;
        self.know(url, &ranged.identity);
        Ok(ranged)
    }

    fn know(&self, url: &str, identity: &Identity) {
        let entry = (identity.clone(), Instant::now());
        let bytes = url.len() + identity.version.len() + 128;
        lock(&self.known).put(url.to_owned(), entry, bytes as u64);
    }

    fn hold(&self, url: &str, fetched: Fetched, mut room: Option<Taken>) -> Arc<Fetched> {
        let bytes = fetched.bytes.len() as u64;
        self.metrics.fetched(bytes);
        if let Some(room) = &mut room {
            room.shrink(bytes);
        }
        let fetched = Arc::new(Fetched {
            _room: room,
            ..fetched
        });
        lock(&self.held).put(url.to_owned(), Arc::clone(&fetched), bytes + 256);
        fetched
    }
}
