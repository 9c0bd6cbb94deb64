//! KB2: B2 on a real Kafka and a real registry - windows of 1, 5 and 60 minutes over one stream, from `start()` on an empty
//! state until every record is in all of them, their results are acknowledged in their topics and can be read.
//!
//! The floor is rdkafka's consumer, hash maps by hand and rdkafka's producer, which writes the last result of each window
//! once; it keeps no state that survives. The peer is Kafka Streams with the same topology, in both ways that it may tell
//! results. All take turns on one topic of one broker, each run a process of its own. What stands in the topics of the results
//! is compared row by row after each run.

use std::ffi::OsString;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::log::{KafkaLog, KafkaOptions, TopicSpec};
use ksql_runtime::prelude::*;

use crate::b2::{self, Stats};
use crate::contender::{Measured, Run, Started, bootstrap};
use crate::fill::{self, Settings};
use crate::floor::producer::Producer;
use crate::floor::topic::Topic;
use crate::floor::windows::{self, Groups, Kept, MINUTE, SIZES, Windows};
use crate::kafka::{Place, Servers};
use crate::kb1::peer;
use crate::raw;
use crate::report::{Report, Target};
use crate::streams::Emit;

const REPORT: Report = Report("KB2");
const RUNS: usize = 3;
const PARTITIONS: u32 = 4;
/// What our context may keep: a quarter of it for tables and queries to gather in. The peer has a heap of 1 GiB and a cache of 256 MiB.
const MEMORY: &str = "512MiB";
/// How many times as fast as the peer.
const PEER: f64 = 5.0;

/// The argument that makes this program the child.
pub const CHILD: &str = "windows";

/// Runs KB2.
pub fn run() {
    let servers = match Servers::start() {
        Ok(servers) => servers,
        Err(skip) => return REPORT.skipped(&skip.to_string()),
    };
    let streams = peer(REPORT);
    let place = servers.place("windows");
    let records = b2::records();
    fill::runtime().block_on(b2::fill_with(
        place.directory(),
        &place.settings,
        start(),
        records,
    ));
    let results = Results::new(servers.bootstrap());
    let expected = by_hand(servers.bootstrap(), &place.topic);
    let [mut ours, mut floors, mut cached, mut closed]: [Measured; 4] = Default::default();
    // The first turn warms the broker up and is not counted.
    for turn in 0..=RUNS {
        let floor = floor(&place, &results, turn, &expected);
        let run = our(&place, &results, &expected);
        if turn == 0 {
            continue;
        }
        floors.push(&floor.used);
        ours.push(&run.used);
        let Some(streams) = &streams else {
            continue;
        };
        for (emit, measured) in [(Emit::Cached, &mut cached), (Emit::OnClose, &mut closed)] {
            let state = tempfile::tempdir().expect("temporary directory");
            let name = format!("{}-{turn}", emit.name());
            results.create(&name);
            let used =
                streams.windows(servers.bootstrap(), &place.topic, state.path(), &name, emit);
            let found = results.take(&name);
            match emit {
                Emit::Cached => compare(&found, &expected.groups, &name),
                Emit::OnClose => compare(&found, &over(&expected), &name),
            }
            measured.push(&used);
        }
    }
    let rows: usize = expected.groups.iter().map(Groups::len).sum();
    REPORT.figure("windows", rows as f64, "rows");
    let records = records as f64;
    ours.print(REPORT, "aggregated", records);
    floors.print(REPORT, "floor", records);
    REPORT.ratio("to_floor", floors.seconds() / ours.seconds());
    REPORT.figure("peak_rss", ours.peak(), "MiB");
    REPORT.figure("floor_peak_rss", floors.peak(), "MiB");
    if streams.is_none() {
        return;
    }
    for (name, peers) in [
        ("kafka_streams", &cached),
        ("kafka_streams_on_close", &closed),
    ] {
        peers.print(REPORT, name, records);
        REPORT.aimed(
            &format!("to_{name}"),
            peers.seconds() / ours.seconds(),
            "x",
            Target::AtLeast(PEER),
        );
        REPORT.figure(&format!("{name}_peak_rss"), peers.peak(), "MiB");
    }
}

/// Noon of yesterday: a broker deletes what it holds for old, and the peer has its stores' topics kept for two days.
fn start() -> i64 {
    const DAY: i64 = 24 * 60 * MINUTE;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    now.as_millis() as i64 / DAY * DAY - DAY / 2
}

/// The topics that results go to, as the framework names them too.
fn topics(prefix: &str) -> [String; 3] {
    SIZES.map(|size| format!("{prefix}_{size}min"))
}

/// What was written, on the broker.
struct Results {
    log: KafkaLog,
    runtime: tokio::runtime::Runtime,
}

impl Results {
    fn new(bootstrap: &str) -> Results {
        let runtime = fill::runtime();
        let log = {
            let _inside = runtime.enter();
            KafkaLog::open(KafkaOptions::new(bootstrap)).expect("the log opens")
        };
        Results { log, runtime }
    }

    fn create(&self, prefix: &str) {
        for topic in topics(prefix) {
            let spec = TopicSpec::new(topic, PARTITIONS);
            self.runtime
                .block_on(self.log.create_topic(&spec))
                .expect("a topic");
        }
    }

    fn delete(&self, topic: &str) {
        self.runtime
            .block_on(self.log.delete_topic(topic))
            .expect("the topic is deleted");
    }

    /// The last result of each window, whose topics are deleted.
    fn take(&self, prefix: &str) -> [Groups; 3] {
        topics(prefix).map(|topic| {
            let mut last = Groups::default();
            let offsets = self.runtime.block_on(self.log.all_offsets(&topic));
            raw::read(
                &offsets.expect("offsets"),
                |from| self.log.reader(&topic, from),
                |_, _, key, value| {
                    let body = value.expect("no result is deleted").get(5..);
                    let kept = Kept::decode(body.expect("a body"));
                    last.insert(windows::of_key(key), kept);
                },
            );
            self.delete(&topic);
            last
        })
    }
}

