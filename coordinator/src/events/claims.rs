// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outputs have one source: `a.mov` and `a.mp4` must not take turns in being `a-540.mp4`.

use crate::batch::orders::output_names;
use crate::error::{JobError, Result};
use crate::jobs::{Order, Records};
use framemill_store::{self as store, Location, PutMode, StoreError};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Claim {
    output: String,
    source: String,
}

/// Claims all outputs of an order for its source; one that has gone has no claim any more.
///
/// # Errors
/// [`JobError::Usage`] for an output of another source, and the store's.
pub async fn claim(records: &Records, order: &Order) -> Result<()> {
    let source = store::shown(&order.source.uri);
    for output in output_names(order)? {
        let name = format!(
            "jobs/outputs/{}.json",
            blake3::hash(output.as_bytes()).to_hex()
        );
        let claim = Claim {
            output,
            source: source.clone(),
        };
        if records.put(&name, &claim, PutMode::Create).await? {
            continue;
        }
        let Some(held) = records.get::<Claim>(&name).await? else {
            continue;
        };
        if held.source == source {
            continue;
        }
        if is_there(&held.source).await? {
            return Err(JobError::Usage(format!(
                "{} is made of {} already",
                held.output, held.source
            )));
        }
        records.put(&name, &claim, PutMode::Overwrite).await?;
    }
    Ok(())
}

async fn is_there(source: &str) -> Result<bool> {
    let look = async {
        let (blobs, key) = store::open(&Location::parse(source)?).await?;
        blobs.head(&key).await
    };
    match look.await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(JobError::Failed(error.to_string())),
    }
}
