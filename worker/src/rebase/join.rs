// SPDX-License-Identifier: MIT OR Apache-2.0
//! The join of two chunks: the state of the one before, waited for and proved.

use crate::run::{Monitor, WorkPlace};
use crate::task::{Digest, Outcome, TaskKey};
use crate::Failure;
use framemill_codec::vp8::State;
use framemill_store::{Class, ReadStats};
use std::thread;
use std::time::{Duration, Instant};

/// How long a state is waited for before the attempt is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// The first pause between two looks; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// Outcome records of tasks that keep a state are small.
const RECORD_MAX: u64 = 16 << 20;

/// What a task left is not what it should be.
pub fn not_whole(key: &TaskKey, detail: impl Into<String>) -> Failure {
    Failure::NotWhole {
        key: *key,
        detail: detail.into(),
    }
}

/// The same where a store says that something is not there.
pub fn missing(key: &TaskKey, failure: Failure) -> Failure {
    match failure {
        Failure::BadInput { detail } => not_whole(key, detail),
        other => other,
    }
}

/// The state that a task ends in, as soon as its outcome record is there.
///
/// # Errors
/// [`Failure::Transient`] when it does not come in time, [`Failure::NotWhole`]
/// when it is not the state that the record names.
pub fn wait_for_state(
    from: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &ReadStats,
) -> Result<State, Failure> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        monitor.check()?;
        if let Some(outcome) = record(from, place, stats)? {
            return state(&outcome, place, stats);
        }
        if started.elapsed() > PATIENCE {
            return Err(Failure::Transient {
                detail: format!(
                    "the state of {from} has not come in {} s",
                    PATIENCE.as_secs()
                ),
            });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A task's outcome record; `None` while there is none.
fn record(
    from: &TaskKey,
    place: &WorkPlace,
    stats: &ReadStats,
) -> Result<Option<Outcome>, Failure> {
    let (store, key) = place.reader_of(&from.outcome_key());
    let bytes = match store.get(&key, RECORD_MAX) {
        Ok(bytes) => bytes,
        Err(e) if e.class() == Class::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    stats.add(bytes.len() as u64);
    let outcome: Outcome =
        serde_json::from_slice(&bytes).map_err(|e| not_whole(from, format!("its record: {e}")))?;
    if outcome.key != *from {
        return Err(not_whole(
            from,
            format!("its record is that of {}", outcome.key),
        ));
    }
    Ok(Some(outcome))
}

/// The state that a record names: the bytes it tells of, holding that state.
fn state(outcome: &Outcome, place: &WorkPlace, stats: &ReadStats) -> Result<State, Failure> {
    let from = &outcome.key;
    let name = from.state_key();
    let blob = outcome.blobs.iter().find(|blob| *blob.key == *name);
    let (Some(blob), Some(digest)) = (blob, outcome.state) else {
        return Err(not_whole(from, "it left no state"));
    };
    let (store, key) = place.reader_of(&name);
    let bytes = store.get(&key, blob.size);
    let bytes = bytes.map_err(|e| missing(from, e.into()))?;
    stats.add(bytes.len() as u64);
    if Digest::from(blake3::hash(&bytes)) != blob.digest {
        return Err(not_whole(from, "its state has changed"));
    }
    let state = State::from_bytes(&bytes).map_err(|e| not_whole(from, e.to_string()))?;
    if Digest::from(state.digest()) != digest {
        return Err(not_whole(from, "its state is another than it says"));
    }
    Ok(state)
}
