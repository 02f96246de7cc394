// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8 rebase`: a draft of `vp8 encode --seam rebase`, moved onto a
//! state, so that it continues the chunk before.

use super::decode::read_state;
use super::encode::preset;
use super::feed::Feed;
use super::source::Source;
use super::staged::Staged;
use crate::cli::probe::print;
use crate::error::{JobError, Result};
use crate::job::same_file;
use crate::plan::batches::LONGEST;
use framemill_codec::dsp::Dsp;
use framemill_codec::ivf::Writer;
use framemill_codec::packet::is_hidden;
use framemill_codec::vp8::{rebase, timed, ChunkSettings, Draft, Preset, Sources};
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::Path;
use std::time::Instant;

/// Arguments of `framemill vp8 rebase`.
#[derive(clap::Args, Clone, Debug)]
pub struct RebaseArgs {
    /// The draft: an IVF file of the chunk's frames
    draft: String,
    /// The video that the draft was made of
    #[arg(long, value_name = "VIDEO")]
    video: String,
    /// Number of the chunk's first frame in the video
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    start: u64,
    /// The state after the chunk before, as `vp8 state -o` writes it
    #[arg(long, value_name = "FILE")]
    from_state: String,
    /// The IVF file to write, which goes on from the state
    #[arg(long, short, value_name = "FILE")]
    output: String,
    /// Write the state after the chunk, for the chunk after
    #[arg(long, value_name = "FILE")]
    state_output: Option<String>,
    /// Replace outputs that exist
    #[arg(long)]
    overwrite: bool,
    /// Constant quality, 0 (best) to 63; the draft's own may be another
    #[arg(long, value_name = "N", default_value = "16",
        value_parser = clap::value_parser!(u8).range(..=63))]
    crf: u8,
    /// How hard to try: slow looks again at the vectors of all frames, the others
    /// at those of the first
    #[arg(long, value_name = "NAME", default_value = "medium", value_parser = preset)]
    preset: Preset,
    /// Threads, which share the rows of macroblocks
    #[arg(long, value_name = "N", default_value = "1",
        value_parser = clap::value_parser!(u8).range(1..))]
    threads: u8,
}

/// Moves the draft.
///
/// # Errors
/// [`JobError::Input`] for a draft, a state or a video that is at fault, or
/// where they do not belong together.
pub fn run(args: &RebaseArgs, quiet: bool, dsp: &'static Dsp) -> Result<()> {
    check_names(args)?;
    let at_fault = |detail: String| JobError::Input {
        file: args.draft.clone(),
        detail,
    };
    let mut source = Source::open(&args.draft)?;
    let mut packets = Vec::new();
    let mut frames = 0;
    while let Some(packet) = source.next()? {
        frames += u64::from(!is_hidden("vp8", &packet));
        packets.push(packet);
        // Ours hides fewer than it shows; no more of another's are held either.
        if frames > LONGEST || packets.len() as u64 > 2 * LONGEST {
            return Err(at_fault(format!("a chunk of more than {LONGEST} frames")));
        }
    }
    let state = read_state(&args.from_state)?;
    let mut feed = Feed::open(&args.video, args.start, Some(frames))?;
    let (sources, times) = pictures(&mut feed)?;
    let (width, height) = feed.size;
    let draft = Draft::parse(width, height, &packets, frames as usize);
    let draft = draft.map_err(|e| at_fault(e.to_string()))?;
    let settings = ChunkSettings {
        preset: args.preset,
        quality: args.crf,
        golden: true,
        hidden: true,
    };
    let file = Staged::new(&args.output, args.overwrite)?;
    let kept = args.state_output.as_deref();
    let kept = kept.map(|name| Staged::new(name, args.overwrite));
    let mut kept = kept.transpose()?;
    let started = Instant::now();
    let moved = rebase(dsp, &state, &draft, &sources, settings, args.threads.into());
    let seconds = started.elapsed().as_secs_f64();
    let moved = moved.map_err(|e| at_fault(e.to_string()))?;
    if let Some(kept) = &mut kept {
        kept.write(&moved.state.to_bytes())?;
    }
    let bytes: usize = moved.packets.iter().map(Vec::len).sum();
    write(args, &feed, file, moved.packets, &times)?;
    kept.map_or(Ok(()), Staged::finish)?;
    if quiet {
        return Ok(());
    }
    let word = if frames == 1 { "frame" } else { "frames" };
    let (name, (width, height)) = (&args.output, feed.size);
    print(&format!(
        "{name}: {frames} {word}, {width}x{height}, {bytes} bytes, moved in {seconds:.3} s\n"
    ))
}

/// No output may be an input, nor the other output.
fn check_names(args: &RebaseArgs) -> Result<()> {
    let inputs = [&args.draft, &args.video, &args.from_state];
    for output in [Some(&args.output), args.state_output.as_ref()]
        .into_iter()
        .flatten()
    {
        if inputs
            .iter()
            .any(|input| same_file(Path::new(output), input))
        {
            return Err(JobError::Usage(format!("{output}: that is an input")));
        }
    }
    let place = |name: &String| {
        let path = Path::new(name);
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).canonicalize();
        (folder.ok(), path.file_name().map(OsStr::to_owned))
    };
    if args.state_output.as_ref().map(place) == Some(place(&args.output)) {
        let output = &args.output;
        return Err(JobError::Usage(format!(
            "{output}: two outputs of one name"
        )));
    }
    Ok(())
}

/// All pictures and their times.
fn pictures(feed: &mut Feed) -> Result<(Sources, Vec<u64>)> {
    let (width, height) = feed.size;
    let mut sources = Sources::new(width, height).map_err(|e| feed.at_frame(&e))?;
    let mut times = Vec::new();
    while let Some((time, picture)) = feed.next()? {
        let view = picture.view().map_err(|e| feed.at_frame(&e))?;
        sources.push(&view).map_err(|e| feed.at_frame(&e))?;
        times.push(time);
    }
    match feed.damage() {
        Some(damage) => Err(feed.at_frame(&damage)),
        None => Ok((sources, times)),
    }
}

fn write(
    args: &RebaseArgs,
    feed: &Feed,
    file: Staged,
    packets: Vec<Vec<u8>>,
    times: &[u64],
) -> Result<()> {
    let mut writer = Writer::new(file, &feed.header()).map_err(|e| failed(args, e))?;
    let timed = timed(packets, times).ok_or_else(|| failed(args, "packets without pictures"))?;
    for (time, packet) in timed {
        writer.push(time, &packet).map_err(|e| failed(args, e))?;
    }
    writer.finish().map_err(|e| failed(args, e))?.finish()
}

fn failed(args: &RebaseArgs, error: impl Display) -> JobError {
    JobError::Failed(format!("{}: {error}", args.output))
}
