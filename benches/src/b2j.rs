//! B2J: joins, from `start()` on an empty state until every result is acknowledged: a stream that looks up a table, and two
//! streams within a time.
//!
//! The floors read the same log through the same reader, decode, join by hash maps in memory and write batches into a log of
//! their own; they keep nothing that survives. Both must write the same records.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;

use ksql_runtime::codec::{Reader, write};
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, RecordBatch, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime::query::IntoQuery;
use rand::Rng;

use crate::floor::windows::unscaled;
use crate::report::{Report, median, timed};
use crate::{b2, data, fill, process, raw};

const REPORT: Report = Report("B2J");
const RUNS: usize = 3;
const KEYS: i64 = 10_000;
const CUSTOMERS: i64 = 4096;
/// Of event time a record.
const STEP_MILLIS: i64 = 4;
/// 2024-05-08T00:00:00Z
const START: i64 = 1_715_126_400_000;
/// As far apart the records of a pair may be.
const WITHIN: i64 = 5_000;
const BATCH_BYTES: usize = 4 << 20;

/// An order.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 4)]
#[entity(namespace = "bench")]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer: String,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    #[timestamp]
    pub ts: DateTime<Utc>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("payments", partitions = 4)]
#[entity(namespace = "bench")]
pub struct Payment {
    #[key]
    pub id: i64,
    pub paid: i64,
    #[timestamp]
    pub ts: DateTime<Utc>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("customers", partitions = 4)]
#[table]
#[entity(namespace = "bench")]
pub struct Customer {
    #[key]
    pub name: String,
    pub level: i32,
    #[timestamp]
    pub since: DateTime<Utc>,
}

/// An order and its customer.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("known", partitions = 4)]
#[stream]
#[entity(namespace = "bench")]
pub struct Known {
    #[key]
    pub customer: String,
    pub id: i64,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub level: i32,
}

/// An order and its payment.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("settled", partitions = 4)]
#[stream]
#[entity(namespace = "bench")]
pub struct Settled {
    #[key]
    pub id: i64,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub paid: i64,
}

