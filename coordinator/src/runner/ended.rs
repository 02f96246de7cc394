// SPDX-License-Identifier: MIT OR Apache-2.0
//! What invocations come to: for the scheduler, the report, the bill and the user.

use super::{Each, Ended, Flight, Runner};
use crate::engine::InvokeError;
use crate::error::JobError;
use crate::report::{InvocationRecord, ReportStats};
use crate::schedule::{Event, FailureClass, NodeId};
use framemill_worker::{Failure, Outcome};
use std::time::Duration;

impl Runner {
    /// Records what an invocation came to and turns it into an event.
    pub(super) fn settle(&mut self, ended: Ended, each: Each<'_>) -> Event {
        let Ended {
            invocation,
            result,
            reused,
        } = ended;
        let Some(flight) = self.flights.remove(&invocation) else {
            return Event::Tick;
        };
        self.record(&flight, &result, reused);
        let cost = self.charge(&flight, &result, reused);
        match result {
            Ok(outcome) => {
                let frames = if flight.makes { outcome.frames } else { 0 };
                let makes = flight.makes;
                self.progress.finished(invocation.0, frames, makes, reused);
                self.batch.finish(flight.node, &outcome, each);
                let ready_s = outcome.stats.ready_s;
                if ready_s > 0.0 && !reused {
                    let ready = Duration::from_secs_f64(ready_s);
                    self.scheduler.ready_after(invocation, ready);
                }
                Event::Finished { invocation, cost }
            }
            Err(error) => {
                self.progress.dropped(invocation.0);
                let class = self.classify(flight.node, &error);
                tracing::debug!(?class, %error, "invocation failed");
                if let InvokeError::Throttled {
                    after: Some(after), ..
                } = error
                {
                    self.scheduler.not_before(invocation, after);
                }
                self.batch.trouble_mut(flight.node).last_failure = Some(error);
                match class {
                    Some(class) => Event::Failed {
                        invocation,
                        class,
                        cost,
                    },
                    // It was replanned, and this is read for its cost alone.
                    None => Event::Failed {
                        invocation,
                        class: FailureClass::Cancelled,
                        cost,
                    },
                }
            }
        }
    }

    /// What an invocation has cost, by its time as seen from here. One that was turned
    /// away costs nothing; one that was given up is paid until then.
    pub(super) fn charge(
        &mut self,
        flight: &Flight,
        result: &Result<Outcome, InvokeError>,
        reused: bool,
    ) -> f64 {
        let free = reused || matches!(result, Err(InvokeError::Throttled { .. }));
        let price = self.price.filter(|_| !free);
        let cost = price.map_or(0.0, |p| p.of(self.now().saturating_sub(flight.start)));
        self.spent += cost;
        cost
    }

    pub(super) fn record(
        &mut self,
        flight: &Flight,
        result: &Result<Outcome, InvokeError>,
        reused: bool,
    ) {
        if let Ok(outcome) = result {
            let new = self.made.insert(outcome.key.short());
            if reused {
                self.reused += u64::from(new);
                return;
            }
        }
        let Some(report) = &self.report else { return };
        report.record(&InvocationRecord {
            kind: flight.kind,
            chunk: flight.chunk,
            attempt: flight.attempt,
            queued_s: flight.queued.as_secs_f64(),
            start_s: flight.start.as_secs_f64(),
            end_s: self.now().as_secs_f64(),
            stats: result.as_ref().map(ReportStats::from).unwrap_or_default(),
            outcome: match result {
                Ok(_) => "ok".into(),
                Err(error) => error.to_string().into(),
            },
        });
    }

    /// The scheduler's word for a failure; `None` when the node was replanned
    /// to decode from further back, which may well make it go away.
    fn classify(&mut self, id: NodeId, error: &InvokeError) -> Option<FailureClass> {
        let failure = match error {
            InvokeError::Crashed { .. } => return Some(FailureClass::Crashed),
            InvokeError::TimedOut { .. } => return Some(FailureClass::TimedOut),
            InvokeError::Throttled { .. } => return Some(FailureClass::Throttled),
            InvokeError::Refused { .. } => return Some(FailureClass::BadInput),
            InvokeError::Task(failure) => failure,
        };
        let trouble = self.batch.trouble_mut(id);
        let more = match failure {
            Failure::Damaged {
                from_start: false,
                packet,
                ..
            } if trouble.damaged_at != *packet => {
                trouble.damaged_at = *packet;
                Some(trouble.extra + 1)
            }
            Failure::Mismatch {
                from_start: false, ..
            } => Some(if trouble.extra == 0 { 1 } else { usize::MAX }),
            _ => None,
        };
        if let Some(extra) = more {
            trouble.extra = extra;
            let weight = self.scheduler.weight(id);
            if weight.is_ok_and(|w| self.scheduler.replace(id, w).is_ok()) {
                return None;
            }
        }
        Some(match failure {
            Failure::Transient { .. } | Failure::Full { .. } => FailureClass::Transient,
            Failure::Throttled { .. } => FailureClass::Throttled,
            Failure::Cancelled => FailureClass::Cancelled,
            Failure::Bug { .. } => FailureClass::Bug,
            _ => FailureClass::BadInput,
        })
    }

    pub(super) fn failed(&self, failure: &crate::schedule::Failure) -> JobError {
        use crate::schedule::Failure::{Budget, Node};
        let (node, attempts) = match failure {
            Node { node, attempts, .. } => (node, attempts),
            Budget { spent, budget, .. } => {
                return JobError::Limit(format!("--budget {budget}: {spent:.6} USD are spent"))
            }
            other => return JobError::Failed(other.to_string()),
        };
        let trouble = self.batch.trouble(*node);
        match trouble.and_then(|t| t.last_failure.as_ref()) {
            Some(InvokeError::Task(f @ Failure::Mismatch { .. })) => {
                JobError::Replan(f.to_string())
            }
            Some(InvokeError::Task(f @ Failure::NotWhole { .. })) => {
                JobError::Remake(f.to_string())
            }
            Some(InvokeError::Task(f)) => JobError::from_failure(&self.file, f),
            Some(InvokeError::Refused { detail }) => {
                JobError::Refused(format!("{} engine: {detail}", self.engine.name()))
            }
            Some(crash) => {
                let (kind, chunk) = self.batch.name(*node);
                let chunk = chunk.map_or(String::new(), |c| format!(" of chunk {c}"));
                JobError::Failed(format!(
                    "{}: {kind}{chunk} failed {attempts} times: {crash}",
                    self.file
                ))
            }
            None => JobError::Failed(failure.to_string()),
        }
    }
}
