//! K1: the log on a real Kafka alone - batches of 1000 orders produced and acknowledged, every record fetched.
//!
//! The floor is a hand-written loop over rdkafka on the same broker: its idempotent producer with the same settings, a
//! counter of delivery reports and no receipts; its consumer polled record by record. Broker and client share the
//! machine, so the CPU seconds of the client per million records are printed beside the rates.

use std::hint::black_box;
use std::time::Duration;

use ksql_runtime::log::{KafkaLog, KafkaOptions, RecordBatch, TopicSpec};
use ksql_runtime_tests::servers::Kafka;
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::floor::producer::Producer;
use crate::report::{Report, Target, median, timed};
use crate::{fill, floor, l1, process};

const REPORT: Report = Report("K1");
const RUNS: usize = 5;
const BATCH: usize = 1000;
const PARTITIONS: u32 = 4;
/// Batches in flight: what a producer that does not wait for each acknowledgement has.
const IN_FLIGHT: usize = 16;
const LIMIT: Duration = Duration::from_secs(60);

/// Rates and CPU seconds per million records of one thing measured.
#[derive(Default)]
struct Measured {
    rate: Vec<f64>,
    cpu: Vec<f64>,
}

impl Measured {
    fn add(&mut self, records: usize, work: impl FnOnce()) {
        let before = process::cpu();
        let ((), took) = timed(work);
        self.rate.push(records as f64 / took.as_secs_f64());
        self.cpu
            .push((process::cpu() - before) / (records as f64 / 1e6));
    }
}

/// Runs K1.
pub fn run() {
    let kafka = match Kafka::start_with(crate::kafka::broker()) {
        Ok(kafka) => kafka,
        Err(skip) => return REPORT.skipped(&skip.to_string()),
    };
    let payload = l1::payload();
    let runtime = fill::runtime();
    let (mut produced, mut floor_produced) = (Measured::default(), Measured::default());
    let (mut fetched, mut floor_fetched) = (Measured::default(), Measured::default());
    let log = KafkaLog::open(KafkaOptions::new(kafka.bootstrap())).expect("the log opens");
    for run in 0..=RUNS {
        let topics = [format!("ours-{run}"), format!("floor-{run}")];
        for topic in &topics {
            let spec = TopicSpec::new(topic, PARTITIONS);
            runtime.block_on(log.create_topic(&spec)).expect("a topic");
        }
        let [ours, floor] = &topics;
        // The first run warms the broker up and is not counted.
        let mut unused: [Measured; 4] = Default::default();
        let [p, fp, f, ff] = &mut unused;
        let into = if run == 0 {
            [p, fp, f, ff]
        } else {
            [
                &mut produced,
                &mut floor_produced,
                &mut fetched,
                &mut floor_fetched,
            ]
        };
        let [produced, floor_produced, fetched, floor_fetched] = into;
        produced.add(payload.len(), || {
            runtime.block_on(produce(&log, ours, &payload));
        });
        floor_produced.add(payload.len(), || {
            floor_produce(kafka.bootstrap(), floor, &payload);
        });
        fetched.add(payload.len(), || drain(&log, ours, payload.len()));
        floor_fetched.add(payload.len(), || {
            floor_drain(kafka.bootstrap(), floor, payload.len());
        });
    }
    for (name, ours, floor) in [
        ("produced", &produced, &floor_produced),
        ("fetched", &fetched, &floor_fetched),
    ] {
        let (rate, floor_rate) = (median(&ours.rate), median(&floor.rate));
        REPORT.figure(name, rate, "rec/s");
        REPORT.figure(&format!("{name}_floor"), floor_rate, "rec/s");
        REPORT.aimed(
            &format!("{name}_to_floor"),
            rate / floor_rate,
            "x",
            Target::AtLeast(0.85),
        );
        REPORT.figure(&format!("{name}_cpu"), median(&ours.cpu), "s/M");
        REPORT.figure(&format!("{name}_cpu_floor"), median(&floor.cpu), "s/M");
    }
}

async fn produce(log: &KafkaLog, topic: &str, payload: &[(Vec<u8>, Vec<u8>)]) {
    let mut flying = std::collections::VecDeque::new();
    for chunk in payload.chunks(BATCH) {
        if flying.len() == IN_FLIGHT {
            let oldest: tokio::task::JoinHandle<_> = flying.pop_front().expect("one");
            oldest.await.expect("a task");
        }
        let mut batch = RecordBatch::with_capacity(chunk.len(), 100 * chunk.len());
        for (key, value) in chunk {
            batch.push(Some(key), Some(value), 1, &[]);
        }
        let (log, topic) = (log.clone(), topic.to_owned());
        flying.push_back(tokio::spawn(async move {
            log.produce_batch(&topic, batch).await.expect("produced");
        }));
    }
    for task in flying {
        task.await.expect("a task");
    }
}

fn drain(log: &KafkaLog, topic: &str, records: usize) {
    let from: Vec<(i32, i64)> = (0..PARTITIONS.cast_signed()).map(|one| (one, 0)).collect();
    let mut reader = log.reader(topic, &from).expect("a reader");
    let mut count = 0;
    while count < records {
        let fetched = reader.poll(LIMIT).expect("a poll").expect("records");
        for record in &fetched {
            black_box(record);
            count += 1;
        }
    }
    assert_eq!(count, records);
}

fn floor_produce(bootstrap: &str, topic: &str, payload: &[(Vec<u8>, Vec<u8>)]) {
    let mut producer = Producer::new(bootstrap);
    for (key, value) in payload {
        producer.send(topic, None, (key, value), 1);
    }
    assert_eq!(producer.finish(), payload.len() as u64);
}

fn floor_drain(bootstrap: &str, topic: &str, records: usize) {
    let consumer = floor::topic::consumer(bootstrap);
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS.cast_signed() {
        list.add_partition_offset(topic, partition, Offset::Offset(0))
            .expect("an offset");
    }
    consumer.assign(&list).expect("assigned");
    let mut count = 0;
    while count < records {
        let message = consumer.poll(LIMIT).expect("a record").expect("no error");
        black_box((message.key(), message.payload(), message.offset()));
        count += 1;
    }
}
