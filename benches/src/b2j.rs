//! B2J: the trades of B2 joined with a table of their accounts, and with a stream of fills within five seconds, from `start()`
//! on an empty state until every result is acknowledged.
//!
//! The floors read the same log through the same reader, decode, take both inputs in the order of time, and write their results in
//! batches into a log of their own. One keeps the table in a hash map; the other keeps what waits of each key in a list, and forgets
//! what is too old when it looks. They keep no state that survives. Both must write the same records in the same order within each
//! partition.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::path::Path;

use ksql_runtime::codec::{Reader, write};
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, RecordBatch, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime::query::IntoQuery;
use rand::Rng;

use crate::b2::{self, Trade};
use crate::report::{Report, median, timed};
use crate::{data, fill, process, raw};

const RUNS: usize = 3;
const ACCOUNTS: i64 = 10_000;
/// 2024-05-01T00:00:00Z, before the first trade.
const OPENED: i64 = 1_714_521_600_000;
const WITHIN: i64 = 5_000;
const GRACE: i64 = 10_000;
const BATCH_BYTES: usize = 4 << 20;
const PARTITIONS: usize = 4;

/// Whose trades they are.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("accounts", partitions = 4)]
#[table]
#[entity(namespace = "bench")]
pub struct Account {
    #[key]
    pub id: i64,
    pub owner: String,
    pub level: i32,
    #[timestamp]
    pub opened: DateTime<Utc>,
}

/// A trade with its account.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("owned", partitions = 4)]
#[stream]
#[entity(namespace = "bench")]
pub struct Owned {
    #[key]
    pub id: i64,
    pub owner: String,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub level: i32,
}

/// What was had for a trade.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("fills", partitions = 4)]
#[stream]
#[entity(namespace = "bench")]
pub struct Fill {
    #[key]
    pub id: i64,
    pub filled: i32,
    #[timestamp]
    pub at: DateTime<Utc>,
}

/// A trade with a fill near it.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("filled", partitions = 4)]
#[stream]
#[entity(namespace = "bench")]
pub struct Filled {
    #[key]
    pub id: i64,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub qty: i32,
    pub filled: i32,
}

#[query]
fn owned(trades: Stream<Trade>, accounts: Table<Account>) -> Stream<Owned> {
    trades
        .join(accounts, |t, a| t.id == a.id)
        .map(|t, a| Owned {
            id: t.id,
            owner: a.owner,
            amount: t.amount,
            level: a.level,
        })
}

#[query]
fn filled(trades: Stream<Trade>, fills: Stream<Fill>) -> Stream<Filled> {
    trades
        .join(fills, |t, f| t.id == f.id)
        .within("5s")
        .grace("10s")
        .map(|t, f| Filled {
            id: t.id,
            amount: t.amount,
            qty: t.qty,
            filled: f.filled,
        })
}

/// Runs B2J.
pub fn run() {
    let records = b2::records();
    let runtime = fill::runtime();
    let directory = tempfile::tempdir().expect("temporary directory");
    runtime.block_on(async {
        b2::fill(directory.path(), records).await;
        fill_others(directory.path(), records / 2).await;
    });
    let table = Bench {
        report: Report("B2J_TABLE"),
        topic: "owned",
        taken: records + ACCOUNTS as usize,
        floor: look_up,
    };
    table.run::<_, Owned>(owned, &runtime, directory.path());
    let streams = Bench {
        report: Report("B2J_STREAM"),
        topic: "filled",
        taken: records + records / 2,
        floor: meet,
    };
    streams.run::<_, Filled>(filled, &runtime, directory.path());
}

/// A query beside its floor.
struct Bench {
    report: Report,
    topic: &'static str,
    /// Records of both inputs.
    taken: usize,
    floor: fn(&Path, &mut Results),
}

