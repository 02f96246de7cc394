// SPDX-License-Identifier: MIT OR Apache-2.0
//! An order from beginning to end, whoever else may be at it.

use super::keeper::{Keeper, Stopped};
use super::lease::{Holder, Lease};
use super::look::{are_there, now_there};
use super::{now_s, picture, video, Ended, Id, Made, Media, Order, Records, Status, Watch};
use crate::engine::Engine;
use crate::error::{JobError, Result};
use crate::job::open_work;
use crate::limits::Limits;
use crate::share::Shares;
use framemill_codec::dsp::Dsp;
use framemill_worker::WorkPlace;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a lane that another coordinator holds is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where jobs are done: a work place, an engine that they share, and rules for all of them.
pub struct Shop {
    /// What is known of jobs.
    pub records: Records,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) shares: Arc<Shares>,
    limits: Limits,
    /// What jobs have cost so far, where they have one budget for all.
    spent: Option<Mutex<f64>>,
    pub(super) simd: Option<&'static Dsp>,
    me: Holder,
    lease: Duration,
}

/// What clocks of stores and coordinators may differ, in seconds.
const SKEW_S: f64 = 2.0;

/// What counts as the end of a job that is asked for again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known {
    /// Any end that is not older, in seconds since 1970: the same event may come twice, and a
    /// later one is an upload anew.
    Since(f64),
    /// Outputs that are there as they were made: whoever asks wants them now.
    IfThere,
}

/// One run of a job.
pub(super) struct Run<'a> {
    pub(super) shop: &'a Shop,
    pub(super) order: &'a Order,
    /// Where its tasks' results go.
    pub(super) place: WorkPlace,
    /// The same as users and workers write it.
    pub(super) work: String,
    /// What it may take.
    pub(super) limits: Limits,
    /// Whether an earlier run may have made some of it.
    pub(super) resumed: bool,
    pub(super) cancel: CancellationToken,
    pub(super) watch: &'a Watch,
    spent: Mutex<Spent>,
    /// What has got its name.
    made: Mutex<Vec<Made>>,
}

impl Run<'_> {
    /// Notes an output that has got its name: it is the job's whatever becomes of that.
    pub(super) fn made(&self, made: Made) {
        let mut all = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(made);
    }

    /// Adds to what the run has used.
    pub(super) fn spend(&self, cpu_s: f64, usd: f64) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.cpu_s += cpu_s;
        spent.usd += usd;
        if let Some(all) = &self.shop.spent {
            *all.lock().unwrap_or_else(PoisonError::into_inner) += usd;
        }
    }
}

/// What a run has used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) cpu_s: f64,
    pub(super) usd: f64,
}

impl Shop {
    /// A shop over the work place of `records`. Jobs are held for `lease`, again and again.
    #[must_use]
    pub fn new(records: Records, engine: Arc<dyn Engine>, limits: Limits, lease: Duration) -> Self {
        Self {
            records,
            shares: Shares::new(engine.slots()),
            engine,
            limits,
            spent: None,
            simd: None,
            me: Holder::this(),
            lease,
        }
    }

    /// The same with kernels of a level that the user chose.
    #[must_use]
    pub fn with_simd(mut self, simd: Option<&'static Dsp>) -> Self {
        self.simd = simd;
        self
    }

    /// The same with the limits' budget for all jobs together, which is each one's otherwise.
    #[must_use]
    pub fn with_one_budget(mut self) -> Self {
        self.spent = Some(Mutex::new(0.0));
        self
    }

    /// The limits of a job that begins now.
    fn limits(&self) -> Result<Limits> {
        let (Some(budget), Some(spent)) = (self.limits.budget, &self.spent) else {
            return Ok(self.limits);
        };
        let spent = *spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent >= budget {
            let text = format!("--budget {budget}: {spent:.6} USD are spent");
            return Err(JobError::Limit(text));
        }
        Ok(Limits {
            budget: Some(budget - spent),
            ..self.limits
        })
    }

    /// Does a job, or waits until somebody else has. Gives how it ended, and whether this run
    /// has ended it.
    ///
    /// # Errors
    /// [`JobError::Interrupted`] and what may pass; the job can then be taken up again.
    pub async fn run(
        &self,
        order: &Order,
        known: Known,
        cancel: &CancellationToken,
        watch: &Watch,
    ) -> Result<(Ended, bool)> {
        let id = order.id();
        let lease = loop {
            if let Some(ended) = self.ended(&id, known).await? {
                self.tidy(&id).await?;
                return Ok((ended, false));
            }
            match Lease::take(&self.records, &id, &self.me, self.lease).await? {
                Ok(lease) => break lease,
                Err(_) => tokio::select! {
                    () = cancel.cancelled() => return Err(interrupted()),
                    () = tokio::time::sleep(LOOK) => {}
                },
            }
        };
        // Whoever had the lane may have ended the job before it was ours.
        if let Some(ended) = self.ended(&id, known).await? {
            lease.release().await?;
            return Ok((ended, false));
        }
        // An end that does not count. Not before the lane is ours: the next end may be another's.
        self.records.forget(&id).await?;
        let job = cancel.child_token();
        let keeper = Keeper::start(
            lease,
            self.records.clone(),
            id.clone(),
            self.lease,
            job.clone(),
        );
        let began_s = now_s();
        let (made, result) = self.make(&id, order, job, watch).await;
        let (lease, stopped) = keeper.stop().await;
        let ended = match stopped {
            Some(Stopped::Lost) => Err(JobError::Failed(
                "another coordinator has taken the job over".into(),
            )),
            asked => {
                let asked = asked.is_some();
                self.judge(order, made, (result, asked, began_s)).await
            }
        };
        let ended = match ended {
            Ok(ended) => self.record(&id, ended).await,
            Err(error) => Err(error),
        };
        if let Some(lease) = lease {
            lease.release().await?;
        }
        ended
    }

