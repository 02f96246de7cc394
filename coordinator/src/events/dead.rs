// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that nothing can come of, kept with the reason: `dead/NAME.json` in the work
//! place, or where the user says.

use super::source::Message;
use crate::error::Result;
use crate::jobs::{now_s, Records};
use framemill_store::PutMode;
use serde::Serialize;

/// A message that came to nothing.
#[derive(Serialize)]
struct Letter<'a> {
    /// Why.
    reason: &'a str,
    /// The job that failed, if it came to one.
    job: Option<String>,
    /// The message's name.
    message: &'a str,
    /// What it said.
    body: &'a str,
    /// How often it was delivered.
    deliveries: u32,
    /// When it was put here, in seconds since 1970.
    at_s: f64,
}

/// Keeps a message with the reason.
///
/// # Errors
/// The store's.
pub async fn bury(
    records: &Records,
    message: &Message,
    reason: &str,
    job: Option<String>,
) -> Result<()> {
    let letter = Letter {
        reason,
        job,
        message: &message.id,
        body: &message.body,
        deliveries: message.deliveries,
        at_s: now_s(),
    };
    // One name however often it is told, by which messages whatever.
    let name = letter.job.clone().unwrap_or_else(|| {
        let hash = blake3::hash(message.body.as_bytes());
        hash.to_hex()[..16].to_owned()
    });
    let name = format!("{name}.json");
    records
        .put(&name, &letter, PutMode::Overwrite)
        .await
        .map(|_| ())
}
