//! B2: windows of 1, 5 and 60 minutes over one stream, from `start()` on an empty state until every record is in all of them,
//! their results are acknowledged in their topics and can be read.
//!
//! The floor reads the same log through the same reader, decodes, keeps a hash map a window size by hand and writes the last
//! result of each window into a log of its own; it keeps no state that survives. Both must find the same rows.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, RecordBatch, TopicSpec};
use ksql_runtime::prelude::*;
use rand::Rng;

use crate::floor::windows::{self, Groups, Kept, MINUTE, SIZES, Windows};
use crate::report::{Report, Target, median, timed};
use crate::{data, fill, process, raw};

const REPORT: Report = Report("B2");
const RUNS: usize = 3;
/// Unless `KSQL_BENCH_RECORDS` says otherwise: B2's own size is 5,000,000, over six hours.
const RECORDS: usize = 1_000_000;
const KEYS: i64 = 10_000;
/// Of event time a record: five million in six hours.
const STEP_MICROS: i64 = 4_320;
/// 2024-05-08T00:00:00Z
const START: i64 = 1_715_126_400_000;

/// One trade.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 4)]
#[entity(namespace = "bench")]
pub struct Trade {
    #[key]
    pub id: i64,
    pub customer: String,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub qty: i32,
    #[timestamp]
    pub ts: DateTime<Utc>,
}

/// What the trades of a window come to.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stats")]
#[table]
#[window(tumbling, minutes = [1, 5, 60], grace = "10s", retention = "30d")]
#[entity(namespace = "bench")]
pub struct Stats {
    #[key]
    pub id: i64,
    #[window_start]
    pub from: DateTime<Utc>,
    pub trades: i64,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub smallest: i32,
    pub largest: i32,
    #[decimal_precision(18, 4)]
    pub first: Decimal,
    #[decimal_precision(18, 4)]
    pub last: Decimal,
}

#[query]
pub fn stats(trades: Stream<Trade>) -> Table<Stats> {
    trades.group_by(|t| t.id).aggregate(|g| Stats {
        id: g.key(),
        from: g.window_start(),
        trades: g.count(),
        amount: g.sum(|t| t.amount),
        smallest: g.min(|t| t.qty),
        largest: g.max(|t| t.qty),
        first: g.earliest(|t| t.amount),
        last: g.latest(|t| t.amount),
    })
}

/// How many records the topic gets.
pub fn records() -> usize {
    match std::env::var("KSQL_BENCH_RECORDS") {
        Err(_) => RECORDS,
        Ok(text) => text
            .parse()
            .expect("KSQL_BENCH_RECORDS is a number of records"),
    }
}

