//! L1: the embedded log alone - durable batches of 1000 records produced, every record fetched.
//!
//! The floor is RocksDB with one row per batch and the write-ahead log on. Both get the same bytes: an order's key and
//! framed value, 4 partitions, and both choose the partition of each key themselves.

use std::hint::black_box;
use std::time::Duration;

use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, RecordBatch, TopicSpec};

use crate::floor;
use crate::report::{Report, Target, median, timed};
use crate::{data, fill};

const REPORT: Report = Report("L1");
const RUNS: usize = 5;
const RECORDS: usize = 1_000_000;
const BATCH: usize = 1000;
const PARTITIONS: u32 = 4;
/// Batches in flight: what a producer that does not wait for each acknowledgement has.
const IN_FLIGHT: usize = 8;

/// Runs L1.
pub fn run() {
    let payload = payload();
    let bytes: usize = payload
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    REPORT.figure("record_size", bytes as f64 / RECORDS as f64, "bytes");
    let runtime = fill::runtime();
    let (mut produced, mut alone, mut fetched) = (vec![], vec![], vec![]);
    let (mut floor_produced, mut floor_fetched) = (vec![], vec![]);
    for _ in 0..RUNS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let log = EmbeddedLog::open(EmbeddedOptions::new(directory.path())).expect("the log opens");
        runtime.block_on(async {
            for topic in ["alone", "t"] {
                let spec = TopicSpec::new(topic, PARTITIONS);
                log.create_topic(&spec).await.expect("a topic");
            }
        });
        // One batch after the other, each awaited, on a tenth of the records.
        let ((), took) = timed(|| {
            runtime.block_on(async {
                for chunk in payload[..RECORDS / 10].chunks(BATCH) {
                    log.produce_batch("alone", batch(chunk))
                        .await
                        .expect("produced");
                }
            });
        });
        alone.push(RECORDS as f64 / 10.0 / took.as_secs_f64());
        let ((), took) = timed(|| runtime.block_on(produce(&log, &payload)));
        produced.push(RECORDS as f64 / took.as_secs_f64());
        let (count, took) = timed(|| drain(&log));
        assert_eq!(count, RECORDS, "every record is fetched");
        fetched.push(RECORDS as f64 / took.as_secs_f64());
        runtime.block_on(log.close()).expect("closed");

        let directory = tempfile::tempdir().expect("temporary directory");
        let mut log = floor::log::Log::open(directory.path(), PARTITIONS as usize);
        let ((), took) = timed(|| {
            for chunk in payload.chunks(BATCH) {
                let mut batches: Vec<floor::log::Batch> = (0..PARTITIONS)
                    .map(|_| floor::log::Batch::default())
                    .collect();
                for (key, value) in chunk {
                    let partition = partition_for_key(key, PARTITIONS) as usize;
                    batches[partition].push(0, key, value);
                }
                log.produce(&batches);
            }
        });
        floor_produced.push(RECORDS as f64 / took.as_secs_f64());
        let (count, took) = timed(|| {
            let mut count = 0;
            for partition in 0..PARTITIONS as usize {
                log.fetch(partition, |offset, key, value| {
                    black_box((offset, key, value));
                    count += 1;
                });
            }
            count
        });
        assert_eq!(count, RECORDS);
        floor_fetched.push(RECORDS as f64 / took.as_secs_f64());
    }
    let (produced, fetched) = (median(&produced), median(&fetched));
    REPORT.aimed("produced", produced, "rec/s", Target::AtLeast(400_000.0));
    REPORT.figure("produced_one_batch_at_a_time", median(&alone), "rec/s");
    REPORT.figure("produced_floor", median(&floor_produced), "rec/s");
    REPORT.ratio("produced_to_floor", median(&floor_produced) / produced);
    REPORT.aimed("fetched", fetched, "rec/s", Target::AtLeast(1_500_000.0));
    REPORT.figure("fetched_floor", median(&floor_fetched), "rec/s");
    REPORT.ratio("fetched_to_floor", median(&floor_fetched) / fetched);
}

/// Keys and framed values of orders.
pub fn payload() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rng = data::rng();
    (0..RECORDS as i64)
        .map(|id| {
            let order = data::order(&mut rng, id);
            let mut value = vec![0; 5];
            floor::order::encode(&order, &mut value).expect("encodes");
            (id.to_be_bytes().to_vec(), value)
        })
        .collect()
}

fn batch(chunk: &[(Vec<u8>, Vec<u8>)]) -> RecordBatch {
    let bytes: usize = chunk
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    let mut batch = RecordBatch::with_capacity(chunk.len(), bytes + 32 * chunk.len());
    for (key, value) in chunk {
        batch.push(Some(key), Some(value), 0, &[]);
    }
    batch
}

async fn produce(log: &EmbeddedLog, payload: &[(Vec<u8>, Vec<u8>)]) {
    let mut flying = std::collections::VecDeque::new();
    for chunk in payload.chunks(BATCH) {
        if flying.len() == IN_FLIGHT {
            let oldest: tokio::task::JoinHandle<_> = flying.pop_front().expect("one");
            oldest.await.expect("a task");
        }
        let (log, batch) = (log.clone(), batch(chunk));
        flying.push_back(tokio::spawn(async move {
            log.produce_batch("t", batch).await.expect("produced");
        }));
    }
    for task in flying {
        task.await.expect("a task");
    }
}

fn drain(log: &EmbeddedLog) -> usize {
    let partitions = 0..PARTITIONS.cast_signed();
    let from: Vec<(i32, i64)> = partitions.clone().map(|partition| (partition, 0)).collect();
    let ends: i64 = partitions
        .map(|partition| log.offsets("t", partition).expect("offsets").end)
        .sum();
    let mut reader = log.reader("t", &from).expect("a reader");
    let mut count = 0;
    while count < ends as usize {
        let fetched = reader
            .poll(Duration::from_secs(10))
            .expect("a poll")
            .expect("records");
        for record in &fetched {
            black_box(record);
            count += 1;
        }
    }
    count
}
