// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill jobs`: what batches and upload events have left in a work place.

use super::console;
use crate::error::{JobError, Result};
use crate::job::absolute;
use crate::jobs::record::Open;
use crate::jobs::{lease, now_s, Ended, Id, Records, Status};
use framemill_store as store;
use serde_json::json;
use std::collections::HashSet;
use std::future::Future;
use tokio::task::JoinSet;

/// Records that are read at once.
const READS: usize = 32;
/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// Arguments of `framemill jobs`.
#[derive(clap::Args, Clone, Debug)]
pub struct JobsArgs {
    #[command(subcommand)]
    command: Command,
}

/// Where jobs are remembered.
#[derive(clap::Args, Clone, Debug)]
struct Place {
    /// The --work-dir of the batch or of serve events: a folder or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URI")]
    work_dir: String,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Name the jobs, those at work first
    List {
        #[command(flatten)]
        place: Place,
        /// Only those that are: open, done, failed, gone, superseded or cancelled
        #[arg(long, value_name = "STATUS", value_parser = ["open", "done", "failed", "gone", "superseded", "cancelled"])]
        status: Option<String>,
        /// A JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Say all that is known of one, as JSON
    Show {
        #[command(flatten)]
        place: Place,
        /// Its name, as list gives it
        #[arg(value_name = "JOB")]
        id: Id,
    },
    /// Stop jobs; what they have made stays
    Cancel {
        #[command(flatten)]
        place: Place,
        /// Their names
        #[arg(required = true, value_name = "JOB")]
        ids: Vec<Id>,
    },
    /// Open jobs again that have failed or were cancelled: serve events takes them up
    Retry {
        #[command(flatten)]
        place: Place,
        /// Their names
        #[arg(value_name = "JOB", required_unless_present = "failed")]
        ids: Vec<Id>,
        /// All that have failed
        #[arg(long)]
        failed: bool,
    },
    /// Remove what ended jobs have left; records of jobs stay
    Gc {
        #[command(flatten)]
        place: Place,
        /// Forget jobs too that ended so many days ago
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=100_000))]
        older_than: Option<u32>,
        /// Say what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// [`JobError::Usage`] for a job that is not there, or cannot be stopped or tried again.
pub async fn run(args: JobsArgs) -> Result<()> {
    match args.command {
        Command::List {
            place,
            status,
            json,
        } => list(&place.records().await?, status.as_deref(), json).await,
        Command::Show { place, id } => show(&place.records().await?, &id).await,
        Command::Cancel { place, ids } => {
            let records = place.records().await?;
            for id in ids {
                cancel(&records, &id).await?;
            }
            Ok(())
        }
        Command::Retry { place, ids, failed } => retry(&place.records().await?, ids, failed).await,
        Command::Gc {
            place,
            older_than,
            dry_run,
        } => gc(&place.records().await?, older_than, dry_run).await,
    }
}

impl Place {
    async fn records(&self) -> Result<Records> {
        Records::at(&absolute(&self.work_dir)?).await
    }
}

fn absent(id: &Id) -> JobError {
    JobError::Usage(format!("no job is named {id}"))
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::Failed => "failed",
        Status::Gone => "gone",
        Status::Superseded => "superseded",
        Status::Cancelled => "cancelled",
    }
}

/// Reads the records of many jobs; they keep their order.
async fn read_all<T: Send + 'static, F>(
    ids: Vec<Id>,
    read: impl Fn(Id) -> F,
) -> Result<Vec<(Id, T)>>
where
    F: Future<Output = Result<Option<T>>> + Send + 'static,
{
    let mut all: Vec<Option<(Id, T)>> = Vec::new();
    all.resize_with(ids.len(), || None);
    let mut running = JoinSet::new();
    let mut left = ids.into_iter().enumerate();
    loop {
        for (n, id) in left.by_ref().take(READS - running.len()) {
            let reading = read(id.clone());
            running.spawn(async move { (n, id, reading.await) });
        }
        let Some(read) = running.join_next().await else {
            return Ok(all.into_iter().flatten().collect());
        };
        let (n, id, record) = read.map_err(|e| JobError::Failed(e.to_string()))?;
        all[n] = record?.map(|record| (id, record));
    }
}

async fn all_open(records: &Records) -> Result<Vec<(Id, Open)>> {
    let ids = records.all_open().await?;
    let of = |id: Id| {
        let records = records.clone();
        async move { records.open(&id).await }
    };
    read_all(ids, of).await
}

async fn all_ended(records: &Records) -> Result<Vec<(Id, Ended)>> {
    let ids = records.all_ended().await?;
    let of = |id: Id| {
        let records = records.clone();
        async move { records.ended(&id).await }
    };
    read_all(ids, of).await
}

