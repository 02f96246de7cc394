// SPDX-License-Identifier: MIT OR Apache-2.0
//! Videos of a job, all at once, and its posters.

use super::look;
use super::names;
use super::picture;
use super::record::Made;
use super::run::Run;
use crate::error::{JobError, Result};
use crate::job::{Job, JobRequest};
use crate::profile::{Profile, Rendition};
use crate::progress::Progress;
use framemill_store::{self as store, Location, StoreRoot};
use futures::future::join_all;
use std::sync::Arc;

/// Makes everything that the profile says of videos.
pub(super) async fn make(run: &Run<'_>, profile: &Profile) -> Result<()> {
    let mut missing = Vec::new();
    for rendition in &profile.videos {
        let to = output(run, rendition)?;
        match there(&to).await? {
            // An earlier run of this job made it, whole as all outputs are.
            Some(there) if run.resumed && !run.order.overwrite => run.made(there),
            _ => missing.push((rendition, to)),
        }
    }
    if let (Some((rendition, to)), true) = (missing.first(), missing.len() > 1) {
        // What all renditions need, once.
        let job = job(run, rendition, to, Arc::default()).await;
        job?.plan_only().await?;
    }
    let jobs = missing
        .iter()
        .map(|(rendition, to)| encode(run, rendition, to));
    let posters = picture::make(run, &profile.posters);
    let (encoded, posters) = futures::join!(join_all(jobs), posters);
    let all = encoded.into_iter().chain([posters]);
    let mut failures: Vec<JobError> = all.filter_map(Result::err).collect();
    // Those that were stopped by another's failure say nothing of the source.
    failures.sort_by_key(|error| matches!(error, JobError::Interrupted(_)));
    failures.into_iter().next().map_or(Ok(()), Err)
}

fn output(run: &Run<'_>, rendition: &Rendition) -> Result<Location> {
    let (place, stem, name) = (&run.order.place, &run.order.stem, rendition.name.as_deref());
    let to = names::output(place, stem, name, &rendition.extension);
    to.map_err(|detail| JobError::Input {
        file: store::shown(&run.order.source.uri),
        detail,
    })
}

/// What lies under an output's name.
async fn there(to: &Location) -> Result<Option<Made>> {
    let meta = look::at(to).await?;
    Ok(meta.map(|meta| Made {
        uri: to.to_string(),
        size: meta.size,
        version: meta.version.as_str().to_owned(),
    }))
}

/// The transcode that makes a rendition.
async fn job(
    run: &Run<'_>,
    rendition: &Rendition,
    to: &Location,
    progress: Arc<Progress>,
) -> Result<Job> {
    let order = run.order;
    let request = JobRequest {
        input: order.source.uri.clone(),
        options: rendition.media.options(&to.to_string()),
        workers: run.shop.engine.slots(),
        work_dir: Some(run.work.clone()),
        resume: true,
        overwrite: order.overwrite,
        verify: false,
        order_seed: None,
        report: None,
        simd: run.shop.simd,
        limits: run.limits,
    };
    let workers = (&run.shop.engine, &run.shop.shares);
    let version = order.source.version.clone();
    Job::shared(workers, request, version, run.cancel.clone(), progress).await
}

async fn encode(run: &Run<'_>, rendition: &Rendition, to: &Location) -> Result<()> {
    if let StoreRoot::Dir(root) = &to.root {
        let file = root.join(&to.key);
        let folder = file.parent().unwrap_or(root).to_owned();
        let failed = |e: std::io::Error| JobError::Failed(format!("{}: {e}", folder.display()));
        tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
    }
    let mut job = job(run, rendition, to, run.watch.part()).await?;
    let result = job.run().await;
    let usd = job.log.totals.spent_usd.unwrap_or_default();
    run.spend(job.remote_cpu_s(), usd);
    if let Err(error) = result {
        // The others would be for nothing.
        run.cancel.cancel();
        return Err(error);
    }
    let made = there(to).await?;
    run.made(made.ok_or_else(|| JobError::Failed(format!("{to}: is gone already")))?);
    Ok(())
}
