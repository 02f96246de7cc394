// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{frame, sequence, Error, Rav1eConfig};
use crate::picture::PictureView;
use rav1e::prelude as rav;
use std::any::Any;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Pictures beyond rav1e's RDO lookahead that may wait in the encoder: its
/// pyramid, its scene cut lookahead, and slack for a caller that receives late.
const SLACK: u64 = 32;

/// One temporal unit, which shows exactly one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedUnit {
    /// OBUs with size fields (the low-overhead format), temporal delimiter
    /// first; key frames carry the sequence header and HDR metadata.
    pub data: Vec<u8>,
    /// Number of the picture it shows, from 0 in order of sending.
    pub input_frame: u64,
    /// Decoding can start here.
    pub key: bool,
}

/// rav1e's encoder for one sample type.
enum Context {
    U8(Box<rav::Context<u8>>),
    U16(Box<rav::Context<u16>>),
}

/// A packet without its sample type, and what rav1e says instead of one.
type Step = Result<EncodedUnit, rav::EncoderStatus>;

/// An AV1 encoder: send pictures in display order, receive units in that order.
///
/// After each `send`, call `receive` until it gives `None`; after `finish`
/// likewise, and then every picture has its unit. Memory is bounded: `send`
/// refuses pictures over a fixed number waiting. Dropping it at any point
/// stops its threads and does not wait for more pictures.
pub struct Rav1eEncoder {
    context: Context,
    config: Rav1eConfig,
    av1c: Vec<u8>,
    capacity: u64,
    sent: u64,
    received: u64,
    finished: bool,
    failed: Option<Error>,
}

impl Rav1eEncoder {
    /// Opens an encoder with its own pool of `config.threads` threads.
    ///
    /// # Errors
    /// Those of [`Rav1eConfig::validate`], and [`Error::Rejected`] when rav1e
    /// refuses the combination.
    pub fn new(config: &Rav1eConfig) -> Result<Self, Error> {
        let (config, extras) = config.resolve()?;
        let mut enc = config.encoder_config(&extras)?;
        let opened = guard(|| {
            let tiling = rav::Sequence::new(&enc).tiling;
            let level = extras
                .level()
                .unwrap_or_else(|| config.level(tiling.cols, tiling.rows));
            enc.level_idx = Some(level);
            let setup = rav::Config::new()
                .with_encoder_config(enc.clone())
                .with_threads(config.threads);
            let context = match config.depth {
                8 => Context::U8(Box::new(setup.new_context()?)),
                _ => Context::U16(Box::new(setup.new_context()?)),
            };
            Ok::<_, rav::InvalidConfig>((context, sequence::av1c(&rav::Sequence::new(&enc))))
        });
        let (context, av1c) = match opened {
            Ok(Ok(pair)) => pair,
            Ok(Err(refusal)) => return Err(Error::Rejected(refusal.to_string())),
            Err(panic) => return Err(Error::Rejected(panic)),
        };
        let capacity = enc.speed_settings.rdo_lookahead_frames as u64 + SLACK;
        Ok(Self {
            context,
            config,
            av1c,
            capacity,
            sent: 0,
            received: 0,
            finished: false,
            failed: None,
        })
    }

    /// The content of an `av1C` box (AV1-ISOBMFF 2.3.3): four bytes of
    /// `AV1CodecConfigurationRecord`, then the sequence header OBU with its
    /// size field as `configOBUs`. It is Matroska's and WebM's `CodecPrivate`
    /// and the extradata of FFmpeg's mp4, matroska and webm muxers alike.
    ///
    /// The same for every encoder of equal configuration; known from the start.
    #[must_use]
    pub fn sequence_header(&self) -> Vec<u8> {
        self.av1c.clone()
    }

    /// The sequence header OBU alone, as key frames carry it.
    #[must_use]
    pub fn sequence_header_obu(&self) -> &[u8] {
        self.av1c.get(4..).unwrap_or_default()
    }

    /// Takes the next picture in display order; its planes are copied.
    ///
    /// # Errors
    /// [`Error::Picture`] when it differs from the configuration,
    /// [`Error::Full`] when units must be received first, [`Error::Finished`],
    /// or [`Error::Encoder`].
    pub fn send(&mut self, picture: &PictureView<'_>) -> Result<(), Error> {
        self.send_as(picture, false)
    }

