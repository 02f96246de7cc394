// SPDX-License-Identifier: MIT OR Apache-2.0
//! The SDK's errors as ours.
//!
//! A message is made of a code that the service sent and of words from here. What services write
//! themselves may echo a request's headers, and so is passed on only where it helps and only if
//! it holds nothing of the sort.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::{Operation, StoreError, Version};

/// Where and in what an error happened.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub operation: Operation,
    pub bucket: &'a str,
    pub key: &'a str,
}

/// What S3 answered instead of doing as it was asked.
#[derive(Clone, Copy, Default)]
struct Answer<'a> {
    status: u16,
    code: &'a str,
    message: &'a str,
    region: Option<&'a str>,
}

impl Site<'_> {
    /// Our error for any of the SDK's.
    pub fn fault<E>(&self, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        if let Some(error) = cause::<CredentialsError>(error) {
            return self.credentials(error);
        }
        let header = |response: &'_ HttpResponse| {
            let region = response.headers().get("x-amz-bucket-region");
            region.filter(|name| is_word(name)).map(str::to_owned)
        };
        match error {
            SdkError::ServiceError(answered) => {
                let region = header(answered.raw());
                self.answer(Answer {
                    status: answered.raw().status().as_u16(),
                    code: answered.err().code().filter(|c| is_word(c)).unwrap_or(""),
                    message: answered.err().message().unwrap_or(""),
                    region: region.as_deref(),
                })
            }
            SdkError::ResponseError(garbled) => match garbled.raw().status().as_u16() {
                200..=299 => self.transient("the answer could not be read"),
                status => self.answer(Answer {
                    status,
                    ..Answer::default()
                }),
            },
            SdkError::TimeoutError(_) => self.transient("no answer in time"),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                self.transient("no connection in time")
            }
            SdkError::DispatchFailure(_) => match cause::<io::Error>(error) {
                Some(os) => self.transient(&format!("the endpoint cannot be reached: {os}")),
                None => self.transient("the endpoint cannot be reached"),
            },
            _ => StoreError::Bug {
                operation: self.operation,
                key: self.key.to_owned(),
                detail: "the request could not be built".into(),
            },
        }
    }

    /// Our error for a body that broke off.
    pub fn broken_body(&self, error: &(dyn Error + 'static)) -> StoreError {
        match cause::<io::Error>(error) {
            Some(os) => self.transient(&format!("the transfer broke off: {os}")),
            None => self.transient("the transfer broke off, or its checksum is wrong"),
        }
    }

    /// Our error for credentials that were not found.
    pub fn credentials(&self, error: &CredentialsError) -> StoreError {
        match error {
            CredentialsError::ProviderTimedOut(_) => {
                self.transient("the provider of credentials did not answer in time")
            }
            CredentialsError::InvalidConfiguration(_) => {
                self.denied("the configuration of AWS credentials is wrong")
            }
            CredentialsError::CredentialsNotLoaded(_) => self.denied(
                "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run under a role",
            ),
            _ => self.denied("AWS credentials could not be had"),
        }
    }

    fn answer(&self, answer: Answer<'_>) -> StoreError {
        let Answer { status, code, .. } = answer;
        let (operation, key) = (self.operation, self.key.to_owned());
        match (status, code) {
            (_, "NoSuchBucket") => self.location("there is no such bucket"),
            (_, "InvalidBucketName") => self.location("that is no name for a bucket"),
            (_, "KeyTooLongError") => StoreError::InvalidKey {
                key,
                detail: "it is too long".into(),
            },
            (301 | 307, _)
            | (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                self.wrong_region(answer.region)
            }
            (400, _) if answer.region.is_some() && code.is_empty() => {
                self.wrong_region(answer.region)
            }
            (_, "NoSuchUpload") => self.transient("the upload is gone"),
            (404, _) => StoreError::NotFound { operation, key },
            (409, "ConditionalRequestConflict" | "OperationAborted") => {
                self.transient(&format!("another write was under way ({code})"))
            }
            (
                _,
                "BadDigest"
                | "InvalidDigest"
                | "IncompleteBody"
                | "RequestTimeout"
                | "XAmzContentSHA256Mismatch"
                | "XAmzContentChecksumMismatch",
            ) => self.transient(&format!("the transfer failed ({code})")),
            (429 | 503, _) | (_, "SlowDown" | "Throttling" | "RequestLimitExceeded") => {
                StoreError::Throttled {
                    operation,
                    key,
                    detail: words(status, code),
                }
            }
            (507, _) | (_, "QuotaExceeded") => StoreError::Full {
                operation,
                key,
                detail: words(status, code),
            },
            (501 | 405, _) => self.unsupported(&words(status, code)),
            (408 | 500.., _) => self.transient(&words(status, code)),
            _ => self.refused(answer),
        }
    }

    /// Our error for an answer that stays the same however often it is asked for.
    fn refused(&self, answer: Answer<'_>) -> StoreError {
        let Answer { status, code, .. } = answer;
        let detail = match (status, code) {
            (_, "SignatureDoesNotMatch") => "the secret access key is wrong",
            (_, "InvalidAccessKeyId") => "the access key id is not known there",
            (_, "ExpiredToken" | "TokenRefreshRequired") => "the credentials have expired",
            (_, "InvalidToken") => "the session token is wrong",
            (_, "RequestTimeTooSkewed") => "the clock of this machine is off",
            (_, "InvalidObjectState") => "it is archived and has to be restored first",
            (_, "AccessDenied") => return self.denied(&access_denied(answer.message)),
            (401 | 403, "") if self.operation == Operation::Head => {
                "access is denied, or it does not exist and the bucket may not be listed"
            }
            (401 | 403, _) => return self.denied(&words(status, code)),
            _ => return self.unsupported(&words(status, code)),
        };
        self.denied(&format!("{detail} ({})", words(status, code)))
    }

    fn wrong_region(&self, region: Option<&str>) -> StoreError {
        match region {
            Some(region) => self.location(&format!(
                "the bucket is in the region {region}; set AWS_REGION={region}"
            )),
            None => self.location("the bucket is in another region; set AWS_REGION"),
        }
    }

    /// An error about the bucket itself.
    pub fn location(&self, detail: &str) -> StoreError {
        StoreError::InvalidLocation {
            location: format!("s3://{}", self.bucket),
            detail: detail.to_owned(),
        }
    }

    /// An error that may pass.
    pub fn transient(&self, detail: &str) -> StoreError {
        StoreError::Transient {
            operation: self.operation,
            key: self.key.to_owned(),
            detail: one_line(detail),
        }
    }

    /// A refusal for lack of permission.
    pub fn denied(&self, detail: &str) -> StoreError {
        StoreError::Denied {
            operation: self.operation,
            key: self.key.to_owned(),
            detail: one_line(detail),
        }
    }

    /// What this store cannot do.
    pub fn unsupported(&self, detail: &str) -> StoreError {
        StoreError::Unsupported {
            operation: self.operation,
            key: self.key.to_owned(),
            detail: one_line(detail),
        }
    }

    /// The blob is not the version that was asked for.
    pub fn changed(&self, expected: &Version) -> StoreError {
        StoreError::Changed {
            key: self.key.to_owned(),
            expected: expected.clone(),
            found: None,
        }
    }
}

/// The HTTP status of an answer, where there was one.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|raw| raw.status().as_u16())
}

fn words(status: u16, code: &str) -> String {
    match code {
        "" => format!("the store answered {status}"),
        code => format!("the store answered {status} {code}"),
    }
}

/// Who may not do what, as IAM words it.
fn access_denied(message: &str) -> String {
    let echoes = [
        "signature",
        "credential",
        "x-amz",
        "aws4",
        "authorization",
        "token",
    ];
    let lower = message.to_ascii_lowercase();
    let plain = ["", "access denied", "access denied."].contains(&lower.as_str());
    if plain || message.len() > 400 || echoes.iter().any(|word| lower.contains(word)) {
        return "access is denied".into();
    }
    format!("access is denied: {message}")
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// Whether a text is short and of letters, digits, `-`, `_` and `.` alone, as codes and regions are.
fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(fits)
}

/// The first error of a type among an error and its causes.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
