// SPDX-License-Identifier: MIT OR Apache-2.0
//! Failures as our errors, without anything of the URL but what it shows.

use std::error::Error;
use std::io;

use reqwest::StatusCode;

use super::HttpUrl;
use crate::{Operation, StoreError};

/// Where and in what an error happened.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub operation: Operation,
    pub key: &'a str,
    pub url: &'a HttpUrl,
}

impl Site<'_> {
    /// Our error where there was no proper answer. The client's own texts may hold the URL, so
    /// only those of the operating system are passed on.
    pub fn failure(&self, error: &reqwest::Error) -> StoreError {
        let cause = io_cause(error);
        if cause.is_some_and(|os| os.kind() == io::ErrorKind::PermissionDenied) {
            // The caller's client does not go there.
            return StoreError::Denied {
                operation: self.operation,
                key: self.key.to_owned(),
                detail: cause.map_or(String::new(), ToString::to_string),
            };
        }
        let os = cause.map(|os| format!(": {os}")).unwrap_or_default();
        if error.is_redirect() {
            return self.location("it redirects too often, or from https: to http:");
        }
        if error.is_builder() {
            return self.location("it cannot be asked for");
        }
        if error.is_timeout() {
            return self.transient("no answer in time");
        }
        if error.is_connect() {
            return self.transient(&format!("no connection to the server{os}"));
        }
        self.transient(&format!("the transfer broke off{os}"))
    }

    /// Our error for an answer that is no success.
    pub fn status(&self, status: StatusCode) -> StoreError {
        let (operation, key) = (self.operation, self.key.to_owned());
        let detail = format!("the server answered {}", status.as_u16());
        match status.as_u16() {
            404 | 410 => StoreError::NotFound { operation, key },
            401 | 403 | 407 | 451 => StoreError::Denied {
                operation,
                key,
                detail,
            },
            429 | 503 => StoreError::Throttled {
                operation,
                key,
                detail,
            },
            408 | 425 | 500.. => self.transient(&detail),
            _ => self.location(&detail),
        }
    }

    /// An error about the URL itself.
    pub fn location(&self, detail: &str) -> StoreError {
        StoreError::InvalidLocation {
            location: self.url.to_string(),
            detail: detail.to_owned(),
        }
    }

    /// An error that may pass.
    pub fn transient(&self, detail: &str) -> StoreError {
        StoreError::Transient {
            operation: self.operation,
            key: self.key.to_owned(),
            detail: detail.replace(|c: char| c.is_control(), " "),
        }
    }

    /// What this store, or this server, cannot do.
    pub fn unsupported(&self, detail: &str) -> StoreError {
        StoreError::Unsupported {
            operation: self.operation,
            key: self.key.to_owned(),
            detail: detail.to_owned(),
        }
    }
}

fn io_cause(error: &reqwest::Error) -> Option<&io::Error> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(os) = error.downcast_ref::<io::Error>() {
            return Some(os);
        }
        next = error.source();
    }
    None
}
