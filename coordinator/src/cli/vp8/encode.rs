// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8 encode`: a video to an IVF file, by our own encoder.

use super::staged::Staged;
use super::times::Times;
use crate::cli::console;
use crate::cli::measure::pictures::Pictures;
use crate::cli::probe::print;
use crate::error::{JobError, Result};
use crate::job::same_file;
use framemill_codec::dsp::Dsp;
use framemill_codec::ivf::{Header, Writer};
use framemill_codec::libav::Frame;
use framemill_codec::picture::Rational;
use framemill_codec::vp8::{Encoder, Preset, Settings};
use framemill_worker::encode::{FilterSpec, Filters, Turn};
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
    /// Encode the first N frames only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// What to do about damage: fail, or keep what decodes
    #[arg(long, value_name = "MODE", value_parser = ["fail", "keep"], default_value = "fail")]
    damaged: String,
}

fn preset(name: &str) -> std::result::Result<Preset, String> {
    match name {
        "fast" => Ok(Preset::Fast),
        "medium" => Ok(Preset::Medium),
        "slow" => Ok(Preset::Slow),
        _ => Err("give fast, medium or slow".into()),
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
    let mut pictures = Pictures::open(&args.input)?;
    let file = Staged::new(&args.output, args.overwrite)?;
    let empty = || input(args, "no picture is in it");
    let first = pictures.next()?.ok_or_else(empty)?;
    let mut stream = Stream::start(args, dsp, &pictures, &first, file)?;
    let bar = bar(quiet);
    let mut next = Some(first);
    while let Some(picture) = next {
        stream.push(picture)?;
        bar.set_message(format!(
            "{} frames, {:.1} a second",
            stream.frames,
            stream.frames as f64 / started.elapsed().as_secs_f64()
        ));
        next = match args.frames {
            Some(most) if pictures.count() >= most => None,
            _ => pictures.next()?,
        };
    }
    bar.finish_and_clear();
    let damage = pictures.damage();
    if let (Some(damage), "fail") = (&damage, args.damaged.as_str()) {
        let text = format!("{damage} (--damaged keep takes what decodes)");
        return Err(input(args, text));
    }
    let (summary, mut warnings) = stream.finish()?;
    warnings.extend(damage.map(|d| format!("{}: {d}", args.input)));
    if quiet {
        return Ok(());
    }
    for warning in warnings {
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

/// A stream in the making.
struct Stream<'a> {
    args: &'a EncodeArgs,
    filters: Filters,
    encoder: Encoder,
    writer: Writer<Staged>,
    times: Times,
    size: (u32, u32),
    frames: u64,
    bytes: u64,
    warnings: Vec<String>,
}

impl<'a> Stream<'a> {
    /// Decides by the first picture.
    fn start(
        args: &'a EncodeArgs,
        dsp: &'static Dsp,
        pictures: &Pictures,
        first: &Frame,
        file: Staged,
    ) -> Result<Self> {
        let (spec, warnings) = filters(pictures, first);
        let geometry = first.geometry();
        let (width, height) = match spec.turn.quarters % 2 {
            0 => (geometry.width, geometry.height),
            _ => (geometry.height, geometry.width),
        };
        let settings = Settings {
            preset: args.preset,
            quality: args.crf,
            key_interval: args.key_interval,
        };
        let encoder = Encoder::new(dsp, settings, width, height);
        let encoder = encoder.map_err(|e| JobError::Usage(format!("{}: {e}", args.input)))?;
        let Rational { num, den } = pictures.time_base;
        let header = Header {
            fourcc: *b"VP80",
            width: width as u16,
            height: height as u16,
            rate: den.unsigned_abs(),
            scale: num.unsigned_abs(),
            packets: 0,
        };
        let writer = Writer::new(file, &header).map_err(|e| failed(args, e))?;
        Ok(Self {
            args,
            filters: Filters::new(&spec, width, height),
            encoder,
            writer,
            times: Times::new(pictures.time_base, pictures.frame_rate),
            size: (width, height),
            frames: 0,
            bytes: 0,
            warnings,
        })
    }

    /// Takes the next picture.
    fn push(&mut self, picture: Frame) -> Result<()> {
        self.times.push(picture.best_effort_timestamp());
        let pushed = self.filters.push(picture);
        pushed.map_err(|f| JobError::from_failure(&self.args.input, &f))?;
        self.encode()
    }

    /// Encodes what the filters have ready.
    fn encode(&mut self) -> Result<()> {
        let filtering = |f| JobError::from_failure(&self.args.input, &f);
        while let Some((_, picture)) = self.filters.pull().map_err(filtering)? {
            let at_frame =
                |e: &dyn Display| input(self.args, format!("frame {}: {e}", self.frames));
            let view = picture.view().map_err(|e| at_frame(&e))?;
            let packet = self.encoder.encode(&view).map_err(|e| at_frame(&e))?;
            let written = self.writer.push(self.times.take(), &packet);
            written.map_err(|e| failed(self.args, e))?;
            self.frames += 1;
            self.bytes += packet.len() as u64;
        }
        Ok(())
    }

    /// Gives the file its name; tells what is in it, and what to know of it.
    fn finish(mut self) -> Result<(String, Vec<String>)> {
        let flushed = self.filters.finish();
        flushed.map_err(|f| JobError::from_failure(&self.args.input, &f))?;
        self.encode()?;
        let rate = self.bytes as f64 * 8.0 / 1000.0 / self.times.seconds();
        let file = self.writer.finish().map_err(|e| failed(self.args, e))?;
        file.finish()?;
        let (frames, (width, height)) = (self.frames, self.size);
        let word = if frames == 1 { "frame" } else { "frames" };
        let bytes = self.bytes;
        let summary = format!("{frames} {word}, {width}x{height}, {bytes} bytes, {rate:.0} kbit/s");
        Ok((summary, self.warnings))
    }
}

fn failed(args: &EncodeArgs, error: impl Display) -> JobError {
    JobError::Failed(format!("{}: {error}", args.output))
}

/// What makes 4:2:0 of 8 bits of a video, as `transcode --codec vp8` does, and
/// what is lost on the way.
fn filters(pictures: &Pictures, first: &Frame) -> (FilterSpec, Vec<String>) {
    let (geometry, colour) = (first.geometry(), first.colour());
    let (turn, mirror) = pictures.orientation;
    let rgb = [
        "rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "pal8",
    ];
    let rgb = rgb.iter().any(|p| geometry.pix_fmt.starts_with(p));
    let tonemap = colour.is_hdr();
    let mut warnings = Vec::new();
    let mut warn = |on: bool, text: &str| warnings.extend(on.then(|| text.to_owned()));
    warn(tonemap, "HDR is mapped to BT.709: vp8 carries none");
    warn(
        !rgb && !tonemap && colour.range == 2,
        "full-range samples become limited: vp8 cannot signal them",
    );
    let sar = geometry.sar;
    if sar.num > 0 && sar.num != sar.den {
        let (w, h) = (sar.num, sar.den);
        warnings.push(format!(
            "IVF cannot say that samples are {w}:{h}, not square"
        ));
    }
    let spec = FilterSpec {
        turn: Turn {
            quarters: (turn / 90) as u8,
            mirror,
        },
        tonemap,
        pix_fmt: "yuv420p".into(),
        source_colour: colour,
        matrix_from_rgb: rgb && !tonemap,
        range: u8::from(!rgb && !tonemap),
        ..FilterSpec::default()
    };
    (spec, warnings)
}