fn compare(found: &[Groups; 3], expected: &[Groups; 3], who: &str) {
    for ((size, found), expected) in SIZES.iter().zip(found).zip(expected) {
        for (of, kept) in found {
            assert_eq!(Some(kept), expected.get(of), "{who}: {of:?} of {size} min");
        }
        assert_eq!(found.len(), expected.len(), "{who}: windows of {size} min");
    }
}

/// Those that nothing more can come of.
fn over(windows: &Windows) -> [Groups; 3] {
    [0, 1, 2].map(|index| {
        let closed = windows.groups[index].iter().filter(|((id, start), _)| {
            let partition = partition_for_key(&id.to_be_bytes(), PARTITIONS);
            windows.is_over(partition, *start, SIZES[index])
        });
        closed.map(|(of, kept)| (*of, *kept)).collect()
    })
}

/// The floor's run, into topics of its own.
fn floor(place: &Place, results: &Results, turn: usize, expected: &Windows) -> Run {
    let name = format!("floor-{turn}");
    results.create(&name);
    let run = contend("floor", place, Path::new(&name));
    compare(&results.take(&name), &expected.groups, &name);
    run
}

/// Our run: nothing is there but the trades.
fn our(place: &Place, results: &Results, expected: &Windows) -> Run {
    let empty = tempfile::tempdir().expect("temporary directory");
    let run = contend("ours", place, empty.path());
    let all = expected.groups.iter().map(|groups| {
        let mut seen = Seen::default();
        groups.iter().for_each(|(of, kept)| seen.add(*of, kept));
        seen
    });
    run.check(&all.collect::<Vec<Seen>>(), "our tables");
    compare(&results.take("windows-stats"), &expected.groups, "ours");
    results.delete("windows-system.KsqlDsl.owner");
    run
}

fn contend(name: &str, place: &Place, place_of_its_own: &Path) -> Run {
    let arguments = [
        name.into(),
        place.topic.clone().into(),
        place_of_its_own.into(),
    ];
    Run::of(
        CHILD,
        arguments
            .into_iter()
            .chain(fill::arguments(&place.settings).map(OsString::from)),
    )
}

/// Rows of one window size in short: a change of any of them changes it.
#[derive(Debug, Default)]
struct Seen {
    rows: u64,
    digest: u64,
}

impl Seen {
    fn add(&mut self, (id, start): (i64, i64), kept: &Kept) {
        let fields = [
            id,
            start,
            kept.count,
            kept.sum as i64,
            kept.least.into(),
            kept.greatest.into(),
            kept.first as i64,
            kept.last as i64,
        ];
        let row = fields.iter().fold(0_u64, |row, field| {
            let mixed = (row ^ field.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed.rotate_left(29)
        });
        self.rows += 1;
        self.digest = self.digest.wrapping_add(row);
    }
}

/// The child: what it is, the topic of the trades, and its own directory or the beginning of its results' names.
pub fn child(arguments: &[String]) {
    let [name, topic, own, settings @ ..] = arguments else {
        panic!("a contender, a topic, a place of its own and settings: {arguments:?}");
    };
    let settings = fill::settings(settings);
    match name.as_str() {
        "floor" => {
            let started = Started::now();
            let written = write(bootstrap(&settings), topic, own);
            started.print();
            println!("{written}");
        }
        "ours" => read(Path::new(own), &settings),
        other => panic!("no contender: {other}"),
    }
}

/// All trades taken in by hand.
fn by_hand(bootstrap: &str, topic: &str) -> Windows {
    let mut windows = Windows::default();
    Topic::open(bootstrap, topic).drain(|partition, _, key, value| {
        windows.take(partition, key, value);
    });
    windows
}

/// The floor: how many results were acknowledged.
fn write(bootstrap: &str, topic: &str, prefix: &str) -> u64 {
    let windows = by_hand(bootstrap, topic);
    let mut producer = Producer::new(bootstrap);
    let mut value = Vec::new();
    for (topic, groups) in topics(prefix).iter().zip(&windows.groups) {
        for (of, kept) in groups {
            let key = windows::key(*of);
            value.clear();
            value.extend_from_slice(&[0, 0, 0, 0, 1]);
            kept.encode(&mut value);
            // A windowed record lies where its inner key does.
            let partition = partition_for_key(&key[..8], PARTITIONS);
            producer.send(topic, Some(partition), (&key, &value), of.1);
        }
    }
    producer.finish()
}

/// Our context, until its results can be read.
fn read(directory: &Path, settings: &Settings) {
    let runtime = fill::runtime();
    let started = Started::now();
    runtime.block_on(async {
        let builder = Context::builder().query(b2::stats).state_dir(directory);
        let builder = fill::set(builder, settings).setting("memory", MEMORY);
        let ctx = builder.start().await;
        let ctx = ctx.expect("the context starts");
        ctx.wait_ready(fill::LIMIT).await.expect("ready");
        ctx.wait_caught_up(fill::LIMIT).await.expect("caught up");
        started.print();
        let mut all = Vec::new();
        for size in SIZES {
            let mut seen = Seen::default();
            let rows = ctx
                .set::<Stats>()
                .window_of(std::time::Duration::from_secs(60 * size.cast_unsigned()))
                .to_list()
                .await
                .expect("rows");
            for row in rows {
                let (of, kept) = b2::kept(&row);
                seen.add(of, &kept);
            }
            all.push(seen);
        }
        println!("{all:?}");
        ctx.shutdown().await.expect("a clean end");
    });
}