    /// Removes what somebody has left who died between a job's end and that.
    async fn tidy(&self, id: &Id) -> Result<()> {
        if self.records.open(id).await?.is_none() {
            return Ok(());
        }
        // Whoever holds the lane does so, or is about to do the job anew.
        if let Ok(lease) = Lease::take(&self.records, id, &self.me, self.lease).await? {
            if self.records.ended(id).await?.is_some() {
                self.records.clear(id).await?;
            }
            lease.release().await?;
        }
        Ok(())
    }

    async fn record(&self, id: &Id, ended: Ended) -> Result<(Ended, bool)> {
        if self.records.end(id, &ended).await? {
            return Ok((ended, true));
        }
        let first = self.records.ended(id).await?;
        Ok((first.unwrap_or(ended), false))
    }

    /// How a job ended before, where that counts.
    async fn ended(&self, id: &Id, known: Known) -> Result<Option<Ended>> {
        let Some(ended) = self.records.ended(id).await? else {
            return Ok(None);
        };
        let counts = match known {
            Known::Since(time_s) if time_s <= ended.ended_s + SKEW_S => true,
            _ => ended.status == Status::Done && are_there(&ended.outputs).await?,
        };
        Ok(counts.then_some(ended))
    }

    /// Makes the outputs. Gives those that have got their names, and what that took, of a job
    /// that has failed too.
    async fn make(
        &self,
        id: &Id,
        order: &Order,
        cancel: CancellationToken,
        watch: &Watch,
    ) -> ((Vec<Made>, Spent), Result<()>) {
        let run = match self.begin(id, order, cancel, watch).await {
            Ok(run) => run,
            Err(error) => return (Default::default(), Err(error)),
        };
        let made = async {
            let profile = order.profile().map_err(JobError::Usage)?;
            match order.media {
                Media::Image => picture::make(&run, &profile.images).await,
                Media::Video => video::make(&run, &profile).await,
            }
        };
        let result = made.await;
        let mut made = run
            .made
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        made.sort_by(|a, b| a.uri.cmp(&b.uri));
        let spent = run
            .spent
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        ((made, spent), result)
    }

    /// Notes that a job is begun, and makes ready for it.
    async fn begin<'a>(
        &'a self,
        id: &Id,
        order: &'a Order,
        cancel: CancellationToken,
        watch: &'a Watch,
    ) -> Result<Run<'a>> {
        let limits = self.limits()?;
        let work = self.records.uri(&Records::tasks_name(id));
        let resumed = self.records.begin(id, order).await?;
        let _ = watch.began_s.set(now_s());
        Ok(Run {
            shop: self,
            order,
            place: open_work(&work, self.simd).await?,
            work,
            limits,
            resumed,
            cancel,
            watch,
            spent: Mutex::default(),
            made: Mutex::default(),
        })
    }

    /// What a result means for the job: only what can never be otherwise ends it.
    async fn judge(
        &self,
        order: &Order,
        (outputs, spent): (Vec<Made>, Spent),
        (result, asked, began_s): (Result<()>, bool, f64),
    ) -> Result<Ended> {
        let (status, reason) = match result {
            Ok(()) => (Status::Done, None),
            Err(JobError::Interrupted(_)) if asked => {
                (Status::Cancelled, Some("it was cancelled".to_owned()))
            }
            Err(error @ (JobError::Input { .. } | JobError::Usage(_))) => {
                let (status, reason) = match now_there(order).await? {
                    Some(version) if version == order.source.version => {
                        (Status::Failed, error.reason())
                    }
                    Some(_) => (Status::Superseded, "the source was replaced".to_owned()),
                    None => (Status::Gone, "the source was removed".to_owned()),
                };
                (status, Some(reason))
            }
            Err(error) => return Err(error),
        };
        Ok(Ended {
            status,
            reason,
            order: order.public(),
            outputs,
            began_s,
            ended_s: now_s(),
            cpu_s: spent.cpu_s,
            spent_usd: spent.usd,
        })
    }

    /// Ends a job that has met what may pass too often.
    ///
    /// # Errors
    /// The store's.
    pub async fn give_up(&self, order: &Order, reason: String) -> Result<Ended> {
        let now = now_s();
        let ended = Ended {
            status: Status::Failed,
            reason: Some(reason),
            order: order.public(),
            outputs: Vec::new(),
            began_s: now,
            ended_s: now,
            cpu_s: 0.0,
            spent_usd: 0.0,
        };
        Ok(self.record(&order.id(), ended).await?.0)
    }
}

fn interrupted() -> JobError {
    JobError::Interrupted("interrupted".into())
}
