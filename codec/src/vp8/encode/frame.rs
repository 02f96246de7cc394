// SPDX-License-Identifier: MIT OR Apache-2.0
//! Codes one frame.

use super::activity::Activity;
use super::chunk::Source;
use super::cost::TokenCosts;
use super::decide::{Around, Decider, Room};
use super::field::Field;
use super::finish::Finishing;
use super::modes::ModeCoding;
use super::probabilities;
use super::quant::{Lambda, Quantisers};
use super::search::MvCosts;
use super::tokens::Tokens;
use super::Effort;
use crate::dsp::Dsp;
use crate::vp8::error::Result;
use crate::vp8::frame::{Frame, Geometry};
use crate::vp8::header::{FrameTag, Header, QuantIndices, Refresh};
use crate::vp8::macroblock::skip;
use crate::vp8::predict::inter::{Filters, Inter};
use crate::vp8::predict::intra::Lines;
use crate::vp8::quant::Quantizer;
use crate::vp8::state::{Probabilities, State, StreamInfo};
use crate::vp8::tokens::Context;
use std::sync::Arc;

/// What a frame is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FramePlan {
    pub key: bool,
    pub show: bool,
    /// Quantizer index, 0 to 127.
    pub quantizer: u8,
    pub golden: Refresh,
    pub altref: Refresh,
    pub refresh_last: bool,
    /// Last, golden, altref.
    pub references: [bool; 3],
    /// Whether decisions are made again with probabilities that fit.
    pub twice: bool,
}

impl FramePlan {
    /// A shown frame that may refer to all frames; a key frame becomes all
    /// references, a golden one the last and the golden.
    pub fn usual(key: bool, golden: bool, quantizer: u8) -> Self {
        let refresh = |new: bool| if new { Refresh::New } else { Refresh::Keep };
        Self {
            key,
            show: true,
            quantizer,
            golden: refresh(key || golden),
            altref: refresh(key),
            refresh_last: true,
            references: [true; 3],
            twice: key,
        }
    }
}

/// What is carried from one frame's coding to the next besides the state, so
/// that guesses are good; it has no influence on what a decoder does.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub skip_prob: u8,
    pub intra_prob: u8,
    pub last_prob: u8,
    pub golden_prob: u8,
    pub filter_level: u8,
    /// Modes of the frame before.
    pub field: Option<Field>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            skip_prob: 200,
            intra_prob: 30,
            last_prob: 200,
            golden_prob: 160,
            filter_level: 0,
            field: None,
        }
    }
}

impl History {
    /// What a frame's header and modes tell of the next.
    pub fn after(header: &Header, field: Field) -> Self {
        let usual = Self::default();
        let mut history = Self {
            skip_prob: header.skip_prob.unwrap_or(254),
            filter_level: header.filter_level,
            field: Some(field),
            ..usual
        };
        if !header.tag.key {
            history.intra_prob = header.intra_prob;
            history.last_prob = header.last_prob;
            history.golden_prob = header.golden_prob;
        }
        history
    }
}

/// A frame, coded.
pub(crate) struct CodedFrame {
    pub packet: Vec<u8>,
    pub state: State,
    pub history: History,
}

/// Codes `source` after `state`.
///
/// # Errors
/// Where the first partition has more bytes than its size field can say.
pub(crate) fn code(
    dsp: &'static Dsp,
    state: &State,
    info: StreamInfo,
    Source {
        frame: source,
        activity,
    }: &Source,
    plan: &FramePlan,
    history: &History,
    effort: Effort,
) -> Result<CodedFrame> {
    let base = if plan.key {
        State::default()
    } else {
        state.clone()
    };
    let mut coding = coding_of(plan, &base.probabilities, history);
    let header = header_of(plan, info);
    let quantisers = Quantisers::new(
        Quantizer::new(i32::from(plan.quantizer), &header.quant),
        effort.round,
        effort.dead,
    );
    let lambda = Lambda::new(quantisers.steps.y.ac, effort.lambda);
    let mut pass = Pass {
        dsp,
        state: &base,
        source,
        activity,
        plan,
        quantisers: &quantisers,
        lambda,
        effort,
        before: history.field.as_ref(),
        frame: Frame::new(source.geometry),
        field: Field::new(source.geometry),
        tokens: Tokens::default(),
    };
    pass.run(&coding);
    if plan.twice && effort.twice {
        // With probabilities that fit, decisions are better.
        pass.fit(&mut coding);
        coding.skip_prob = coding.skip_prob.or(Some(254));
        pass.run(&coding);
    }
    pass.fit(&mut coding);
    let guess = match plan.key {
        true => (quantisers.steps.y.ac / 6).min(40) as u8,
        false => history.filter_level,
    };
    let finishing = Finishing {
        dsp,
        info,
        state: &base,
        source,
        frame: pass.frame,
        field: pass.field,
        tokens: vec![pass.tokens],
        guess: (guess, 4),
        room: &mut Frame::new(source.geometry),
    };
    finishing.finish(header, coding)
}

