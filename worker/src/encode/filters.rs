// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens to pictures between decoder and encoder.

use crate::Failure;
use framemill_codec::libav::{Frame, FrameGeometry, VideoFilter};
use framemill_codec::picture::{ColourInfo, Rational};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A turn of the picture by quarter turns, and mirroring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Clockwise quarter turns, 0 to 3.
    pub quarters: u8,
    /// Mirrored left to right before turning.
    pub mirror: bool,
}

/// The chain of filters, in the order they apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterSpec {
    /// Make progressive pictures of fields.
    pub deinterlace: bool,
    /// Turn the pixels.
    pub turn: Turn,
    /// Keep `width, height, x, y` of the turned picture.
    pub crop: Option<[u32; 4]>,
    /// Scale to `width, height`.
    pub scale: Option<(u32, u32)>,
    /// Map PQ or HLG light to BT.709.
    pub tonemap: bool,
    /// Pixel format that comes out.
    pub pix_fmt: String,
    /// Colour of the pictures that go in, where the bitstream does not say.
    pub source_colour: ColourInfo,
    /// Pictures are RGB and become BT.709.
    pub matrix_from_rgb: bool,
    /// Range that comes out: 1 limited, 2 full, 0 as it went in.
    pub range: u8,
}

/// libavfilter's scaler with bit-exact code on every CPU of an architecture.
const SCALE_FLAGS: &str = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact";

impl FilterSpec {
    /// The chain in libavfilter's syntax for pictures of one geometry; empty
    /// when pictures pass unchanged.
    fn chain(&self, input: &FrameGeometry, full_range: bool, planned: (u32, u32)) -> String {
        let mut steps: Vec<String> = Vec::new();
        if self.deinterlace {
            steps.push("bwdif=mode=send_frame:parity=auto:deint=all".into());
        }
        let (mut w, mut h) = (input.width, input.height);
        if self.turn.mirror {
            steps.push("hflip".into());
        }
        match self.turn.quarters {
            1 => steps.push("transpose=clock".into()),
            2 => steps.push("hflip,vflip".into()),
            3 => steps.push("transpose=cclock".into()),
            _ => {}
        }
        if self.turn.quarters % 2 == 1 {
            (w, h) = (h, w);
        }
        if let Some([cw, ch, x, y]) = self.crop {
            steps.push(format!("crop={cw}:{ch}:{x}:{y}:exact=1"));
            (w, h) = (cw, ch);
        }
        let size = self.scale.unwrap_or(planned);
        let range_changes = match self.range {
            1 => full_range,
            2 => !full_range,
            _ => false,
        };
        if self.tonemap {
            steps.push(tonemap(&self.source_colour));
        }
        if size != (w, h) || range_changes {
            let range = match (range_changes, self.range) {
                (true, 1) => ":in_range=full:out_range=limited",
                (true, _) => ":in_range=limited:out_range=full",
                _ => "",
            };
            steps.push(format!("scale={}:{}:{SCALE_FLAGS}{range}", size.0, size.1));
        }
        if input.pix_fmt != self.pix_fmt || self.tonemap || !steps.is_empty() {
            let matrix = if self.matrix_from_rgb {
                ":out_color_matrix=bt709:out_range=limited"
            } else {
                ""
            };
            steps.push(format!("scale={SCALE_FLAGS}{matrix}"));
            steps.push(format!("format=pix_fmts={}", self.pix_fmt));
        }
        steps.join(",")
    }
}

/// Linear light, gamut to BT.709, Hable's curve, back to BT.709 limited range.
fn tonemap(source: &ColourInfo) -> String {
    let name = |value: u8, known: &[(u8, &'static str)], other: &'static str| {
        known
            .iter()
            .find(|(v, _)| *v == value)
            .map_or(other, |(_, n)| *n)
    };
    let primaries = name(source.primaries, &[(1, "709"), (9, "2020")], "2020");
    let transfer = name(
        source.transfer,
        &[(16, "smpte2084"), (18, "arib-std-b67")],
        "smpte2084",
    );
    let matrix = name(
        source.matrix,
        &[(1, "709"), (9, "2020_ncl"), (10, "2020_cl")],
        "2020_ncl",
    );
    let range = if source.range == 2 { "full" } else { "limited" };
    format!(
        "zscale=tin={transfer}:pin={primaries}:min={matrix}:rin={range}:t=linear:npl=100,format=gbrpf32le,\
         zscale=p=709,tonemap=hable:desat=0,zscale=t=709:m=709:p=709:r=limited"
    )
}

/// The chain at work. Frames are numbered as they go in and come out under
/// their number, whatever the filters do to times.
pub struct Filters {
    spec: FilterSpec,
    planned: (u32, u32),
    graph: Option<(VideoFilter, FrameGeometry, bool)>,
    ready: VecDeque<(i64, Frame)>,
    next: i64,
}

/// Unit of the numbers that frames carry through the graph.
const COUNT: Rational = Rational::new(1, 1000);

impl Filters {
    /// A chain for pictures that come out with this size, unless `spec` scales them.
    pub fn new(spec: &FilterSpec, width: u32, height: u32) -> Self {
        Self {
            spec: spec.clone(),
            planned: (width, height),
            graph: None,
            ready: VecDeque::new(),
            next: 0,
        }
    }

    /// Sends a frame in; gives the number it will come out under.
    ///
    /// # Errors
    /// libavfilter's, for pictures that it cannot take.
    pub fn push(&mut self, mut frame: Frame) -> Result<i64, Failure> {
        let number = self.next;
        self.next += 1;
        frame.normalise_range();
        let geometry = frame.geometry();
        let full = frame.colour().range == 2;
        let same = matches!(&self.graph, Some((_, g, f)) if *g == geometry && *f == full);
        if !same {
            self.finish()?;
            let chain = self.spec.chain(&geometry, full, self.planned);
            self.graph = match chain.is_empty() {
                true => None,
                false => Some((VideoFilter::new(&chain, &geometry, COUNT)?, geometry, full)),
            };
        }
        if self.graph.is_none() {
            self.ready.push_back((number, frame));
            return Ok(number);
        }
        frame.set_pts(number);
        if let Some((graph, ..)) = &mut self.graph {
            graph.send(Some(&frame))?;
        }
        self.collect()?;
        Ok(number)
    }

    fn collect(&mut self) -> Result<(), Failure> {
        let Some((graph, ..)) = &mut self.graph else {
            return Ok(());
        };
        while let Some(frame) = graph.receive()? {
            let pts = frame
                .pts()
                .ok_or_else(|| Failure::bug("a filtered frame lost its number"))?;
            self.ready
                .push_back((graph.time_base().rescale(pts, COUNT), frame));
        }
        Ok(())
    }

    /// The next frame that has come out, with its number.
    ///
    /// # Errors
    /// None as yet.
    pub fn pull(&mut self) -> Result<Option<(i64, Frame)>, Failure> {
        Ok(self.ready.pop_front())
    }

    /// Flushes what the filters hold.
    ///
    /// # Errors
    /// libavfilter's.
    pub fn finish(&mut self) -> Result<(), Failure> {
        if let Some((graph, ..)) = &mut self.graph {
            graph.send(None)?;
            self.collect()?;
        }
        self.graph = None;
        Ok(())
    }
}
