// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the work is done, as the user says it.

use crate::engine::{Engine, HttpEngine, LocalEngine};
use crate::error::{JobError, Result};
use framemill_store::{Location, StoreRoot};
use framemill_worker::WorkPlace;
use std::sync::Arc;
use std::time::Duration;

/// Tasks at once behind a URL, where nobody says.
const HTTP_SLOTS: u32 = 64;

/// The engines by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineName {
    /// Threads of this process
    Local,
    /// Workers behind --engine-url
    Http,
}

/// Flags that choose an engine.
#[derive(clap::Args, Clone, Debug)]
pub struct EngineArgs {
    /// Where the work is done
    #[arg(long, value_enum, default_value = "local")]
    engine: EngineName,
    /// Where workers take tasks, with --engine http: http://HOST/PATH or https://HOST/PATH
    #[arg(long, value_name = "URL")]
    engine_url: Option<String>,
    /// Seconds that an attempt at one task may take, with --engine http
    #[arg(long, value_name = "SECONDS", default_value = "900", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    task_time: u64,
}

impl EngineArgs {
    /// Refuses flags that do not go together; `work_dir` is the user's.
    ///
    /// # Errors
    /// [`JobError::Usage`].
    pub fn check(&self, work_dir: Option<&str>) -> Result<()> {
        let refused = |text: &str| Err(JobError::Usage(text.to_owned()));
        if self.engine == EngineName::Local {
            return match self.engine_url {
                Some(_) => refused("--engine-url needs --engine http"),
                None => Ok(()),
            };
        }
        if self.engine_url.is_none() {
            return refused("--engine http needs --engine-url");
        }
        let Some(work_dir) = work_dir else {
            return refused("--engine http needs --work-dir, a place that workers reach too");
        };
        match Location::parse_place(work_dir).map(|l| l.root) {
            Ok(StoreRoot::Memory(_)) => {
                refused("--work-dir: workers do not reach this process's memory")
            }
            _ => Ok(()),
        }
    }

    /// The engine for a job whose work store, `place`, others find at `work`. `workers`
    /// is how many the user asks for.
    ///
    /// # Errors
    /// [`JobError::Usage`] for a wrong URL.
    pub fn make(
        &self,
        place: &WorkPlace,
        work: &str,
        workers: Option<u32>,
    ) -> Result<Arc<dyn Engine>> {
        let time = Duration::from_secs(self.task_time);
        match (self.engine, &self.engine_url) {
            (EngineName::Http, Some(url)) => {
                let slots = workers.unwrap_or(HTTP_SLOTS);
                Ok(Arc::new(HttpEngine::new(url, (place, work), slots, time)?))
            }
            _ => {
                let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
                let workers = workers.unwrap_or(cores);
                Ok(Arc::new(LocalEngine::new(
                    place.clone(),
                    work.to_owned(),
                    workers,
                )))
            }
        }
    }
}
