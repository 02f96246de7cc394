// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8 decode`: an IVF file to pictures or their digests.

use super::source::Source;
use super::staged::Staged;
use super::y4m::Y4m;
use crate::cli::console;
use crate::cli::probe::print;
use crate::error::{JobError, Result};
use crate::job::same_file;
use framemill_codec::dsp::Dsp;
use framemill_codec::picture::PictureView;
use framemill_codec::vp8::{Decoder, Picture, State};
use md5::{Digest, Md5};
use std::path::Path;
use std::time::Instant;

/// Arguments of `framemill vp8 decode`.
#[derive(clap::Args, Clone, Debug)]
pub struct DecodeArgs {
    /// The IVF file
    input: String,
    /// Write the pictures as Y4M
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
    /// Replace the output if it exists
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// Print the MD5 of each shown picture, a line each
    #[arg(long)]
    md5: bool,
    /// What to do about damage: fail, or keep what decodes
    #[arg(long, value_name = "MODE", value_parser = ["fail", "keep"], default_value = "fail")]
    damaged: String,
    /// Go on from a state that `vp8 state -o` wrote
    #[arg(long, value_name = "FILE")]
    from_state: Option<String>,
    /// Packets to leave out before going on from the state
    #[arg(long, value_name = "N", default_value = "0", requires = "from_state")]
    skip: u64,
}

/// Decodes the file, in one thread.
///
/// # Errors
/// [`JobError::Input`] names the frame that is at fault.
pub fn run(args: &DecodeArgs, quiet: bool, dsp: &'static Dsp) -> Result<()> {
    let started = Instant::now();
    let mut source = Source::open(&args.input)?;
    let state = match &args.from_state {
        Some(file) => read_state(file)?,
        None => State::default(),
    };
    source.skip(args.skip)?;
    let mut run = Run {
        y4m: start_output(args, &source)?,
        md5: args.md5,
        keep: args.damaged == "keep",
        ..Run::default()
    };
    let mut decoder = Decoder::with_state(dsp, state);
    while let Some(packet) = source.next()? {
        match decoder.decode(&packet) {
            Ok(picture) => {
                if decoder.is_damaged() {
                    run.damage(&source)?;
                }
                if let Some(picture) = picture {
                    run.show(&picture, &source)?;
                }
            }
            Err(_) if run.keep => run.left_out += 1,
            Err(e) => return Err(source.at_frame(format!("{e} (--damaged keep leaves it out)"))),
        }
    }
    let packets = source.count() - args.skip;
    if packets == 0 && args.skip == 0 {
        return Err(source.input("no frame is in it".into()));
    }
    if let Some(y4m) = run.y4m.take() {
        if run.shown == 0 {
            return Err(source.input("it shows no picture".into()));
        }
        y4m.finish()?;
    }
    if !quiet {
        run.warn(&args.input, packets);
    }
    if !quiet && !args.md5 {
        let seconds = started.elapsed().as_secs_f64();
        print(&format!(
            "{}: {}, {seconds:.3} s\n",
            args.input,
            run.summary(packets)
        ))?;
    }
    Ok(())
}

/// Reads the wire form of a state.
pub(super) fn read_state(file: &str) -> Result<State> {
    let wrong = |detail: String| JobError::Input {
        file: file.to_owned(),
        detail,
    };
    let bytes = std::fs::read(file).map_err(|e| wrong(e.to_string()))?;
    State::from_bytes(&bytes).map_err(|e| wrong(e.to_string()))
}

fn start_output(args: &DecodeArgs, source: &Source) -> Result<Option<Y4m>> {
    let Some(output) = &args.output else {
        return Ok(None);
    };
    let inputs = [Some(&args.input), args.from_state.as_ref()];
    if inputs
        .into_iter()
        .flatten()
        .any(|i| same_file(Path::new(output), i))
    {
        return Err(JobError::Usage(format!("{output}: that is an input")));
    }
    let file = Staged::new(output, args.overwrite)?;
    Ok(Some(Y4m::new(file, source.frame_rate()?)))
}

/// What comes of the pictures.
#[derive(Default)]
struct Run {
    y4m: Option<Y4m>,
    md5: bool,
    keep: bool,
    shown: u64,
    damaged: u64,
    left_out: u64,
    size: Option<(u16, u16)>,
    changes: u64,
}

impl Run {
    /// A frame that ends early, shown or hidden.
    fn damage(&mut self, source: &Source) -> Result<()> {
        if !self.keep {
            let what = "it ends before its picture does (--damaged keep shows it all the same)";
            return Err(source.at_frame(what));
        }
        self.damaged += 1;
        Ok(())
    }

    fn show(&mut self, picture: &Picture, source: &Source) -> Result<()> {
        let size = (picture.width(), picture.height());
        let before = self.size.replace(size);
        self.changes += u64::from(before.is_some_and(|b| b != size));
        self.shown += 1;
        let view = picture.view();
        if let Some(y4m) = &mut self.y4m {
            y4m.push(&view)?.map_err(|(width, height)| {
                let (w, h) = size;
                source.at_frame(format!(
                    "its size is {w}x{h} after {width}x{height}, and Y4M holds one size only"
                ))
            })?;
        }
        if self.md5 {
            print(&format!("{}\n", digest(&view)))?;
        }
        Ok(())
    }

    fn warn(&self, input: &str, packets: u64) {
        for (count, what) in [
            (self.left_out, "did not decode and are left out"),
            (self.damaged, "ended early and are shown all the same"),
        ] {
            if count > 0 {
                console::complain(&format!(
                    "framemill: warning: {input}: {count} of {packets} frames {what}"
                ));
            }
        }
    }

    fn summary(&self, packets: u64) -> String {
        let mut text = format!("{packets} frames, {} shown", self.shown);
        if let Some((width, height)) = self.size {
            text.push_str(&format!(", {width}x{height}"));
        }
        if self.changes > 0 {
            text.push_str(&format!(" after {} changes of size", self.changes));
        }
        text
    }
}

/// MD5 of a picture's planes, packed one after the other, in hex: what
/// `vpxdec --i420 --md5` prints of it, and what the `.md5` files beside the
/// conformance vectors hold, a line for each frame.
fn digest(picture: &PictureView<'_>) -> String {
    let mut hash = Md5::new();
    for plane in &picture.planes {
        for y in 0..plane.height {
            hash.update(plane.row(y, 1));
        }
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
