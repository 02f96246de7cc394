// SPDX-License-Identifier: MIT OR Apache-2.0
//! Workers behind a URL: `framemill-worker http`, or a function platform in front
//! of it. Every invocation is one POST, and its answer the response.
//!
//! | what happens | what it is |
//! |---|---|
//! | no connection | transient |
//! | the connection breaks off | a crash |
//! | no response in time, or 504 | timed out |
//! | 429, 503 | throttled, with `Retry-After` |
//! | 500, 502 | a crash: what platforms say of a worker that died |
//! | any other status, or a body that is no response | refused: the job fails |

use super::answer::read;
use super::payload::attempt;
use super::{Engine, Invocation, InvokeError, RemoteCpu};
use crate::error::{JobError, Result};
use async_trait::async_trait;
use framemill_invocation::BODY_LIMIT;
use framemill_store::{http_client_builder, shown};
use framemill_worker::{Failure, Outcome, TaskKey, WorkPlace};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How much later than the worker's own limit an answer is given up.
const MARGIN: Duration = Duration::from_secs(15);
/// The longest `Retry-After` that is kept to, in seconds.
const PATIENCE: u64 = 60;
/// Asked for where a worker says 429 or 503 and no time.
const PAUSE: u64 = 1;

/// Posts tasks to a URL.
pub struct HttpEngine {
    client: Client,
    url: Url,
    place: WorkPlace,
    work: String,
    slots: u32,
    time: Duration,
    remote: RemoteCpu,
}

impl HttpEngine {
    /// An engine behind `url` that takes at most `slots` tasks at once, of `time`
    /// at most each. Workers find the work store, `place`, at `work`.
    ///
    /// # Errors
    /// [`JobError::Usage`] for what is no `http:` or `https:` URL.
    pub fn new(
        url: &str,
        (place, work): (&WorkPlace, &str),
        slots: u32,
        time: Duration,
    ) -> Result<Self> {
        let wrong =
            |detail: &str| JobError::Usage(format!("--engine-url {}: {detail}", shown(url)));
        let parsed = Url::parse(url).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong("http://HOST/PATH or https://HOST/PATH is expected"));
        }
        let client = http_client_builder()
            .map_err(|e| JobError::Failed(e.to_string()))?
            // A platform that sends us elsewhere is not the one that was named.
            .redirect(Policy::none())
            .http1_only()
            .timeout(time.saturating_add(MARGIN))
            .build()
            .map_err(|e| JobError::Failed(e.without_url().to_string()))?;
        Ok(Self {
            client,
            url: parsed,
            place: place.clone(),
            work: work.to_owned(),
            slots,
            time,
            remote: RemoteCpu::default(),
        })
    }

    async fn post(&self, body: Vec<u8>, key: TaskKey) -> Result<Outcome, InvokeError> {
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await;
        let response = sent.map_err(|e| self.broken(e))?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(self.turned_away(&response));
        }
        let body = self.body_of(response).await?;
        read(&body, &shown(self.url.as_str()), &key)
    }

    async fn body_of(&self, mut response: Response) -> Result<Vec<u8>, InvokeError> {
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|e| self.broken(e))? {
            if body.len() + part.len() > BODY_LIMIT {
                return Err(InvokeError::Refused {
                    detail: format!("an answer of more than {BODY_LIMIT} bytes came"),
                });
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// What a request without a whole response means.
    fn broken(&self, error: reqwest::Error) -> InvokeError {
        let detail = format!("{}: {}", shown(self.url.as_str()), cause(&error));
        if error.is_timeout() && !error.is_connect() {
            InvokeError::TimedOut {
                detail: format!("no answer in {} s", (self.time + MARGIN).as_secs()),
            }
        } else if error.is_connect() {
            Failure::Transient { detail }.into()
        } else {
            InvokeError::Crashed { detail }
        }
    }

    fn turned_away(&self, response: &Response) -> InvokeError {
        let status = response.status();
        let detail = format!("{} answers {status}", shown(self.url.as_str()));
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let told = response.headers().get(RETRY_AFTER);
                let seconds = told.and_then(|v| v.to_str().ok()?.trim().parse().ok());
                InvokeError::Throttled {
                    detail,
                    after: Some(Duration::from_secs(seconds.unwrap_or(PAUSE).min(PATIENCE))),
                }
            }
            StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => {
                InvokeError::TimedOut { detail }
            }
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY => {
                InvokeError::Crashed { detail }
            }
            _ => InvokeError::Refused { detail },
        }
    }
}

/// The innermost reason, which names no URL.
fn cause(error: &reqwest::Error) -> String {
    let mut source: &dyn Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    match source.downcast_ref::<reqwest::Error>() {
        Some(_) => "the request failed".to_owned(),
        None => source.to_string(),
    }
}

#[async_trait]
impl Engine for HttpEngine {
    fn name(&self) -> &'static str {
        "http"
    }

    fn slots(&self) -> u32 {
        self.slots
    }

    fn speculates(&self) -> bool {
        true
    }

    fn remote_cpu_s(&self) -> f64 {
        self.remote.seconds()
    }

    fn at(&self, place: &WorkPlace, work: &str) -> Arc<dyn Engine> {
        Arc::new(Self {
            client: self.client.clone(),
            url: self.url.clone(),
            place: place.clone(),
            work: work.to_owned(),
            remote: RemoteCpu::default(),
            ..*self
        })
    }

    async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError> {
        // When it is cancelled, the worker sees that nobody listens any more.
        let at = (&self.place, self.work.as_str());
        let (time, remote) = (self.time, &self.remote);
        attempt(invocation, at, time, remote, |body, key| {
            self.post(body, key)
        })
        .await
    }
}
