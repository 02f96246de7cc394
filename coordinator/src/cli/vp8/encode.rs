// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8 encode`: a video to an IVF file, by our own encoder.

use super::feed::Feed;
use super::staged::Staged;
use crate::cli::console;
use crate::cli::probe::print;
use crate::error::{JobError, Result};
use crate::job::same_file;
use crate::plan::batches::LONGEST;
use framemill_codec::dsp::Dsp;
use framemill_codec::ivf::Writer;
use framemill_codec::libav::Frame;
use framemill_codec::packet::is_hidden;
use framemill_codec::vp8::{
    draft_pass, first_pass, golden_at, timed, ChunkSettings, Encoder, Preset, Settings, Sources,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Display;
use std::path::Path;
use std::time::Instant;

/// Arguments of `framemill vp8 encode`.
#[derive(clap::Args, Clone, Debug)]
pub struct EncodeArgs {
    /// The video
    input: String,
    /// The IVF file to write
    #[arg(long, short, value_name = "FILE")]
    output: String,
    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,
    /// Constant quality, 0 (best) to 63
    #[arg(long, value_name = "N", default_value = "16",
        value_parser = clap::value_parser!(u8).range(..=63))]
    crf: u8,
    /// How hard to try: fast, medium or slow
    #[arg(long, value_name = "NAME", default_value = "medium", value_parser = preset)]
    preset: Preset,
    /// Most frames from one key frame to the next
    #[arg(long, value_name = "N", default_value = "240",
        value_parser = clap::value_parser!(u32).range(1..))]
    key_interval: u32,
    /// Leave out the first N frames
    #[arg(long, value_name = "N", default_value = "0")]
    start: u64,
    /// Encode N frames only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_FRAMES))]
    frames: Option<u64>,
    /// Encode a chunk: one that stands alone (closed), or the draft of one, which
    /// plays once `vp8 rebase` has moved it onto a state (rebase)
    #[arg(long, value_name = "SEAM", value_parser = ["closed", "rebase"],
        requires = "frames", conflicts_with = "key_interval")]
    seam: Option<String>,
    /// What to do about damage: fail, or keep what decodes
    #[arg(long, value_name = "MODE", value_parser = ["fail", "keep"], default_value = "fail")]
    damaged: String,
}

/// Of a stretch that is asked for; a video of that length runs for centuries.
const MOST_FRAMES: u64 = 1 << 40;

/// Reads a preset's name.
pub fn preset(name: &str) -> std::result::Result<Preset, String> {
    match name {
        "fast" => Ok(Preset::Fast),
        "medium" => Ok(Preset::Medium),
        "slow" => Ok(Preset::Slow),
        _ => Err("give fast, medium or slow".into()),
    }
}

impl EncodeArgs {
    /// A draft refers to the picture before it.
    fn is_draft(&self) -> bool {
        self.seam.as_deref() == Some("rebase")
    }

    fn feed(&self) -> Result<Feed> {
        // All pictures of a chunk are held until it is encoded.
        let too_long = |&n: &u64| self.seam.is_some() && n > LONGEST;
        if let Some(frames) = self.frames.filter(too_long) {
            return Err(JobError::Usage(format!(
                "--seam: a chunk of {frames} frames, {LONGEST} are the most"
            )));
        }
        let before = self.before()?;
        let frames = self.frames.map(|n| n + before);
        Feed::open(&self.input, self.start - before, frames)
    }

    /// How many frames before a draft its golden frame is, if the chunk before
    /// is as long.
    fn before(&self) -> Result<u64> {
        let Some(frames) = self.frames.filter(|_| self.is_draft()) else {
            return Ok(0);
        };
        if self.start == 0 {
            return Err(JobError::Usage(
                "--seam rebase: no frame comes before frame 0, give --start".into(),
            ));
        }
        Ok((frames - golden_at(frames as usize) as u64).min(self.start))
    }
}

/// Encodes the video, in one thread.
///
/// # Errors
/// [`JobError::Input`] for what is no readable video, or damaged;
/// [`JobError::Usage`] for sizes that VP8 does not have.
pub fn run(args: &EncodeArgs, quiet: bool, dsp: &'static Dsp) -> Result<()> {
    let started = Instant::now();
    if same_file(Path::new(&args.output), &args.input) {
        let output = &args.output;
        return Err(JobError::Usage(format!("{output}: that is the input")));
    }
    let mut feed = args.feed()?;
    let file = Staged::new(&args.output, args.overwrite)?;
    let mut stream = Stream::start(args, dsp, &feed, file)?;
    let bar = bar(quiet);
    let mut frames = 0;
    while let Some((time, picture)) = feed.next()? {
        stream.push(&feed, time, &picture)?;
        frames += 1;
        let rate = f64::from(frames) / started.elapsed().as_secs_f64();
        bar.set_message(format!("{frames} frames, {rate:.1} a second"));
    }
    bar.finish_and_clear();
    let damage = feed.damage();
    if let (Some(damage), "fail") = (&damage, args.damaged.as_str()) {
        let text = format!("{damage} (--damaged keep takes what decodes)");
        return Err(input(args, text));
    }
    let summary = stream.finish(&feed)?;
    if quiet {
        return Ok(());
    }
    let damage = damage.map(|d| format!("{}: {d}", args.input));
    for warning in feed.warnings.iter().cloned().chain(damage) {
        console::complain(&format!("framemill: warning: {warning}"));
    }
    let seconds = started.elapsed().as_secs_f64();
    print(&format!("{}: {summary}, {seconds:.3} s\n", args.output))
}

