// SPDX-License-Identifier: MIT OR Apache-2.0
//! A transcode from source to verified output.

mod deadline;
mod encode;
mod finish;
mod output;
mod stages;

pub use output::{absolute, same_file};
pub use stages::load_index;

use deadline::DeadlineWatch;
use output::{lock_folder, Output};

use crate::engine::{sweep, Engine, LocalEngine};
use crate::error::{JobError, Result};
use crate::limits::Limits;
use crate::plan::options::TranscodeOptions;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{ReportFile, Totals};
use crate::runner::{Rules, Runner};
use crate::share::Shares;
use crate::stitch::StitchError;
use framemill_codec::dsp::Dsp;
use framemill_codec::libav::heap_in_use;
use framemill_store::{self as store, Location, StoreRoot};
use framemill_worker::index::Index;
use framemill_worker::{SourceRef, WorkPlace};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Everything a job is told.
#[derive(Clone, Debug)]
pub struct JobRequest {
    /// The source as the user named it, with a URL's secrets.
    pub input: String,
    /// What to make of it.
    pub options: TranscodeOptions,
    /// Worker threads.
    pub workers: u32,
    /// Where intermediate results live; `None` for a folder beside the output.
    pub work_dir: Option<String>,
    /// Take results of an earlier run.
    pub resume: bool,
    /// Replace an output that is there.
    pub overwrite: bool,
    /// Decode the whole output at the end.
    pub verify: bool,
    /// Launch in an order drawn from this seed.
    pub order_seed: Option<u64>,
    /// Told of every invocation.
    pub report: Option<Arc<ReportFile>>,
    /// Our own kernels, where the user chose them.
    pub simd: Option<&'static Dsp>,
    /// What the job may take, and what its workers can.
    pub limits: Limits,
}

impl JobRequest {
    /// The source as it may be shown.
    #[must_use]
    pub fn input_name(&self) -> String {
        store::shown(&self.input)
    }
}

/// What a job did.
#[derive(Debug, Default)]
pub struct JobLog {
    /// Totals, as far as they were reached.
    pub totals: Totals,
    /// Things the user should know.
    pub warnings: Vec<String>,
}

/// A job under way.
pub struct Job {
    request: JobRequest,
    output: Output,
    work_dir: String,
    place: WorkPlace,
    engine: Arc<dyn Engine>,
    cancel: CancellationToken,
    progress: Arc<Progress>,
    /// The workers, where other jobs use them too.
    shares: Option<Arc<Shares>>,
    /// The version that the source must have.
    pinned: Option<String>,
    /// US dollars that invocations have cost so far.
    spent: f64,
    /// Whether an earlier run has left results that this one may take.
    earlier: bool,
    /// Grows as the job runs; read it after success and failure alike.
    pub log: JobLog,
}

/// Finds the source.
///
/// # Errors
/// [`JobError::Input`] when there is none.
pub async fn look_up(input: &str) -> Result<SourceRef> {
    SourceRef::look_up(&absolute(input)?)
        .await
        .map_err(|f| JobError::Input {
            file: store::shown(input),
            detail: f.to_string(),
        })
}

/// Opens the place where results lie.
///
/// # Errors
/// [`JobError::Usage`] for none that can be written to.
pub async fn open_work(place: &str, simd: Option<&'static Dsp>) -> Result<WorkPlace> {
    let wrong =
        |text: String| JobError::Usage(format!("--work-dir {}: {text}", store::shown(place)));
    let failed = |error: store::StoreError| wrong(error.to_string());
    let location = Location::parse_place(place).map_err(failed)?;
    if matches!(location.root, StoreRoot::Http(_)) {
        return Err(wrong("it can only be read".into()));
    }
    let (work, prefix) = store::open(&location).await.map_err(failed)?;
    Ok(WorkPlace {
        handle: Handle::current(),
        work,
        prefix,
        simd,
    })
}

/// The output, and where results lie.
async fn places(request: &JobRequest) -> Result<(Output, String, WorkPlace)> {
    let output = Output::of(&request.options.output)?;
    let work_dir = match &request.work_dir {
        Some(dir) => absolute(dir)?,
        None => output.default_work_dir()?,
    };
    let place = open_work(&work_dir, request.simd).await?;
    Ok((output, work_dir, place))
}

