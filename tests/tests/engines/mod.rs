// SPDX-License-Identifier: MIT OR Apache-2.0
//! Jobs on engines of a test's own, in this process.
#![allow(dead_code)]

pub mod contract;
pub mod proxy;
pub mod service;

use clap::Parser;
use framemill::cli::transcode::MediaArgs;
use framemill::engine::{Engine, Invocation, InvokeError};
use framemill::error::JobError;
use framemill::job::{Job, JobRequest};
use framemill::limits::Limits;
use framemill::progress::Progress;
use framemill_codec::libav;
use framemill_store::{PutMode, S3Store, Store};
use framemill_tests::job;
use framemill_tests::place;
use framemill_tests::servers::S3Server;
use framemill_worker::index::IndexTask;
use framemill_worker::{Outcome, SourceRef, Task, WorkPlace};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio::runtime::{Handle, Runtime};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    media: MediaArgs,
}

/// The runtime of all tests of a file.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        libav::init();
        Runtime::new().expect("a runtime")
    })
}

/// What `framemill transcode SOURCE -o OUTPUT --work-dir WORK FLAGS` comes to on the
/// engine that `engine` makes from the work store's location.
pub fn transcode<E: Engine + 'static>(
    engine: impl FnOnce(&str) -> E,
    (source, output, work): (&Path, &Path, &Path),
    flags: &str,
) -> Result<(), JobError> {
    let words = ["framemill", &source.display().to_string()].map(str::to_owned);
    let words = words.into_iter();
    let line = Line::parse_from(words.chain(flags.split_whitespace().map(str::to_owned)));
    let output = output.display().to_string();
    let request = JobRequest {
        input: line.media.input.clone(),
        options: line.media.options(&output),
        workers: line.media.workers(),
        work_dir: Some(work.display().to_string()),
        resume: false,
        overwrite: false,
        verify: false,
        order_seed: None,
        report: None,
        simd: None,
        limits: Limits::default(),
    };
    runtime().block_on(async {
        let make = async |_: &WorkPlace, work: &str| -> Result<Arc<dyn Engine>, JobError> {
            let engine: Arc<dyn Engine> = Arc::new(engine(work));
            Ok(engine)
        };
        let (cancel, progress) = (CancellationToken::new(), Arc::default());
        let progress: Arc<Progress> = progress;
        let mut job = Job::on(make, request, cancel, progress).await?;
        job.run().await
    })
}

/// A bucket of a server, whatever the environment says.
pub fn bucket(server: &S3Server, name: &str) -> S3Store {
    let store = runtime().block_on(S3Store::connect(name, &server.options()));
    store.expect("the bucket")
}

/// Puts a file into `framemill-in`; gives its URI.
pub fn uploaded(server: &S3Server, key: &str, file: &Path) -> String {
    let body = std::fs::read(file).expect("a source");
    let sources = bucket(server, "framemill-in");
    let put = sources.put(key, body.into(), PutMode::Create);
    runtime().block_on(put).expect("a put");
    format!("s3://framemill-in/{key}")
}

/// The bytes of a run of the program on its own threads.
pub fn local(source: &Path, container: &str, flags: &str) -> Vec<u8> {
    let folder = place::scratch();
    let output = folder.path().join(format!("local.{container}"));
    job::Job::transcode(source, &output)
        .flags(flags)
        .ok()
        .bytes()
}

/// A task that reads the tables of a file: small, quick, and never wrong.
pub fn index_task(source: &Path) -> Task {
    let source = source.display().to_string();
    let source = runtime().block_on(SourceRef::look_up(&source));
    Task::Index(IndexTask {
        source: source.expect("a source"),
        decode: false,
    })
}

/// An attempt at a task.
pub fn invocation(task: Task) -> Invocation {
    Invocation {
        task: Arc::new(task),
        cancel: CancellationToken::new(),
        progress: Arc::default(),
        sole: false,
    }
}

/// A task done in this process, into the folder `work`.
pub fn done_here(task: &Task, work: &Path) -> Outcome {
    let (task, work) = (task.clone(), work.to_owned());
    let handle: Handle = runtime().handle().clone();
    let done = runtime().block_on(async move {
        let place = WorkPlace {
            handle,
            work: Arc::new(framemill_store::DirStore::new(&work)),
            prefix: String::new(),
            simd: None,
        };
        let run = move || framemill_worker::run(&task, &place, &framemill_worker::Unwatched);
        tokio::task::spawn_blocking(run).await
    });
    done.expect("no panic").expect("the task is done")
}

/// An outcome without what the attempt happened to cost.
pub fn essence(outcome: &Outcome) -> Outcome {
    Outcome {
        stats: Default::default(),
        ..outcome.clone()
    }
}

/// The failure that is no success.
pub fn error(result: Result<Outcome, InvokeError>) -> InvokeError {
    result.expect_err("the invocation fails")
}
