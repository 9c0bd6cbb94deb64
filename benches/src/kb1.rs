//! KB1: B1 on a real Kafka - a filled topic becomes a table, from `start()` on an empty state to the last key's answer.
//!
//! The floor is rdkafka's consumer and a RocksDB by hand, the peer a Kafka Streams table; all three take turns on the same
//! topic of the same broker, and must find the same rows. Broker and clients share the machine, so the CPU seconds of each
//! client per million records stand beside the rates.

use crate::answers::Answers;
use crate::contender::{Contender, Measured};
use crate::data::Keys;
use crate::fill::{self, Workload};
use crate::kafka::Servers;
use crate::report::{Report, Target};
use crate::streams::{Missing, Streams};
use crate::{b1, raw};

const REPORT: Report = Report("KB1");
const RUNS: usize = 3;
/// Unless `KSQL_BENCH_RECORDS` says otherwise: B1's own size is 10,000,000.
const RECORDS: usize = 1_000_000;
/// How many records a key has on average.
const PER_KEY: usize = 10;

/// How many records the topic gets.
fn records() -> usize {
    match std::env::var("KSQL_BENCH_RECORDS") {
        Err(_) => RECORDS,
        Ok(text) => text
            .parse()
            .expect("KSQL_BENCH_RECORDS is a number of records"),
    }
}

/// Runs KB1.
pub fn run() {
    let servers = match Servers::start() {
        Ok(servers) => servers,
        Err(skip) => return REPORT.skipped(&skip.to_string()),
    };
    let streams = peer(REPORT);
    for (name, draw) in [("zipf", Keys::Zipf), ("uniform", Keys::Uniform)] {
        let workload = Workload {
            records: records(),
            keys: records() / PER_KEY,
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
    // The first turn warms the broker up and is not counted.
    for turn in 0..=RUNS {
        let empty = tempfile::tempdir().expect("temporary directory");
        let drain = Contender::Drain.run(&place, empty.path(), last);
        let floor = Contender::Floor.run(&place, empty.path(), last);
        floor.check(&answers, "the floor");
        raw::forget_tables(place.directory());
        let restored = Contender::Ours.run(&place, place.directory(), last);
        restored.check(&answers, "our table");
        if turn == 0 {
            continue;
        }
        for (measured, run) in [
            (&mut drained, drain),
            (&mut floors, floor),
            (&mut ours, restored),
        ] {
            measured.push(&run.used);
        }
        if let Some(streams) = streams {
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
            peers.push(&run.used);
        }
    }
    let records = workload.records as f64;
    drained.print(REPORT, &format!("{name}_topic_drained"), records);
    ours.print(REPORT, &format!("{name}_ready"), records);
    floors.print(REPORT, &format!("{name}_floor"), records);
    REPORT.aimed(
        &format!("{name}_to_floor"),
        floors.seconds() / ours.seconds(),
        "x",
        Target::AtLeast(0.85),
    );
    if streams.is_some() {
        peers.print(REPORT, &format!("{name}_kafka_streams"), records);
        REPORT.aimed(
            &format!("{name}_to_kafka_streams"),
            peers.seconds() / ours.seconds(),
            "x",
            Target::AtLeast(3.0),
        );
        REPORT.figure(
            &format!("{name}_kafka_streams_peak_rss"),
            peers.peak(),
            "MiB",
        );
    }
    REPORT.figure(&format!("{name}_floor_peak_rss"), floors.peak(), "MiB");
    REPORT.aimed(
        &format!("{name}_peak_rss"),
        ours.peak(),
        "MiB",
        Target::AtMost(256.0),
    );
}