fn input(args: &EncodeArgs, detail: impl Display) -> JobError {
    JobError::Input {
        file: args.input.clone(),
        detail: detail.to_string(),
    }
}

/// Frames so far, on a terminal.
fn bar(quiet: bool) -> ProgressBar {
    let target = match quiet {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// What makes packets of pictures.
enum Coder {
    /// Picture by picture.
    Run(Box<Encoder>),
    /// All at once, when the last one is there.
    Chunk(Box<Chunk>),
}

/// A chunk's pictures.
struct Chunk {
    settings: ChunkSettings,
    /// Pictures before a draft that are still to come, and those that stand for
    /// references: the golden frame's and the last one.
    ahead: u64,
    before: Option<Sources>,
    sources: Sources,
    times: Vec<u64>,
}

impl Chunk {
    fn packets(&self, dsp: &'static Dsp) -> framemill_codec::Result<Vec<Vec<u8>>> {
        let (settings, sources) = (self.settings, &self.sources);
        match &self.before {
            Some(before) => draft_pass(dsp, settings, before, sources),
            None => Ok(first_pass(dsp, settings, sources)?.packets),
        }
    }
}

/// A stream in the making.
struct Stream<'a> {
    args: &'a EncodeArgs,
    dsp: &'static Dsp,
    coder: Coder,
    writer: Writer<Staged>,
    frames: u64,
    bytes: u64,
}

impl<'a> Stream<'a> {
    fn start(args: &'a EncodeArgs, dsp: &'static Dsp, feed: &Feed, file: Staged) -> Result<Self> {
        let (width, height) = feed.size;
        let wrong = |e: framemill_codec::Error| JobError::Usage(format!("{}: {e}", args.input));
        let coder = match args.seam {
            None => {
                let settings = Settings {
                    preset: args.preset,
                    quality: args.crf,
                    key_interval: args.key_interval,
                };
                let encoder = Encoder::new(dsp, settings, width, height).map_err(wrong)?;
                Coder::Run(Box::new(encoder))
            }
            Some(_) => {
                let settings = ChunkSettings {
                    preset: args.preset,
                    quality: args.crf,
                    golden: true,
                    hidden: true,
                };
                let sources = || Sources::new(width, height).map_err(wrong);
                Coder::Chunk(Box::new(Chunk {
                    settings,
                    ahead: args.before()?,
                    before: args.is_draft().then(sources).transpose()?,
                    sources: sources()?,
                    times: Vec::new(),
                }))
            }
        };
        Ok(Self {
            args,
            dsp,
            coder,
            writer: Writer::new(file, &feed.header()).map_err(|e| failed(args, e))?,
            frames: 0,
            bytes: 0,
        })
    }

    /// Takes the next picture.
    fn push(&mut self, feed: &Feed, time: u64, picture: &Frame) -> Result<()> {
        let view = picture.view().map_err(|e| feed.at_frame(&e))?;
        match &mut self.coder {
            Coder::Run(encoder) => {
                let packet = encoder.encode(&view).map_err(|e| feed.at_frame(&e))?;
                self.write(time, &packet)
            }
            Coder::Chunk(chunk) => {
                let pushed = match &mut chunk.before {
                    Some(before) if chunk.ahead > 0 => {
                        chunk.ahead -= 1;
                        match before.is_empty() || chunk.ahead == 0 {
                            true => before.push(&view),
                            false => Ok(()),
                        }
                    }
                    _ => {
                        chunk.times.push(time);
                        chunk.sources.push(&view)
                    }
                };
                pushed.map_err(|e| feed.at_frame(&e))
            }
        }
    }

    fn write(&mut self, time: u64, packet: &[u8]) -> Result<()> {
        let written = self.writer.push(time, packet);
        written.map_err(|e| failed(self.args, e))?;
        self.frames += u64::from(!is_hidden("vp8", packet));
        self.bytes += packet.len() as u64;
        Ok(())
    }

    /// Gives the file its name; tells what is in it.
    fn finish(mut self, feed: &Feed) -> Result<String> {
        if let Coder::Chunk(chunk) = &mut self.coder {
            let packets = chunk.packets(self.dsp);
            let packets = packets.map_err(|e| input(self.args, e))?;
            let timed = timed(packets, &chunk.times);
            let timed = timed.ok_or_else(|| failed(self.args, "packets without pictures"))?;
            for (time, packet) in timed {
                self.write(time, &packet)?;
            }
        }
        let rate = self.bytes as f64 * 8.0 / 1000.0 / feed.seconds();
        let file = self.writer.finish().map_err(|e| failed(self.args, e))?;
        file.finish()?;
        let (frames, (width, height)) = (self.frames, feed.size);
        let word = if frames == 1 { "frame" } else { "frames" };
        let bytes = self.bytes;
        let rate = match self.coder {
            Coder::Run(_) if self.args.start == 0 => format!(", {rate:.0} kbit/s"),
            _ => String::new(),
        };
        Ok(format!(
            "{frames} {word}, {width}x{height}, {bytes} bytes{rate}"
        ))
    }
}

fn failed(args: &EncodeArgs, error: impl Display) -> JobError {
    JobError::Failed(format!("{}: {error}", args.output))
}
