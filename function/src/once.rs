// SPDX-License-Identifier: MIT OR Apache-2.0
//! One request from standard input, one response on standard output.

use crate::pool::{Pool, Said};
use framemill_invocation::{Refusal, Response, BODY_LIMIT};
use std::io::{stdin, stdout, Read, Write};
use tokio::signal::unix::{signal, SignalKind};

/// Answers one request.
///
/// # Errors
/// Standard input or output cannot be used; whatever else goes wrong is the answer.
pub async fn run(pool: &Pool) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let read = tokio::task::spawn_blocking(|| {
        let mut body = Vec::new();
        let most = BODY_LIMIT as u64 + 1;
        stdin().lock().take(most).read_to_end(&mut body)?;
        Ok::<_, std::io::Error>(body)
    });
    let body = read.await.map_err(|e| e.to_string())?;
    let body = body.map_err(|e| format!("standard input: {e}"))?;
    let answer: Said = match body.len() <= BODY_LIMIT {
        true => {
            let ending = async {
                terminate.recv().await;
            };
            pool.answer(&body, None, ending).await
        }
        false => Refusal::TooLarge {
            limit: BODY_LIMIT as u64,
        }
        .into(),
    };
    pool.end().await;
    let mut text = serde_json::to_vec(&Response::from(answer)).map_err(|e| e.to_string())?;
    text.push(b'\n');
    let mut out = stdout().lock();
    let written = out.write_all(&text).and_then(|()| out.flush());
    written.map_err(|e| format!("standard output: {e}"))
}
