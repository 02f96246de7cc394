// SPDX-License-Identifier: MIT OR Apache-2.0
//! VP8 (RFC 6386) in state-passing style: all that one frame's decoding takes
//! from the frames before it is a value, the [`State`].
//!
//! ```text
//! decode: (&State, packet) → (State, picture)
//! ```
//!
//! | file | what it does | RFC 6386 |
//! |---|---|---|
//! | `bool_coder` | the entropy coder | §7 |
//! | `header` | frame headers | §9, §19.2 |
//! | `modes`, `mv` | modes and motion vectors of macroblocks | §8, §11, §16, §17 |
//! | `tokens`, `quant` | coefficients and their steps | §13, §14.1 |
//! | `residual` | inverse transforms | §14 |
//! | `predict` | prediction within and between frames | §12, §18 |
//! | `loop_filter` | filter levels and order | §9.6, §15 |
//! | `macroblock` | all of these, row by row | |
//! | `decode` | a whole frame, and the next state | §9.7 |
//! | `state`, `state_wire` | the state, its digest, and how it travels | |
//! | `frame` | planes with borders | §5 |
//! | `tables` | the RFC's tables | |
//!
//! The arithmetic on samples is in [`dsp`](crate::dsp).
//!
//! Where the RFC leaves room, libvpx decides: packets that end early are
//! decoded as if zeros followed, and give pictures that say so.

mod bool_coder;
mod decode;
mod encode;
mod error;
mod frame;
mod header;
mod loop_filter;
mod macroblock;
mod modes;
mod mv;
mod predict;
mod quant;
mod residual;
mod state;
mod state_wire;
mod tables;
mod tokens;

pub use decode::{decode, Decoder, Picture};
pub use encode::{
    draft_pass, first_pass, golden_at, rebase, timed, ChunkSettings, Draft, Encoder, FirstPass,
    Preset, Rebased, Settings, Sources, GOLDEN_FRAMES, HIDDEN_FRAMES,
};
pub use frame::Frame;
pub use state::{FilterDeltas, Probabilities, References, Segmentation, State, StreamInfo};

/// Most samples of luma that a picture may have.
pub const MAX_PIXELS: u64 = 1 << 26;
