// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where messages come from.

use async_trait::async_trait;
use std::time::Duration;

/// A message. It is hidden from other receivers for a while, and comes again unless it is
/// [done](Source::done).
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its name.
    pub id: String,
    /// What it says.
    pub body: String,
    /// By which the source knows this delivery of it.
    pub receipt: String,
    /// How often it was delivered, this time included.
    pub deliveries: u32,
    /// When it was sent, in seconds since 1970.
    pub sent_s: f64,
}

/// Where messages come from. Every error is a text for the log: what is not done comes again.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name for the log.
    fn name(&self) -> String;

    /// Waits for messages; at most `most` come, and none after a while without any.
    async fn receive(&self, most: usize) -> Result<Vec<Message>, String>;

    /// Keeps a message hidden for `time` from now, since somebody is at work on it.
    async fn keep(&self, message: &Message, time: Duration) -> Result<(), String>;

    /// Gives a message back, to come again after `time`.
    async fn release(&self, message: &Message, time: Duration) -> Result<(), String>;

    /// Removes a message for good.
    async fn done(&self, message: &Message) -> Result<(), String>;
}
