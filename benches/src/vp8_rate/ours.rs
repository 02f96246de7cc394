// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stream of our encoder, in one run or in chunks that continue one another.

use super::source::{Pictures, Source};
use super::Point;
use framemill_codec::dsp::Dsp;
use framemill_codec::vp8::{
    draft_pass, first_pass, golden_at, rebase, ChunkSettings, Draft, Encoder, Settings, Sources,
    State, GOLDEN_FRAMES,
};
use rustix::time::{clock_gettime, ClockId};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// How a stream is cut: \[N, x\] in ExCamera's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One run of the encoder.
    One,
    /// Chunks, each rebased onto the one before.
    Chunks {
        /// Frames in a chunk, N.
        frames: u64,
        /// Chunks behind one key frame, x.
        chunks: u64,
    },
}

impl Shape {
    /// Most frames from one key frame to the next, `usual` in one run.
    #[must_use]
    pub fn key_interval(self, usual: u32) -> u32 {
        match self {
            Self::One => usual,
            Self::Chunks { frames, chunks } => {
                u32::try_from(frames.saturating_mul(chunks)).unwrap_or(u32::MAX)
            }
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "one" {
            return Ok(Self::One);
        }
        let sides = text.split_once('x');
        let sides = sides.and_then(|(n, x)| Some((n.parse().ok()?, x.parse().ok()?)));
        match sides {
            Some((frames @ 1.., chunks @ 1..)) => Ok(Self::Chunks { frames, chunks }),
            _ => Err("give one, or frames and chunks such as 6x40".into()),
        }
    }
}

impl Display for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("one run"),
            Self::Chunks { frames, chunks } => write!(f, "[{frames},{chunks}]"),
        }
    }
}

/// Encodes a source in this thread and measures the stream; times are the
/// encoder's alone. Drafts are `draft_offset` steps of quality worse than what
/// is made of them; chunks may have hidden frames where `hidden`.
///
/// # Errors
/// A text, as of [`Point::measure`], or the encoder's.
pub fn encoded(
    source: &Source,
    settings: Settings,
    shape: Shape,
    (draft_offset, hidden): (i8, bool),
) -> Result<Point, String> {
    let wrong = |what: String| format!("{}, quality {}: {what}", source.name, settings.quality);
    let stream = match shape {
        Shape::One => one_run(source, settings),
        Shape::Chunks { frames, chunks } => {
            let mut chain = Chain::new(source, settings, frames, chunks).map_err(wrong)?;
            let draft = settings.quality.saturating_add_signed(draft_offset);
            chain.draft_quality = draft.min(63);
            chain.settings.hidden = hidden;
            chain.run(source)
        }
    };
    let stream = stream.map_err(wrong)?;
    let point = Point::measure(source, settings.quality, &stream.packets, stream.cpu_s)?;
    Ok(Point {
        rebase_s: stream.rebase_s,
        ..point
    })
}

/// Packets, and what they took.
#[derive(Default)]
struct Stream {
    packets: Vec<Vec<u8>>,
    cpu_s: f64,
    rebase_s: f64,
}

fn one_run(source: &Source, settings: Settings) -> Result<Stream, String> {
    let (width, height) = source.size;
    let encoder = Encoder::new(Dsp::best(), settings, width, height);
    let mut encoder = encoder.map_err(|e| e.to_string())?;
    let mut pictures = Pictures::open(source)?;
    let mut stream = Stream::default();
    while let Some(picture) = pictures.next_picture()? {
        let packet = timed(&mut stream.cpu_s, || encoder.encode(&picture));
        stream.packets.push(packet.map_err(|e| e.to_string())?);
    }
    Ok(stream)
}

/// Batches of chunks, one after the other.
struct Chain {
    settings: ChunkSettings,
    draft_quality: u8,
    frames: u64,
    chunks: u64,
    /// That of the chunk before; none at a batch's start.
    state: Option<State>,
    /// The golden frame's picture, and frames since.
    golden: Sources,
    since: u64,
    stream: Stream,
}

