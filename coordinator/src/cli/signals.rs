// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C and SIGTERM.

use tokio_util::sync::CancellationToken;

/// Cancels on the first Ctrl-C or SIGTERM, ends the process on the second.
pub fn watch_signals(cancel: CancellationToken) {
    tokio::spawn(async move {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminate => {}
        }
        cancel.cancel();
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(130);
    });
}
