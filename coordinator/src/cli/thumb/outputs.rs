// SPDX-License-Identifier: MIT OR Apache-2.0
//! From results in the work store to files under the names that the user wants.

use super::names::Output;
use super::Picture;
use crate::cli::console;
use crate::error::{JobError, Result};
use crate::jobs::picture::{self, Refused};
use framemill_store::{self as store, Location, PutMode, Store, StoreRoot};
use framemill_thumbs::Format;
use framemill_worker::thumb::Made;
use framemill_worker::{BlobRef, Outcome, TaskKey, WorkPlace};
use indicatif::ProgressBar;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// Pictures whose thumbnails are copied at once.
const COPIES: usize = 32;
/// Failures that are named; further ones are counted.
const NAMED: usize = 1000;

/// How a run went.
pub(super) struct Tally {
    bar: ProgressBar,
    /// Thumbnails that are there.
    pub(super) made: u64,
    bytes: u64,
    failures: Vec<(String, String)>,
    failed: u64,
}

/// What is to be done about a picture.
enum Ended {
    Made(usize, TaskKey, Vec<BlobRef>),
    Lost(usize, String),
}

/// Copies results while others are being made.
pub(super) struct Outputs {
    sender: mpsc::UnboundedSender<Ended>,
    copying: JoinHandle<Tally>,
}

/// What all copies share.
struct Copies {
    pictures: Arc<Vec<Picture>>,
    place: WorkPlace,
    mode: PutMode,
    /// Remove results once they are copied.
    forget: bool,
    stores: Mutex<HashMap<StoreRoot, Arc<dyn Store>>>,
}

impl Outputs {
    /// Begins with what the tally knows already.
    pub(super) fn start(
        pictures: Arc<Vec<Picture>>,
        place: WorkPlace,
        (mode, forget): (PutMode, bool),
        tally: Tally,
    ) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let copies = Arc::new(Copies {
            pictures,
            place,
            mode,
            forget,
            stores: Mutex::default(),
        });
        Self {
            sender,
            copying: tokio::spawn(copies.all(receiver, tally)),
        }
    }

    /// The thumbnails of picture `n` are in the work store.
    pub(super) fn made(&self, n: usize, outcome: &Outcome) {
        let made = Ended::Made(n, outcome.key, outcome.blobs.clone());
        let _ = self.sender.send(made);
    }

    /// There will be none of picture `n`.
    pub(super) fn lost(&self, n: usize, error: &JobError) {
        let _ = self.sender.send(Ended::Lost(n, error.reason()));
    }

    /// Waits until all is copied.
    pub(super) async fn finish(self) -> Tally {
        let Self { sender, copying } = self;
        drop(sender);
        match copying.await {
            Ok(tally) => tally,
            Err(error) => {
                let mut tally = Tally::new(ProgressBar::hidden());
                tally.take("internal error", 1, Err(error.to_string()));
                tally
            }
        }
    }
}

/// What became of a picture's thumbnails: how many, and their bytes or why there are none.
type Copied = Vec<(usize, Result<u64, String>)>;

impl Copies {
    async fn all(
        self: Arc<Self>,
        mut ended: mpsc::UnboundedReceiver<Ended>,
        mut tally: Tally,
    ) -> Tally {
        let mut running: JoinSet<(usize, Copied)> = JoinSet::new();
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                Some(copied) = running.join_next() => match copied {
                    Ok((n, copied)) => {
                        for (count, made) in copied {
                            tally.take(&self.pictures[n].name, count, made);
                        }
                    }
                    Err(error) => tally.take("internal error", 1, Err(error.to_string())),
                },
                next = ended.recv(), if open && running.len() < COPIES => match next {
                    Some(Ended::Made(n, key, blobs)) => {
                        let this = self.clone();
                        running.spawn(async move { (n, this.one(n, key, blobs).await) });
                    }
                    Some(Ended::Lost(n, reason)) => {
                        let picture = &self.pictures[n];
                        tally.take(&picture.name, picture.job.outputs.len(), Err(reason));
                    }
                    None => open = false,
                },
                else => return tally,
            }
        }
    }

    /// Copies all thumbnails of a picture.
    async fn one(&self, n: usize, key: TaskKey, blobs: Vec<BlobRef>) -> Copied {
        let outputs = &self.pictures[n].job.outputs;
        let mut copied = Vec::new();
        match picture::list(&self.place, &blobs).await {
            Err(reason) => copied.push((outputs.len(), Err(reason))),
            Ok(list) => {
                for (made, output) in list.iter().zip(outputs) {
                    copied.push((1, self.copy(made, output).await));
                }
            }
        }
        if self.forget {
            let record = key.outcome_key();
            let keys = blobs.iter().map(|blob| &*blob.key).chain([&*record]);
            for key in keys {
                // The place is memory, which ends with the process.
                let _ = self.place.work.delete(&self.place.full_key(key)).await;
            }
        }
        copied
    }

    async fn copy(&self, made: &Made, output: &Output) -> Result<u64, String> {
        let (extension, blob) = match made {
            Made::Thumbnail { extension, blob } => (extension, blob),
            Made::Failed(reason) => return Err(reason.clone()),
        };
        let format = Format::from_extension(extension).ok_or("an unknown format")?;
        let location = output.location(format)?;
        let store = self.open(&location).await;
        let store = store.map_err(|error| error.to_string())?;
        let copied = picture::copy(&self.place, blob, &location, (&store, self.mode)).await;
        copied.map_err(|refused| match refused {
            Refused::Exists => format!("{:?} exists (--overwrite replaces it)", location.key),
            Refused::Other(text) => text,
        })?;
        Ok(blob.size)
    }

    async fn open(&self, location: &Location) -> store::Result<Arc<dyn Store>> {
        let lock = || self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&location.root).cloned() {
            return Ok(known);
        }
        let (store, _) = store::open(location).await?;
        lock().insert(location.root.clone(), Arc::clone(&store));
        Ok(store)
    }
}

impl Tally {
    pub(super) fn new(bar: ProgressBar) -> Self {
        Self {
            bar,
            made: 0,
            bytes: 0,
            failures: Vec::new(),
            failed: 0,
        }
    }

    /// Takes in what became of `count` thumbnails of a picture.
    pub(super) fn take(&mut self, name: &str, count: usize, made: Result<u64, String>) {
        self.bar.inc(count as u64);
        match made {
            Ok(bytes) => {
                self.made += count as u64;
                self.bytes += bytes;
            }
            Err(reason) => {
                self.failed += count as u64;
                if self.failures.len() < NAMED {
                    self.failures.push((name.to_owned(), reason));
                }
            }
        }
    }

    /// Says how the run went.
    ///
    /// # Errors
    /// Where anything failed.
    pub(super) fn tell(mut self, output: &str, inputs: usize, quiet: bool) -> Result<()> {
        if inputs == 1 && self.failed > 0 {
            let (file, detail) = self.failures.swap_remove(0);
            return Err(JobError::Input { file, detail });
        }
        if !quiet {
            for (name, reason) in &self.failures {
                console::complain(&format!("framemill: {name}: {reason}"));
            }
        }
        let output = store::shown(output);
        let s = if self.made == 1 { "" } else { "s" };
        let made = format!("{output}: {} thumbnail{s}, {} bytes", self.made, self.bytes);
        if self.failed > 0 {
            return Err(JobError::Failed(format!("{made}, {} failed", self.failed)));
        }
        if !quiet {
            console::say(&made);
        }
        Ok(())
    }
}
