// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the work store holds of jobs.

use super::{Id, Order};
use crate::error::{JobError, Result};
use bytes::Bytes;
use framemill_store::{self as store, Location, PutMode, Store, StoreError};
use futures::stream::{self, StreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// Most bytes of a record.
const RECORD: u64 = 4 << 20;
/// Keys that are listed at once.
const PAGE: usize = 1000;
/// Blobs that are removed at once: a film has thousands of results.
const DELETES: usize = 64;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All outputs are there.
    Done,
    /// It cannot be done.
    Failed,
    /// The source is no more.
    Gone,
    /// The source has other content by now.
    Superseded,
    /// Somebody stopped it.
    Cancelled,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Where it lies.
    pub uri: String,
    /// Bytes.
    pub size: u64,
    /// The store's version of it.
    pub version: String,
}

/// What is known of a job that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub status: Status,
    /// Why, where it is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it was to make, without secrets.
    pub order: Order,
    /// What it has made.
    #[serde(default)]
    pub outputs: Vec<Made>,
    /// When its last run began, in seconds since 1970.
    pub began_s: f64,
    /// When it ended, likewise.
    pub ended_s: f64,
    /// CPU seconds of workers in its last run, where they are no threads of the coordinator.
    #[serde(default)]
    pub cpu_s: f64,
    /// US dollars of its last run, where the price is known.
    #[serde(default)]
    pub spent_usd: f64,
}

/// A job that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// What it is to make, without secrets.
    pub order: Order,
    /// Whether these had to be left out, so that nobody else can do it.
    #[serde(default)]
    pub secret: bool,
    /// When it was noted first, in seconds since 1970.
    pub since_s: f64,
    /// Whether anybody has been at work on it, so that outputs may be its own.
    pub begun: bool,
}

impl Open {
    fn of(order: &Order, begun: bool) -> Self {
        Self {
            order: order.public(),
            secret: order.is_secret(),
            since_s: super::now_s(),
            begun,
        }
    }
}

/// The records of all jobs of a work place.
#[derive(Clone, Debug)]
pub struct Records {
    pub(super) store: Arc<dyn Store>,
    root: Location,
}

impl Records {
    /// The records in a work place, a folder or `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// [`JobError::Usage`] where nothing can be kept there.
    pub async fn at(place: &str) -> Result<Self> {
        let wrong =
            |e: StoreError| JobError::Usage(format!("--work-dir {}: {e}", store::shown(place)));
        let root = Location::parse_place(place).map_err(wrong)?;
        let (store, _) = store::open(&root).await.map_err(wrong)?;
        Ok(Self { store, root })
    }

    /// The store's own key for a key of ours.
    pub(super) fn key(&self, name: &str) -> String {
        self.root.join(name).key
    }

    /// Where a key of ours lies, as users and workers write it.
    pub(super) fn uri(&self, name: &str) -> String {
        self.root.join(name).to_string()
    }

    /// The folder of a lane.
    pub(super) fn lane(id: &Id) -> String {
        format!("jobs/open/{}/", id.lane)
    }

    fn open_name(id: &Id) -> String {
        format!("{}{}.json", Self::lane(id), id.version)
    }

    fn cancel_name(id: &Id) -> String {
        format!("{}cancel-{}", Self::lane(id), id.version)
    }

    /// The folder of a job's tasks.
    pub(super) fn tasks_name(id: &Id) -> String {
        format!("{}tasks-{}", Self::lane(id), id.version)
    }

    fn ended_name(id: &Id) -> String {
        format!("jobs/ended/{id}.json")
    }