#[query]
fn known(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Known> {
    orders
        .join(customers, |o, c| o.customer == c.name)
        .map(|o, c| Known {
            customer: o.customer,
            id: o.id,
            amount: o.amount,
            level: c.level,
        })
}

#[query]
fn settled(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<Settled> {
    orders
        .join(payments, |o, p| o.id == p.id)
        .within("5s")
        .grace("1m")
        .map(|o, p| Settled {
            id: o.id,
            amount: o.amount,
            paid: p.paid,
        })
}

/// Runs B2J.
pub fn run() {
    let records = b2::records();
    let runtime = fill::runtime();
    let directory = tempfile::tempdir().expect("temporary directory");
    runtime.block_on(fill(directory.path(), records));
    measure(
        "stream_table",
        &runtime,
        directory.path(),
        || known,
        "known",
        records,
        floor_of_table,
    );
    measure(
        "stream_stream",
        &runtime,
        directory.path(),
        || settled,
        "settled",
        records * 2,
        floor_of_streams,
    );
}

fn measure<By, Q: IntoQuery<By>>(
    name: &str,
    runtime: &tokio::runtime::Runtime,
    directory: &Path,
    query: impl Fn() -> Q,
    topic: &str,
    records: usize,
    floor: impl Fn(&Path, &Path),
) {
    let (mut ours, mut floors, mut cpus) = (vec![], vec![], vec![]);
    let mut peak = 0.0_f64;
    let mut written = 0;
    for _ in 0..RUNS {
        let into = tempfile::tempdir().expect("temporary directory");
        let ((), took) = timed(|| floor(directory, into.path()));
        floors.push(took.as_secs_f64());

        let run = tempfile::tempdir().expect("temporary directory");
        b2::copy(&directory.join("log"), &run.path().join("log"));
        process::reset_peak();
        let cpu = process::cpu();
        let (ctx, took) = timed(|| {
            runtime.block_on(async {
                let ctx = Context::builder()
                    .query(query())
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
        runtime.block_on(async { ctx.shutdown().await.expect("a clean end") });
        let (found, expected) = (digest(run.path(), topic), digest(into.path(), topic));
        assert_eq!(found, expected, "results and their digests by partition");
        written = found.iter().map(|(count, _)| count).sum::<u32>();
    }
    let count = records as f64;
    let (ours, floor) = (median(&ours), median(&floors));
    REPORT.figure(&format!("{name}_results"), f64::from(written), "records");
    REPORT.figure(name, count / ours, "rec/s");
    REPORT.figure(&format!("{name}_floor"), count / floor, "rec/s");
    REPORT.ratio(&format!("{name}_to_floor"), floor / ours);
    REPORT.figure(
        &format!("{name}_cpu"),
        median(&cpus) / count * 1e6,
        "cpu-s/M",
    );
    REPORT.figure(&format!("{name}_peak_rss"), peak, "MiB");
}

fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).expect("a moment")
}

/// A log that holds customers, orders and a payment for each, up to four seconds later.
async fn fill(directory: &Path, records: usize) {
    let ctx = Context::builder()
        .entity::<Order>()
        .entity::<Payment>()
        .entity::<Customer>()
        .state_dir(directory)
        .start()
        .await
        .expect("the context starts");
    let customers = (0..CUSTOMERS).map(|number| Customer {
        name: format!("customer{number:04}"),
        level: (number % 7) as i32,
        since: moment(START - 1),
    });
    ctx.set::<Customer>()
        .add_all(customers)
        .await
        .expect("customers are added");
    let mut rng = data::rng();
    let mut payments: Vec<Payment> = Vec::with_capacity(records);
    let mut orders = Vec::new();
    for at in 0..records as i64 {
        let (id, now) = (rng.random_range(0..KEYS), START + at * STEP_MILLIS);
        payments.push(Payment {
            id,
            paid: at,
            ts: moment(now + rng.random_range(0..4_000)),
        });
        orders.push(Order {
            id,
            // One in a hundred is not known.
            customer: format!("customer{:04}", at % (CUSTOMERS + CUSTOMERS / 100)),
            amount: Decimal::new(rng.random_range(1..10_000_000), 4),
            ts: moment(now),
        });
        if orders.len() == 20_000 || at + 1 == records as i64 {
            let orders = std::mem::take(&mut orders);
            ctx.set::<Order>().add_all(orders).await.expect("added");
        }
    }
    payments.sort_by_key(|payment| payment.ts);
    for payments in payments.chunks(20_000) {
        let payments = payments.to_vec();
        ctx.set::<Payment>().add_all(payments).await.expect("added");
    }
    ctx.shutdown().await.expect("a clean end");
}

/// Writes results into a log of its own.
struct Results {
    runtime: tokio::runtime::Runtime,
    log: EmbeddedLog,
    topic: &'static str,
    batch: RecordBatch,
}

impl Results {
    fn new(into: &Path, topic: &'static str) -> Results {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("tokio");
        let log = EmbeddedLog::open(EmbeddedOptions::new(into.join("log"))).expect("a log");
        runtime
            .block_on(log.create_topic(&TopicSpec::new(topic, 4)))
            .expect("a topic");
        Results {
            runtime,
            log,
            topic,
            batch: RecordBatch::new(),
        }
    }

    fn push(&mut self, key: &[u8], value: &[u8], timestamp: i64) {
        self.batch.push(Some(key), Some(value), timestamp, &[]);
        if self.batch.bytes() >= BATCH_BYTES {
            self.send();
        }
    }

    fn send(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.runtime
            .block_on(self.log.produce_batch(self.topic, batch))
            .expect("written");
    }

    fn end(mut self) {
        if !self.batch.is_empty() {
            self.send();
        }
        self.runtime.block_on(self.log.close()).expect("closed");
    }
}

/// By hand: a hash map of the table, and each order looked up in it.
fn floor_of_table(directory: &Path, into: &Path) {
    let mut customers: HashMap<Box<[u8]>, i32, foldhash::fast::RandomState> = HashMap::default();
    raw::drain_topic(directory, "customers", |_, _, key, value| {
        let Some(value) = value else { return };
        let mut input = Reader::new(&value[5..]);
        customers.insert(key.into(), input.int().expect("an int"));
    });
    let mut results = Results::new(into, "known");
    let mut out = Vec::new();
    raw::drain_topic(directory, "orders", |_, _, key, value| {
        let Some(value) = value else { return };
        let id = i64::from_be_bytes(key.try_into().expect("a key"));
        let mut input = Reader::new(&value[5..]);
        let customer = input.text().expect("text");
        let amount = unscaled(input.bytes().expect("a decimal"));
        let ts = input.long().expect("a moment");
        let Some(level) = customers.get(customer.as_bytes()) else {
            return;
        };
        out.clear();
        out.extend_from_slice(&[0, 0, 0, 0, 1]);
        out.push(2);
        write::long(id, &mut out);
        out.push(2);
        write::decimal(amount, &mut out);
        out.push(2);
        write::long((*level).into(), &mut out);
        results.push(customer.as_bytes(), &out, ts);
    });
    results.end();
}

/// By hand: both streams in the order of time, and of each key what lies within the time.
fn floor_of_streams(directory: &Path, into: &Path) {
    // Time, side, key, and the amount or what was paid.
    let mut records: Vec<(i64, bool, i64, i128)> = Vec::new();
    raw::drain_topic(directory, "orders", |_, _, key, value| {
        let Some(value) = value else { return };
        let id = i64::from_be_bytes(key.try_into().expect("a key"));
        let mut input = Reader::new(&value[5..]);
        let _customer = input.text().expect("text");
        let amount = unscaled(input.bytes().expect("a decimal"));
        records.push((input.long().expect("a moment"), false, id, amount));
    });
    raw::drain_topic(directory, "payments", |_, _, key, value| {
        let Some(value) = value else { return };
        let id = i64::from_be_bytes(key.try_into().expect("a key"));
        let mut input = Reader::new(&value[5..]);
        let paid = input.long().expect("a long");
        records.push((input.long().expect("a moment"), true, id, paid.into()));
    });
    records.sort_by_key(|(ts, side, ..)| (*ts, *side));
    type Waiting = [Vec<(i64, i128)>; 2];
    let mut waiting: HashMap<i64, Waiting, foldhash::fast::RandomState> = HashMap::default();
    let mut results = Results::new(into, "settled");
    let mut out = Vec::new();
    for (ts, side, id, what) in records {
        let of_key = waiting.entry(id).or_default();
        let other = &mut of_key[usize::from(!side)];
        other.retain(|(time, _)| *time >= ts - WITHIN);
        for (_, met) in other.iter() {
            let (amount, paid) = if side { (*met, what) } else { (what, *met) };
            out.clear();
            out.extend_from_slice(&[0, 0, 0, 0, 1]);
            out.push(2);
            write::decimal(amount, &mut out);
            out.push(2);
            write::long(paid as i64, &mut out);
            results.push(&id.to_be_bytes(), &out, ts);
        }
        of_key[usize::from(side)].push((ts, what));
    }
    results.end();
}

/// Of each partition how many results it has, and a digest of them in any order without the ids of schemas.
fn digest(directory: &Path, topic: &str) -> [(u32, u64); 4] {
    let hasher = foldhash::fast::FixedState::with_seed(42);
    let mut partitions = [(0_u32, 0_u64); 4];
    raw::drain_topic(directory, topic, |partition, _, key, value| {
        let (count, digest) = &mut partitions[partition as usize];
        let mut one = hasher.build_hasher();
        one.write(key);
        one.write(&value.expect("a value")[5..]);
        // Records of one millisecond may come in either order.
        (*count, *digest) = (*count + 1, digest.wrapping_add(one.finish()));
    });
    partitions
}
