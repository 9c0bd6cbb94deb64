//! K2: handlers on a real Kafka - `for_each` with an empty handler over a filled topic, entities decoded and offsets committed.
//!
//! The floor is a hand-written loop over rdkafka on the same broker with the same codec: a subscribed consumer, polled record by
//! record on one thread, offsets committed every half second. Both are timed from their first record to their last, for joining
//! a group takes as long as the broker says. Beside them: what more handlers make of one that sleeps, and how often a record
//! allocates beyond the fields of its entity.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ksql_runtime::consume::{Order as Lanes, Records as _, Start};
use ksql_runtime::prelude::*;
use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, consumer::DefaultConsumerContext};
use tokio::sync::Notify;

use crate::data::Keys;
use crate::entities::Order;
use crate::fill::{self, LIMIT, Workload};
use crate::kafka::{Place, Servers};
use crate::report::{Report, Target, median};
use crate::{alloc, process};

const REPORT: Report = Report("K2");
const RUNS: usize = 5;
const RECORDS: usize = 1_000_000;
const COMMIT: Duration = Duration::from_millis(500);

fn workload(records: usize) -> Workload {
    Workload {
        records,
        keys: records / 10,
        draw: Keys::Uniform,
        tombstones: 0,
    }
}

/// Runs K2.
pub fn run() {
    allocations();
    let servers = match Servers::start() {
        Ok(servers) => servers,
        Err(skip) => return REPORT.skipped(&skip.to_string()),
    };
    let mut place = servers.place("handled");
    // No table reads beside the handlers.
    place
        .settings
        .push(("entity.Order.cached".to_owned(), "false".to_owned()));
    let runtime = fill::runtime();
    let ctx = runtime.block_on(async {
        let ctx = place.ready().await;
        place.fill(&ctx, workload(RECORDS)).await;
        ctx
    });
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    let (mut cpu, mut floor_cpu) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let before = process::cpu();
        let seconds = runtime.block_on(handled(&ctx, &format!("ours-{run}"), RECORDS as u64));
        let used = process::cpu() - before;
        let before = process::cpu();
        let floor = floor(servers.bootstrap(), &place, &format!("floor-{run}"));
        // The first run warms the broker up and is not counted.
        if run > 0 {
            floor_cpu.push((process::cpu() - before) / (RECORDS as f64 / 1e6));
            cpu.push(used / (RECORDS as f64 / 1e6));
            ours.push(RECORDS as f64 / seconds);
            floors.push(RECORDS as f64 / floor);
        }
    }
    REPORT.figure("handled", median(&ours), "rec/s");
    REPORT.figure("handled_floor", median(&floors), "rec/s");
    REPORT.aimed(
        "handled_to_floor",
        median(&ours) / median(&floors),
        "x",
        Target::AtLeast(0.85),
    );
    REPORT.figure("handled_cpu", median(&cpu), "s/M");
    REPORT.figure("handled_cpu_floor", median(&floor_cpu), "s/M");
    let one = runtime.block_on(sleeping(&ctx, 1, 500));
    for width in [16, 64] {
        let many = runtime.block_on(sleeping(&ctx, width, 500 * width as u64));
        REPORT.aimed(
            &format!("sleeping_handlers_{width}"),
            many / one,
            "x",
            Target::AtLeast(0.8 * width as f64),
        );
    }
    runtime.block_on(ctx.shutdown()).expect("a clean end");
}

/// Seconds from the first record handled to the last.
async fn handled(ctx: &Context, group: &str, records: u64) -> f64 {
    let (count, first, done) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(OnceLock::new()),
        Arc::new(Notify::new()),
    );
    let (counting, beginning, ending) = (Arc::clone(&count), Arc::clone(&first), Arc::clone(&done));
    let subscription = ctx
        .set::<Order>()
        .consume()
        .group(group)
        .start(Start::Earliest)
        .for_each(move |order| {
            black_box(order);
            match counting.fetch_add(1, Ordering::Relaxed) + 1 {
                1 => drop(beginning.set(Instant::now())),
                number if number == records => ending.notify_one(),
                _ => {}
            }
            std::future::ready(())
        })
        .start()
        .await
        .expect("it starts");
    tokio::time::timeout(LIMIT, done.notified())
        .await
        .expect("every record is handled");
    let took = first.get().expect("a first record").elapsed();
    subscription.stop().await.expect("it ends");
    assert_eq!(count.load(Ordering::Relaxed), records);
    took.as_secs_f64()
}

