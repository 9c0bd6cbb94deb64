//! B2: windows of 1, 5 and 60 minutes over one stream, from `start()` on an empty state until every record is in all of them,
//! their results are acknowledged in their topics and can be read.
//!
//! The floor reads the same log through the same reader, decodes, keeps a hash map a window size by hand and writes the last
//! result of each window into a log of its own; it keeps no state that survives. Both must find the same rows.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use ksql_runtime::codec::Reader;
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, RecordBatch, TopicSpec};
use ksql_runtime::prelude::*;
use rand::Rng;

use crate::report::{Report, Target, median, timed};
use crate::{data, fill, process, raw};

const REPORT: Report = Report("B2");
const RUNS: usize = 3;
/// Unless `KSQL_BENCH_RECORDS` says otherwise: B2's own size is 5,000,000, over six hours.
const RECORDS: usize = 1_000_000;
const KEYS: i64 = 10_000;
/// Of event time a record: five million in six hours.
const STEP_MICROS: i64 = 4_320;
const MINUTE: i64 = 60_000;
const GRACE: i64 = 10_000;
/// 2024-05-08T00:00:00Z
const START: i64 = 1_715_126_400_000;
const SIZES: [i64; 3] = [1, 5, 60];

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
fn stats(trades: Stream<Trade>) -> Table<Stats> {
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

/// What is kept of a window: count, sum, least and greatest quantity, first and last amount.
type Kept = (i64, i128, i32, i32, i128, i128);
/// A window size's groups: by key and start.
type Groups = HashMap<(i64, i64), Kept, foldhash::fast::RandomState>;

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
    let ctx = Context::builder()
        .entity::<Trade>()
        .state_dir(directory)
        .start()
        .await
        .expect("the context starts");
    let set = ctx.set::<Trade>();
    let mut left = trades(records).peekable();
    while left.peek().is_some() {
        let chunk: Vec<Trade> = left.by_ref().take(20_000).collect();
        set.add_all(chunk).await.expect("trades are added");
    }
    ctx.shutdown().await.expect("a clean end");
}

/// The trades, the same every time: one in a thousand is late by up to two hours.
fn trades(records: usize) -> impl Iterator<Item = Trade> {
    let mut rng = data::rng();
    (0..records as i64).map(move |at| {
        let now = START + at * STEP_MICROS / 1000;
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
            ts: DateTime::from_timestamp_millis((now - late).max(START)).expect("a moment"),
        }
    })
}

fn expected_rows(groups: &[Groups; 3]) -> usize {
    groups.iter().map(HashMap::len).sum()
}

/// By hand: the groups of each window size, and how many results were written.
fn floor(directory: &Path) -> ([Groups; 3], usize) {
    let mut groups: [Groups; 3] = Default::default();
    let mut stream_time = [i64::MIN; 4];
    raw::drain(directory, |partition, _, key, value| {
        let Some(value) = value else { return };
        let id = i64::from_be_bytes(key.try_into().expect("a key"));
        let mut input = Reader::new(&value[5..]);
        let _customer = input.text().expect("text");
        let amount = unscaled(input.bytes().expect("a decimal"));
        let qty = input.int().expect("an int");
        let ts = input.long().expect("a moment");
        let time = &mut stream_time[partition as usize];
        *time = (*time).max(ts);
        for (size, groups) in SIZES.iter().zip(&mut groups) {
            let size = size * MINUTE;
            let start = ts.div_euclid(size) * size;
            if start + size + GRACE <= *time {
                continue;
            }
            let kept =
                groups
                    .entry((id, start))
                    .or_insert((0, 0, i32::MAX, i32::MIN, amount, amount));
            kept.0 += 1;
            kept.1 += amount;
            kept.2 = kept.2.min(qty);
            kept.3 = kept.3.max(qty);
            kept.5 = amount;
        }
    });
    let into = tempfile::tempdir().expect("temporary directory");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("tokio");
    let written = runtime.block_on(async {
        let log = EmbeddedLog::open(EmbeddedOptions::new(into.path().join("log"))).expect("a log");
        let mut written = 0;
        for (size, groups) in SIZES.iter().zip(&groups) {
            let topic = format!("stats_{size}min");
            log.create_topic(&TopicSpec::new(&topic, 4))
                .await
                .expect("a topic");
            let mut batch = RecordBatch::new();
            for ((id, start), kept) in groups {
                let mut key = [0; 16];
                key[..8].copy_from_slice(&id.to_be_bytes());
                key[8..].copy_from_slice(&start.to_be_bytes());
                let mut value = vec![0, 0, 0, 0, 1];
                result(kept, &mut value);
                batch.push(Some(&key), Some(&value), *start, &[]);
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
    (groups, written)
}

/// The number of a decimal's bytes.
pub fn unscaled(bytes: &[u8]) -> i128 {
    let start = if bytes.first().is_some_and(|byte| *byte >= 0x80) {
        -1_i128
    } else {
        0
    };
    bytes
        .iter()
        .fold(start, |value, byte| (value << 8) | i128::from(*byte))
}

/// The result's Avro, every field nullable.
fn result(kept: &Kept, out: &mut Vec<u8>) {
    use ksql_runtime::codec::write;
    out.push(2);
    write::long(kept.0, out);
    out.push(2);
    write::decimal(kept.1, out);
    out.push(2);
    write::long(kept.2.into(), out);
    out.push(2);
    write::long(kept.3.into(), out);
    out.push(2);
    write::decimal(kept.4, out);
    out.push(2);
    write::decimal(kept.5, out);
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
            let found = (
                row.trades,
                row.amount.mantissa(),
                row.smallest,
                row.largest,
                row.first.mantissa(),
                row.last.mantissa(),
            );
            let of = (row.id, row.from.timestamp_millis());
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
