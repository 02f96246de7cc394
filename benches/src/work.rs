// SPDX-License-Identifier: MIT OR Apache-2.0
//! A folder to work in, as a job has one.

use framemill_store::{self as store, Location};
use framemill_worker::WorkPlace;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A runtime and a work store in a folder that goes away with it.
pub struct Workshop {
    /// The runtime that drives stores.
    pub runtime: Runtime,
    /// The work store.
    pub place: WorkPlace,
    /// The folder.
    pub folder: TempDir,
}

impl Workshop {
    /// Opens one among the generated media, so on the disk that holds `target`.
    ///
    /// # Errors
    /// The system's.
    pub fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir_in(crate::media::folder()?).map_err(|e| e.to_string())?;
        let runtime = Runtime::new().map_err(|e| e.to_string())?;
        let uri = folder.path().join("work").to_string_lossy().into_owned();
        let location = Location::parse_place(&uri).map_err(|e| e.to_string())?;
        let opened = runtime.block_on(store::open(&location));
        let (work, prefix) = opened.map_err(|e| e.to_string())?;
        let handle = runtime.handle().clone();
        Ok(Self {
            runtime,
            place: WorkPlace {
                handle,
                work,
                prefix,
                simd: None,
            },
            folder,
        })
    }
}