    /// As [`send`](Self::send), and the picture becomes a key frame.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_key(&mut self, picture: &PictureView<'_>) -> Result<(), Error> {
        self.send_as(picture, true)
    }

    fn send_as(&mut self, picture: &PictureView<'_>, key: bool) -> Result<(), Error> {
        self.check_alive()?;
        if self.finished || (self.config.still_picture && self.sent > 0) {
            return Err(Error::Finished);
        }
        let pending = self.sent - self.received;
        if pending >= self.capacity {
            return Err(Error::Full { pending });
        }
        frame::check(picture, &self.config, self.sent)?;
        let context = &mut self.context;
        match guard(|| context.send(picture, key)) {
            Ok(Ok(())) => {
                self.sent += 1;
                Ok(())
            }
            Ok(Err(status)) => self.fail(format!("sending picture {}: {status}", self.sent)),
            Err(panic) => self.fail(panic),
        }
    }

    /// Says that no more pictures come; the rest can then be received.
    /// Calling it again does nothing.
    ///
    /// # Errors
    /// [`Error::Encoder`].
    pub fn finish(&mut self) -> Result<(), Error> {
        self.check_alive()?;
        if self.finished {
            return Ok(());
        }
        self.finished = true;
        let context = &mut self.context;
        match guard(|| context.flush()) {
            Ok(()) => Ok(()),
            Err(panic) => self.fail(panic),
        }
    }

    /// The next unit in display order; `None` when more pictures are needed,
    /// or after `finish` when all were given. Most of the work is done here.
    ///
    /// # Errors
    /// [`Error::Encoder`], also when a picture would be lost or out of order,
    /// or the stream's sequence header is not [`sequence_header`](Self::sequence_header)'s.
    pub fn receive(&mut self) -> Result<Option<EncodedUnit>, Error> {
        self.check_alive()?;
        loop {
            let context = &mut self.context;
            match guard(|| context.receive()) {
                Ok(Ok(unit)) => return self.accept(unit).map(Some),
                Ok(Err(rav::EncoderStatus::Encoded)) => {}
                Ok(Err(rav::EncoderStatus::NeedMoreData)) if !self.finished => return Ok(None),
                Ok(Err(rav::EncoderStatus::LimitReached)) if self.received == self.sent => {
                    return Ok(None);
                }
                Ok(Err(status)) => {
                    let (received, sent) = (self.received, self.sent);
                    return self.fail(format!("{status} after {received} of {sent} pictures"));
                }
                Err(panic) => return self.fail(panic),
            }
        }
    }

    /// Pictures sent whose unit was not yet received.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.sent - self.received
    }

    /// Checks what the container and the stitch rely on.
    fn accept(&mut self, unit: EncodedUnit) -> Result<EncodedUnit, Error> {
        if unit.input_frame != self.received {
            let (got, want) = (unit.input_frame, self.received);
            return self.fail(format!("picture {got} came where {want} was due"));
        }
        let header = unit.key.then(|| sequence::find_header(&unit.data));
        if header.is_some_and(|header| header != Some(self.sequence_header_obu())) {
            return self.fail(format!("key frame {} has another header", unit.input_frame));
        }
        self.received += 1;
        Ok(unit)
    }

    fn check_alive(&self) -> Result<(), Error> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn fail<T>(&mut self, why: String) -> Result<T, Error> {
        let error = Error::Encoder(why);
        self.failed = Some(error.clone());
        Err(error)
    }
}

impl fmt::Debug for Rav1eEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rav1eEncoder")
            .field("config", &self.config)
            .field("sent", &self.sent)
            .field("received", &self.received)
            .field("finished", &self.finished)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl Context {
    fn send(&mut self, picture: &PictureView<'_>, key: bool) -> Result<(), rav::EncoderStatus> {
        let mut parameters = rav::FrameParameters::default();
        if key {
            parameters.frame_type_override = rav::FrameTypeOverride::Key;
        }
        match self {
            Self::U8(context) => {
                let mut frame = context.new_frame();
                frame::fill8(&mut frame, picture);
                context.send_frame((frame, parameters))
            }
            Self::U16(context) => {
                let mut frame = context.new_frame();
                frame::fill16(&mut frame, picture);
                context.send_frame((frame, parameters))
            }
        }
    }

    fn flush(&mut self) {
        match self {
            Self::U8(context) => context.flush(),
            Self::U16(context) => context.flush(),
        }
    }

    fn receive(&mut self) -> Step {
        match self {
            Self::U8(context) => context.receive_packet().map(unit),
            Self::U16(context) => context.receive_packet().map(unit),
        }
    }
}

fn unit<T: rav::Pixel>(packet: rav::Packet<T>) -> EncodedUnit {
    EncodedUnit {
        data: packet.data,
        input_frame: packet.input_frameno,
        key: packet.frame_type == rav::FrameType::KEY,
    }
}

/// Runs a call into rav1e, whose asserts must not end the process; a panic
/// becomes its message. The caller abandons the context after one.
fn guard<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| message(panic.as_ref()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}
