// SPDX-License-Identifier: MIT OR Apache-2.0
//! From messages to jobs, each done once however often it is told.
//!
//! A message is kept hidden while its jobs run, and removed once all of them have ended. So a
//! coordinator that dies leaves it to come again, to whichever coordinator; what the dead one has
//! done lies in the work store and is not done again.

use super::claims::claim;
use super::dead::bury;
use super::http::Health;
use super::metrics::one;
use super::notice::{self, Kind, Notice};
use super::rules::Rule;
use super::source::{Message, Source};
use super::uploads::found;
use crate::error::{JobError, Result};
use crate::jobs::run::Known;
use crate::jobs::{names, Ended, Id, Media, Order, Records, Shop, Status, Watch};
use framemill_store as store;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How a service works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Messages that are worked on at once.
    pub jobs: usize,
    /// How long a message is hidden, and a job held, at a time.
    pub hold: Duration,
    /// Deliveries after which what may pass counts as what does not.
    pub attempts: u32,
    /// How long jobs may go on once the service is told to end.
    pub drain: Duration,
}

/// A service of upload events.
pub struct Service {
    pub(super) shop: Arc<Shop>,
    pub(super) rules: Vec<Rule>,
    dead: Records,
    pub(super) settings: Settings,
    pub(super) health: Arc<Health>,
    /// Jobs that are worked on here, so that nobody takes them over from ourselves.
    mine: Mutex<HashSet<Id>>,
}

/// What came of a message.
enum Fate {
    /// It is done with.
    Done,
    /// It is to come again: something that may pass.
    Again(String),
    /// Nothing can come of it.
    Dead(String, Option<Id>),
}

/// The least and the most time until a message that met something that may pass comes again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));
/// Time between requests for messages that fail.
pub(super) const REST: Duration = Duration::from_secs(2);

impl Service {
    /// A service by these rules; messages that nothing can come of go to `dead`.
    #[must_use]
    pub fn new(
        shop: Arc<Shop>,
        rules: Vec<Rule>,
        dead: Records,
        settings: Settings,
        health: Arc<Health>,
    ) -> Arc<Self> {
        Arc::new(Self {
            shop,
            rules,
            dead,
            settings,
            health,
            mine: Mutex::default(),
        })
    }

    /// Works until `end`; then gives jobs some time to end, and what they leave undone back.
    pub async fn run(self: Arc<Self>, sources: Vec<Arc<dyn Source>>, end: CancellationToken) {
        let stop = CancellationToken::new();
        let room = Arc::new(Semaphore::new(self.settings.jobs));
        let mut loops = JoinSet::new();
        for source in sources {
            let this = self.clone();
            loops.spawn(this.listen(source, room.clone(), end.clone(), stop.clone()));
        }
        loops.spawn(self.clone().take_over(room, end.clone(), stop.clone()));
        end.cancelled().await;
        self.health.end();
        let patience = tokio::time::sleep(self.settings.drain);
        tokio::pin!(patience);
        loop {
            tokio::select! {
                ended = loops.join_next() => if ended.is_none() { return },
                () = &mut patience, if !stop.is_cancelled() => stop.cancel(),
            }
        }
    }

