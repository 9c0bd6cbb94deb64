//! KB1: B1 on a real Kafka - a filled topic becomes a table, from `start()` on an empty state to the last key's answer.
//!
//! The floor is rdkafka's consumer and a RocksDB by hand, the peer a Kafka Streams table; all three take turns on the same
//! topic of the same broker, and must find the same rows. Broker and clients share the machine, so the CPU seconds of each
//! client per million records stand beside the rates.

use std::path::Path;

use crate::answers::Answers;
use crate::data::Keys;
use crate::entities::Order;
use crate::fill::{self, Workload};
use crate::floor::table::{Collected, Table};
use crate::floor::topic::Topic;
use crate::kafka::{Place, Servers};
use crate::report::{Report, Target, median, timed};
use crate::streams::{Missing, Streams};
use crate::{b1, process, raw};

const REPORT: Report = Report("KB1");
const RUNS: usize = 3;
const RECORDS: usize = 1_000_000;
const KEYS: usize = 100_000;

/// Runs KB1.
pub fn run() {
    let servers = match Servers::start() {
        Ok(servers) => servers,
        Err(skip) => return REPORT.skipped(&skip.to_string()),
    };
    let streams = peer(REPORT);
    for (name, draw) in [("zipf", Keys::Zipf), ("uniform", Keys::Uniform)] {
        let workload = Workload {
            records: RECORDS,
            keys: KEYS,
            draw,
            tombstones: 20,
        };
        materialise(&servers, streams.as_ref(), name, workload);
    }
}

/// The peer, or a remark why it is not measured.
pub fn peer(report: Report) -> Option<Streams> {
    match Streams::build() {
        Ok(streams) => Some(streams),
        Err(Missing::Tool(why)) => {
            report.skipped_part("kafka_streams", &why);
            None
        }
        Err(Missing::Build(why)) => {
            report.failed(&format!("kafka_streams: {why}"));
            None
        }
    }
}

/// One contender's runs.
#[derive(Default)]
struct Measured {
    seconds: Vec<f64>,
    cpu: Vec<f64>,
    peak: f64,
}

impl Measured {
    /// Measures this process.
    fn add<T>(&mut self, work: impl FnOnce() -> T) -> T {
        process::reset_peak();
        let before = process::cpu();
        let (result, took) = timed(work);
        self.push(took.as_secs_f64(), process::cpu() - before, process::peak());
        result
    }

    /// One run of another process.
    fn push(&mut self, seconds: f64, cpu: f64, peak: f64) {
        self.seconds.push(seconds);
        self.cpu.push(cpu);
        self.peak = self.peak.max(peak);
    }

    /// Prints rate, CPU and memory.
    fn print(&self, name: &str, records: f64) {
        REPORT.figure(name, records / median(&self.seconds), "rec/s");
        REPORT.figure(
            &format!("{name}_cpu"),
            median(&self.cpu) / records * 1e6,
            "cpu-s/M",
        );
    }
}

fn materialise(servers: &Servers, streams: Option<&Streams>, name: &str, workload: Workload) {
    let runtime = fill::runtime();
    let place = servers.place(name);
    let last = b1::last_key(workload);
    let answers = runtime.block_on(async {
        let ctx = place.ready().await;
        place.fill(&ctx, workload).await;
        ctx.wait_caught_up(fill::LIMIT)
            .await
            .expect("the table catches up");
        let answers = Answers::of(&ctx, last).await;
        ctx.shutdown().await.expect("a clean end");
        answers
    });
    REPORT.figure(&format!("{name}_rows"), answers.rows as f64, "rows");

    let [mut drained, mut floors, mut ours, mut peers]: [Measured; 4] = Default::default();
    // The first turn warms the broker up and is not counted; the peer then finds it warm.
    for turn in 0..=RUNS {
        let mut unused: [Measured; 3] = Default::default();
        let [d, f, o] = &mut unused;
        let [drained, floors, ours] = if turn == 0 {
            [d, f, o]
        } else {
            [&mut drained, &mut floors, &mut ours]
        };
        // What is opened is closed behind the clock, for us too.
        let topic = drained.add(|| drain(servers.bootstrap(), &place));
        drop(topic);
        let into = tempfile::tempdir().expect("temporary directory");
        let (floor, found) = floors.add(|| floor(servers.bootstrap(), &place, into.path(), last));
        assert!(found.is_some(), "the last key of the floor answers");
        assert_eq!(floor.answers(last), answers, "what the floor says");
        drop(floor);

        raw::forget_tables(place.directory());
        let (ctx, found) = ours.add(|| {
            runtime.block_on(async {
                let ctx = place.ready().await;
                let found = ctx.set::<Order>().get(last).await.expect("a read");
                (ctx, found)
            })
        });
        assert!(found.is_some(), "the last key answers");
        let found = runtime.block_on(Answers::of(&ctx, last));
        assert_eq!(found, answers, "what the restored table says");
        runtime.block_on(ctx.shutdown()).expect("a clean end");

        if let (Some(streams), true) = (streams, turn > 0) {
            let state = tempfile::tempdir().expect("temporary directory");
            let application = format!("{name}-{turn}");
            let run = streams.run(
                servers.bootstrap(),
                &place.topic,
                state.path(),
                &application,
                last,
            );
            run.check(&answers);
            assert_eq!(run.records, workload.records as u64, "records of the peer");
            peers.push(run.seconds, run.cpu, run.peak);
        }
    }
    let records = workload.records as f64;
    drained.print(&format!("{name}_topic_drained"), records);
    ours.print(&format!("{name}_ready"), records);
    floors.print(&format!("{name}_floor"), records);
    let median_of = |measured: &Measured| median(&measured.seconds);
    REPORT.aimed(
        &format!("{name}_to_floor"),
        median_of(&floors) / median_of(&ours),
        "x",
        Target::AtLeast(0.85),
    );
    if streams.is_some() {
        peers.print(&format!("{name}_kafka_streams"), records);
        REPORT.aimed(
            &format!("{name}_to_kafka_streams"),
            median_of(&peers) / median_of(&ours),
            "x",
            Target::AtLeast(3.0),
        );
        REPORT.figure(&format!("{name}_kafka_streams_peak_rss"), peers.peak, "MiB");
    }
    REPORT.figure(&format!("{name}_floor_peak_rss"), floors.peak, "MiB");
    REPORT.aimed(
        &format!("{name}_peak_rss"),
        ours.peak,
        "MiB",
        Target::AtMost(256.0),
    );
}

/// Reads all records and does nothing with them.
pub fn drain(bootstrap: &str, place: &Place) -> Topic {
    let mut topic = Topic::open(bootstrap, &place.topic);
    topic.drain(|_, _, key, value| {
        std::hint::black_box((key, value));
    });
    topic
}

/// A table by hand, with the consumer that filled it.
pub struct Floor {
    table: Table,
    topic: Topic,
}

impl Floor {
    /// What it says of its rows.
    pub fn answers(&self, key: i64) -> Answers {
        Answers::by_hand(&self.table, self.topic.partitions(), key)
    }
}

/// The floor into a database of its own, and the row of one key.
pub fn floor(bootstrap: &str, place: &Place, into: &Path, last: i64) -> (Floor, Option<Order>) {
    let mut topic = Topic::open(bootstrap, &place.topic);
    let table = Table::open(into);
    let mut collected = Collected::default();
    topic.drain(|partition, offset, key, value| {
        table.record(&mut collected, partition, offset, key, value);
    });
    table.write(&mut collected);
    let row = (0..topic.partitions()).find_map(|partition| table.get(partition, last));
    (Floor { table, topic }, row)
}