    /// A record, if it is there.
    pub(crate) async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let bytes = match self.store.get(&self.key(name), RECORD).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let read = serde_json::from_slice(&bytes);
        read.map(Some)
            .map_err(|error| JobError::Failed(format!("{}: {error}", self.uri(name))))
    }

    /// Writes a record; gives whether it was written, which a create is only once.
    pub(crate) async fn put<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        mode: PutMode,
    ) -> Result<bool> {
        let text = serde_json::to_vec(value).map_err(|e| JobError::Failed(e.to_string()))?;
        match self.store.put(&self.key(name), text.into(), mode).await {
            Ok(_) => Ok(true),
            Err(StoreError::Exists { .. }) => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Removes a record or a result.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete(&self, name: &str) -> Result<()> {
        let deleted = self.store.delete(&self.key(name)).await;
        deleted.map_err(|error| failed(&error))
    }

    /// Names of ours that begin with `prefix`, with their sizes.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<(String, u64)>> {
        let full = self.key(prefix);
        let ours = full.len() - prefix.len();
        let (mut names, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.store.list(&full, after.as_deref(), PAGE).await;
            let page = page.map_err(|error| failed(&error))?;
            let entries = page.entries.into_iter();
            names.extend(entries.filter_map(|e| Some((e.key.get(ours..)?.to_owned(), e.size))));
            after = page.next;
            if after.is_none() {
                return Ok(names);
            }
        }
    }

    /// Removes many records or results.
    ///
    /// # Errors
    /// The store's, of the first that stays.
    pub async fn delete_all(&self, names: Vec<String>) -> Result<()> {
        let deletes = names
            .into_iter()
            .map(|name| async move { self.delete(&name).await });
        let mut deletes = stream::iter(deletes).buffer_unordered(DELETES);
        while let Some(deleted) = deletes.next().await {
            deleted?;
        }
        Ok(())
    }

    /// How a job ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn ended(&self, id: &Id) -> Result<Option<Ended>> {
        self.get(&Self::ended_name(id)).await
    }

    /// A job that has not ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(&self, id: &Id) -> Result<Option<Open>> {
        self.get(&Self::open_name(id)).await
    }

    /// Notes that a job is to be done, by whoever will.
    ///
    /// # Errors
    /// The store's.
    pub async fn note(&self, id: &Id, order: &Order) -> Result<()> {
        let open = Open::of(order, false);
        let name = Self::open_name(id);
        self.put(&name, &open, PutMode::Create).await.map(|_| ())
    }

    /// Notes that a job is begun; gives whether it was before, without an end.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(&self, id: &Id, order: &Order) -> Result<bool> {
        let open = Open::of(order, true);
        let name = Self::open_name(id);
        if self.put(&name, &open, PutMode::Create).await? {
            return Ok(false);
        }
        if self.open(id).await?.is_some_and(|open| open.begun) {
            return Ok(true);
        }
        self.put(&name, &open, PutMode::Overwrite).await?;
        Ok(false)
    }

    /// Notes how a job ended, and removes what it leaves. Only the first end counts: gives
    /// whether this was it.
    ///
    /// # Errors
    /// The store's.
    pub async fn end(&self, id: &Id, ended: &Ended) -> Result<bool> {
        let name = Self::ended_name(id);
        let first = self.put(&name, ended, PutMode::Create).await?;
        self.clear(id).await?;
        Ok(first)
    }

    /// Removes what an ended job leaves.
    pub(super) async fn clear(&self, id: &Id) -> Result<()> {
        let results = self.list(&format!("{}/", Self::tasks_name(id))).await?;
        let names = results.into_iter().map(|(name, _)| name);
        self.delete_all(names.collect()).await?;
        self.delete(&Self::cancel_name(id)).await?;
        self.delete(&Self::open_name(id)).await
    }

    /// Forgets how a job ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget(&self, id: &Id) -> Result<()> {
        self.delete(&Self::ended_name(id)).await
    }

    /// Asks whoever is at work on a job to stop.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel(&self, id: &Id) -> Result<()> {
        let key = self.key(&Self::cancel_name(id));
        let put = self.store.put(&key, Bytes::new(), PutMode::Overwrite);
        put.await.map(|_| ()).map_err(|error| failed(&error))
    }

    /// Whether somebody has asked a job to stop.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_cancelled(&self, id: &Id) -> Result<bool> {
        match self.store.head(&self.key(&Self::cancel_name(id))).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    /// The names of all jobs that have not ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn all_open(&self) -> Result<Vec<Id>> {
        let names = self.list("jobs/open/").await?;
        let id = |(name, _): &(String, u64)| {
            let rest = name.strip_prefix("jobs/open/")?.strip_suffix(".json")?;
            rest.replacen('/', "-", 1).parse().ok()
        };
        Ok(names.iter().filter_map(id).collect())
    }

    /// What lies about that belongs to none of the `open` jobs.
    ///
    /// # Errors
    /// The store's.
    pub async fn leavings(&self, open: &HashSet<Id>) -> Result<Vec<(String, u64)>> {
        let lanes: HashSet<&str> = open.iter().map(|id| id.lane.as_str()).collect();
        let left = |name: &str| {
            let (lane, rest) = name.strip_prefix("jobs/open/")?.split_once('/')?;
            let version = match rest.strip_prefix("tasks-") {
                Some(tasks) => tasks.split('/').next()?,
                None => rest.strip_prefix("cancel-").unwrap_or(""),
            };
            let id = Id {
                lane: lane.to_owned(),
                version: version.to_owned(),
            };
            // A lane's lease is its open jobs'.
            Some(match version.is_empty() {
                true => !lanes.contains(lane),
                false => !open.contains(&id),
            })
        };
        let mut names = self.list("jobs/open/").await?;
        names.retain(|(name, _)| left(name).unwrap_or(false));
        Ok(names)
    }

    /// The names of all jobs that have ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn all_ended(&self) -> Result<Vec<Id>> {
        self.all_ended_of("").await
    }

    /// The same, of those whose lane begins with `lane`.
    ///
    /// # Errors
    /// The store's.
    pub async fn all_ended_of(&self, lane: &str) -> Result<Vec<Id>> {
        let names = self.list(&format!("jobs/ended/{lane}")).await?;
        let id = |(name, _): &(String, u64)| {
            let rest = name.strip_prefix("jobs/ended/")?.strip_suffix(".json")?;
            rest.parse().ok()
        };
        Ok(names.iter().filter_map(id).collect())
    }
}

pub(super) fn failed(error: &StoreError) -> JobError {
    JobError::Failed(format!("the work store: {error}"))
}
