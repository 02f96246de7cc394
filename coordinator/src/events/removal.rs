// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outputs that go with their source.

use super::notice::Notice;
use super::service::Service;
use super::uploads::found;
use crate::error::{JobError, Result};
use crate::jobs::Media;
use framemill_store::{self as store, Location, StoreError};
use framemill_worker::SourceRef;

impl Service {
    /// Removes the outputs of a source that is no more, where rules say so.
    pub(super) async fn removed(&self, notice: &Notice) -> Result<()> {
        let rules = self.rules.iter().filter(|rule| rule.removes);
        for rule in rules.filter(|r| r.takes_key(&notice.place, &notice.key)) {
            let uri = rule.from.uri(&notice.key);
            if found(&uri).await?.is_some() {
                // It is there again.
                return Ok(());
            }
            for media in [Media::Video, Media::Image] {
                let source = SourceRef {
                    uri: uri.clone(),
                    version: String::new(),
                    size: 0,
                };
                let lane = rule.order(&notice.key, source, media).id().lane;
                self.remove_lane(&lane).await?;
            }
        }
        Ok(())
    }

    /// Removes all that jobs of a lane have made, and forgets them.
    pub(super) async fn remove_lane(&self, lane: &str) -> Result<()> {
        let records = &self.shop.records;
        for id in records.all_ended_of(lane).await? {
            let Some(ended) = records.ended(&id).await? else {
                continue;
            };
            for made in &ended.outputs {
                let remove = async {
                    let (blobs, key) = store::open(&Location::parse(&made.uri)?).await?;
                    match blobs.head(&key).await {
                        // What somebody else has put there since is not ours to remove.
                        Ok(meta) if meta.version.as_str() == made.version => {
                            blobs.delete(&key).await
                        }
                        Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
                        Err(error) => Err(error),
                    }
                };
                let removed = remove.await;
                removed.map_err(|e| JobError::Failed(format!("{}: {e}", made.uri)))?;
            }
            records.forget(&id).await?;
        }
        Ok(())
    }
}
