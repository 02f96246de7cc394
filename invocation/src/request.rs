// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a worker is asked.

use crate::{Refusal, PROTOCOL};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One attempt at a task. Nothing in it is secret but what a task's own
/// source address may hold; such tasks go through the work store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request<T> {
    /// [`PROTOCOL`] of who asks.
    pub protocol: u32,
    /// The build that must do the task: its sources, libraries and architecture.
    pub build: String,
    /// The task's key, which the worker compares with its own idea of it.
    pub key: String,
    /// The work store's place, such as `s3://BUCKET/PREFIX`.
    pub work: String,
    /// How long the attempt may take, in milliseconds.
    pub time_ms: u64,
    /// The task, or where it is.
    pub task: TaskRef<T>,
}

/// A task, or where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskRef<T> {
    /// The task itself.
    Inline(T),
    /// A blob of the work store that holds it as JSON.
    Stored {
        /// Its key below the work store's place.
        key: String,
    },
}

/// The one field that every version has.
#[derive(Deserialize)]
struct Version {
    protocol: u32,
}

impl<T: DeserializeOwned> Request<T> {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Refusal::Protocol`] for one of another version, whatever else it holds,
    /// and [`Refusal::Request`] for what is no request.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let wrong = |e: serde_json::Error| Refusal::Request {
            detail: format!("a request is expected: {e}"),
        };
        let version: Version = serde_json::from_slice(bytes).map_err(wrong)?;
        if version.protocol != PROTOCOL {
            return Err(Refusal::Protocol {
                asked: version.protocol,
                worker: PROTOCOL,
            });
        }
        serde_json::from_slice(bytes).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, Value};

    #[test]
    fn another_version_is_named_whatever_else_is_there() {
        let refusal = Request::<Value>::parse(br#"{"protocol":7,"tasks":[1]}"#).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::Protocol {
                asked: 7,
                worker: PROTOCOL
            }
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let texts: [&[u8]; 5] = [b"", b"{", b"[]", b"\xff", br#"{"protocol":1,"build":""}"#];
        for text in texts {
            let refusal = Request::<Value>::parse(text).unwrap_err();
            assert!(matches!(refusal, Refusal::Request { .. }), "{refusal}");
            assert!(!refusal.to_string().contains('\n'));
        }
    }

    #[test]
    fn text_and_back() {
        let request = Request {
            protocol: PROTOCOL,
            build: "b".into(),
            key: "00".into(),
            work: "/w".into(),
            time_ms: 5,
            task: TaskRef::Inline(json!({"task": "index"})),
        };
        let text = serde_json::to_vec(&request).unwrap();
        assert_eq!(Request::parse(&text), Ok(request));
    }
}
