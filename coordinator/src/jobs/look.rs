// SPDX-License-Identifier: MIT OR Apache-2.0
//! What lies where sources and outputs are, at the moment.

use super::{Made, Order};
use crate::error::{JobError, Result};
use framemill_store::{self as store, Location, Meta, StoreError};

/// What is known of a blob; `None` for none.
///
/// # Errors
/// [`JobError::Failed`] where the store does not say.
pub(super) async fn at(location: &Location) -> Result<Option<Meta>> {
    let look = async {
        let (blobs, key) = store::open(location).await?;
        blobs.head(&key).await
    };
    match look.await {
        Ok(meta) => Ok(Some(meta)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(JobError::Failed(format!("{location}: {error}"))),
    }
}

fn place(uri: &str) -> Result<Location> {
    let location = Location::parse(uri);
    location.map_err(|error| JobError::Failed(error.to_string()))
}

/// The version of a source as it is now; `None` for none.
pub(super) async fn now_there(order: &Order) -> Result<Option<String>> {
    let meta = at(&place(&order.source.uri)?).await?;
    Ok(meta.map(|meta| meta.version.as_str().to_owned()))
}

/// Whether all outputs lie there as they were made.
pub(super) async fn are_there(outputs: &[Made]) -> Result<bool> {
    for made in outputs {
        let meta = at(&place(&made.uri)?).await?;
        if meta.is_none_or(|meta| meta.version.as_str() != made.version) {
            return Ok(false);
        }
    }
    Ok(true)
}
