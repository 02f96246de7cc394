// SPDX-License-Identifier: MIT OR Apache-2.0
//! A work store of which a task sees only what it names.

use crate::encode::{EncodeTask, PacketSource};
use crate::run::WorkPlace;
use crate::Task;
use async_trait::async_trait;
use bytes::Bytes;
use framemill_store::{Meta, Operation, Page, PutMode, Result, Store, StoreError, Upload, Version};
use std::ops::Range;
use std::sync::Arc;

/// The keys below the work store's place that a task reads, beside its own outputs.
fn inputs(task: &Task) -> Vec<String> {
    let packets = |task: &EncodeTask| match &task.source {
        PacketSource::Source(_) => None,
        PacketSource::Work { key, .. } => Some(key.clone()),
    };
    match task {
        Task::Index(_) | Task::Track(_) | Task::Thumb(_) => Vec::new(),
        Task::Encode(task) => packets(task).into_iter().collect(),
        Task::Rebase(task) => packets(&task.chunk)
            .into_iter()
            .chain([
                task.draft.data_key(),
                task.from.outcome_key(),
                task.from.state_key(),
            ])
            .collect(),
    }
}

/// A store that gives the inputs of one task and takes its outputs.
#[derive(Debug)]
struct Fence {
    store: Arc<dyn Store>,
    reads: Vec<String>,
    /// What the keys of the task's outputs start with.
    own: String,
}

/// `place`, with all else in its work store out of the task's reach.
#[must_use]
pub fn fenced(task: &Task, place: &WorkPlace) -> WorkPlace {
    let reads = inputs(task);
    WorkPlace {
        work: Arc::new(Fence {
            store: place.work.clone(),
            reads: reads.iter().map(|key| place.full_key(key)).collect(),
            own: place.full_key(&format!("out/{}.", task.key())),
        }),
        ..place.clone()
    }
}

impl Fence {
    fn check(&self, operation: Operation, key: &str) -> Result<()> {
        let own =
            key.starts_with(&self.own) && matches!(operation, Operation::Write | Operation::Read);
        if own || (operation == Operation::Read && self.reads.iter().any(|read| read == key)) {
            return Ok(());
        }
        Err(StoreError::Bug {
            operation,
            key: key.to_owned(),
            detail: "the task does not name it".into(),
        })
    }
}

#[async_trait]
impl Store for Fence {
    async fn head(&self, key: &str) -> Result<Meta> {
        self.check(Operation::Read, key)?;
        self.store.head(key).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes> {
        self.check(Operation::Read, key)?;
        self.store.get_range(key, range, expect).await
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Bytes> {
        self.check(Operation::Read, key)?;
        self.store.get(key, limit).await
    }

    async fn put(&self, key: &str, body: Bytes, mode: PutMode) -> Result<Version> {
        self.check(Operation::Write, key)?;
        self.store.put(key, body, mode).await
    }

    async fn writer(&self, key: &str, mode: PutMode) -> Result<Box<dyn Upload>> {
        self.check(Operation::Write, key)?;
        self.store.writer(key, mode).await
    }

    async fn list(&self, prefix: &str, _: Option<&str>, _: usize) -> Result<Page> {
        self.check(Operation::List, prefix)?;
        Ok(Page::default())
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.check(Operation::Delete, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::IndexTask;
    use crate::SourceRef;
    use framemill_store::MemoryStore;
    use tokio::runtime::Handle;

    #[tokio::test]
    async fn what_a_task_does_not_name_is_out_of_reach() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::named("fence-tests"));
        let task = Task::Index(IndexTask {
            source: SourceRef {
                uri: "/a".into(),
                version: "1".into(),
                size: 1,
            },
            decode: false,
        });
        let place = WorkPlace {
            handle: Handle::current(),
            work: store.clone(),
            prefix: "job/".into(),
            simd: None,
        };
        let body = Bytes::from_static(b"x");
        let put = store.put("job/out/other.data", body.clone(), PutMode::Overwrite);
        put.await.unwrap();
        let work = fenced(&task, &place).work;
        let own = place.full_key(&task.key().data_key());
        work.put(&own, body.clone(), PutMode::Overwrite)
            .await
            .unwrap();
        assert_eq!(work.get(&own, 1).await, Ok(body.clone()));
        for key in ["job/out/other.data", "job/", &own[4..], "/etc/passwd"] {
            let outside = [
                work.head(key).await.err(),
                work.get(key, 9).await.err(),
                work.get_range(key, 0..1, None).await.err(),
                work.put(key, body.clone(), PutMode::Overwrite).await.err(),
                work.writer(key, PutMode::Create).await.err(),
                work.delete(key).await.err(),
                work.list(key, None, 9).await.err(),
            ];
            for error in outside {
                assert!(
                    matches!(error, Some(StoreError::Bug { .. })),
                    "{key}: {error:?}"
                );
            }
        }
        assert!(work.delete(&own).await.is_err());
    }
}
