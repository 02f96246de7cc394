// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the work is done, as the user says it.

use crate::engine::host::HostOptions;
use crate::engine::{
    files, Engine, HostEngine, HttpEngine, LambdaEngine, LambdaOptions, LocalEngine,
};
use crate::error::{JobError, Result};
use framemill_store::{Location, StoreRoot};
use framemill_worker::WorkPlace;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Tasks at once behind a URL, where nobody says.
const HTTP_SLOTS: u32 = 64;
/// Tasks at once on Lambda, where nobody says: an account's concurrency by default.
const LAMBDA_SLOTS: u32 = 1000;

/// The engines by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineName {
    /// Threads of this process
    Local,
    /// Worker processes of this machine
    Host,
    /// Workers behind --engine-url
    Http,
    /// The function that --function names, on AWS Lambda
    Lambda,
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
    /// The function, with --engine lambda: name or ARN
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
}

impl EngineArgs {
    /// The engine's name.
    #[must_use]
    pub const fn name(&self) -> EngineName {
        self.engine
    }

    /// Refuses flags that do not go together; `work_dir` is the user's.
    ///
    /// # Errors
    /// [`JobError::Usage`].
    pub fn check(&self, work_dir: Option<&str>) -> Result<()> {
        let refused = |text: &str| Err(JobError::Usage(text.to_owned()));
        use EngineName::{Host, Http, Lambda, Local};
        match (self.engine, &self.engine_url, &self.function) {
            (Http, None, _) => return refused("--engine http needs --engine-url"),
            (Lambda, _, None) => return refused("--engine lambda needs --function"),
            (Local | Host | Lambda, Some(_), _) => {
                return refused("--engine-url needs --engine http")
            }
            (Local | Host | Http, _, Some(_)) => {
                return refused("--function needs --engine lambda")
            }
            _ => {}
        }
        if matches!(self.engine, Http | Lambda) && work_dir.is_none() {
            return refused("this engine needs --work-dir, a place that its workers reach too");
        }
        let work = work_dir.map(Location::parse_place);
        match work.map(|place| place.map(|l| l.root)) {
            Some(Ok(StoreRoot::Memory(_))) if self.engine != Local => {
                refused("--work-dir: workers do not reach this process's memory")
            }
            _ => Ok(()),
        }
    }

    /// The engine for a job whose work store, `place`, others find at `work`. `workers`
    /// is how many the user asks for, `time` what an attempt may take.
    ///
    /// # Errors
    /// [`JobError::Usage`] for a wrong URL, an unknown region, too few open files.
    pub async fn make(
        &self,
        place: &WorkPlace,
        work: &str,
        workers: Option<u32>,
        time: Duration,
    ) -> Result<Arc<dyn Engine>> {
        let cores = || std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        Ok(match (self.engine, &self.engine_url) {
            (EngineName::Http, Some(url)) => {
                let slots = workers.unwrap_or(HTTP_SLOTS);
                files::allow(slots, 2)?;
                Arc::new(HttpEngine::new(url, (place, work), slots, time)?)
            }
            (EngineName::Lambda, _) => {
                let slots = workers.unwrap_or(LAMBDA_SLOTS);
                files::allow(slots, 2)?;
                let options = LambdaOptions {
                    function: self.function.clone().unwrap_or_default(),
                    endpoint: None,
                    slots,
                    time,
                };
                Arc::new(LambdaEngine::connect(options, (place, work)).await?)
            }
            (EngineName::Host, _) => {
                let slots = workers.unwrap_or_else(cores);
                // A listener, a connection, and what watches the process.
                files::allow(slots, 4)?;
                let options = HostOptions {
                    time,
                    ..HostOptions::new(worker_program()?, slots)
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