impl Job {
    /// Prepares a job on threads of this process; refuses what cannot end well
    /// before anything is done.
    ///
    /// # Errors
    /// [`JobError::Usage`].
    pub async fn new(
        request: JobRequest,
        cancel: CancellationToken,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let workers = request.workers;
        let local = async |place: &WorkPlace, work: &str| -> Result<Arc<dyn Engine>> {
            let engine = LocalEngine::new(place.clone(), work.to_owned(), workers);
            let engine: Arc<dyn Engine> = Arc::new(engine);
            Ok(engine)
        };
        Self::on(local, request, cancel, progress).await
    }

    /// The same on the engine that `engine` makes, which is told the work store
    /// and the location by which other processes find it.
    ///
    /// # Errors
    /// [`JobError::Usage`], and those of `engine`.
    pub async fn on(
        engine: impl AsyncFnOnce(&WorkPlace, &str) -> Result<Arc<dyn Engine>>,
        request: JobRequest,
        cancel: CancellationToken,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let (output, work_dir, place) = places(&request).await?;
        let engine = engine(&place, &work_dir).await?;
        let at = (output, work_dir, place);
        Ok(Self::with(engine, at, request, cancel, progress))
    }

    /// The same on workers that other jobs use too, for one version of the source and no other.
    ///
    /// # Errors
    /// [`JobError::Usage`].
    pub async fn shared(
        (engine, shares): (&Arc<dyn Engine>, &Arc<Shares>),
        request: JobRequest,
        version: String,
        cancel: CancellationToken,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let (output, work_dir, place) = places(&request).await?;
        let engine = engine.at(&place, &work_dir);
        let at = (output, work_dir, place);
        let job = Self::with(engine, at, request, cancel, progress);
        Ok(Self {
            shares: Some(shares.clone()),
            pinned: Some(version),
            ..job
        })
    }

