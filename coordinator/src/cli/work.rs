// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill work`: the child's side of [`crate::engine::process`].

use crate::error::{JobError, Result};
use framemill_codec::dsp::Dsp;
use framemill_worker::serve;

/// Does orders from standard input until that ends.
///
/// # Errors
/// [`JobError::Failed`] where standard input or output cannot be used.
pub async fn run(simd: Option<&'static Dsp>) -> Result<()> {
    let failed = |e| JobError::Failed(format!("work: {e}"));
    serve(simd).await.map_err(failed)
}
