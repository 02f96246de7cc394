// SPDX-License-Identifier: MIT OR Apache-2.0
//! The child's side of [`framemill_invocation::link`]: orders from standard input,
//! one at a time, messages to standard output.

use crate::fence::fenced;
use crate::task::environment;
use crate::{needs, process_cpu_s, Failure, Monitor, Outcome, Task, WorkPlace};
use framemill_codec::dsp::Dsp;
use framemill_invocation::{Answer, Message, Order, Refusal, TaskRef, STORED_LIMIT};
use framemill_store::{self as store, Location};
use rustix::io::fcntl_dupfd_cloexec;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinError;

/// How often frames are told.
const TICK: Duration = Duration::from_millis(200);

type Said = Answer<Outcome, Failure>;

/// Counts for the parent and hears of its end.
struct Link {
    frames: AtomicU64,
    stop: Arc<AtomicBool>,
}

impl Monitor for Link {
    fn progress(&self, frames: u64) {
        self.frames.fetch_add(frames, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Where messages go. Codec libraries that print to standard output do not
/// get in between: for them it leads nowhere.
struct Voice(File);

impl Voice {
    fn new() -> io::Result<Self> {
        let stdout = fcntl_dupfd_cloexec(io::stdout(), 3)?;
        let null = OpenOptions::new().write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdout(&null)?;
        Ok(Self(File::from(stdout)))
    }

    fn say(&mut self, message: &Message<Outcome, Failure>) {
        if let Ok(mut text) = serde_json::to_vec(message) {
            text.push(b'\n');
            // The parent may be gone; then nobody minds.
            let _ = self.0.write_all(&text);
        }
    }
}

/// Does orders until standard input ends. A task at work is then told to stop.
/// After one that crashed, the rest of this process is not to be trusted: it ends.
///
/// # Errors
/// The system's, for standard input and output.
pub async fn serve(simd: Option<&'static Dsp>) -> io::Result<()> {
    let mut voice = Voice::new()?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut orders = read_orders(stop.clone());
    while let Some(line) = orders.recv().await {
        let link = Arc::new(Link {
            frames: AtomicU64::new(0),
            stop: stop.clone(),
        });
        let answer = tell_progress(&mut voice, &link, answer(&line, simd, &link)).await;
        let crashed = matches!(answer, Answer::Crashed { .. });
        voice.say(&Message::Answer(answer));
        if crashed {
            break;
        }
    }
    Ok(())
}

/// Lines of standard input; at its end `stop` is set.
fn read_orders(stop: Arc<AtomicBool>) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let sent = line.map(|line| sender.send(line).is_ok());
            if !sent.unwrap_or(false) {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    receiver
}

async fn tell_progress(
    voice: &mut Voice,
    link: &Link,
    answer: impl std::future::Future<Output = Said>,
) -> Said {
    let mut answer = std::pin::pin!(answer);
    let mut tick = tokio::time::interval(TICK);
    let mut told = 0;
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            _ = tick.tick() => {
                let frames = link.frames.load(Ordering::Relaxed);
                if frames != told {
                    told = frames;
                    voice.say(&Message::Frames(frames));
                }
            }
        }
    }
}

async fn answer(line: &str, simd: Option<&'static Dsp>, link: &Arc<Link>) -> Said {
    let refused = |detail: String| Answer::Refused(Refusal::Request { detail });
    let order: Order<Value> = match serde_json::from_str(line) {
        Ok(order) => order,
        Err(error) => return refused(format!("an order is expected: {error}")),
    };
    let place = match open(&order.request.work, simd).await {
        Ok(place) => place,
        Err(error) => return Answer::Failed(Failure::from(error)),
    };
    let task = match admit(order, &place).await {
        Ok(task) => task,
        Err(answer) => return answer,
    };
    let cpu = process_cpu_s();
    let (place, monitor) = (fenced(&task, &place), link.clone());
    let work = tokio::task::spawn_blocking(move || crate::run(&task, &place, &*monitor));
    match work.await {
        Ok(Ok(mut outcome)) => {
            // Here the whole process worked on the one task.
            outcome.stats.cpu_s = process_cpu_s() - cpu;
            Answer::Done(outcome)
        }
        Ok(Err(failure)) => Answer::Failed(failure),
        Err(error) => Answer::Crashed {
            detail: crash_detail(error),
        },
    }
}

async fn open(work: &str, simd: Option<&'static Dsp>) -> store::Result<WorkPlace> {
    let (work, prefix) = store::open(&Location::parse_place(work)?).await?;
    Ok(WorkPlace {
        handle: Handle::current(),
        work,
        prefix,
        simd,
    })
}

/// The task of an order that can be begun.
async fn admit(order: Order<Value>, place: &WorkPlace) -> Result<Task, Said> {
    let Order { request, memory } = order;
    if request.build != environment() {
        return Err(Answer::Refused(Refusal::Build {
            asked: request.build,
            worker: environment().to_owned(),
        }));
    }
    let wrong = |detail: String| Answer::Refused(Refusal::Request { detail });
    let value = match request.task {
        TaskRef::Inline(value) => value,
        TaskRef::Stored { key } => {
            let blob = place.work.get(&place.full_key(&key), STORED_LIMIT).await;
            let blob = blob.map_err(|e| Answer::Failed(e.into()))?;
            serde_json::from_slice(&blob)
                .map_err(|e| wrong(format!("a task is expected in {key:?}: {e}")))?
        }
    };
    let task: Task =
        serde_json::from_value(value).map_err(|e| wrong(format!("a task is expected: {e}")))?;
    let key = task.key().to_string();
    if key != request.key {
        return Err(wrong(format!(
            "the task's key is {key}, and the request says {}",
            request.key
        )));
    }
    let needs = needs::memory(&task);
    match memory {
        Some(has) if needs > has => Err(Answer::Refused(Refusal::Memory { needs, has })),
        _ => Ok(task),
    }
}

/// What is known of a task that ended without a result.
#[must_use]
pub fn crash_detail(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "its thread ended".to_owned();
    };
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_else(|| "panic".to_owned())
}
