// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands, one file each.

pub mod batch;
pub mod calibrate;
mod console;
mod engine;
pub mod jobs;
mod limits;
pub mod measure;
pub mod pictures;
pub mod plan;
mod predict;
pub mod probe;
pub mod profile;
pub mod report;
pub mod serve;
mod show;
mod signals;
pub mod sim;
pub mod thumb;
pub mod transcode;
mod version;
pub mod vp8;
mod work;

use crate::error::JobError;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use framemill_codec::dsp::{Dsp, Level};
use framemill_codec::libav;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Splits media into small chunks, encodes them all at once, and stitches a
/// result that nobody can tell was split.
#[derive(Parser)]
#[command(name = "framemill", max_term_width = 100)]
struct Cli {
    /// What to log to standard error: error, warn, info, debug or trace
    #[arg(long, global = true, default_value = "warn", value_name = "LEVEL")]
    log_level: String,
    /// Write nothing to standard error but a failure's one line
    #[arg(long, short, global = true)]
    quiet: bool,
    /// SIMD level of our own kernels: scalar, ssse3, avx2 or neon [default: the fastest here]
    #[arg(long, global = true, value_name = "LEVEL", value_parser = simd)]
    simd: Option<&'static Dsp>,
    /// Print version
    #[arg(long, short = 'V')]
    version: bool,
    /// Print library versions and SIMD levels too
    #[arg(long, requires = "version")]
    verbose: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The kernels of a level by name.
fn simd(name: &str) -> Result<&'static Dsp, String> {
    let level: Level = name.parse()?;
    Dsp::get(level).ok_or_else(|| format!("this machine has {}", version::levels()))
}

#[derive(Subcommand)]
enum Command {
    /// Say what is in a file
    Probe(probe::ProbeArgs),
    /// Transcode a file, in parallel
    Transcode(Box<transcode::TranscodeArgs>),
    /// Show what a transcode would do
    Plan(Box<plan::PlanArgs>),
    /// Say what a job did, by its --report
    Report(report::ReportArgs),
    /// Predict how long a job would take on other workers, and what it would cost
    Sim(Box<sim::SimArgs>),
    /// Measure what frames take on this machine, for predictions
    Calibrate(Box<calibrate::CalibrateArgs>),
    /// Compare two files frame by frame: PSNR and SSIM
    Measure(measure::MeasureArgs),
    /// Encode and decode VP8, and look into its state
    Vp8(vp8::Vp8Args),
    /// Make thumbnails of pictures, one or thousands
    Thumb(Box<thumb::ThumbArgs>),
    /// Make a profile's outputs of everything in a folder, a bucket or a manifest
    Batch(Box<batch::BatchArgs>),
    /// Look at jobs of batches and upload events, stop them, try them again
    Jobs(jobs::JobsArgs),
    /// Profiles: what is to be made of videos and pictures
    Profile(profile::ProfileArgs),
    /// Serve over HTTP
    Serve(serve::ServeArgs),
    /// Digest the pictures that workers would encode
    #[command(hide = true)]
    Pictures(Box<transcode::MediaArgs>),
    /// Do one task from standard input
    #[command(hide = true)]
    Work,
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    // First of all, while this is the only thread.
    libav::init();
    std::panic::set_hook(Box::new(|info| tracing::error!("{info}")));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if cli.quiet {
        console::silence_libraries();
    }
    if !["off", "error", "warn", "info", "debug", "trace"].contains(&cli.log_level.as_str()) {
        console::complain(&format!(
            "framemill: --log-level {}: give error, warn, info, debug or trace",
            cli.log_level
        ));
        return ExitCode::from(2);
    }
    let level = if cli.quiet { "off" } else { &cli.log_level };
    // Our own alone: other crates log requests, with what is secret in them.
    let filter = EnvFilter::new(format!("off,framemill={level}"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .init();
    if cli.version {
        version::print(cli.verbose, cli.simd.unwrap_or_else(Dsp::best));
        return ExitCode::SUCCESS;
    }
    let Some(command) = cli.command else {
        let error = Cli::command().error(ErrorKind::MissingSubcommand, "a command is missing");
        return usage(&error);
    };
    match run(command, cli.quiet, cli.simd) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(&format!("framemill: {}", one_line(&error.to_string())));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command, quiet: bool, simd: Option<&'static Dsp>) -> Result<(), JobError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Workers block, and so does the store I/O that they wait for.
        .max_blocking_threads(4096 + 512)
        .build()
        .map_err(|e| JobError::Failed(format!("cannot start the runtime: {e}")))?;
    // For commands that drive no async work themselves, but read from stores.
    let entered = runtime.enter();
    let result = match command {
        Command::Probe(args) => runtime.block_on(probe::run(&args)),
        Command::Transcode(args) => runtime.block_on(transcode::run(*args, quiet, simd)),
        Command::Plan(args) => runtime.block_on(plan::run(*args, simd)),
        Command::Report(args) => report::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Calibrate(args) => runtime.block_on(calibrate::run(*args, simd)),
        Command::Measure(args) => measure::run(&args),
        Command::Vp8(args) => vp8::run(&args, quiet, simd.unwrap_or_else(Dsp::best)),
        Command::Thumb(args) => runtime.block_on(thumb::run(*args, quiet)),
        Command::Batch(args) => runtime.block_on(batch::run(*args, quiet, simd)),
        Command::Jobs(args) => runtime.block_on(jobs::run(args)),
        Command::Profile(args) => profile::run(&args),
        Command::Serve(args) => runtime.block_on(serve::run(args, quiet)),
        Command::Pictures(args) => runtime.block_on(pictures::run(*args, simd)),
        Command::Work => runtime.block_on(work::run(simd)),
    };
    drop(entered);
    // Threads that are still in a codec's hands must not hold up the exit.
    runtime.shutdown_background();
    result
}

/// A bad command line in one line; help as it is.
fn usage(error: &clap::Error) -> ExitCode {
    if error.kind() == ErrorKind::DisplayHelp {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let first = text
        .lines()
        .map(str::trim)
        .take_while(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let first = first.strip_prefix("error: ").unwrap_or(&first);
    console::complain(&format!("framemill: {first} (framemill --help tells more)"));
    ExitCode::from(2)
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
