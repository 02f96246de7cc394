// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill work`: the child's side of [`crate::engine::process`].

use crate::engine::process::{Message, Order};
use crate::error::{JobError, Result};
use framemill_codec::dsp::Dsp;
use framemill_store::{self as store, Location};
use framemill_worker::{process_cpu_s, run as run_task, Monitor, WorkPlace};
use std::io::{BufRead, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Counts for the parent and hears of its end.
#[derive(Default)]
struct Link {
    frames: AtomicU64,
    stop: AtomicBool,
}

impl Monitor for Link {
    fn progress(&self, frames: u64) {
        self.frames.fetch_add(frames, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn say(message: &Message) {
    if let Ok(text) = serde_json::to_string(message) {
        // The parent may be gone; then nobody minds.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

/// Reads one order from standard input, does it, says what came of it.
///
/// # Errors
/// [`JobError::Usage`] for anything but an order.
pub async fn run(simd: Option<&'static Dsp>) -> Result<()> {
    let link = Arc::new(Link::default());
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| JobError::Usage(format!("standard input: {e}")))?;
    let order: Order = serde_json::from_str(&line).map_err(|e| {
        JobError::Usage(format!("work: an order is expected on standard input: {e}"))
    })?;
    let failed = |e: store::StoreError| JobError::Usage(format!("{}: {e}", order.work));
    let location = Location::parse_place(&order.work).map_err(failed)?;
    let (work, prefix) = store::open(&location).await.map_err(failed)?;
    let place = WorkPlace {
        handle: Handle::current(),
        work,
        prefix,
        simd,
    };
    watch_parent(link.clone());
    let worker = link.clone();
    let mut task = tokio::task::spawn_blocking(move || run_task(&order.task, &place, &*worker));
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let result = loop {
        tokio::select! {
            result = &mut task => break result,
            _ = tick.tick() => say(&Message::Frames(link.frames.load(Ordering::Relaxed))),
        }
    };
    match result.map_err(|e| JobError::Failed(e.to_string()))? {
        Ok(mut outcome) => {
            // Here the whole process worked on the one task.
            outcome.stats.cpu_s = process_cpu_s();
            say(&Message::Done(Box::new(outcome)));
        }
        Err(failure) => say(&Message::Failed(failure)),
    }
    Ok(())
}

/// Stops the work when the parent closes the pipe or dies.
fn watch_parent(link: Arc<Link>) {
    std::thread::spawn(move || {
        let mut rest = [0; 64];
        while matches!(std::io::stdin().lock().read(&mut rest), Ok(n) if n > 0) {}
        link.stop.store(true, Ordering::Relaxed);
    });
}
