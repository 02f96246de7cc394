// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a running and a finished batch look like.

use super::super::console;
use crate::batch::go::{look, Event, Shared, State};
use crate::error::{JobError, Result};
use crate::jobs::Ended;
use framemill_store as store;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Jobs that have a line of their own.
const LINES: usize = 8;

/// Shows progress until it is stopped: on a terminal a bar in all and lines of what runs; else a
/// line for each job that has ended.
pub struct Teller {
    bars: MultiProgress,
    quiet: bool,
    json: bool,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Teller {
    /// Begins to show a batch's state.
    pub fn start(state: Shared, quiet: bool, json: bool) -> Self {
        let target = match quiet || json {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bars = MultiProgress::with_draw_target(target);
        let stop = CancellationToken::new();
        let task = tokio::spawn(draw(bars.clone(), state, stop.clone()));
        Self {
            bars,
            quiet,
            json,
            stop,
            task,
        }
    }

    /// Tells of a job.
    pub fn tell(&self, event: Event<'_>) {
        match event {
            Event::Done { ended, before } if self.json => console::say(&json_done(ended, before)),
            Event::Done { ended, before } if !self.quiet => {
                let line = done_line(ended, before);
                self.bars.suspend(|| console::say(&line));
            }
            Event::Done { .. } => {}
            Event::Failed { input, reason } => self.failed(input, reason),
            Event::Later { input, reason } => {
                tracing::warn!(%input, %reason, "it is tried again at the end");
            }
        }
    }

    /// Tells of a source that could not be done.
    pub fn failed(&self, input: &str, reason: &str) {
        if self.json {
            let line =
                json!({"event": "item", "input": input, "status": "failed", "reason": reason});
            console::say(&line.to_string());
        } else if !self.quiet {
            let line = format!("framemill: {input}: {reason}");
            self.bars.suspend(|| console::complain(&line));
        }
    }

    /// Clears what is shown.
    pub async fn stop(&self) {
        self.stop.cancel();
        while !self.task.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn draw(bars: MultiProgress, state: Shared, stop: CancellationToken) {
    let style = |template: &str| {
        let style = ProgressStyle::with_template(template);
        style.map_or_else(
            |_| ProgressStyle::default_bar(),
            |s| s.progress_chars("=> "),
        )
    };
    let total = bars.add(ProgressBar::new(0));
    total.set_style(style("{bar:32} {pos} of {len}{msg}"));
    let mut lines: Vec<ProgressBar> = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => break,
        }
        let state = look(&state);
        total.set_length(state.total as u64);
        total.set_position((state.made + state.skipped + state.failures.len()) as u64);
        total.set_message(match state.failures.len() {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        });
        let shown = state.running.iter().take(LINES);
        while lines.len() < shown.len() {
            let line = bars.add(ProgressBar::new(1));
            line.set_style(style("  {bar:16} {msg}"));
            lines.push(line);
        }
        while lines.len() > shown.len() {
            if let Some(line) = lines.pop() {
                bars.remove(&line);
            }
        }
        for (line, (_, input, watch)) in lines.iter().zip(shown) {
            let s = watch.snapshot();
            line.set_length(s.total_frames.max(1));
            line.set_position(s.frames);
            line.set_message(input.clone());
        }
    }
    for line in lines {
        line.finish_and_clear();
    }
    total.finish_and_clear();
}

fn done_line(ended: &Ended, before: bool) -> String {
    let input = store::shown(&ended.order.source.uri);
    if before {
        return format!("{input}: done before");
    }
    let bytes: u64 = ended.outputs.iter().map(|made| made.size).sum();
    format!(
        "{input}: {}, {bytes} bytes, {:.1} s",
        count(ended.outputs.len() as u64, "output"),
        ended.ended_s - ended.began_s
    )
}

fn json_done(ended: &Ended, before: bool) -> String {
    let status = if before { "skipped" } else { "done" };
    json!({
        "event": "item",
        "input": store::shown(&ended.order.source.uri),
        "status": status,
        "job": ended.order.id().to_string(),
        "outputs": ended.outputs,
        "seconds": ended.ended_s - ended.began_s,
    })
    .to_string()
}

/// The closing line of `--json`.
pub fn json_end(state: &State, (others, left_out): (u64, u64), wall_s: f64) {
    let failures = state.failures.iter();
    let failures: Vec<_> = failures
        .map(|(input, reason)| json!({"input": input, "reason": reason}))
        .collect();
    let line = json!({
        "event": "done",
        "items": state.total, "made": state.made, "skipped": state.skipped,
        "failed": state.failures.len(), "left_out": left_out, "no_media": others,
        "outputs": state.outputs, "bytes": state.bytes, "wall_s": wall_s,
        "worker_cpu_s": state.cpu_s, "spent_usd": state.spent_usd, "failures": failures,
    });
    console::say(&line.to_string());
}

/// How a batch went, in a line.
pub fn summary(output: &str, s: &State, (others, left_out): (u64, u64), wall: Duration) -> String {
    let mut line = format!(
        "{}: {} of {} done, {}, {} bytes, {:.1} s",
        store::shown(output),
        s.made + s.skipped,
        s.total,
        count(s.outputs, "output"),
        s.bytes,
        wall.as_secs_f64()
    );
    let notes = [
        (s.skipped as u64, "done before"),
        (left_out, "left out"),
        (others, "no media"),
    ];
    for (number, what) in notes.iter().filter(|(number, _)| *number > 0) {
        line.push_str(&format!(", {number} {what}"));
    }
    if s.spent_usd > 0.0 {
        line.push_str(&format!(", {:.4} USD", s.spent_usd));
    }
    line
}

/// Says how the batch went.
///
/// # Errors
/// [`JobError::Failed`] where anything failed.
pub fn end(line: String, state: &State, quiet: bool) -> Result<()> {
    match state.failures.len() {
        0 if quiet => Ok(()),
        0 => {
            console::say(&line);
            Ok(())
        }
        failed => Err(JobError::Failed(format!(
            "{line}, {failed} failed; the same command tries those again"
        ))),
    }
}

/// `1 output`, `2 outputs`.
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
