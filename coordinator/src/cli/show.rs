// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a running and a finished job look like.

use super::console;
use crate::progress::{Progress, Snapshot};
use crate::report::Totals;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A task that shows progress until it is stopped.
pub struct Watcher {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Clears the bar and ends the task.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.task.await;
    }
}

/// Shows progress: a bar on a terminal, JSON lines on request, else nothing.
pub fn watch(progress: Arc<Progress>, quiet: bool, json: bool) -> Watcher {
    let stop = CancellationToken::new();
    let token = stop.clone();
    let task = tokio::spawn(async move {
        let bar = ProgressBar::with_draw_target(Some(1), target(quiet || json));
        if let Ok(style) = ProgressStyle::with_template("{bar:32} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let every = Duration::from_millis(if json { 500 } else { 100 });
        let mut tick = tokio::time::interval(every);
        let started = Instant::now();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = token.cancelled() => break,
            }
            let s = progress.snapshot();
            let elapsed = started.elapsed().as_secs_f64();
            if json {
                json_progress(&s, elapsed);
            } else if s.total_frames > 0 {
                bar.set_length(s.total_frames);
                bar.set_position(s.frames);
                bar.set_message(message(&s, elapsed, progress.frame_rate()));
            }
        }
        bar.finish_and_clear();
    });
    Watcher { stop, task }
}

fn target(hidden: bool) -> ProgressDrawTarget {
    if hidden {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    }
}

/// Frames a second of this run's own work.
fn speed(s: &Snapshot, elapsed: f64) -> f64 {
    s.frames.saturating_sub(s.reused_frames) as f64 / elapsed.max(0.05)
}

fn eta(s: &Snapshot, fps: f64) -> Option<f64> {
    (fps > 0.0).then(|| s.total_frames.saturating_sub(s.frames) as f64 / fps)
}

fn message(s: &Snapshot, elapsed: f64, frame_rate: f64) -> String {
    let fps = speed(s, elapsed);
    let eta = eta(s, fps).map_or("–".to_owned(), |e| {
        format!("{}:{:02}", e as u64 / 60, e as u64 % 60)
    });
    let realtime = if frame_rate > 0.0 {
        format!("  {:.1}× realtime", fps / frame_rate)
    } else {
        String::new()
    };
    format!(
        "{}/{} chunks  {fps:.0} fps{realtime}  ETA {eta}",
        s.chunks, s.total_chunks
    )
}

fn json_progress(s: &Snapshot, elapsed: f64) {
    let fps = speed(s, elapsed);
    console::say(
        &serde_json::json!({
            "event": "progress",
            "elapsed_s": elapsed,
            "frames": s.frames,
            "total_frames": s.total_frames,
            "chunks": s.chunks,
            "total_chunks": s.total_chunks,
            "fps": fps,
            "eta_s": eta(s, fps),
        })
        .to_string(),
    );
}

/// The closing line of `--json`.
pub fn json_done(output: &str, totals: &Totals) {
    console::say(
        &serde_json::json!({"event": "done", "output": output, "totals": totals}).to_string(),
    );
}

/// The closing lines for people.
pub fn summary(output: &str, t: &Totals) {
    let reused = if t.reused > 0 {
        format!(", {} results taken from an earlier run", t.reused)
    } else {
        String::new()
    };
    console::say(&format!(
        "{output}: {} bytes, {} frames in {}{reused}",
        t.bytes_out,
        t.frames,
        chunks(t.chunks)
    ));
    console::say(&format!(
        "wall {:.2} s, CPU {:.2} s ({:.2} cores), {:.1} frames/s",
        t.wall_s,
        t.cpu_s,
        t.cpu_s / t.wall_s.max(1e-3),
        t.frames as f64 / t.wall_s.max(1e-3)
    ));
}

/// A number of chunks in words.
pub fn chunks(number: u64) -> String {
    format!("{number} chunk{}", if number == 1 { "" } else { "s" })
}
