// SPDX-License-Identifier: MIT OR Apache-2.0
//! The process that does a worker's tasks: orders on standard input, messages on
//! standard output, as `framemill_invocation::link` says. `framemill-worker` starts it.

use framemill_codec::libav;
use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all, while this is the only thread.
    libav::init();
    // The answer holds a panic's message; standard error leads nowhere.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::FAILURE;
    };
    let served = runtime.block_on(framemill_worker::serve(None));
    // Threads that are still in a codec's hands must not hold up the exit.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