/// Runs B2.
pub fn run() {
    let records = records();
    let runtime = fill::runtime();
    let directory = tempfile::tempdir().expect("temporary directory");
    runtime.block_on(fill(directory.path(), records));
    let (expected, _) = floor(directory.path());

    let (mut ours, mut floors, mut cpus) = (vec![], vec![], vec![]);
    let mut peak = 0.0_f64;
    for _ in 0..RUNS {
        let (found, took) = timed(|| floor(directory.path()));
        assert_eq!(found.1, expected_rows(&expected), "results of the floor");
        floors.push(took.as_secs_f64());

        // The log as it was: trades, no results.
        let run = tempfile::tempdir().expect("temporary directory");
        copy(&directory.path().join("log"), &run.path().join("log"));
        process::reset_peak();
        let cpu = process::cpu();
        let (ctx, took) = timed(|| {
            runtime.block_on(async {
                let ctx = Context::builder()
                    .query(stats)
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
        runtime.block_on(async {
            compare(&ctx, &expected).await;
            ctx.shutdown().await.expect("a clean end");
        });
    }
    let count = records as f64;
    let (ours, floor) = (median(&ours), median(&floors));
    REPORT.figure("windows", expected_rows(&expected) as f64, "rows");
    REPORT.aimed(
        "aggregated",
        count / ours,
        "rec/s",
        Target::AtLeast(300_000.0),
    );
    REPORT.figure("floor", count / floor, "rec/s");
    REPORT.ratio("to_floor", floor / ours);
    REPORT.figure("cpu", median(&cpus) / count * 1e6, "cpu-s/M");
    REPORT.figure("peak_rss", peak, "MiB");
}

/// A log that holds the trades.
pub async fn fill(directory: &Path, records: usize) {
    fill_with(directory, &[], START, records).await;
}

/// The same with settings, and with trades from this time on.
pub async fn fill_with(
    directory: &Path,
    settings: &[(String, String)],
    start: i64,
    records: usize,
) {
    let builder = Context::builder().entity::<Trade>().state_dir(directory);
    let builder = fill::set(builder, settings);
    let ctx = builder.start().await.expect("the context starts");
    let set = ctx.set::<Trade>();
    let mut left = trades(start, records).peekable();
    while left.peek().is_some() {
        let chunk: Vec<Trade> = left.by_ref().take(20_000).collect();
        set.add_all(chunk).await.expect("trades are added");
    }
    ctx.shutdown().await.expect("a clean end");
}

/// The trades, the same every time: one in a thousand is late by up to two hours.
fn trades(start: i64, records: usize) -> impl Iterator<Item = Trade> {
    let mut rng = data::rng();
    (0..records as i64).map(move |at| {
        let now = start + at * STEP_MICROS / 1000;
        let late = if rng.random_ratio(1, 1000) {
            rng.random_range(0..120 * MINUTE)
        } else {
            0
        };
        Trade {
            id: rng.random_range(0..KEYS),
            customer: format!("customer{:04}", at % 4096),
            amount: Decimal::new(rng.random_range(1..10_000_000), 4),
            qty: rng.random_range(1..5000),
            ts: DateTime::from_timestamp_millis((now - late).max(start)).expect("a moment"),
        }
    })
}

fn expected_rows(groups: &[Groups; 3]) -> usize {
    groups.iter().map(Groups::len).sum()
}

/// By hand: the groups of each window size, and how many results were written.
fn floor(directory: &Path) -> ([Groups; 3], usize) {
    let mut windows = Windows::default();
    raw::drain(directory, |partition, _, key, value| {
        windows.take(partition, key, value);
    });
    let into = tempfile::tempdir().expect("temporary directory");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("tokio");
    let written = runtime.block_on(async {
        let log = EmbeddedLog::open(EmbeddedOptions::new(into.path().join("log"))).expect("a log");
        let mut written = 0;
        for (size, groups) in SIZES.iter().zip(&windows.groups) {
            let topic = format!("stats_{size}min");
            log.create_topic(&TopicSpec::new(&topic, 4))
                .await
                .expect("a topic");
            let mut batch = RecordBatch::new();
            for (of, kept) in groups {
                let key = windows::key(*of);
                let mut value = vec![0, 0, 0, 0, 1];
                kept.encode(&mut value);
                batch.push(Some(&key), Some(&value), of.1, &[]);
                written += 1;
                if batch.bytes() >= 1 << 20 {
                    log.produce_batch(&topic, std::mem::take(&mut batch))
                        .await
                        .expect("written");
                }
            }
            if !batch.is_empty() {
                log.produce_batch(&topic, batch).await.expect("written");
            }
        }
        log.close().await.expect("closed");
        written
    });
    (windows.groups, written)
}

/// The window that a row is of, as the floor keeps it.
pub fn kept(row: &Stats) -> ((i64, i64), Kept) {
    let kept = Kept {
        count: row.trades,
        sum: row.amount.mantissa(),
        least: row.smallest,
        greatest: row.largest,
        first: row.first.mantissa(),
        last: row.last.mantissa(),
    };
    ((row.id, row.from.timestamp_millis()), kept)
}

async fn compare(ctx: &Context, expected: &[Groups; 3]) {
    for (size, expected) in SIZES.iter().zip(expected) {
        let rows = ctx
            .set::<Stats>()
            .window_of(Duration::from_secs(60 * size.cast_unsigned()))
            .to_list()
            .await
            .expect("rows");
        assert_eq!(rows.len(), expected.len(), "windows of {size} minutes");
        for row in rows {
            let (of, found) = kept(&row);
            assert_eq!(Some(&found), expected.get(&of), "{of:?} of {size} minutes");
        }
    }
}

/// A directory with another's files: the log of the trades, before a run puts results into it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            let _ = std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
