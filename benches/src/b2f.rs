//! B2F: a filter and map over the stream of B2, from `start()` on an empty state until every result is acknowledged.
//!
//! The floor reads the same log through the same reader, decodes, encodes and writes batches of as many bytes into a log of its
//! own; it keeps no positions. Both must write the same records in the same order within each partition.

use std::hash::{BuildHasher, Hasher};
use std::path::Path;

use ksql_runtime::codec::{Reader, write};
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, RecordBatch, TopicSpec};
use ksql_runtime::prelude::*;

use crate::b2::{self, Trade};
use crate::floor::windows::unscaled;
use crate::report::{Report, median, timed};
use crate::{fill, process, raw};

const REPORT: Report = Report("B2F");
const RUNS: usize = 3;
/// Half of the trades are as large.
const LEAST: i32 = 2_500;
const BATCH_BYTES: usize = 4 << 20;

/// A large trade.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("large", partitions = 4)]
#[entity(namespace = "bench")]
pub struct Large {
    #[key]
    pub id: i64,
    pub customer: String,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub double: i32,
}

#[query]
fn large(trades: Stream<Trade>) -> Stream<Large> {
    trades.filter(|t| t.qty >= 2500).map(|t| Large {
        id: t.id,
        customer: t.customer,
        amount: t.amount,
        double: t.qty * 2,
    })
}

/// Runs B2F.
pub fn run() {
    let records = b2::records();
    let runtime = fill::runtime();
    let directory = tempfile::tempdir().expect("temporary directory");
    runtime.block_on(b2::fill(directory.path(), records));

    let (mut ours, mut floors, mut cpus) = (vec![], vec![], vec![]);
    let mut peak = 0.0_f64;
    let mut written = 0;
    for _ in 0..RUNS {
        let into = tempfile::tempdir().expect("temporary directory");
        let ((), took) = timed(|| floor(directory.path(), into.path()));
        floors.push(took.as_secs_f64());

        // The log as it was: trades, no results.
        let run = tempfile::tempdir().expect("temporary directory");
        b2::copy(&directory.path().join("log"), &run.path().join("log"));
        process::reset_peak();
        let cpu = process::cpu();
        let (ctx, took) = timed(|| {
            runtime.block_on(async {
                let ctx = Context::builder()
                    .query(large)
                    .state_dir(run.path())
                    .start()
                    .await
                    .expect("the context starts");
                ctx.wait_ready(fill::LIMIT).await.expect("ready");
                ctx.wait_caught_up(fill::LIMIT).await.expect("caught up");
                ctx
            })
        });
        ours.push(took.as_secs_f64());
        cpus.push(process::cpu() - cpu);
        peak = peak.max(process::peak());
        let ended = runtime.block_on(async {
            let ended = ctx.set::<Large>().end_offset().await.expect("an end");
            ctx.shutdown().await.expect("a clean end");
            ended
        });
        let (found, expected) = (digest(run.path()), digest(into.path()));
        assert_eq!(found, expected, "results and their digests by partition");
        written = found.iter().map(|(count, _)| count).sum();
        assert_eq!(
            ended,
            u64::from(written),
            "all were there when the time was taken"
        );
    }
    let count = records as f64;
    let (ours, floor) = (median(&ours), median(&floors));
    REPORT.figure("results", f64::from(written), "records");
    REPORT.figure("mapped", count / ours, "rec/s");
    REPORT.figure("floor", count / floor, "rec/s");
    REPORT.ratio("to_floor", floor / ours);
    REPORT.figure("cpu", median(&cpus) / count * 1e6, "cpu-s/M");
    REPORT.figure("peak_rss", peak, "MiB");
}

/// By hand.
fn floor(directory: &Path, into: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("tokio");
    let log = EmbeddedLog::open(EmbeddedOptions::new(into.join("log"))).expect("a log");
    runtime
        .block_on(log.create_topic(&TopicSpec::new("large", 4)))
        .expect("a topic");
    let mut batch = RecordBatch::new();
    let mut out = Vec::new();
    let send = |batch: RecordBatch| {
        runtime
            .block_on(log.produce_batch("large", batch))
            .expect("written");
    };
    raw::drain(directory, |_, _, key, value| {
        let Some(value) = value else { return };
        let mut input = Reader::new(&value[5..]);
        let customer = input.text().expect("text");
        let amount = unscaled(input.bytes().expect("a decimal"));
        let qty = input.int().expect("an int");
        let ts = input.long().expect("a moment");
        if qty < LEAST {
            return;
        }
        out.clear();
        out.extend_from_slice(&[0, 0, 0, 0, 1]);
        out.push(2);
        write::bytes(customer.as_bytes(), &mut out);
        out.push(2);
        write::decimal(amount, &mut out);
        out.push(2);
        write::long((qty * 2).into(), &mut out);
        batch.push(Some(key), Some(&out), ts, &[]);
        if batch.bytes() >= BATCH_BYTES {
            send(std::mem::take(&mut batch));
        }
    });
    if !batch.is_empty() {
        send(batch);
    }
    runtime.block_on(log.close()).expect("closed");
}

/// Of each partition how many results it has, and a digest of them in their order without the ids of schemas.
fn digest(directory: &Path) -> [(u32, u64); 4] {
    let hasher = foldhash::fast::FixedState::with_seed(42);
    let mut partitions = [(0_u32, 0_u64); 4];
    raw::drain_topic(directory, "large", |partition, _, key, value| {
        let (count, digest) = &mut partitions[partition as usize];
        let mut one = hasher.build_hasher();
        one.write_u64(*digest);
        one.write(key);
        one.write(&value.expect("a value")[5..]);
        (*count, *digest) = (*count + 1, one.finish());
    });
    partitions
}
