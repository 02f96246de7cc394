// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the work is done, as the user says it.

use crate::engine::host::HostOptions;
use crate::engine::{Engine, HostEngine, HttpEngine, LocalEngine};
use crate::error::{JobError, Result};
use framemill_store::{Location, StoreRoot};
use framemill_worker::WorkPlace;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Tasks at once behind a URL, where nobody says.
const HTTP_SLOTS: u32 = 64;

/// The engines by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineName {
    /// Threads of this process
    Local,
    /// Worker processes of this machine
    Host,
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
    /// Seconds that an attempt at one task may take, with --engine host or http
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
        let is_http = self.engine == EngineName::Http;
        match (&self.engine_url, work_dir) {
            (Some(_), _) if !is_http => return refused("--engine-url needs --engine http"),
            (None, _) if is_http => return refused("--engine http needs --engine-url"),
            (_, None) if is_http => {
                return refused("--engine http needs --work-dir, a place that workers reach too")
            }
            _ => {}
        }
        let work = work_dir.map(Location::parse_place);
        match work.map(|place| place.map(|l| l.root)) {
            Some(Ok(StoreRoot::Memory(_))) if self.engine != EngineName::Local => {
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
        let cores = || std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        Ok(match (self.engine, &self.engine_url) {
            (EngineName::Http, Some(url)) => {
                let slots = workers.unwrap_or(HTTP_SLOTS);
                Arc::new(HttpEngine::new(url, (place, work), slots, time)?)
            }
            (EngineName::Host, _) => {
                let options = HostOptions {
                    time,
                    ..HostOptions::new(worker_program()?, workers.unwrap_or_else(cores))
                };
                Arc::new(HostEngine::new(options, (place, work)))
            }
            _ => {
                let workers = workers.unwrap_or_else(cores);
                Arc::new(LocalEngine::new(place.clone(), work.to_owned(), workers))
            }
        })
    }
}

/// `framemill-worker`, beside this program.
fn worker_program() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|e| JobError::Failed(e.to_string()))?;
    let program = own.with_file_name("framemill-worker");
    for name in ["framemill-worker", "framemill-task"] {
        let path = own.with_file_name(name);
        if !path.is_file() {
            return Err(JobError::Usage(format!(
                "--engine host needs {name} beside this program: {} is missing",
                path.display()
            )));
        }
    }
    Ok(program)
}
