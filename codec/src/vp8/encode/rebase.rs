// SPDX-License-Identifier: MIT OR Apache-2.0
//! Moves a chunk onto another state, its decisions kept or looked at again.

use super::activity::Activity;
use super::again::{Again, Looked};
use super::chunk::{ChunkSettings, Role, Source, Sources};
use super::cost::{bool_cost, TokenCosts};
use super::draft::{Draft, DraftFrame};
use super::field::Field;
use super::finish::Finishing;
use super::hidden::Hidden;
use super::modes::ModeCoding;
use super::probabilities;
use super::quant::{Lambda, Quantisers};
use super::tokens::Tokens;
use super::trial::{Bench, Spot, Trial};
use super::wave::{Below, Right, RowPlanes, Wave};
use crate::dsp::Dsp;
use crate::vp8::error::{bad, Result};
use crate::vp8::frame::{Frame, Geometry};
use crate::vp8::header::{Header, QuantIndices};
use crate::vp8::macroblock::skip;
use crate::vp8::modes::{LumaMode, Macroblock, Parts};
use crate::vp8::predict::inter::{Filters, Inter};
use crate::vp8::predict::intra;
use crate::vp8::quant::Quantizer;
use crate::vp8::state::State;
use crate::vp8::tokens::Context;

/// A chunk after a rebase.
#[derive(Clone, Debug)]
pub struct Rebased {
    /// One packet for each frame.
    pub packets: Vec<Vec<u8>>,
    /// What the chunk after it continues from.
    pub state: State,
}

/// Encodes a chunk's pictures from `state` on, with the draft's modes, vectors
/// and references; residual, filter levels and probabilities are made anew, at
/// the settings' quality, which is the draft's or one near it. Vectors of the
/// first frame are looked at again, since they were found without its
/// references; with [`Preset::Slow`](super::Preset::Slow) those of all frames.
/// Rows of macroblocks run in `threads` threads; their number makes no difference
/// to the packets.
///
/// # Errors
/// [`Error::Bitstream`](crate::Error::Bitstream) where the state is of another
/// size than the draft, or there are not as many pictures as shown frames.
pub fn rebase(
    dsp: &'static Dsp,
    state: &State,
    draft: &Draft,
    sources: &Sources,
    settings: ChunkSettings,
    threads: usize,
) -> Result<Rebased> {
    let (info, own) = (state.info, draft.info);
    if state.references.is_none() || (info.width, info.height) != (own.width, own.height) {
        return Err(bad(format!(
            "a chunk of {}x{} after a state of {}x{}",
            own.width, own.height, info.width, info.height
        )));
    }
    let (shown, pictures) = (draft.shown(), sources.len());
    if shown != pictures {
        return Err(bad(format!("{pictures} pictures for {shown} frames")));
    }
    let mut state = state.clone();
    let mut packets = Vec::with_capacity(draft.frames.len());
    let mut room = Frame::new(Geometry::new(info.width, info.height));
    let mut hidden = Hidden::new(settings, pictures, true);
    let mut next = 0;
    for (n, frame) in draft.frames.iter().enumerate() {
        // A golden frame that another encoder made where none is due gains nothing
        // by finer steps: what comes after refers to those that are.
        let (at, role) = match (frame.header.tag.show, hidden.due(next)) {
            (true, _) => (next, hidden.role(next)),
            (false, Some(at)) => (at, Role::Hidden),
            // That of another encoder stands for the next picture.
            (false, None) => (next, Role::Usual),
        };
        let source = sources.frames.get(at);
        let source = source.ok_or_else(|| bad("a hidden frame at a chunk's end"))?;
        let quantizer = role.quantizer(settings.quality, next, true);
        let mut rebase = Rebase::new(dsp, &state, frame, source, (role, quantizer));
        if n == 0 || next == 0 || settings.preset.effort().again {
            rebase.look_again(hidden.is_ahead() || matches!(role, Role::Overlay { .. }));
        }
        let (packet, after) = rebase.run(&mut room, threads)?;
        packets.push(packet);
        state = after;
        match role {
            Role::Hidden => hidden.coded(at),
            _ => next += usize::from(frame.header.tag.show),
        }
    }
    Ok(Rebased { packets, state })
}

