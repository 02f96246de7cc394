// SPDX-License-Identifier: MIT OR Apache-2.0
//! A queue of Amazon SQS, or of anything that speaks its protocol.

use super::source::{Message, Source};
use crate::error::{JobError, Result};
use async_trait::async_trait;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::MessageSystemAttributeName as Attribute;
use aws_sdk_sqs::Client;
use aws_smithy_http_client::tls::{rustls_provider::CryptoMode, Provider};
use std::time::Duration;

/// How long a request waits for a message, in seconds: the most that SQS allows.
const WAIT_S: i32 = 20;
/// The most messages that SQS gives at once.
const AT_ONCE: i32 = 10;
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A queue.
pub struct Sqs {
    client: Client,
    url: String,
    /// How long a message is hidden when it is received.
    hidden: Duration,
}

impl Sqs {
    /// The queue at `url`. Credentials, region and endpoint are found as AWS's own tools find
    /// them; without a region, the URL tells it.
    ///
    /// # Errors
    /// [`JobError::Usage`] for what is no URL, or without a region.
    pub async fn connect(url: &str, hidden: Duration) -> Result<Self> {
        let wrong = |what: &str| JobError::Usage(format!("--queue {url}: {what}"));
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| wrong("https://HOST/ACCOUNT/QUEUE is expected"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() || path.is_empty() {
            return Err(wrong("https://HOST/ACCOUNT/QUEUE is expected"));
        }
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(PATIENCE)
            .build();
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .timeout_config(timeouts)
            .load()
            .await;
        let mut builder = aws_sdk_sqs::config::Builder::from(&config);
        if config.region().is_none() {
            let region = host.strip_prefix("sqs.").and_then(|h| h.split('.').next());
            let region = region.ok_or_else(|| wrong("no region is known; set AWS_REGION"))?;
            builder = builder.region(Region::new(region.to_owned()));
        }
        Ok(Self {
            client: Client::from_conf(builder.build()),
            url: url.to_owned(),
            hidden,
        })
    }
}

/// Whole seconds, at least 0 and at most what SQS allows.
fn whole(time: Duration) -> i32 {
    i32::try_from(time.as_secs_f64().ceil() as u64).map_or(43_200, |s| s.min(43_200))
}

/// What went wrong, in words of ours: the SDK's own may hold what was sent.
fn said<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or("no code");
            format!("SQS answers {code}")
        }
        SdkError::TimeoutError(_) => "SQS does not answer in time".into(),
        SdkError::DispatchFailure(_) => "SQS is not reached".into(),
        SdkError::ConstructionFailure(_) => "no request to SQS could be made".into(),
        _ => "the answer of SQS cannot be read".into(),
    }
}

#[async_trait]
impl Source for Sqs {
    fn name(&self) -> String {
        self.url.clone()
    }

    async fn receive(&self, most: usize) -> Result<Vec<Message>, String> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(most).map_or(AT_ONCE, |n| n.clamp(1, AT_ONCE)))
            .wait_time_seconds(WAIT_S)
            .visibility_timeout(whole(self.hidden))
            .message_system_attribute_names(Attribute::ApproximateReceiveCount)
            .message_system_attribute_names(Attribute::SentTimestamp);
        let answer = request.send().await.map_err(|e| said(&e))?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        let message = |m: aws_sdk_sqs::types::Message| {
            let number = |name: Attribute| {
                let text = m.attributes.as_ref()?.get(&name)?;
                text.parse::<u64>().ok()
            };
            let sent_ms = number(Attribute::SentTimestamp).unwrap_or_default();
            let deliveries = number(Attribute::ApproximateReceiveCount).unwrap_or(1);
            Message {
                sent_s: sent_ms as f64 / 1e3,
                deliveries: u32::try_from(deliveries).unwrap_or(u32::MAX),
                id: m.message_id.unwrap_or_default(),
                body: m.body.unwrap_or_default(),
                receipt: m.receipt_handle.unwrap_or_default(),
            }
        };
        Ok(messages.map(message).collect())
    }

    async fn release(&self, message: &Message, time: Duration) -> Result<(), String> {
        self.keep(message, time).await
    }

    async fn keep(&self, message: &Message, time: Duration) -> Result<(), String> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&message.receipt)
            .visibility_timeout(whole(time));
        request.send().await.map(|_| ()).map_err(|e| said(&e))
    }

    async fn done(&self, message: &Message) -> Result<(), String> {
        let request = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(&message.receipt);
        request.send().await.map(|_| ()).map_err(|e| said(&e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds_that_the_queue_allows() {
        assert_eq!(whole(Duration::ZERO), 0);
        assert_eq!(whole(Duration::from_millis(1)), 1);
        assert_eq!(whole(Duration::MAX), 43_200);
    }
}
