// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill-worker`: does framemill's tasks when asked.
//!
//! | module | what it holds |
//! |---|---|
//! | [`pool`] | the processes that do tasks, kept warm between requests |
//! | [`limits`] | how much memory there is |
//! | [`once`] | one request from standard input |
//! | [`http`] | requests over HTTP |
//! | [`lambda`] | requests from AWS Lambda's Runtime API |
//!
//! This program links no codec library, so that it starts and waits cheaply. The
//! tasks are done by `framemill-task`, which lies beside it and is started
//! with the first one.

mod http;
mod lambda;
mod limits;
mod once;
mod pool;

use clap::{Parser, Subcommand};
use pool::Pool;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Does framemill's tasks when asked.
#[derive(Parser)]
#[command(name = "framemill-worker", version, max_term_width = 100)]
struct Cli {
    /// Memory for tasks in MiB [default: what the platform, the control group or the machine gives]
    #[arg(long, global = true, value_name = "MIB")]
    memory: Option<u64>,
    /// The program that does tasks [default: framemill-task beside this one]
    #[arg(long, global = true, value_name = "FILE")]
    task_program: Option<PathBuf>,
    /// Chosen by itself on AWS Lambda
    #[command(subcommand)]
    mode: Option<Mode>,
}

#[derive(Subcommand)]
enum Mode {
    /// Answer one request from standard input on standard output
    Once,
    /// Take requests from the Runtime API at AWS_LAMBDA_RUNTIME_API
    Lambda,
    /// Answer requests over HTTP: POST /run, GET /health
    Http(HttpArgs),
}

#[derive(clap::Args)]
struct HttpArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Tasks at once; more are turned away with 429
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1024))]
    concurrency: u32,
    /// Seconds that tasks may still take after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "25")]
    grace: u64,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "framemill-worker: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), String> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").ok();
    let program = match cli.task_program {
        Some(program) => Ok(program),
        None => beside(),
    };
    let memory = cli
        .memory
        .map_or_else(limits::memory, |mib| Some(mib << 20));
    match (cli.mode, api) {
        (None | Some(Mode::Lambda), Some(api)) => match program {
            Ok(program) => lambda::run(Pool::new(program, memory, 1), &api).await,
            Err(reason) => lambda::fail(&api, reason).await,
        },
        (Some(Mode::Lambda), None) => Err("AWS_LAMBDA_RUNTIME_API is not set".into()),
        (None, None) => Err("say how: once, http or lambda".into()),
        (Some(Mode::Once), _) => once::run(&Pool::new(program?, memory, 1)).await,
        (Some(Mode::Http(args)), _) => {
            let pool = Pool::new(program?, memory, args.concurrency);
            http::run(pool, args.listen, Duration::from_secs(args.grace)).await
        }
    }
}

/// The program that does tasks, beside this one.
fn beside() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let program = own.with_file_name("framemill-task");
    match program.is_file() {
        true => Ok(program),
        false => Err(format!(
            "{} is missing; --task-program names it elsewhere",
            program.display()
        )),
    }
}
