// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill batch --dry-run`: what would be done, and what it would cost.

use super::super::console;
use super::super::limits::PriceArgs;
use super::super::predict::PredictArgs;
use super::tell::count;
use crate::batch::orders::Orders;
use crate::error::{JobError, Result};
use crate::job::{Job, JobRequest};
use crate::jobs::{names, Media, Order};
use crate::limits::Limits;
use crate::plan::costs::Costs;
use crate::profile::Rendition;
use crate::sim::from_plan;
use clap::Parser;
use framemill_codec::dsp::Dsp;
use framemill_store as store;
use serde_json::json;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Seconds that a picture counts for. Assumed.
const PICTURE_S: f64 = 0.1;

/// Functions as `plan --predict` has them where nobody says otherwise.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Usual {
    #[command(flatten)]
    on: PredictArgs,
    #[command(flatten)]
    prices: PriceArgs,
}

/// What a source would take on AWS Lambda.
#[derive(Clone, Copy, Default)]
struct Cost {
    frames: u64,
    function_s: f64,
    usd: f64,
}

/// Prints what would be made of each source; nothing is written but what the command prints.
///
/// # Errors
/// [`JobError::Failed`] where sources cannot be read.
pub async fn run(all: Orders, others: u64, json: bool, simd: Option<&'static Dsp>) -> Result<()> {
    let mut failed = all.failed;
    let (mut sum, mut outputs) = (Cost::default(), 0);
    for order in &all.orders {
        let input = store::shown(&order.source.uri);
        match cost(order, simd).await {
            Err(error) => failed.push((input, error.reason())),
            Ok((cost, names)) => {
                sum.frames += cost.frames;
                sum.function_s += cost.function_s;
                sum.usd += cost.usd;
                outputs += names.len() as u64;
                tell(&input, &cost, &names, json);
            }
        }
    }
    for (input, reason) in &failed {
        console::complain(&format!("framemill: {input}: {reason}"));
    }
    if json {
        let line = json!({
            "event": "plan", "items": all.orders.len(), "outputs": outputs,
            "left_out": all.left_out, "no_media": others, "failed": failed.len(),
            "frames": sum.frames, "function_s": sum.function_s, "usd": sum.usd,
        });
        console::say(&line.to_string());
    } else {
        console::say(&format!(
            "{}, {outputs} outputs, {} frames; on AWS Lambda about {:.1} function-seconds, {:.4} USD",
            count(all.orders.len() as u64, "source"),
            sum.frames,
            sum.function_s,
            sum.usd
        ));
    }
    match failed.len() {
        0 => Ok(()),
        n => Err(JobError::Failed(format!("{n} sources cannot be read"))),
    }
}

fn tell(input: &str, cost: &Cost, names: &[String], json: bool) {
    if json {
        let line = json!({
            "event": "item", "input": input, "outputs": names, "frames": cost.frames,
            "function_s": cost.function_s, "usd": cost.usd,
        });
        return console::say(&line.to_string());
    }
    console::say(&format!(
        "{input}: {} frames, {:.1} function-seconds, {:.4} USD",
        cost.frames, cost.function_s, cost.usd
    ));
    for name in names {
        console::say(&format!("  {name}"));
    }
}

/// What a source would take, and what would be made of it.
async fn cost(order: &Order, simd: Option<&'static Dsp>) -> Result<(Cost, Vec<String>)> {
    let profile = order.profile().map_err(JobError::Usage)?;
    let (mut sum, mut made) = (Cost::default(), Vec::new());
    let usual = Usual::try_parse_from(["--engine", "lambda"]);
    let usual = usual.map_err(|error| JobError::Failed(error.to_string()))?;
    let name = |name: &Option<String>, extension: &str| {
        let output = names::output(&order.place, &order.stem, name.as_deref(), extension);
        output.map(|to| to.to_string()).map_err(JobError::Usage)
    };
    let stills = match order.media {
        Media::Image => &profile.images,
        Media::Video => &profile.posters,
    };
    if order.media == Media::Video {
        for rendition in &profile.videos {
            let to = name(&rendition.name, &rendition.extension)?;
            let cost = rendition_cost(order, rendition, &to, &usual, simd).await?;
            sum.frames += cost.frames;
            sum.function_s += cost.function_s;
            sum.usd += cost.usd;
            made.push(to);
        }
    }
    if !stills.is_empty() {
        sum.function_s += PICTURE_S;
        let price = usual.prices.price(1769);
        sum.usd += price.of(std::time::Duration::from_secs_f64(PICTURE_S));
    }
    for still in stills {
        let format = still.format.map_or("FORMAT".to_owned(), |f| f.to_string());
        made.push(name(&still.name, &format)?);
    }
    Ok((sum, made))
}

async fn rendition_cost(
    order: &Order,
    rendition: &Rendition,
    to: &str,
    usual: &Usual,
    simd: Option<&'static Dsp>,
) -> Result<Cost> {
    let options = rendition.media.options(to);
    let request = JobRequest {
        input: order.source.uri.clone(),
        options: options.clone(),
        workers: rendition.media.workers(),
        work_dir: Some(format!("mem:dry-{}/{}", std::process::id(), order.id())),
        resume: true,
        overwrite: true,
        verify: false,
        order_seed: None,
        report: None,
        simd,
        limits: Limits::default(),
    };
    let (cancel, progress) = (CancellationToken::new(), Arc::default());
    let mut job = Job::new(request, cancel, progress).await?;
    let (index, plan) = job.plan_only().await?;
    let workload = from_plan::workload(&Costs::built_in(), &index, &plan, &options);
    let workload =
        workload.ok_or_else(|| JobError::Failed(format!("{to}: an encoder of no cost")))?;
    let comparison = usual.on.comparison(&[], 1, &usual.prices);
    let rows = usual.on.predict(&workload, &comparison, to)?;
    let totals = rows.first().map(|row| &row.totals);
    Ok(Cost {
        frames: plan.chunks.iter().map(|chunk| chunk.frames).sum(),
        function_s: totals.map_or(0.0, |t| t.function_s),
        usd: totals.and_then(|t| t.usd).unwrap_or_default(),
    })
}