/// Records a second of so many handlers that sleep for a millisecond.
async fn sleeping(ctx: &Context, width: usize, records: u64) -> f64 {
    let (count, first, done) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(OnceLock::new()),
        Arc::new(Notify::new()),
    );
    let (counting, beginning, ending) = (Arc::clone(&count), Arc::clone(&first), Arc::clone(&done));
    let subscription = ctx
        .set::<Order>()
        .consume()
        .group(format!("sleeping-{width}"))
        .start(Start::Earliest)
        .concurrency(width, Lanes::ByKey)
        .for_each(move |_| {
            let (counting, beginning, ending) = (
                Arc::clone(&counting),
                Arc::clone(&beginning),
                Arc::clone(&ending),
            );
            async move {
                let _ = beginning.set(Instant::now());
                tokio::time::sleep(Duration::from_millis(1)).await;
                if counting.fetch_add(1, Ordering::Relaxed) + 1 == records {
                    ending.notify_one();
                }
            }
        })
        .start()
        .await
        .expect("it starts");
    tokio::time::timeout(LIMIT, done.notified())
        .await
        .expect("the records are handled");
    let took = first.get().expect("a first record").elapsed();
    subscription.stop().await.expect("it ends");
    records as f64 / took.as_secs_f64()
}

/// The loop by hand: seconds from its first record to its last.
fn floor(bootstrap: &str, place: &Place, group: &str) -> f64 {
    let consumer: BaseConsumer<DefaultConsumerContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.message.max.bytes", "4194304")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[&place.topic]).expect("subscribed");
    let mut positions = vec![0_i64; 4];
    let mut committed = Instant::now();
    let mut first = None;
    let mut count = 0;
    let commit = |positions: &[i64], mode| {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in (0..).zip(positions) {
            list.add_partition_offset(&place.topic, partition, Offset::Offset(*offset))
                .expect("an offset");
        }
        consumer.commit(&list, mode).expect("committed");
    };
    while count < RECORDS {
        let Some(message) = consumer.poll(LIMIT) else {
            continue;
        };
        let message = message.expect("no error");
        first.get_or_insert_with(Instant::now);
        let key = <Order as Entity>::Key::decode(message.key().expect("a key")).expect("a key");
        let value = message.payload().expect("a value");
        let order = Order::decode(key, value.get(5..).expect("a body")).expect("an order");
        black_box(order);
        positions[message.partition() as usize] = message.offset() + 1;
        count += 1;
        // Asked for every so often: the clock is not free.
        if count % 1024 == 0 && committed.elapsed() >= COMMIT {
            commit(&positions, CommitMode::Async);
            committed = Instant::now();
        }
    }
    let took = first.expect("a first record").elapsed();
    commit(&positions, CommitMode::Sync);
    took.as_secs_f64()
}

/// Allocations a record of all threads, the one that reads included, on the embedded log: the difference of twice as many records.
fn allocations() {
    let of = |records: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("tokio");
        let directory = tempfile::tempdir().expect("temporary directory");
        let settings = [("entity.Order.cached".to_owned(), "false".to_owned())];
        let ctx = runtime.block_on(async {
            let ctx = fill::ready_with(directory.path(), &settings).await;
            let orders = fill::operations(workload(records)).filter_map(Result::ok);
            ctx.set::<Order>().add_all(orders).await.expect("added");
            ctx
        });
        let counted = alloc::allocations_everywhere(|| {
            runtime.block_on(async { handled(&ctx, "g", records as u64).await });
        });
        runtime.block_on(ctx.shutdown()).expect("a clean end");
        counted
    };
    let records = 100_000;
    let each = (of(2 * records) as f64 - of(records) as f64) / records as f64;
    // The customer's name is a field.
    REPORT.aimed(
        "allocations_beside_fields",
        each - 1.0,
        "a record",
        Target::AtMost(1.0),
    );
}