/// What a thread has made of its rows.
#[derive(Default)]
struct Done {
    tokens: Tokens,
    /// Which macroblocks have no coefficients, row by row.
    skips: Vec<bool>,
    /// Which are no longer coded as in the draft.
    changed: Vec<((usize, usize), Macroblock, Parts)>,
    trial: Trial,
    spare: Trial,
}

/// The rows of a thread.
struct Share<'a> {
    rows: Vec<(usize, RowPlanes<'a>)>,
    done: &'a mut Done,
}

impl<'a> Share<'a> {
    fn new(done: &'a mut Done) -> Self {
        Self {
            rows: Vec::new(),
            done,
        }
    }
}

/// One frame's rebase.
struct Rebase<'a> {
    dsp: &'static Dsp,
    state: &'a State,
    draft: &'a DraftFrame,
    source: &'a Frame,
    role: Role,
    quant: QuantIndices,
    coding: ModeCoding,
    quantisers: Quantisers,
    lambda: Lambda,
    activity: &'a Activity,
    costs: TokenCosts,
    again: Option<Again<'a>>,
}

impl<'a> Rebase<'a> {
    fn new(
        dsp: &'static Dsp,
        state: &'a State,
        draft: &'a DraftFrame,
        source: &'a Source,
        (role, quantizer): (Role, u8),
    ) -> Self {
        let effort = super::Preset::Fast.effort();
        let header = &draft.header;
        let quant = QuantIndices {
            y_ac: i32::from(quantizer),
            ..header.quant
        };
        let steps = Quantizer::new(quant.y_ac, &quant);
        Self {
            dsp,
            state,
            draft,
            source: &source.frame,
            role,
            quant,
            coding: ModeCoding {
                key: false,
                skip_prob: header.skip_prob,
                intra_prob: header.intra_prob,
                last_prob: header.last_prob,
                golden_prob: header.golden_prob,
                probabilities: state.probabilities.clone(),
                segment_tree: None,
            },
            lambda: Lambda::new(steps.y.ac, effort.lambda),
            quantisers: Quantisers::new(steps, effort.round, effort.dead),
            activity: &source.activity,
            costs: TokenCosts::new(&state.probabilities.coefficients),
            again: None,
        }
    }

    /// Has vectors looked at again, those of the alternate reference too where its picture
    /// is `ahead`.
    fn look_again(&mut self, ahead: bool) {
        let references = self.state.references.as_ref();
        let again = |known| Again::new(self.draft, known, &self.coding, ahead);
        self.again = references.and_then(again);
    }

    fn run(mut self, room: &mut Frame, threads: usize) -> Result<(Vec<u8>, State)> {
        let Some(references) = &self.state.references else {
            return Err(bad("no key frame before it"));
        };
        let inter = Inter {
            dsp: self.dsp,
            filters: Filters::of_version(0),
            references: [&references.last, &references.golden, &references.altref]
                .map(|frame| &**frame),
        };
        let (frame, field, done) = self.rows(&inter, threads);
        let mut counts = Tokens::default();
        for done in &done {
            counts.count_also(&done.tokens);
        }
        let old = &self.state.probabilities;
        self.coding.probabilities.coefficients = counts.best_probs(&old.coefficients);
        probabilities::fit(&mut self.coding, &field);
        let finishing = Finishing {
            dsp: self.dsp,
            info: self.state.info,
            state: self.state,
            source: self.source,
            frame,
            field,
            tokens: done.into_iter().map(|done| done.tokens).collect(),
            guess: (self.draft.header.filter_level, 1),
            room,
        };
        let header = Header {
            partitions: 1,
            keep_probabilities: true,
            filter_deltas: false,
            quant: self.quant,
            golden: self.role.golden(),
            ..self.draft.header.clone()
        };
        let coded = finishing.finish(header, self.coding)?;
        Ok((coded.packet, coded.state))
    }

