// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures of a job, and how what thumbnail tasks leave becomes files under their names.

use super::names;
use super::record::Made;
use super::run::Run;
use crate::error::{JobError, Result};
use crate::profile::Still;
use crate::runner::{Build, Rules, Runner, Work};
use framemill_store::{self as store, Location, PutMode, Store, StoreError, Version};
use framemill_thumbs::url::Options;
use framemill_worker::thumb::{self, ThumbTask};
use framemill_worker::{BlobRef, Outcome, Task, WorkPlace};
use std::sync::Arc;

/// Makes pictures of the source.
pub(super) async fn make(run: &Run<'_>, stills: &[Still]) -> Result<()> {
    if stills.is_empty() {
        return Ok(());
    }
    let outcome = task(run, stills).await?;
    let listed = list(&run.place, &outcome.blobs).await;
    let listed = listed.map_err(JobError::Failed)?;
    for (made, still) in listed.iter().zip(stills) {
        run.made(publish(run, still, made).await?);
    }
    Ok(())
}

/// Runs the one task that makes all of them.
async fn task(run: &Run<'_>, stills: &[Still]) -> Result<Outcome> {
    let text = |still: &Still| {
        let format = still.format.or(still.options.format);
        let options = Options {
            format,
            ..still.options.clone()
        };
        options.to_string()
    };
    let task = Task::Thumb(ThumbTask {
        source: run.order.source.clone(),
        thumbs: stills.iter().map(text).collect(),
    });
    let rules = Rules {
        resume: true,
        earlier: run.resumed,
        keep_going: false,
    };
    let name = store::shown(&run.order.source.uri);
    let engine = run.shop.engine.at(&run.place, &run.work);
    let at = (engine.clone(), run.place.clone());
    let (cancel, progress) = (run.cancel.child_token(), run.watch.part());
    let runner = Runner::new(at, rules, cancel, progress, &name, None, &run.limits)?;
    let mut runner = runner.sharing(Some(run.shop.shares.seat()));
    let weight = (run.order.source.size >> 10).clamp(1, 1 << 20) as u32;
    let build: Build = Arc::new(move |_, _, _| task.clone());
    let mut outcome = None;
    let works = vec![Work::new("thumb", vec![weight], build)];
    let ended = runner
        .run(works, &mut |_, made| outcome = Some(made.clone()))
        .await;
    runner.stop().await;
    run.spend(engine.remote_cpu_s(), runner.spent);
    ended?;
    outcome.ok_or_else(|| JobError::Failed(format!("{name}: a finished task left nothing")))
}

async fn publish(run: &Run<'_>, still: &Still, made: &thumb::Made) -> Result<Made> {
    let bad = |detail: String| JobError::Input {
        file: store::shown(&run.order.source.uri),
        detail,
    };
    let (extension, blob) = match made {
        thumb::Made::Thumbnail { extension, blob } => (extension, blob),
        thumb::Made::Failed(reason) => return Err(bad(reason.clone())),
    };
    let (place, stem) = (&run.order.place, &run.order.stem);
    let to = names::output(place, stem, still.name.as_deref(), extension).map_err(bad)?;
    let mode = match run.order.overwrite {
        true => PutMode::Overwrite,
        false => PutMode::Create,
    };
    let opened = store::open(&to).await;
    let (blobs, _) = opened.map_err(|error| JobError::Failed(format!("{to}: {error}")))?;
    let version = copy(&run.place, blob, &to, (&blobs, mode)).await;
    let version = version.map_err(|error| match error {
        Refused::Exists => JobError::Usage(format!("{to}: exists; --overwrite replaces it")),
        Refused::Other(text) => JobError::Failed(format!("{to}: {text}")),
    })?;
    Ok(Made {
        uri: to.to_string(),
        size: blob.size,
        version: version.as_str().to_owned(),
    })
}

/// Why a thumbnail has not got its name.
pub enum Refused {
    /// Other content has that name.
    Exists,
    /// Something else, in words.
    Other(String),
}

/// What a thumbnail task says of its thumbnails, from the blobs that it wrote.
///
/// # Errors
/// A text.
pub async fn list(place: &WorkPlace, blobs: &[BlobRef]) -> Result<Vec<thumb::Made>, String> {
    let list = blobs.first().ok_or("a result without a list")?;
    let bytes = place.get_blob(list).await;
    let bytes = bytes.map_err(|failure| failure.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// Copies a thumbnail from the work store to its name. The same bytes under that name already
/// are as good as a copy.
///
/// # Errors
/// [`Refused`].
pub async fn copy(
    place: &WorkPlace,
    blob: &BlobRef,
    to: &Location,
    (blobs, mode): (&Arc<dyn Store>, PutMode),
) -> Result<Version, Refused> {
    let other = |error: StoreError| Refused::Other(error.to_string());
    let bytes = place.get_blob(blob).await;
    let bytes = bytes.map_err(|failure| Refused::Other(failure.to_string()))?;
    match blobs.put(&to.key, bytes.clone(), mode).await {
        Ok(version) => Ok(version),
        Err(StoreError::Exists { .. }) => {
            let meta = blobs.head(&to.key).await.map_err(other)?;
            let there = match meta.size == blob.size {
                true => blobs.get(&to.key, blob.size).await.map_err(other)?,
                false => return Err(Refused::Exists),
            };
            match there == bytes {
                true => Ok(meta.version),
                false => Err(Refused::Exists),
            }
        }
        Err(error) => Err(other(error)),
    }
}
