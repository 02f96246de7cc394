// SPDX-License-Identifier: MIT OR Apache-2.0
//! Listings and deletes.

use aws_sdk_s3::types::{EncodingType, Object};

use super::Bucket;
use crate::retry::retried;
use crate::uri::decode;
use crate::{Entry, Operation, Page, Result, StoreError};

/// The most keys that S3 lists at once.
const PAGE: usize = 1000;

/// What a page's end is told apart from a key by, which never holds it.
const TOKEN: char = '\0';

impl Bucket {
    /// One page, of at most 1,000 keys. It ends in S3's own continuation token: from the last key
    /// on, some servers skip others.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page> {
        let site = self.site(Operation::List, prefix);
        let limit = limit.clamp(1, PAGE);
        let (token, key) = match after.and_then(|after| after.strip_prefix(TOKEN)) {
            Some(token) => (Some(token), None),
            None => (None, after),
        };
        let answer = retried(|_| async move {
            let request = self.client.list_objects_v2().bucket(&self.name);
            let request = request
                .prefix(prefix)
                .set_continuation_token(token.map(str::to_owned))
                .set_start_after(key.map(str::to_owned))
                .max_keys(limit as i32)
                // Some characters cannot be said in XML.
                .encoding_type(EncodingType::Url);
            request.send().await.map_err(|e| site.fault(&e))
        })
        .await?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let entries = answer.contents().iter().map(|object| {
            entry(object, encoded).ok_or_else(|| site.transient("the listing holds no proper key"))
        });
        let mut entries: Vec<Entry> = entries.collect::<Result<_>>()?;
        let next = match (answer.is_truncated(), answer.next_continuation_token()) {
            (Some(true), Some(next)) if Some(next) != token => Some(format!("{TOKEN}{next}")),
            (Some(true), _) => return Err(site.transient("a listing that never ends")),
            _ => None,
        };
        // SeaweedFS takes two slashes in a prefix for one.
        entries.retain(|entry| entry.key.starts_with(prefix));
        Ok(Page { entries, next })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        let site = self.site(Operation::Delete, key);
        retried(|_| async move {
            let request = self.client.delete_object().bucket(&self.name).key(key);
            match request.send().await.map_err(|e| site.fault(&e)) {
                Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

fn entry(object: &Object, encoded: bool) -> Option<Entry> {
    let key = object.key()?;
    let key = match encoded {
        // As in forms, a plus is a space; a plus itself is escaped.
        true => decode(&key.replace('+', " "))?,
        false => key.to_owned(),
    };
    let size = u64::try_from(object.size()?).ok()?;
    Some(Entry { key, size })
}
