// SPDX-License-Identifier: MIT OR Apache-2.0
//! Orders on threads of this process, in folders of a test's own.

use super::run::Known;
use super::{Media, Order, Records, Shop, Status, Watch};
use crate::engine::LocalEngine;
use crate::error::JobError;
use crate::job::open_work;
use crate::limits::Limits;
use framemill_worker::SourceRef;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PROFILE: &str = "[[image]]\nname='16'\nextension='png'\noptions='w:16'\n";

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/test.png");
        std::fs::copy(sample, folder.path().join("a.png")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn shop(&self) -> Shop {
        let work = self.path("work").display().to_string();
        let place = open_work(&work, None).await.unwrap();
        let engine = Arc::new(LocalEngine::new(place, work.clone(), 2));
        let records = Records::at(&work).await.unwrap();
        Shop::new(records, engine, Limits::default(), Duration::from_secs(9))
    }

    async fn order(&self, name: &str) -> Order {
        let uri = self.path(name).display().to_string();
        let source = SourceRef::look_up(&uri).await.unwrap();
        Order {
            source,
            media: Media::Image,
            profile: PROFILE.into(),
            place: self.path("out").display().to_string(),
            stem: "a".into(),
            overwrite: false,
        }
    }
}

async fn run(shop: &Shop, order: &Order, known: Known) -> Result<(Status, bool), JobError> {
    let (cancel, watch) = (CancellationToken::new(), Watch::default());
    let (ended, first) = shop.run(order, known, &cancel, &watch).await?;
    Ok((ended.status, first))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_done_once_by_however_many() {
    let bench = Bench::new();
    let (one, two) = (bench.shop().await, bench.shop().await);
    let order = bench.order("a.png").await;
    let since = Known::Since(0.0);
    let (a, b) = tokio::join!(run(&one, &order, since), run(&two, &order, since));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!((a.0, b.0), (Status::Done, Status::Done));
    assert_ne!(a.1, b.1, "one of them has done it");
    let left = one.records.list("jobs/open/").await.unwrap();
    assert_eq!(left, [], "nothing is left of it");
    // Nor of one who died between its end and the removal of what it left.
    one.records.begin(&order.id(), &order).await.unwrap();
    assert_eq!(
        run(&two, &order, since).await.unwrap(),
        (Status::Done, false)
    );
    assert_eq!(one.records.list("jobs/open/").await.unwrap(), []);
    let before = std::fs::metadata(bench.path("out/a-16.png")).unwrap();
    assert_eq!(
        run(&one, &order, Known::IfThere).await.unwrap(),
        (Status::Done, false)
    );
    // An upload told later than the end, and whoever asks for outputs that are gone, get them.
    std::fs::remove_file(bench.path("out/a-16.png")).unwrap();
    assert_eq!(
        run(&one, &order, since).await.unwrap(),
        (Status::Done, false)
    );
    assert!(
        !bench.path("out/a-16.png").exists(),
        "an old message makes nothing"
    );
    let later = Known::Since(super::now_s() + 100.0);
    assert_eq!(
        run(&one, &order, later).await.unwrap(),
        (Status::Done, true)
    );
    let after = std::fs::metadata(bench.path("out/a-16.png")).unwrap();
    assert_eq!(before.len(), after.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_the_source_is_told_apart() {
    let bench = Bench::new();
    let shop = bench.shop().await;
    let since = Known::Since(0.0);
    std::fs::write(bench.path("bad.png"), "no picture").unwrap();
    let bad = bench.order("bad.png").await;
    let (cancel, watch) = (CancellationToken::new(), Watch::default());
    let (ended, _) = shop.run(&bad, since, &cancel, &watch).await.unwrap();
    assert_eq!(ended.status, Status::Failed);
    assert!(!ended.reason.unwrap().is_empty());
    assert_eq!(
        run(&shop, &bad, since).await.unwrap(),
        (Status::Failed, false)
    );
    assert_eq!(
        run(&shop, &bad, Known::IfThere).await.unwrap(),
        (Status::Failed, true)
    );

    let order = bench.order("a.png").await;
    std::fs::copy(bench.path("a.png"), bench.path("b.png")).unwrap();
    std::fs::write(bench.path("a.png"), "something else").unwrap();
    assert_eq!(
        run(&shop, &order, since).await.unwrap().0,
        Status::Superseded
    );
    let gone = bench.order("b.png").await;
    std::fs::remove_file(bench.path("b.png")).unwrap();
    assert_eq!(run(&shop, &gone, since).await.unwrap().0, Status::Gone);
    assert!(!bench.path("out/a-16.png").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_job_stays_open_and_its_lane_free() {
    let bench = Bench::new();
    let shop = bench.shop().await;
    let order = bench.order("a.png").await;
    let (cancel, watch) = (CancellationToken::new(), Watch::default());
    cancel.cancel();
    let result = shop.run(&order, Known::IfThere, &cancel, &watch).await;
    assert!(
        matches!(result, Err(JobError::Interrupted(_))),
        "{result:?}"
    );
    assert_eq!(shop.records.all_open().await.unwrap(), [order.id()]);
    let held = super::lease::holder(&shop.records, &order.id())
        .await
        .unwrap();
    assert!(held.is_none(), "{held:?}");
    assert_eq!(
        run(&shop, &order, Known::IfThere).await.unwrap(),
        (Status::Done, true)
    );
    assert!(shop.records.all_open().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_of_a_job_that_failed_are_known() {
    let bench = Bench::new();
    let shop = bench.shop().await;
    let mut order = bench.order("a.png").await;
    order
        .profile
        .push_str("[[image]]\nname='x'\nextension='png'\noptions='w:8'\n");
    std::fs::create_dir(bench.path("out")).unwrap();
    std::fs::write(bench.path("out/a-x.png"), "mine").unwrap();
    let (cancel, watch) = (CancellationToken::new(), Watch::default());
    let ended = shop.run(&order, Known::IfThere, &cancel, &watch).await;
    let (ended, _) = ended.unwrap();
    assert_eq!(ended.status, Status::Failed);
    assert!(ended.reason.unwrap().contains("a-x.png: exists"));
    let made: Vec<_> = ended.outputs.iter().map(|made| &*made.uri).collect();
    assert_eq!(made, [bench.path("out/a-16.png").to_str().unwrap()]);
    assert_eq!(std::fs::read(bench.path("out/a-x.png")).unwrap(), b"mine");
}