impl Bench {
    fn run<By, T: Entity>(
        self,
        query: impl IntoQuery<By> + Copy,
        runtime: &tokio::runtime::Runtime,
        directory: &Path,
    ) {
        let (mut ours, mut floors, mut cpus) = (vec![], vec![], vec![]);
        let (mut peak, mut floor_peak) = (0.0_f64, 0.0_f64);
        let mut written = 0;
        for _ in 0..RUNS {
            let into = tempfile::tempdir().expect("temporary directory");
            process::reset_peak();
            let ((), took) = timed(|| {
                let mut results = Results::new(into.path(), self.topic);
                (self.floor)(directory, &mut results);
                results.close();
            });
            floors.push(took.as_secs_f64());
            floor_peak = floor_peak.max(process::peak());

            // The log as it was: no results.
            let run = tempfile::tempdir().expect("temporary directory");
            b2::copy(&directory.join("log"), &run.path().join("log"));
            process::reset_peak();
            let cpu = process::cpu();
            let (ctx, took) = timed(|| {
                runtime.block_on(async {
                    let ctx = Context::builder()
                        .query(query)
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
                let ended = ctx.set::<T>().end_offset().await.expect("an end");
                ctx.shutdown().await.expect("a clean end");
                ended
            });
            let found = digest(run.path(), self.topic);
            let expected = digest(into.path(), self.topic);
            assert_eq!(found, expected, "results and their digests by partition");
            written = found.iter().map(|(count, _)| count).sum();
            assert_eq!(
                ended,
                u64::from(written),
                "all were there when the time was taken"
            );
        }
        let count = self.taken as f64;
        let (ours, floor) = (median(&ours), median(&floors));
        let report = self.report;
        report.figure("results", f64::from(written), "records");
        report.figure("joined", count / ours, "rec/s");
        report.figure("floor", count / floor, "rec/s");
        report.ratio("to_floor", floor / ours);
        report.figure("cpu", median(&cpus) / count * 1e6, "cpu-s/M");
        report.figure("peak_rss", peak, "MiB");
        report.figure("floor_peak_rss", floor_peak, "MiB");
    }
}

/// The accounts, and so many fills: of any trade's key, as time goes on among the trades.
async fn fill_others(directory: &Path, fills: usize) {
    let ctx = Context::builder()
        .entity::<Account>()
        .entity::<Fill>()
        .state_dir(directory)
        .start()
        .await
        .expect("the context starts");
    let mut rng = data::rng();
    let accounts = (0..ACCOUNTS).map(|id| Account {
        id,
        owner: format!("owner{id:05}"),
        level: rng.random_range(0..10),
        opened: moment(OPENED + id),
    });
    let accounts: Vec<Account> = accounts.collect();
    ctx.set::<Account>()
        .add_all(accounts)
        .await
        .expect("accounts are added");
    let set = ctx.set::<Fill>();
    let mut left = (0..fills as i64)
        .map(|at| Fill {
            id: rng.random_range(0..b2::KEYS),
            filled: rng.random_range(1..5000),
            at: moment(b2::START + at * 2 * b2::STEP_MICROS / 1000),
        })
        .peekable();
    while left.peek().is_some() {
        let chunk: Vec<Fill> = left.by_ref().take(20_000).collect();
        set.add_all(chunk).await.expect("fills are added");
    }
    ctx.shutdown().await.expect("a clean end");
}

fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).expect("a moment")
}

/// Results on their way into a log.
struct Results {
    runtime: tokio::runtime::Runtime,
    log: EmbeddedLog,
    topic: &'static str,
    batch: RecordBatch,
    value: Vec<u8>,
}

impl Results {
    fn new(into: &Path, topic: &'static str) -> Results {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("tokio");
        let log = EmbeddedLog::open(EmbeddedOptions::new(into.join("log"))).expect("a log");
        runtime
            .block_on(log.create_topic(&TopicSpec::new(topic, PARTITIONS as u32)))
            .expect("a topic");
        Results {
            runtime,
            log,
            topic,
            batch: RecordBatch::new(),
            value: Vec::new(),
        }
    }