async fn list(records: &Records, status: Option<&str>, json: bool) -> Result<()> {
    let wanted = |word: &str| status.is_none_or(|wanted| wanted == word);
    if wanted("open") {
        for (id, open) in all_open(records).await? {
            let input = store::shown(&open.order.source.uri);
            let held = lease::holder(records, &id).await?.is_some();
            let age = now_s() - open.since_s;
            let line = match json {
                true => json!({"job": id.to_string(), "status": "open", "input": input, "at_work": held, "age_s": age}).to_string(),
                false => {
                    let state = if held { "at work" } else { "waits" };
                    format!("{id}  {state:<10} {age:>8.0} s  {input}")
                }
            };
            console::say(&line);
        }
    }
    for (id, ended) in all_ended(records).await? {
        if !wanted(word(ended.status)) {
            continue;
        }
        let input = store::shown(&ended.order.source.uri);
        let (status, took) = (word(ended.status), ended.ended_s - ended.began_s);
        let line = if json {
            json!({
                "job": id.to_string(), "status": status, "input": input, "reason": ended.reason,
                "outputs": ended.outputs.len(), "seconds": took, "ended_s": ended.ended_s,
            })
            .to_string()
        } else {
            let reason = ended.reason.map_or(String::new(), |r| format!(": {r}"));
            format!("{id}  {status:<10} {took:>8.1} s  {input}{reason}")
        };
        console::say(&line);
    }
    Ok(())
}

async fn show(records: &Records, id: &Id) -> Result<()> {
    let value = if let Some(open) = records.open(id).await? {
        let lease = lease::holder(records, id).await?;
        json!({
            "job": id.to_string(), "status": "open", "order": open.order,
            "since_s": open.since_s, "held": lease,
            "cancel_asked": records.is_cancelled(id).await?,
        })
    } else {
        let ended = records.ended(id).await?.ok_or_else(|| absent(id))?;
        let mut value =
            serde_json::to_value(&ended).map_err(|e| JobError::Failed(e.to_string()))?;
        value["job"] = id.to_string().into();
        value
    };
    let text = serde_json::to_string_pretty(&value);
    console::say(&text.map_err(|e| JobError::Failed(e.to_string()))?);
    Ok(())
}

async fn cancel(records: &Records, id: &Id) -> Result<()> {
    let Some(open) = records.open(id).await? else {
        return Err(match records.ended(id).await? {
            Some(ended) => JobError::Usage(format!("{id} has ended: {}", word(ended.status))),
            None => absent(id),
        });
    };
    if lease::holder(records, id).await?.is_some() {
        records.cancel(id).await?;
        console::say(&format!("{id}: whoever is at work on it is asked to stop"));
        return Ok(());
    }
    let now = now_s();
    let ended = Ended {
        status: Status::Cancelled,
        reason: Some("it was cancelled".into()),
        order: open.order,
        outputs: Vec::new(),
        began_s: now,
        ended_s: now,
        cpu_s: 0.0,
        spent_usd: 0.0,
    };
    records.end(id, &ended).await?;
    console::say(&format!("{id}: cancelled"));
    Ok(())
}

async fn retry(records: &Records, ids: Vec<Id>, failed: bool) -> Result<()> {
    let mut again = Vec::new();
    for id in ids {
        let ended = records.ended(&id).await?.ok_or_else(|| absent(&id))?;
        if ended.status == Status::Done {
            return Err(JobError::Usage(format!("{id} is done")));
        }
        again.push((id, ended));
    }
    if failed {
        let all = all_ended(records).await?.into_iter();
        again.extend(all.filter(|(_, ended)| ended.status == Status::Failed));
    }
    for (id, ended) in again {
        records.forget(&id).await?;
        records.note(&id, &ended.order).await?;
        console::say(&format!("{id}: open again"));
    }
    Ok(())
}

async fn gc(records: &Records, older_than: Option<u32>, dry_run: bool) -> Result<()> {
    let open: HashSet<Id> = records.all_open().await?.into_iter().collect();
    let left = records.leavings(&open).await?;
    let (count, bytes) = (left.len(), left.iter().map(|(_, size)| size).sum::<u64>());
    if !dry_run {
        let names = left.into_iter().map(|(name, _)| name);
        records.delete_all(names.collect()).await?;
    }
    let mut forgotten = 0;
    if let Some(days) = older_than {
        let before = now_s() - f64::from(days) * DAY_S;
        for (id, ended) in all_ended(records).await? {
            if ended.ended_s <= before {
                forgotten += 1;
                if !dry_run {
                    records.forget(&id).await?;
                }
            }
        }
    }
    let what = if dry_run {
        "would be removed"
    } else {
        "removed"
    };
    console::say(&format!(
        "{count} blobs, {bytes} bytes {what}; {forgotten} jobs forgotten; {} open",
        open.len()
    ));
    Ok(())
}
