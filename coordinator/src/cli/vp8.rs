// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8`: our own VP8 encoder and decoder, with IVF files.

mod decode;
mod encode;
mod feed;
mod rebase;
mod source;
mod staged;
mod state;
mod times;
mod y4m;

use crate::error::Result;
use framemill_codec::dsp::Dsp;

/// Encode and decode VP8, and look into its state.
#[derive(clap::Args, Clone, Debug)]
pub struct Vp8Args {
    #[command(subcommand)]
    command: Vp8Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Vp8Command {
    /// Encode a video to an IVF file
    Encode(encode::EncodeArgs),
    /// Move the draft of a chunk onto the state of the chunk before
    Rebase(rebase::RebaseArgs),
    /// Decode an IVF file to pictures or their digests
    Decode(decode::DecodeArgs),
    /// Say what the decoder's state holds after a frame
    State(state::StateArgs),
}

/// Runs the command with these kernels.
///
/// # Errors
/// [`JobError::Input`](crate::error::JobError::Input) names the frame at which
/// a file or state is at fault.
pub fn run(args: &Vp8Args, quiet: bool, dsp: &'static Dsp) -> Result<()> {
    match &args.command {
        Vp8Command::Encode(args) => encode::run(args, quiet, dsp),
        Vp8Command::Rebase(args) => rebase::run(args, quiet, dsp),
        Vp8Command::Decode(args) => decode::run(args, quiet, dsp),
        Vp8Command::State(args) => state::run(args, dsp),
    }
}