    /// Takes messages from a source until `end`, and waits for those that it has taken.
    async fn listen(
        self: Arc<Self>,
        source: Arc<dyn Source>,
        room: Arc<Semaphore>,
        end: CancellationToken,
        stop: CancellationToken,
    ) {
        let mut working = JoinSet::new();
        loop {
            while working.try_join_next().is_some() {}
            let first = tokio::select! {
                () = end.cancelled() => break,
                place = room.clone().acquire_owned() => place,
            };
            let Ok(first) = first else { break };
            let most = 1 + room.available_permits();
            let received = tokio::select! {
                () = end.cancelled() => break,
                received = source.receive(most) => received,
            };
            self.health
                .asked(received.as_ref().map(|_| ()).map_err(Clone::clone));
            let messages = match received {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::warn!(source = %source.name(), %error, "no messages");
                    one(&self.health.metrics.receive_failures);
                    tokio::select! {
                        () = end.cancelled() => break,
                        () = tokio::time::sleep(REST) => continue,
                    }
                }
            };
            let mut first = Some(first);
            for message in messages {
                one(&self.health.metrics.messages);
                let place = match first.take() {
                    Some(place) => place,
                    // As many were asked for as there was room for; others may have taken it.
                    None => match room.clone().acquire_owned().await {
                        Ok(place) => place,
                        Err(_) => break,
                    },
                };
                let (this, source, stop) = (self.clone(), source.clone(), stop.clone());
                working.spawn(async move {
                    this.message(source.as_ref(), &message, &stop).await;
                    drop(place);
                });
            }
        }
        while working.join_next().await.is_some() {}
    }

    /// Works on a message, and keeps it hidden meanwhile.
    async fn message(&self, source: &dyn Source, message: &Message, stop: &CancellationToken) {
        let work = self.fate(message, stop);
        tokio::pin!(work);
        let fate = loop {
            tokio::select! {
                fate = &mut work => break fate,
                () = tokio::time::sleep(self.settings.hold / 3) => {
                    if let Err(error) = source.keep(message, self.settings.hold).await {
                        tracing::warn!(%error, "a message could not be kept hidden");
                    }
                }
            }
        };
        let settled = match fate {
            Fate::Done => source.done(message).await,
            Fate::Again(reason) => {
                one(&self.health.metrics.retried);
                let pause = match stop.is_cancelled() {
                    true => Duration::ZERO,
                    false => pause(message.deliveries),
                };
                tracing::warn!(message = %message.id, %reason, ?pause, "it comes again");
                source.release(message, pause).await
            }
            Fate::Dead(reason, job) => {
                one(&self.health.metrics.dead);
                tracing::warn!(message = %message.id, %reason, "nothing can come of it");
                let job = job.map(|id| id.to_string());
                match bury(&self.dead, message, &reason, job).await {
                    Ok(()) => source.done(message).await,
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        if let Err(error) = settled {
            // It comes again, and is found done then.
            tracing::warn!(message = %message.id, %error, "a message could not be settled");
        }
    }

    /// Does all that a message asks for.
    async fn fate(&self, message: &Message, stop: &CancellationToken) -> Fate {
        let notices = match notice::read(&message.body) {
            Ok(notices) => notices,
            Err(reason) => return Fate::Dead(reason, None),
        };
        let mut fate = Fate::Done;
        for notice in &notices {
            one(&self.health.metrics.notices);
            let done = match notice.kind {
                Kind::Created => self.created(notice, message, stop).await,
                Kind::Removed => self.removed(notice).await.map(|()| None),
            };
            match done {
                Ok(None) => {}
                Ok(Some((reason, id))) => fate = Fate::Dead(reason, Some(id)),
                // What is undone counts for more than what cannot be done.
                Err(error) => return Fate::Again(error.reason()),
            }
        }
        fate
    }

    /// Does the jobs of an upload; gives why one cannot be done.
    async fn created(
        &self,
        notice: &Notice,
        message: &Message,
        stop: &CancellationToken,
    ) -> Result<Option<(String, Id)>> {
        let orders = self.orders(notice).await?;
        if orders.is_empty() {
            one(&self.health.metrics.unmatched);
        }
        let mut failed = None;
        for (order, removes) in orders {
            let id = order.id();
            let last = message.deliveries >= self.settings.attempts;
            let (ended, first) = match self.job(&order, notice.time_s, message.sent_s, stop).await {
                Ok(done) => done,
                Err(error @ JobError::Interrupted(_)) => return Err(error),
                // Of the engine, not of this upload.
                Err(error @ JobError::Refused(_)) => return Err(error),
                Err(error) if last => {
                    let reason = format!("{} ({} deliveries)", error.reason(), message.deliveries);
                    (self.shop.give_up(&order, reason).await?, true)
                }
                Err(error) => return Err(error),
            };
            match first {
                true => self.count(&ended),
                false => one(&self.health.metrics.repeated),
            }
            if ended.status == Status::Gone && removes {
                // Its removal was told while there was nothing to remove yet.
                self.remove_lane(&id.lane).await?;
            }
            // Whoever has ended it may have died before it was told.
            if ended.status == Status::Failed {
                failed = Some((ended.reason.unwrap_or_default(), id));
            }
        }
        Ok(failed)
    }

    pub(super) fn count(&self, ended: &Ended) {
        let metrics = &self.health.metrics;
        metrics.ended(ended.status, ended.cpu_s, ended.spent_usd);
        let input = store::shown(&ended.order.source.uri);
        let reason = ended.reason.as_deref().unwrap_or("");
        tracing::info!(%input, status = ?ended.status, %reason, "a job ended");
    }

    /// The jobs that rules make of an upload, and whether their outputs go with it; none where
    /// the source is no more.
    async fn orders(&self, notice: &Notice) -> Result<Vec<(Order, bool)>> {
        let rules = self.rules.iter();
        let rules: Vec<&Rule> = rules
            .filter(|r| r.takes_key(&notice.place, &notice.key))
            .collect();
        let named = names::by_name(&notice.key);
        let rules: Vec<&Rule> = match named {
            Some(_) => rules,
            // Most of what is uploaded somewhere and says nothing is no media.
            None => rules
                .into_iter()
                .filter(|rule| rule.names_media())
                .collect(),
        };
        let Some(first) = rules.first() else {
            return Ok(Vec::new());
        };
        let uri = first.from.uri(&notice.key);
        let Some((source, media)) = found(&uri).await? else {
            return Ok(Vec::new());
        };
        let takes = rules.iter().filter(|rule| rule.takes(media, source.size));
        let order = |rule: &&Rule| {
            let order = rule.order(&notice.key, source.clone(), media);
            (order, rule.removes)
        };
        let orders = takes.map(order);
        Ok(orders.filter(|(order, _)| makes_something(order)).collect())
    }

    /// Jobs that are worked on here.
    pub(super) fn mine(&self) -> MutexGuard<'_, HashSet<Id>> {
        self.mine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one job.
    pub(super) async fn job(
        &self,
        order: &Order,
        time_s: f64,
        sent_s: f64,
        stop: &CancellationToken,
    ) -> Result<(Ended, bool)> {
        let id = order.id();
        let metrics = &self.health.metrics;
        self.mine().insert(id.clone());
        metrics.running.fetch_add(1, Ordering::Relaxed);
        let watch = Watch::default();
        let done = async {
            if let Err(error) = claim(&self.shop.records, order).await {
                return match error {
                    JobError::Usage(reason) => Ok((self.shop.give_up(order, reason).await?, true)),
                    other => Err(other),
                };
            }
            let known = Known::Since(time_s);
            self.shop.run(order, known, stop, &watch).await
        };
        let done = done.await;
        metrics.running.fetch_sub(1, Ordering::Relaxed);
        self.mine().remove(&id);
        if let Some(began_s) = watch.began_s() {
            metrics.started((began_s - sent_s).max(0.0));
        }
        done
    }
}

fn makes_something(order: &Order) -> bool {
    order.profile().is_ok_and(|profile| match order.media {
        Media::Image => !profile.images.is_empty(),
        Media::Video => !profile.videos.is_empty() || !profile.posters.is_empty(),
    })
}

/// How long a message rests that has been delivered so often.
fn pause(deliveries: u32) -> Duration {
    let times = 2_u32.saturating_pow(deliveries.saturating_sub(1).min(16));
    PAUSE.0.saturating_mul(times).min(PAUSE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_rest_longer_each_time() {
        assert_eq!(pause(1), PAUSE.0);
        assert_eq!(pause(3), PAUSE.0 * 4);
        assert_eq!(pause(u32::MAX), PAUSE.1);
    }
}