impl Chain {
    fn new(source: &Source, settings: Settings, frames: u64, chunks: u64) -> Result<Self, String> {
        Ok(Self {
            settings: ChunkSettings {
                preset: settings.preset,
                quality: settings.quality,
                golden: false,
                hidden: false,
            },
            draft_quality: settings.quality,
            frames,
            chunks,
            state: None,
            golden: empty(source)?,
            since: 0,
            stream: Stream::default(),
        })
    }

    fn run(mut self, source: &Source) -> Result<Stream, String> {
        let mut pictures = Pictures::open(source)?;
        let (mut before, mut number, mut n) = (empty(source)?, 0, 0);
        while n < source.frames {
            let (mut chunk, mut golden, mut last) =
                (empty(source)?, empty(source)?, empty(source)?);
            let frames = self.frames.min(source.frames - n);
            for at in 0..frames {
                let Some(picture) = pictures.next_picture()? else {
                    break;
                };
                let push = |to: &mut Sources| to.push(&picture).map_err(|e| e.to_string());
                push(&mut chunk)?;
                if at == golden_at(frames as usize) as u64 {
                    push(&mut golden)?;
                }
                if self.state.is_none() && at == 0 {
                    (self.golden, self.since) = (chunk.clone(), 0);
                }
                if at + 1 == frames {
                    push(&mut last)?;
                }
            }
            (n, number) = (n + frames, number + 1);
            self.since += frames;
            let ends = number % self.chunks == 0 || n == source.frames;
            self.settings.golden = self.since >= GOLDEN_FRAMES && !ends;
            self.encode(&before, &chunk)?;
            if ends {
                self.state = None;
            } else if self.settings.golden {
                (self.golden, self.since) = (golden, 0);
            }
            // What stands in for the state that is to come.
            before = self.golden.clone();
            before.append(last);
        }
        Ok(self.stream)
    }

    fn encode(&mut self, before: &Sources, pictures: &Sources) -> Result<(), String> {
        let (dsp, settings) = (Dsp::best(), self.settings);
        let stream = &mut self.stream;
        let Some(state) = &self.state else {
            let first = timed(&mut stream.cpu_s, || first_pass(dsp, settings, pictures));
            let first = first.map_err(|e| e.to_string())?;
            stream.packets.extend(first.packets);
            self.state = Some(first.state);
            return Ok(());
        };
        let drafts = ChunkSettings {
            quality: self.draft_quality,
            ..settings
        };
        let draft = timed(&mut stream.cpu_s, || {
            let packets = draft_pass(dsp, drafts, before, pictures)?;
            let (width, height) = (state.info.width.into(), state.info.height.into());
            Draft::parse(width, height, &packets, pictures.len())
        });
        let draft = draft.map_err(|e| e.to_string())?;
        let moved = timed(&mut stream.rebase_s, || {
            rebase(dsp, state, &draft, pictures, settings, 1)
        });
        let moved = moved.map_err(|e| e.to_string())?;
        stream.packets.extend(moved.packets);
        self.state = Some(moved.state);
        Ok(())
    }
}

/// Room for pictures of a source.
fn empty(source: &Source) -> Result<Sources, String> {
    let (width, height) = source.size;
    Sources::new(width, height).map_err(|e| e.to_string())
}

/// What `work` gives; its CPU seconds of this thread are added.
fn timed<T>(cpu_s: &mut f64, work: impl FnOnce() -> T) -> T {
    let now = || {
        let t = clock_gettime(ClockId::ThreadCPUTime);
        t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
    };
    let start = now();
    let result = work();
    *cpu_s += now() - start;
    result
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn shapes_are_read_and_named() {
        let shape: Shape = "6x40".parse().unwrap();
        assert_eq!(shape.to_string(), "[6,40]");
        assert_eq!(shape.key_interval(7), 240);
        assert_eq!("one".parse::<Shape>().unwrap().key_interval(7), 7);
        for wrong in ["", "6", "0x4", "6x", "6x0", "x"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong}");
        }
    }
}
