// SPDX-License-Identifier: MIT OR Apache-2.0
//! Workers on AWS Lambda: one synchronous Invoke an attempt.
//!
//! The SDK retries nothing, since its bucket of retries runs dry under throttling;
//! the scheduler does, with its adaptive limit.

mod connector;

use super::answer::read;
use super::payload::attempt;
use super::{Engine, Invocation, InvokeError, RemoteCpu};
use crate::error::{JobError, Result};
use crate::schedule::Ramp;
use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::{InvokeError as ServiceError, InvokeOutput};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::Client;
use aws_smithy_http_client::tls::{rustls_provider::CryptoMode, Provider};
use framemill_worker::{Failure, Outcome, TaskKey, WorkPlace};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// How much later than the function's own limit an answer is given up.
const MARGIN: Duration = Duration::from_secs(15);
/// Codes of a service that is asked for too much.
const THROTTLES: [&str; 4] = [
    "TooManyRequestsException",
    "EC2ThrottledException",
    "ENILimitReachedException",
    "ThrottlingException",
];

/// Invokes a function.
pub struct LambdaEngine {
    client: Client,
    function: String,
    place: WorkPlace,
    work: String,
    slots: u32,
    time: Duration,
    remote: RemoteCpu,
}

/// What Lambda says of a function that has not answered.
#[derive(Deserialize)]
struct FunctionError {
    #[serde(rename = "errorType", default)]
    kind: String,
    #[serde(rename = "errorMessage", default)]
    message: String,
}

/// Which function, and how much of it.
#[derive(Clone, Debug)]
pub struct LambdaOptions {
    /// Name or ARN, with an alias or version where one is wanted.
    pub function: String,
    /// URL of the service; `None` for where AWS's own tools look.
    pub endpoint: Option<String>,
    /// Most invocations at once.
    pub slots: u32,
    /// How long one may take; the function's own limit should not be less.
    pub time: Duration,
}

impl LambdaEngine {
    /// An engine whose workers find the work store, `place`, at `work`. Credentials and
    /// region are found as AWS's own tools find them.
    ///
    /// # Errors
    /// [`JobError::Usage`] without a region.
    pub async fn connect(
        options: LambdaOptions,
        (place, work): (&WorkPlace, &str),
    ) -> Result<Self> {
        let LambdaOptions {
            function,
            endpoint,
            slots,
            time,
        } = options;
        // For credentials alone; invocations have a client of their own.
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let api = connector::client().map_err(|e| JobError::Failed(e.to_string()))?;
        let patience = time.saturating_add(MARGIN);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(patience)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .timeout_config(timeouts)
            // An answer may take a quarter of an hour to begin.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_config(RetryConfig::disabled());
        if let Some(endpoint) = &endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        let set = |name| std::env::var_os(name).is_some_and(|url| !url.is_empty());
        let elsewhere =
            endpoint.is_some() || set("AWS_ENDPOINT_URL_LAMBDA") || set("AWS_ENDPOINT_URL");
        let mut builder = aws_sdk_lambda::config::Builder::from(&config).http_client(api);
        match config.region() {
            Some(_) => {}
            None if elsewhere => builder = builder.region(Region::new("us-east-1")),
            None => {
                return Err(JobError::Usage(
                    "--engine lambda: no region is known; set AWS_REGION".into(),
                ))
            }
        }
        Ok(Self {
            client: Client::from_conf(builder.build()),
            function,
            place: place.clone(),
            work: work.to_owned(),
            slots,
            time,
            remote: RemoteCpu::default(),
        })
    }

    async fn send(&self, body: Vec<u8>, key: TaskKey) -> Result<Outcome, InvokeError> {
        let invoke = self
            .client
            .invoke()
            .function_name(&self.function)
            .payload(Blob::new(body));
        let output = invoke.send().await.map_err(|e| self.turned_away(&e))?;
        let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
        match output.function_error() {
            None => read(payload, "the function", &key),
            Some(_) => Err(function_error(&output)),
        }
    }

    /// What an error of the SDK's means. Its own texts may hold what was sent, and
    /// are not passed on.
    fn turned_away(&self, error: &SdkError<ServiceError, HttpResponse>) -> InvokeError {
        let transient = |detail: &str| {
            Failure::Transient {
                detail: format!("function {}: {detail}", self.function),
            }
            .into()
        };
        let refused = |detail: &str| InvokeError::Refused {
            detail: format!("function {}: {detail}", self.function),
        };
        match error {
            SdkError::TimeoutError(_) => InvokeError::TimedOut {
                detail: format!("no answer in {} s", (self.time + MARGIN).as_secs()),
            },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => InvokeError::TimedOut {
                detail: "no connection in time, or no answer".into(),
            },
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                transient("the connection failed")
            }
            SdkError::DispatchFailure(failure) if connector::is_long_head(failure) => {
                refused("its answer is none of Lambda's: the head is too long")
            }
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                refused("the request could not be made; are there credentials?")
            }
            SdkError::ServiceError(answered) => {
                let status = answered.raw().status().as_u16();
                let code = answered
                    .err()
                    .code()
                    .filter(|c| is_word(c))
                    .unwrap_or("no code");
                let said = format!("Lambda answers {status} ({code})");
                match status {
                    _ if THROTTLES.contains(&code) => InvokeError::Throttled {
                        detail: said,
                        after: None,
                    },
                    429 => InvokeError::Throttled {
                        detail: said,
                        after: None,
                    },
                    500..=599 => transient(&said),
                    _ => refused(&said),
                }
            }
            _ => transient("the answer could not be read"),
        }
    }
}

/// Letters and digits, as error codes are.
fn is_word(code: &str) -> bool {
    code.len() <= 80
        && code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// What the end of a function that has not answered means.
fn function_error(output: &InvokeOutput) -> InvokeError {
    let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
    let error: Option<FunctionError> = serde_json::from_slice(payload).ok();
    let error = error.unwrap_or(FunctionError {
        kind: String::new(),
        message: "the function failed without a word".into(),
    });
    let detail = error.message.replace(['\n', '\r'], " ");
    if error.kind == "Sandbox.Timedout" || detail.contains("Task timed out") {
        InvokeError::TimedOut { detail }
    } else if error.kind == "Runtime.InitError" {
        InvokeError::Refused {
            detail: format!("the worker cannot start: {detail}"),
        }
    } else {
        InvokeError::Crashed { detail }
    }
}

#[async_trait]
impl Engine for LambdaEngine {
    fn name(&self) -> &'static str {
        "lambda"
    }

    fn slots(&self) -> u32 {
        self.slots
    }

    fn speculates(&self) -> bool {
        true
    }

    fn ramp(&self) -> Option<Ramp> {
        // The default is Lambda's own rate.
        Some(Ramp::default())
    }

    fn remote_cpu_s(&self) -> f64 {
        self.remote.seconds()
    }

    fn at(&self, place: &WorkPlace, work: &str) -> Arc<dyn Engine> {
        Arc::new(Self {
            client: self.client.clone(),
            function: self.function.clone(),
            place: place.clone(),
            work: work.to_owned(),
            remote: RemoteCpu::default(),
            ..*self
        })
    }

    async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError> {
        // When it is cancelled, the function goes on to its end, and what it leaves is what
        // another would.
        let at = (&self.place, self.work.as_str());
        let (time, remote) = (self.time, &self.remote);
        attempt(invocation, at, time, remote, |body, key| {
            self.send(body, key)
        })
        .await
    }
}
