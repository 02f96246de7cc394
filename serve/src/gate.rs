// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much is done at once: a bounded queue, and pictures on as many threads as there are cores.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Kind, Result, ServeError};

/// The queue and the threads for pictures. Clones are cheap and share them.
#[derive(Clone, Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    threads: Arc<Semaphore>,
    all_places: usize,
    all_threads: usize,
}

/// A place in the queue, or at work. Given back when dropped.
#[derive(Debug)]
pub struct Place(#[allow(dead_code)] OwnedSemaphorePermit);

impl Gate {
    /// `workers` pictures at once, and `queue` requests that wait beside those.
    #[must_use]
    pub fn new(workers: usize, queue: usize) -> Self {
        let places = workers.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            threads: Arc::new(Semaphore::new(workers)),
            all_places: places,
            all_threads: workers,
        }
    }

    /// A place in the queue.
    ///
    /// # Errors
    /// [`Kind::Busy`] where it is full.
    pub fn enter(&self) -> Result<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned();
        permit
            .map(Place)
            .map_err(|_| ServeError::new(Kind::Busy, "the server has enough to do; try again"))
    }

    /// Does `work` on a thread of its own once there is one for it. The thread counts as taken
    /// until the work ends, even if nobody waits any more. A panic is an error.
    ///
    /// # Errors
    /// Those of `work`; [`Kind::Bug`].
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let bug = |text: &str| ServeError::new(Kind::Bug, text);
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let permit = permit.map_err(|_| bug("the server is ending"))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = catch_unwind(AssertUnwindSafe(work));
            drop(permit);
            done
        });
        match done.await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(bug("a panic while the picture was made")),
            Err(_) => Err(bug("the server is ending")),
        }
    }

    /// Waits until no picture is worked on.
    pub async fn idle(&self) {
        let all = u32::try_from(self.all_threads).unwrap_or(u32::MAX);
        // They are given back at once; closing never happens.
        let _ = self.threads.acquire_many(all).await;
    }

    /// Requests that have a place, waiting or at work.
    #[must_use]
    pub fn entered(&self) -> usize {
        self.all_places - self.places.available_permits()
    }

    /// Pictures that are worked on.
    #[must_use]
    pub fn working(&self) -> usize {
        self.all_threads - self.threads.available_permits()
    }
}

/// How far a request's work is, so that a deadline can say who was late. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Phase(Arc<AtomicU8>);

impl Phase {
    /// The source is being waited for.
    pub fn fetching(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// The source is there.
    pub fn fetched(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The error of a request whose time is over.
    #[must_use]
    pub fn late(&self) -> ServeError {
        match self.0.load(Ordering::Relaxed) {
            1 => ServeError::new(Kind::SourceLate, "the source did not come in time"),
            _ => ServeError::new(Kind::Late, "the picture was not made in time; try again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_places_come_back() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().unwrap();
        let _second = gate.enter().unwrap();
        assert_eq!(gate.enter().unwrap_err().kind(), Kind::Busy);
        assert_eq!(gate.entered(), 2);
        drop(first);
        gate.enter().unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_its_thread_comes_back() {
        let gate = Gate::new(1, 0);
        let error = gate.work::<()>(|| panic!("as the test wants it")).await;
        assert_eq!(error.unwrap_err().kind(), Kind::Bug);
        assert_eq!(gate.work(|| Ok(3)).await, Ok(3));
        assert_eq!(gate.working(), 0);
    }
}