    /// Codes all rows, in turns by each of the threads.
    fn rows(&self, inter: &Inter<'_>, threads: usize) -> (Frame, Field, Vec<Done>) {
        let geometry = self.source.geometry;
        let mut frame = Frame::new(geometry);
        let wave = Wave::new(geometry);
        let threads = threads.clamp(1, geometry.mb_rows);
        let mut done: Vec<Done> = (0..threads).map(|_| Done::default()).collect();
        let mut shares: Vec<Share<'_>> = done.iter_mut().map(Share::new).collect();
        for (y, planes) in RowPlanes::of(&mut frame).into_iter().enumerate() {
            shares[y % threads].rows.push((y, planes));
        }
        wave.run(shares, |share| {
            for (y, planes) in share.rows {
                self.row(inter, &wave, y, planes, share.done);
            }
        });
        let mut field = self.draft.field.clone();
        for (at, block, parts) in done.iter().flat_map(|done| &done.changed) {
            field.set(*at, *block, parts);
        }
        for y in 0..geometry.mb_rows {
            let row = &done[y % threads].skips[y / threads * geometry.mb_cols..];
            for (x, &skip) in row.iter().take(geometry.mb_cols).enumerate() {
                field.set_skip((x, y), skip);
            }
        }
        (frame, field, done)
    }

    /// Codes row `y` of macroblocks.
    fn row(
        &self,
        inter: &Inter<'_>,
        wave: &Wave,
        y: usize,
        mut planes: RowPlanes<'_>,
        done: &mut Done,
    ) {
        let mut left = Context::default();
        let mut right = Right::OUTSIDE;
        for x in 0..self.source.geometry.mb_cols {
            let mut above = wave.context((x, y));
            let bench = self.bench((x, y), above, left);
            if self.macroblock(inter, wave, &right, &bench, (x, y), done) {
                let Trial { block, parts, .. } = &done.trial;
                done.changed.push(((x, y), *block, *parts));
            }
            let trial = &done.trial;
            let has_y2 = trial.block.has_y2();
            if trial.block.skip {
                skip(has_y2, &mut above, &mut left);
            } else {
                let levels = &trial.levels;
                done.tokens
                    .macroblock(levels, has_y2, &mut above, &mut left);
            }
            planes.store(trial, x);
            wave.put((x, y), Below::new(above, trial));
            right = Right::new(trial);
            done.skips.push(trial.block.skip);
        }
        done.tokens.end_row();
    }

    fn bench(&self, at: (usize, usize), above: Context, left: Context) -> Bench<'_> {
        Bench {
            dsp: self.dsp,
            source: self.source,
            spot: Spot::new(self.source, at),
            quantisers: &self.quantisers,
            costs: &self.costs,
            lambda: self.activity.lambda(at, self.lambda),
            above,
            left,
            skip: match self.coding.skip_prob {
                Some(prob) => [false, true].map(|skip| bool_cost(prob, skip)),
                None => [0; 2],
            },
        }
    }

    /// Codes one macroblock, as the draft does unless a second look finds better
    /// and this gives true.
    fn macroblock(
        &self,
        inter: &Inter<'_>,
        wave: &Wave,
        right: &Right,
        bench: &Bench<'_>,
        at: (usize, usize),
        Done { trial, spare, .. }: &mut Done,
    ) -> bool {
        let (block, parts) = self.draft.field.block(at.0, at.1);
        (trial.block, trial.parts) = (*block, *parts);
        if block.reference > 0 {
            inter.macroblock(block, parts, at, &mut trial.target());
            if let Some(again) = &self.again {
                match again.look(inter, bench, at, (trial, spare)) {
                    Looked::AsDrafted => {}
                    looked => return looked == Looked::Changed,
                }
            }
        } else {
            let over = wave.over(at);
            let (luma, [u, v]) = over.edges(right, at);
            match block.luma {
                LumaMode::Intra(mode) => {
                    intra::luma(self.dsp, mode, &luma, &mut trial.target());
                }
                _ => trial.code_subblocks(bench, &luma),
            }
            intra::chroma(self.dsp, block.chroma, [&u, &v], &mut trial.target());
        }
        trial.settle(bench);
        false
    }
}