/// Probabilities to decide with, before a frame's own are known.
fn coding_of(plan: &FramePlan, probabilities: &Probabilities, history: &History) -> ModeCoding {
    ModeCoding {
        key: plan.key,
        skip_prob: Some(history.skip_prob),
        intra_prob: history.intra_prob,
        last_prob: history.last_prob,
        golden_prob: history.golden_prob,
        probabilities: probabilities.clone(),
        segment_tree: None,
    }
}

fn header_of(plan: &FramePlan, info: StreamInfo) -> Header {
    Header {
        tag: FrameTag {
            key: plan.key,
            version: 0,
            show: plan.show,
            first_partition: 0,
            info: plan.key.then_some(info),
        },
        segmented: false,
        segment_tree: None,
        simple_filter: false,
        filter_level: 0,
        sharpness: 0,
        filter_deltas: false,
        partitions: 1,
        quant: QuantIndices {
            y_ac: i32::from(plan.quantizer),
            y_dc_delta: 0,
            y2_dc_delta: 0,
            y2_ac_delta: 0,
            uv_dc_delta: 0,
            uv_ac_delta: 0,
        },
        golden: plan.golden,
        altref: plan.altref,
        sign_bias: [false; 2],
        keep_probabilities: true,
        refresh_last: plan.refresh_last,
        skip_prob: None,
        intra_prob: 0,
        last_prob: 0,
        golden_prob: 0,
    }
}

/// One pass over a frame's macroblocks.
struct Pass<'a> {
    dsp: &'static Dsp,
    state: &'a State,
    source: &'a Frame,
    activity: &'a Activity,
    plan: &'a FramePlan,
    quantisers: &'a Quantisers,
    lambda: Lambda,
    effort: Effort,
    before: Option<&'a Field>,
    /// The reconstruction.
    frame: Frame,
    field: Field,
    tokens: Tokens,
}

impl Pass<'_> {
    /// Fits probabilities to what was decided.
    fn fit(&self, coding: &mut ModeCoding) {
        let old = &self.state.probabilities;
        coding.probabilities = old.clone();
        coding.probabilities.coefficients = self.tokens.best_probs(&old.coefficients);
        probabilities::fit(coding, &self.field);
    }

    /// Decides and reconstructs all macroblocks.
    fn run(&mut self, coding: &ModeCoding) {
        let references = self.state.references.as_ref().filter(|_| !self.plan.key);
        let inter = references.map(|references| Inter {
            dsp: self.dsp,
            filters: Filters::of_version(0),
            references: [&references.last, &references.golden, &references.altref]
                .map(|frame| &**frame),
        });
        let mut decider = Decider {
            dsp: self.dsp,
            source: self.source,
            usable: references.map_or([false; 3], |references| {
                let frames = [&references.last, &references.golden, &references.altref];
                distinct(frames, self.plan.references)
            }),
            inter,
            quantisers: self.quantisers,
            costs: &TokenCosts::new(&coding.probabilities.coefficients),
            mv_costs: &MvCosts::new(&coding.probabilities.mv),
            coding,
            lambda: self.lambda,
            effort: self.effort,
            before: self.before,
        };
        let Geometry { mb_cols, mb_rows } = self.source.geometry;
        let mut lines = Lines::default();
        lines.start(self.source.geometry);
        let mut above = vec![Context::default(); mb_cols];
        let mut room = Room::default();
        self.tokens.clear();
        self.field = Field::new(self.source.geometry);
        for y in 0..mb_rows {
            let mut left = Context::default();
            for (x, above) in above.iter_mut().enumerate() {
                let around = Around {
                    field: &self.field,
                    lines: &lines,
                    at: (x, y),
                    above: *above,
                    left,
                };
                decider.lambda = self.activity.lambda((x, y), self.lambda);
                decider.decide(&around, &mut self.frame, &mut room);
                let best = &room.best;
                best.store(&mut self.frame, (x, y));
                self.field.set((x, y), best.block, &best.parts);
                if best.block.skip {
                    skip(best.block.has_y2(), above, &mut left);
                } else {
                    self.tokens
                        .macroblock(&best.levels, best.block.has_y2(), above, &mut left);
                }
            }
            self.tokens.end_row();
            lines.keep(&self.frame, y);
        }
    }
}

/// Of references that are one frame, only the first is of use.
pub(crate) fn distinct(frames: [&Arc<Frame>; 3], allowed: [bool; 3]) -> [bool; 3] {
    std::array::from_fn(|n| {
        let same = |m: &usize| allowed[*m] && Arc::ptr_eq(frames[*m], frames[n]);
        allowed[n] && !(0..n).any(|m| same(&m))
    })
}
