// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders as a source of messages: what is there at the start, and what inotify tells of.
//!
//! A file counts once it has not changed for a while, since it may still be written. What a
//! service has done already it knows from its records, so all files may be told again.

use super::source::{Message, Source};
use async_trait::async_trait;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// How long a receiver waits for a message.
const WAIT: Duration = Duration::from_secs(20);

/// What is known of a file that may become a message.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    /// Size and time of its last change; `None` once it is gone.
    state: Option<(u64, SystemTime)>,
    /// When it may be told.
    due: Instant,
    deliveries: u32,
}

#[derive(Default)]
struct Files {
    pending: HashMap<PathBuf, Seen>,
    /// Told, and neither done nor hidden again.
    told: HashMap<String, (PathBuf, Seen)>,
    next: u64,
    /// Events were lost: all is looked at anew.
    rescan: bool,
}

/// Watched folders.
pub struct Folders {
    roots: Vec<PathBuf>,
    settle: Duration,
    files: Arc<Mutex<Files>>,
    woken: Arc<Notify>,
    _watcher: RecommendedWatcher,
}

fn lock(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

fn state_of(path: &Path) -> Option<(u64, SystemTime)> {
    let meta = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((meta.len(), meta.modified().unwrap_or(UNIX_EPOCH)))
}

impl Files {
    /// Notes that a path may have changed.
    fn touch(&mut self, path: PathBuf, due: Instant) {
        let state = state_of(&path);
        let known = self.pending.contains_key(&path);
        if state.is_none() && !known && path.is_dir() {
            return;
        }
        let seen = Seen {
            state,
            due,
            deliveries: 0,
        };
        self.pending.insert(path, seen);
    }

    fn scan(&mut self, folder: &Path, due: Instant) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            // Links to folders could lead in circles.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.scan(&path, due),
                Ok(_) => self.touch(path, due),
                Err(_) => {}
            }
        }
    }
}

impl Folders {
    /// Watches folders, what is in them already included. A file is told `settle` after its
    /// last change.
    ///
    /// # Errors
    /// A text that names the folder that cannot be watched.
    pub fn watch(roots: Vec<PathBuf>, settle: Duration) -> Result<Self, String> {
        let files = Arc::<Mutex<Files>>::default();
        let woken = Arc::new(Notify::new());
        let (heard, wake) = (files.clone(), woken.clone());
        let mut watcher = notify::recommended_watcher(move |event| {
            hear(&heard, event, settle);
            wake.notify_one();
        })
        .map_err(|error| format!("no folder can be watched: {error}"))?;
        for root in &roots {
            let watched = watcher.watch(root, RecursiveMode::Recursive);
            watched.map_err(|error| format!("{}: {error}", root.display()))?;
        }
        // After the watch began, so that nothing falls between.
        for root in &roots {
            lock(&files).scan(root, Instant::now());
        }
        Ok(Self {
            roots,
            settle,
            files,
            woken,
            _watcher: watcher,
        })
    }

    /// Messages that are due, and when the next one is.
    fn due(&self, most: usize) -> (Vec<Message>, Option<Instant>) {
        let now = Instant::now();
        let mut files = lock(&self.files);
        if std::mem::take(&mut files.rescan) {
            for root in &self.roots {
                files.scan(root, now + self.settle);
            }
        }
        let due = files.pending.iter().filter(|(_, seen)| seen.due <= now);
        let mut due: Vec<PathBuf> = due.map(|(path, _)| path.clone()).collect();
        due.sort();
        let mut messages = Vec::new();
        for path in due {
            if messages.len() == most {
                break;
            }
            let Some(mut seen) = files.pending.remove(&path) else {
                continue;
            };
            let state = state_of(&path);
            if state != seen.state {
                // It is being written still.
                seen.state = state;
                seen.due = now + self.settle;
                files.pending.insert(path, seen);
                continue;
            }
            let fresh = state.and_then(|(_, time)| time.elapsed().ok());
            if let Some(left) = fresh.and_then(|fresh| self.settle.checked_sub(fresh)) {
                if !left.is_zero() {
                    seen.due = now + left;
                    files.pending.insert(path, seen);
                    continue;
                }
            }
            seen.deliveries += 1;
            messages.extend(self.message(&mut files, path, seen));
        }
        let next = files.pending.values().map(|seen| seen.due).min();
        (messages, next)
    }

    fn message(&self, files: &mut Files, path: PathBuf, seen: Seen) -> Option<Message> {
        let root = self.roots.iter().find(|root| path.starts_with(root))?;
        let key = path.strip_prefix(root).ok()?.to_str()?;
        let name = match seen.state {
            Some(_) => "Object Created",
            None => "Object Deleted",
        };
        files.next += 1;
        let receipt = files.next.to_string();
        let changed = seen.state.map_or_else(SystemTime::now, |(_, time)| time);
        let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
        // As EventBridge has it, but for the time.
        let body = json!({
            "source": "framemill.folder", "detail-type": name, "time_s": changed.as_secs_f64(),
            "detail": {"bucket": {"name": root.to_str()?}, "object": {"key": key}},
        });
        let message = Message {
            id: path.display().to_string(),
            body: body.to_string(),
            receipt: receipt.clone(),
            deliveries: seen.deliveries,
            sent_s: changed.as_secs_f64(),
        };
        files.told.insert(receipt, (path, seen));
        Some(message)
    }
}

/// Takes in what inotify tells.
fn hear(files: &Mutex<Files>, event: notify::Result<notify::Event>, settle: Duration) {
    let due = Instant::now() + settle;
    let mut files = lock(files);
    match event {
        Ok(event) if event.need_rescan() => files.rescan = true,
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        Ok(event) => {
            for path in event.paths {
                if path.is_dir() {
                    // A folder that was moved here brings files that nobody tells of.
                    files.scan(&path, due);
                } else {
                    files.touch(path, due);
                }
            }
        }
        Err(_) => files.rescan = true,
    }
}

#[async_trait]
impl Source for Folders {
    fn name(&self) -> String {
        let names: Vec<_> = self.roots.iter().map(|r| r.display().to_string()).collect();
        names.join(", ")
    }

    async fn receive(&self, most: usize) -> Result<Vec<Message>, String> {
        let end = Instant::now() + WAIT;
        loop {
            let (messages, next) = self.due(most);
            if !messages.is_empty() || Instant::now() >= end {
                return Ok(messages);
            }
            let wake = next.map_or(end, |next| next.min(end));
            tokio::select! {
                () = self.woken.notified() => {}
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }

    async fn keep(&self, _: &Message, _: Duration) -> Result<(), String> {
        // Nobody else receives from here.
        Ok(())
    }

    async fn release(&self, message: &Message, time: Duration) -> Result<(), String> {
        let mut files = lock(&self.files);
        if let Some((path, mut seen)) = files.told.remove(&message.receipt) {
            seen.due = Instant::now() + time;
            // Should it have changed meanwhile, that counts.
            files.pending.entry(path).or_insert(seen);
            self.woken.notify_one();
        }
        Ok(())
    }

    async fn done(&self, message: &Message) -> Result<(), String> {
        lock(&self.files).told.remove(&message.receipt);
        Ok(())
    }
}