    fn with(
        engine: Arc<dyn Engine>,
        (output, work_dir, place): (Output, String, WorkPlace),
        request: JobRequest,
        cancel: CancellationToken,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            request,
            output,
            work_dir,
            place,
            engine,
            // Of its own, since a deadline cancels the job alone.
            cancel: cancel.child_token(),
            progress,
            shares: None,
            pinned: None,
            spent: 0.0,
            earlier: false,
            log: JobLog::default(),
        }
    }

    /// Where intermediate results are.
    #[must_use]
    pub fn work_dir(&self) -> &str {
        &self.work_dir
    }

    /// CPU seconds spent outside this process so far.
    #[must_use]
    pub fn remote_cpu_s(&self) -> f64 {
        self.engine.remote_cpu_s()
    }

    /// The engine's name.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// Runs the job to its end.
    ///
    /// # Errors
    /// [`JobError`]; nothing is then left under the output's name that was not
    /// there before, and what is done can be resumed.
    pub async fn run(&mut self) -> Result<()> {
        let deadline = self.request.limits.deadline;
        let watch = deadline.map(|time| DeadlineWatch::start(time, self.cancel.clone()));
        let result = self.run_all().await;
        match watch {
            Some(watch) => watch.judge(result),
            None => result,
        }
    }

    async fn run_all(&mut self) -> Result<()> {
        if !self.request.options.digest {
            self.output.check(&self.request).await?;
        }
        let source = self.source().await?;
        let found_work = Path::new(&self.work_dir).exists();
        sweep(&self.place).await;
        self.earlier = self.request.resume && self.has_results().await;
        let _lock = match self.request.work_dir {
            None => Some(lock_folder(&self.work_dir)?),
            Some(_) => None,
        };
        let mut decode = false;
        // A chunk that was damaged on disk after it was made costs one more round.
        for _ in 0..3 {
            match self.attempt(&source, decode).await {
                Err(StitchError::Job(JobError::Replan(why))) if !decode => {
                    tracing::info!(%why, "planning again from decoded frames");
                    decode = true;
                }
                Err(StitchError::Job(JobError::Replan(why))) => {
                    return Err(JobError::Input {
                        file: self.request.input_name(),
                        detail: why,
                    });
                }
                Err(StitchError::Damaged(key, failure)) => {
                    tracing::warn!(%key, %failure, "a stored result is damaged; it is made again");
                    self.request.resume = true;
                    self.earlier = true;
                }
                Err(StitchError::Job(JobError::Remake(why))) => {
                    tracing::warn!(%why, "a stored result is damaged; it is made again");
                    self.request.resume = true;
                    self.earlier = true;
                }
                Err(StitchError::Job(error)) => {
                    // What no further run can use is not kept; what an earlier run left is.
                    let ours = matches!(error, JobError::Input { .. } | JobError::Usage(_));
                    if ours && !found_work {
                        self.clean_up().await;
                    }
                    return Err(error);
                }
                Ok(()) => {
                    self.clean_up().await;
                    return Ok(());
                }
            }
        }
        Err(JobError::Failed(format!(
            "{}: frames keep differing from the plan, or results are damaged again and again",
            self.request.input_name()
        )))
    }

    /// Indexes and plans without encoding.
    ///
    /// # Errors
    /// As a transcode would refuse it.
    pub async fn plan_only(&mut self) -> Result<(Arc<Index>, Plan)> {
        let source = self.source().await?;
        let mut runner = self.runner()?;
        let index = self.index(&mut runner, &source, false).await?;
        let plan = self.plan(&mut runner, &index).await?;
        Ok((index, plan))
    }

    async fn source(&self) -> Result<SourceRef> {
        let source = look_up(&self.request.input).await?;
        match &self.pinned {
            Some(version) if *version != source.version => Err(JobError::Input {
                file: self.request.input_name(),
                detail: "it was replaced".into(),
            }),
            _ => Ok(source),
        }
    }

    fn runner(&self) -> Result<Runner> {
        let limits = Limits {
            // What attempts before this one have left of it.
            budget: self
                .request
                .limits
                .budget
                .map(|b| (b - self.spent).max(0.0)),
            ..self.request.limits
        };
        let runner = Runner::new(
            (self.engine.clone(), self.place.clone()),
            Rules {
                resume: self.request.resume,
                earlier: self.earlier,
                keep_going: false,
            },
            self.cancel.child_token(),
            self.progress.clone(),
            &self.request.input_name(),
            self.request.report.clone(),
            &limits,
        )?;
        Ok(runner.sharing(self.shares.as_ref().map(Shares::seat)))
    }

    async fn attempt(&mut self, source: &SourceRef, decode: bool) -> Result<(), StitchError> {
        let mut runner = self.runner()?;
        let result = self.attempt_with(&mut runner, source, decode).await;
        runner.stop().await;
        self.log.totals.reused += runner.reused;
        self.spent += runner.spent;
        self.log.totals.spent_usd = self.request.limits.price.map(|_| self.spent);
        result
    }

    async fn attempt_with(
        &mut self,
        runner: &mut Runner,
        source: &SourceRef,
        decode: bool,
    ) -> Result<(), StitchError> {
        let index = self.index(runner, source, decode).await?;
        let plan = Arc::new(self.plan(runner, &index).await?);
        let frames: u64 = plan.chunks.iter().map(|c| c.frames).sum();
        let frame_rate = plan.video.encoder.frame_rate.as_f64();
        self.progress
            .planned(frames, plan.chunks.len() as u64, frame_rate);
        self.log.warnings = plan.warnings.clone();
        self.log.totals.frames = frames;
        self.log.totals.chunks = plan.chunks.len() as u64;
        if !self.earlier {
            self.refuse_hopeless(&index, &plan)?;
        }
        let made = self.encode(runner, &index, &plan).await?;
        self.log.totals.live_memory = heap_in_use();
        if self.request.options.digest {
            return Ok(super::cli::pictures::print(
                &self.place,
                &index,
                &plan,
                &made.chunks,
            )?);
        }
        self.finish(runner, &index, &plan, made).await
    }

    /// Removes the default work folder after success; a chosen one is the user's.
    async fn clean_up(&self) {
        if self.request.work_dir.is_none() {
            let _ = tokio::fs::remove_dir_all(&self.work_dir).await;
        }
    }
}
