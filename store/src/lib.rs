// SPDX-License-Identifier: MIT OR Apache-2.0
//! Blobs by key: where sources are read from and outputs are written to.
//!
//! | Module | What is in it |
//! |---|---|
//! | `store` | the [`Store`] and [`Upload`] traits and the values that cross them |
//! | `error` | [`StoreError`], and the [`Class`] that callers act on |
//! | `key` | which keys are allowed |
//! | `dir` | [`DirStore`]: files under a directory |
//! | `memory` | [`MemoryStore`]: this process's memory |
//! | `s3` | [`S3Store`]: a bucket, at AWS or at another endpoint |
//! | `http` | [`HttpStore`]: one file at a URL, to read |
//! | `retry` | the few tries of the two above |
//! | `uri` | [`Location`]: what users write, and [`open`] |
//! | `blocking` | [`Blocking`]: a store for worker threads |
//! | `read` | [`RangeReader`] for demuxers, [`ExtentReader`] for known byte ranges |
//! | [`contract`] | the suite that every store passes |
//!
//! An error says by its class whether another try makes sense, and the scheduler decides. Stores
//! on a network first try a few times themselves.

mod blocking;
pub mod contract;
mod dir;
mod error;
mod http;
mod http_range;
mod key;
mod memory;
mod read;
mod retry;
mod s3;
mod store;
mod uri;

pub use blocking::{Blocking, BlockingUpload};
pub use dir::DirStore;
pub use error::{Class, Operation, Result, StoreError};
pub use http::{http_client_builder, tls_by_system_roots, HttpStore, HttpUrl};
pub use key::{check_key, MAX_KEY};
pub use memory::MemoryStore;
pub use read::{
    plan_fetches, Extent, ExtentOptions, ExtentReader, Fetch, RangeReader, ReadStats, ReaderOptions,
};
pub use s3::{PresignedUrl, S3Credentials, S3Options, S3Store};
pub use store::{Entry, Meta, Page, PutMode, Store, Upload, Version};
pub use uri::{open, shown, Location, StoreRoot, SUPPORTED};
