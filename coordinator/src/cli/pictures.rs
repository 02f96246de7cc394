// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill pictures`: proof of what encoders are fed.

use super::console;
use super::transcode::MediaArgs;
use crate::error::{JobError, Result};
use crate::job::{Job, JobRequest};
use crate::limits::Limits;
use crate::plan::options::Seam;
use crate::plan::{span, Plan};
use crate::progress::Progress;
use crate::runner;
use framemill_codec::dsp::Dsp;
use framemill_codec::packet::PacketFileReader;
use framemill_worker::index::Index;
use framemill_worker::{TaskKey, WorkPlace};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Runs the plan with digests in place of encoders and prints them.
///
/// # Errors
/// The job's.
pub async fn run(args: MediaArgs, simd: Option<&'static Dsp>) -> Result<()> {
    let mut options = args.options("pictures.mkv");
    options.digest = true;
    options.seam = Seam::Closed;
    let request = JobRequest {
        input: args.input.clone(),
        options,
        workers: args.workers(),
        work_dir: Some(format!("mem:pictures-{}", std::process::id())),
        resume: false,
        overwrite: true,
        verify: false,
        order_seed: args.order_seed,
        report: None,
        simd,
        limits: Limits::default(),
    };
    let progress = Arc::new(Progress::default());
    Job::new(request, CancellationToken::new(), progress)
        .await?
        .run()
        .await
}

/// Prints the digests of all chunks in order, then what each chunk read.
///
/// # Errors
/// [`JobError::Failed`] for chunks that cannot be read back.
pub fn print(place: &WorkPlace, index: &Index, plan: &Plan, chunks: &[TaskKey]) -> Result<()> {
    const READ_BLOCK: u64 = 256 << 10;
    let text = tokio::task::block_in_place(|| -> Result<String> {
        let failed = |e: String| JobError::Failed(format!("reading digests: {e}"));
        let mut text = String::new();
        for (n, key) in chunks.iter().enumerate() {
            let reader = place.open_output(key).map_err(|e| failed(e.to_string()))?;
            let mut reader = PacketFileReader::new(reader).map_err(|e| failed(e.to_string()))?;
            let unit = reader.header().time_base;
            while let Some(packet) = reader.next_packet().map_err(|e| failed(e.to_string()))? {
                let md5: String = packet.data.iter().map(|b| format!("{b:02x}")).collect();
                let _ = writeln!(
                    text,
                    "{}",
                    serde_json::json!({"chunk": n, "pts": packet.pts, "time_base": unit.to_string(), "md5": md5})
                );
            }
        }
        for (n, (key, chunk)) in chunks.iter().zip(&plan.chunks).enumerate() {
            let outcome = place.handle.block_on(runner::recorded(key, place));
            let outcome = outcome.ok_or_else(|| failed("a chunk without a record".into()))?;
            let cost = span::read_cost(index, &plan.timeline, &plan.video, chunk);
            let _ = writeln!(
                text,
                "{}",
                serde_json::json!({
                    "chunk": n, "bytes_read": outcome.stats.bytes_read, "range_bytes": cost.range,
                    "packet_bytes": cost.bytes, "read_block": READ_BLOCK,
                })
            );
        }
        Ok(text)
    })?;
    console::say(text.trim_end());
    Ok(())
}
