//! KB5: B5 on a real Kafka - how long until a table answers again, after its state was lost, after a clean stop, and after
//! `kill -9` in the middle of ingest.
//!
//! Beside us the floor of KB1, and Kafka Streams restoring what its application had committed, and started again after a
//! clean stop. All on the same topic of the same broker, with the same rows found.

use crate::answers::Answers;
use crate::b5::{self, CUSTOMER, KEYS, RUNS};
use crate::contender::{Contender, floor};
use crate::kafka::{Place, Servers};
use crate::kb1::peer;
use crate::report::{Report, Target, median};
use crate::streams::{Run, Streams};
use crate::{contender, fill, raw};

const REPORT: Report = Report("KB5");
/// The key whose row is compared.
const KEY: i64 = 4711;
/// A second of records, or what the broker gives.
const RESTORED: f64 = 1e6;

/// Runs KB5.
pub fn run() {
    let servers = match Servers::start() {
        Ok(servers) => servers,
        Err(skip) => return REPORT.skipped(&skip.to_string()),
    };
    let streams = peer(REPORT);
    let runtime = fill::runtime();
    let place = servers.place("restore");
    let (answers, took) = runtime.block_on(async {
        let ctx = place.ready().await;
        let started = std::time::Instant::now();
        fill::all_keys(&ctx, KEYS, CUSTOMER).await;
        let took = started.elapsed();
        ctx.wait_caught_up(fill::LIMIT)
            .await
            .expect("the table catches up");
        let answers = Answers::of(&ctx, KEY).await;
        ctx.shutdown().await.expect("a clean end");
        (answers, took)
    });
    let keys = KEYS as f64;
    REPORT.figure("keys", keys, "rows");
    REPORT.figure("filled", keys / took.as_secs_f64(), "rec/s");

    let mut peers = streams
        .as_ref()
        .map(|streams| Peer::new(streams, &servers, &place, &answers));
    let (mut empty, mut floors, mut drains, mut clean) = (vec![], vec![], vec![], vec![]);
    let mut peak = 0.0_f64;
    // The first turn warms the broker up and is not counted.
    for turn in 0..=RUNS {
        let elsewhere = tempfile::tempdir().expect("temporary directory");
        let drain = Contender::Drain.run(&place, elsewhere.path(), KEY);
        let floor = Contender::Floor.run(&place, elsewhere.path(), KEY);
        floor.check(&answers, "the floor");
        raw::forget_tables(place.directory());
        let lost = start(&place, &answers);
        let stopped = start(&place, &answers);
        if turn > 0 {
            drains.push(drain.used.seconds);
            floors.push(floor.used.seconds);
            empty.push(lost.used.seconds);
            peak = peak.max(lost.used.peak);
            clean.push(stopped.used.seconds);
            if let Some(peers) = &mut peers {
                peers.measure();
            }
        }
    }
    let (drained, ours, by_hand) = (keys / median(&drains), median(&empty), median(&floors));
    REPORT.figure("empty_topic_drained", drained, "rec/s");
    REPORT.aimed(
        "empty",
        keys / ours,
        "rec/s",
        Target::AtLeast(RESTORED.min(0.85 * drained)),
    );
    REPORT.figure("empty_floor", keys / by_hand, "rec/s");
    REPORT.ratio("empty_to_floor", by_hand / ours);
    REPORT.figure("empty_peak_rss", peak, "MiB");
    REPORT.aimed("clean_stop", median(&clean), "s", Target::AtMost(1.0));
    if let Some(peers) = &peers {
        let (lost, stopped) = (median(&peers.lost), median(&peers.stopped));
        REPORT.figure("empty_kafka_streams", keys / lost, "rec/s");
        REPORT.ratio("empty_to_kafka_streams", lost / ours);
        REPORT.figure("clean_stop_kafka_streams", stopped, "s");
    }

    // The child's orders are others than there were: what the table says afterwards is what the topic says.
    let killed: Vec<f64> = (0..RUNS)
        .map(|_| {
            b5::kill_in_the_middle(place.directory(), &place.settings);
            let into = tempfile::tempdir().expect("temporary directory");
            let floor = floor(servers.bootstrap(), &place.topic, into.path());
            start(&place, &floor.answers(KEY)).used.seconds
        })
        .collect();
    REPORT.aimed("killed", median(&killed), "s", Target::AtMost(2.0));
}

/// Our table, started in its directory.
fn start(place: &Place, answers: &Answers) -> contender::Run {
    let run = Contender::Ours.run(place, place.directory(), KEY);
    run.check(answers, "our table");
    run
}

/// Kafka Streams' side: one application, whose directory is lost before one start and kept before the next.
struct Peer<'a> {
    streams: &'a Streams,
    servers: &'a Servers,
    place: &'a Place,
    answers: &'a Answers,
    state: tempfile::TempDir,
    lost: Vec<f64>,
    stopped: Vec<f64>,
}

impl<'a> Peer<'a> {
    /// Processes the topic once, so that there is something to restore.
    fn new(
        streams: &'a Streams,
        servers: &'a Servers,
        place: &'a Place,
        answers: &'a Answers,
    ) -> Self {
        let peer = Peer {
            streams,
            servers,
            place,
            answers,
            state: tempfile::tempdir().expect("temporary directory"),
            lost: Vec::new(),
            stopped: Vec::new(),
        };
        assert_eq!(peer.start().records, KEYS as u64, "records of the peer");
        peer
    }

    fn measure(&mut self) {
        self.state = tempfile::tempdir().expect("temporary directory");
        let lost = self.start();
        assert_eq!(lost.restored, KEYS as u64, "restored by the peer");
        self.lost.push(lost.used.seconds);
        let stopped = self.start();
        assert_eq!(
            stopped.restored, 0,
            "nothing is restored after a clean stop"
        );
        self.stopped.push(stopped.used.seconds);
    }

    fn start(&self) -> Run {
        let run = self.streams.run(
            self.servers.bootstrap(),
            &self.place.topic,
            self.state.path(),
            "restore",
            KEY,
        );
        run.check(self.answers);
        run
    }
}
