// SPDX-License-Identifier: MIT OR Apache-2.0
//! From coded macroblocks to a packet and the next state.

use super::field::Field;
use super::filter::Filtering;
use super::frame::{CodedFrame, History};
use super::header::{self, Changes};
use super::modes::ModeCoding;
use super::tokens::Tokens;
use crate::dsp::Dsp;
use crate::vp8::bool_coder::BoolWriter;
use crate::vp8::decode::referred;
use crate::vp8::error::{bad, Result};
use crate::vp8::frame::Frame;
use crate::vp8::header::{plain_map, Header};
use crate::vp8::state::{Segmentation, State, StreamInfo};
use std::sync::Arc;

/// A frame whose macroblocks are coded.
pub(crate) struct Finishing<'a> {
    pub dsp: &'static Dsp,
    pub info: StreamInfo,
    pub state: &'a State,
    pub source: &'a Frame,
    pub frame: Frame,
    pub field: Field,
    /// Of rows in turns: the first row's are in the first, and so on.
    pub tokens: Vec<Tokens>,
    /// Where to look for the filter level, and in which steps.
    pub guess: (u8, u8),
    /// Scratch of the same size.
    pub room: &'a mut Frame,
}

impl Finishing<'_> {
    /// Filters the frame, writes the packet and makes the next state.
    ///
    /// # Errors
    /// Where the first partition has more bytes than its size field can say.
    pub fn finish(mut self, mut header: Header, coding: ModeCoding) -> Result<CodedFrame> {
        header.skip_prob = coding.skip_prob;
        header.intra_prob = coding.intra_prob;
        header.last_prob = coding.last_prob;
        header.golden_prob = coding.golden_prob;
        let mut segmentation = self.state.segmentation.clone();
        let macroblocks = self.source.geometry.macroblocks();
        if segmentation.map.len() != macroblocks {
            segmentation.map = plain_map(macroblocks);
        }
        self.filter(&mut header, &segmentation);
        self.frame.extend();
        let packet = self.packet(&header, &coding)?;
        let history = History::after(&header, self.field);
        let (old, frame) = (self.state, Arc::new(self.frame));
        let state = State {
            info: self.info,
            probabilities: coding.probabilities,
            segmentation,
            deltas: old.deltas,
            references: Some(referred(&header, old.references.as_ref(), &frame)),
        };
        Ok(CodedFrame {
            packet,
            state,
            history,
        })
    }

    /// Finds the filter's level and filters.
    fn filter(&mut self, header: &mut Header, segmentation: &Segmentation) {
        let filtering = Filtering {
            dsp: self.dsp,
            source: self.source,
            field: &self.field,
            segmentation,
            deltas: &self.state.deltas,
        };
        header.filter_level = filtering.level(header, self.guess, &self.frame, self.room);
        filtering.apply(header, 0..self.source.geometry.mb_rows, &mut self.frame);
    }

    fn packet(&self, header: &Header, coding: &ModeCoding) -> Result<Vec<u8>> {
        let changes = Changes {
            probabilities: [&self.state.probabilities, &coding.probabilities],
            segmentation: None,
            deltas: [&self.state.deltas; 2],
        };
        let mut first = header::write(header, self.info, &changes);
        let mut tokens = BoolWriter::new();
        let geometry = self.source.geometry;
        for y in 0..geometry.mb_rows {
            for x in 0..geometry.mb_cols {
                coding.macroblock(&mut first, &self.field, (x, y));
            }
            let (own, row) = (&self.tokens[y % self.tokens.len()], y / self.tokens.len());
            own.write(row, &coding.probabilities.coefficients, &mut tokens);
        }
        let first = first.finish();
        if first.len() >> 19 != 0 {
            return Err(bad(format!("a first partition of {} bytes", first.len())));
        }
        Ok(header::packet(
            header,
            self.info,
            &first,
            &[tokens.finish()],
        ))
    }
}