    /// A result, whose fields `each` writes.
    fn push(&mut self, id: i64, time: i64, each: impl FnOnce(&mut Vec<u8>)) {
        self.value.clear();
        self.value.extend_from_slice(&[0, 0, 0, 0, 1]);
        each(&mut self.value);
        let key = id.to_be_bytes();
        self.batch.push(Some(&key), Some(&self.value), time, &[]);
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

    fn close(mut self) {
        if !self.batch.is_empty() {
            self.send();
        }
        self.runtime.block_on(self.log.close()).expect("closed");
    }
}

fn id(key: &[u8]) -> i64 {
    i64::from_be_bytes(key.try_into().expect("a key"))
}

/// Amount, quantity and time of a trade.
fn trade(value: &[u8]) -> (i128, i32, i64) {
    let mut input = Reader::new(&value[5..]);
    let _customer = input.text().expect("text");
    let amount = b2::unscaled(input.bytes().expect("a decimal"));
    let qty = input.int().expect("an int");
    (amount, qty, input.long().expect("a moment"))
}

/// By hand: all accounts are older than the first trade.
fn look_up(directory: &Path, results: &mut Results) {
    let mut accounts: HashMap<i64, (String, i32), foldhash::fast::RandomState> = HashMap::default();
    raw::drain_topic(directory, "accounts", |_, _, key, value| {
        let Some(value) = value else { return };
        let mut input = Reader::new(&value[5..]);
        let owner = input.text().expect("text").to_owned();
        accounts.insert(id(key), (owner, input.int().expect("an int")));
    });
    raw::drain(directory, |_, _, key, value| {
        let Some(value) = value else { return };
        let (amount, _, time) = trade(value);
        let Some((owner, level)) = accounts.get(&id(key)) else {
            return;
        };
        results.push(id(key), time, |out| {
            out.push(2);
            write::bytes(owner.as_bytes(), out);
            out.push(2);
            write::decimal(amount, out);
            out.push(2);
            write::long((*level).into(), out);
        });
    });
}

/// A record of either stream: its key, its time, and what goes into a result.
#[derive(Clone, Copy)]
struct Taken {
    id: i64,
    time: i64,
    amount: i128,
    number: i32,
}

/// What waits of a key, in the order of coming.
type Waiting = HashMap<i64, VecDeque<Taken>, foldhash::fast::RandomState>;

/// By hand: both streams into memory, then each partition in the order of time.
fn meet(directory: &Path, results: &mut Results) {
    let mut lanes: [[Vec<Taken>; 2]; PARTITIONS] = Default::default();
    raw::drain(directory, |partition, _, key, value| {
        let Some(value) = value else { return };
        let (amount, number, time) = trade(value);
        lanes[partition as usize][0].push(Taken {
            id: id(key),
            time,
            amount,
            number,
        });
    });
    raw::drain_topic(directory, "fills", |partition, _, key, value| {
        let Some(value) = value else { return };
        let mut input = Reader::new(&value[5..]);
        let number = input.int().expect("an int");
        lanes[partition as usize][1].push(Taken {
            id: id(key),
            time: input.long().expect("a moment"),
            amount: 0,
            number,
        });
    });
    for [trades, fills] in lanes {
        let (mut trades, mut fills) = (trades.into_iter().peekable(), fills.into_iter().peekable());
        let mut waiting: [Waiting; 2] = Default::default();
        let mut now = i64::MIN;
        let mut met = Vec::new();
        loop {
            let is_trade = match (trades.peek(), fills.peek()) {
                (None, None) => break,
                (Some(trade), Some(fill)) => trade.time <= fill.time,
                (trade, _) => trade.is_some(),
            };
            let next = if is_trade {
                trades.next()
            } else {
                fills.next()
            };
            let Some(taken) = next else { break };
            now = now.max(taken.time);
            if taken.time + WITHIN + GRACE < now {
                continue;
            }
            let own = usize::from(!is_trade);
            if let Some(others) = waiting[1 - own].get_mut(&taken.id) {
                // Nothing that still comes in time reaches further back.
                while others
                    .front()
                    .is_some_and(|other| other.time + 2 * WITHIN + GRACE < now)
                {
                    others.pop_front();
                }
                met.clear();
                let near = others
                    .iter()
                    .filter(|other| (other.time - taken.time).abs() <= WITHIN);
                met.extend(near.copied());
                met.sort_by_key(|other| other.time);
                for other in &met {
                    let (trade, fill) = if is_trade {
                        (&taken, other)
                    } else {
                        (other, &taken)
                    };
                    results.push(taken.id, taken.time.max(other.time), |out| {
                        out.push(2);
                        write::decimal(trade.amount, out);
                        out.push(2);
                        write::long(trade.number.into(), out);
                        out.push(2);
                        write::long(fill.number.into(), out);
                    });
                }
            }
            waiting[own].entry(taken.id).or_default().push_back(taken);
        }
    }
}

/// Of each partition how many results it has, and a digest of them in their order without the ids of schemas.
fn digest(directory: &Path, topic: &str) -> [(u32, u64); PARTITIONS] {
    let hasher = foldhash::fast::FixedState::with_seed(42);
    let mut partitions = [(0_u32, 0_u64); PARTITIONS];
    raw::drain_topic(directory, topic, |partition, _, key, value| {
        let (count, digest) = &mut partitions[partition as usize];
        let mut one = hasher.build_hasher();
        one.write_u64(*digest);
        one.write(key);
        one.write(&value.expect("a value")[5..]);
        (*count, *digest) = (*count + 1, one.finish());
    });
    partitions
}
