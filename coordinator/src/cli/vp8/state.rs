// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8 state`: what the decoder's state holds after a frame.

use super::source::Source;
use super::staged::Staged;
use crate::cli::probe::print;
use crate::error::{JobError, Result};
use crate::job::same_file;
use framemill_codec::dsp::Dsp;
use framemill_codec::vp8::{Decoder, Probabilities, References, Segmentation, State};
use serde::Serialize;
use std::path::Path;

/// Arguments of `framemill vp8 state`.
#[derive(clap::Args, Clone, Debug)]
pub struct StateArgs {
    /// The IVF file
    input: String,
    /// Number of the frame, hidden ones counted, from 0
    #[arg(long, value_name = "N")]
    at: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write the state, for `vp8 decode --from-state`
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
    /// Replace the output if it exists
    #[arg(long, requires = "output")]
    overwrite: bool,
}

/// Decodes up to the frame and shows the state.
///
/// # Errors
/// [`JobError::Input`] names the frame that is at fault.
pub fn run(args: &StateArgs, dsp: &'static Dsp) -> Result<()> {
    let mut source = Source::open(&args.input)?;
    let output = match &args.output {
        Some(name) if same_file(Path::new(name), &args.input) => {
            return Err(JobError::Usage(format!("{name}: that is the input")));
        }
        Some(name) => Some(Staged::new(name, args.overwrite)?),
        None => None,
    };
    let mut decoder = Decoder::new(dsp);
    while source.count() <= args.at {
        let Some(packet) = source.next()? else {
            let has = source.count();
            return Err(source.input(format!("--at {}: it has {has} frames", args.at)));
        };
        decoder.decode(&packet).map_err(|e| source.at_frame(e))?;
    }
    let state = decoder.state();
    let wire = state.to_bytes();
    if let Some(mut file) = output {
        file.write(&wire)?;
        file.finish()?;
    }
    let report = Report::of(state, args.at, wire.len());
    if args.json {
        let text = serde_json::to_string(&report).map_err(|e| JobError::Failed(e.to_string()))?;
        print(&format!("{text}\n"))
    } else {
        print(&report.text())
    }
}

/// What a state holds; the JSON form is this structure's.
#[derive(Debug, Serialize)]
struct Report {
    version: u32,
    frame: u64,
    width: u16,
    height: u16,
    horizontal_scale: u8,
    vertical_scale: u8,
    colour_space: u8,
    no_clamping: bool,
    changed: Changed,
    segmentation: Segments,
    deltas: Deltas,
    references: Option<Names>,
    digest: String,
    plain_bytes: usize,
    wire_bytes: usize,
}

/// How many probabilities are not those at a key frame.
#[derive(Debug, Serialize)]
struct Changed {
    coefficients: usize,
    mv: usize,
    luma_modes: usize,
    chroma_modes: usize,
}

#[derive(Debug, Serialize)]
struct Segments {
    absolute: bool,
    quantizer: [i8; 4],
    filter_level: [i8; 4],
    macroblocks: [usize; 4],
}

#[derive(Debug, Serialize)]
struct Deltas {
    reference: [i8; 4],
    mode: [i8; 4],
}

/// BLAKE3 of each reference.
#[derive(Debug, Serialize)]
struct Names {
    last: String,
    golden: String,
    altref: String,
}

fn differing<'a>(
    a: impl IntoIterator<Item = &'a u8>,
    b: impl IntoIterator<Item = &'a u8>,
) -> usize {
    a.into_iter().zip(b).filter(|(a, b)| a != b).count()
}

impl Changed {
    fn of(now: &Probabilities) -> Self {
        let before = Probabilities::default();
        fn all(p: &Probabilities) -> &[u8] {
            p.coefficients.as_flattened().as_flattened().as_flattened()
        }
        Self {
            coefficients: differing(all(now), all(&before)),
            mv: differing(now.mv.as_flattened(), before.mv.as_flattened()),
            luma_modes: differing(&now.luma_modes, &before.luma_modes),
            chroma_modes: differing(&now.chroma_modes, &before.chroma_modes),
        }
    }
}

impl Segments {
    fn of(segmentation: &Segmentation) -> Self {
        let mut macroblocks = [0; 4];
        for &segment in segmentation.map.iter() {
            macroblocks[usize::from(segment & 3)] += 1;
        }
        Self {
            absolute: segmentation.absolute,
            quantizer: segmentation.quantizer,
            filter_level: segmentation.filter_level,
            macroblocks,
        }
    }
}

impl Names {
    fn of(references: &References) -> Self {
        Self {
            last: references.last.digest().to_string(),
            golden: references.golden.digest().to_string(),
            altref: references.altref.digest().to_string(),
        }
    }

    /// Which are equal, in words.
    fn text(&self) -> &'static str {
        let Self {
            last,
            golden,
            altref,
        } = self;
        match (golden == last, altref == last, altref == golden) {
            (true, true, _) => "last = golden = altref",
            (true, false, _) => "last = golden, altref",
            (false, true, _) => "last = altref, golden",
            (false, false, true) => "last, golden = altref",
            (false, false, false) => "last, golden, altref: all different",
        }
    }
}

impl Report {
    fn of(state: &State, frame: u64, wire_bytes: usize) -> Self {
        let info = &state.info;
        Self {
            version: 1,
            frame,
            width: info.width,
            height: info.height,
            horizontal_scale: info.horizontal_scale,
            vertical_scale: info.vertical_scale,
            colour_space: info.colour_space.into(),
            no_clamping: info.no_clamping,
            changed: Changed::of(&state.probabilities),
            segmentation: Segments::of(&state.segmentation),
            deltas: Deltas {
                reference: state.deltas.reference,
                mode: state.deltas.mode,
            },
            references: state.references.as_ref().map(Names::of),
            digest: state.digest().to_string(),
            plain_bytes: state.plain_size(),
            wire_bytes,
        }
    }

    /// What a player should do to the size, in words.
    fn enlarged(&self) -> String {
        const SCALES: [&str; 4] = ["1", "5/4", "5/3", "2"];
        let scale = |s: u8| SCALES[usize::from(s & 3)];
        match (self.horizontal_scale, self.vertical_scale) {
            (0, 0) => String::new(),
            (h, v) => format!(
                ", width to be shown times {}, height times {}",
                scale(h),
                scale(v)
            ),
        }
    }

    fn text(&self) -> String {
        let c = &self.changed;
        let s = &self.segmentation;
        let kind = if s.absolute { "absolute" } else { "relative" };
        let names = self.references.as_ref();
        [
            format!("frame      {}", self.frame),
            format!("size       {}x{}{}", self.width, self.height, self.enlarged()),
            format!(
                "colour     space {}, {}",
                self.colour_space,
                if self.no_clamping { "no clamping needed" } else { "clamped" }
            ),
            format!(
                "changed    {} of 1056 coefficient probabilities, {} of 38 mv, {} of 4 luma modes, {} of 3 chroma modes",
                c.coefficients, c.mv, c.luma_modes, c.chroma_modes
            ),
            format!(
                "segments   {:?} macroblocks, {kind} quantizers {:?}, filter levels {:?}",
                s.macroblocks, s.quantizer, s.filter_level
            ),
            format!(
                "deltas     by reference {:?}, by mode {:?}",
                self.deltas.reference, self.deltas.mode
            ),
            format!("references {}", names.map_or("none yet", Names::text)),
            format!("digest     {}", self.digest),
            format!("bytes      {} plain, {} on the wire", self.plain_bytes, self.wire_bytes),
            String::new(),
        ]
        .join("\n")
    }
}
