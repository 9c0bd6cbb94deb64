//! The embedded log under kill -9 at random instants: no acknowledged record is lost, torn or moved.
//!
//! `KSQL_TEST_KILLS=500` runs the long form; `KSQL_TEST_SEED` varies it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions};
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::workload::mix;

const CHILD: &str = env!("CARGO_BIN_EXE_log_child");
const LIMIT: Duration = Duration::from_secs(300);

/// Every record of a topic: by partition and offset its number.
fn numbers(log: &EmbeddedLog, topic: &str) -> BTreeMap<(i32, i64), u64> {
    let mut found = BTreeMap::new();
    let Ok(described) = log.describe(topic) else {
        return found;
    };
    for partition in 0..described.partitions.cast_signed() {
        let offsets = log.offsets(topic, partition).expect("offsets");
        let mut reader = log
            .reader(topic, &[(partition, offsets.start)])
            .expect("a reader");
        let mut next = offsets.start;
        while next < offsets.end {
            let fetched = reader
                .poll(LIMIT)
                .expect("nothing is damaged")
                .expect("records");
            for record in &fetched {
                let (number, check) = record
                    .value
                    .expect("a value")
                    .split_first_chunk::<8>()
                    .expect("two numbers");
                let number = u64::from_be_bytes(*number);
                assert_eq!(check, mix(number, 1).to_be_bytes(), "a torn record");
                found.insert((partition, record.offset), number);
            }
            next = fetched.next_offset();
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_loses_no_acknowledged_record() {
    let (seed, kills) = (seed(), number("KSQL_TEST_KILLS", 25));
    let mut report = Report::new("log_crash", seed);
    let mut directory = tempfile::tempdir().expect("a directory");
    let mut acknowledged: BTreeMap<(i32, i64), u64> = BTreeMap::new();
    let mut latest: BTreeMap<u64, (i64, u64)> = BTreeMap::new();
    let mut checked = 0;
    for kill in 0..kills {
        // All records are read after every kill: from time to time a log begins anew, or most of the time goes there.
        if kill.is_multiple_of(5) {
            directory = tempfile::tempdir().expect("a directory");
            acknowledged.clear();
            latest.clear();
        }
        let first = kill * 10_000_000;
        let mut child = Lines::start(CHILD, &[&first.to_string()], directory.path());
        let mut each = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words[at].parse::<u64>().expect("a number");
            match words[0] {
                "acked" => acknowledged.extend([((number(2) as i32, number(3) as i64), number(1))]),
                "latest" => latest.extend([(number(1) % 20, (number(2) as i64, number(1)))]),
                _ => assert_eq!(line, "ready"),
            }
        };
        // Every other one is killed while it writes, whatever the machine's speed.
        if kill.is_multiple_of(2) {
            child.read_until("acked ", LIMIT, &mut each);
            child.read_until("latest ", LIMIT, &mut each);
        }
        child.kill_after(Duration::from_micros(mix(seed, kill) % 300_000), &mut each);

        let log = check(directory.path(), &acknowledged, seed, kill);
        let found: BTreeMap<i64, u64> = numbers(&log, "latest")
            .into_iter()
            .map(|((_, at), number)| (at, number))
            .collect();
        for (key, (offset, number)) in &latest {
            let newest = found.iter().rev().find(|(_, number)| *number % 20 == *key);
            let (at, there) =
                newest.unwrap_or_else(|| panic!("seed {seed}, kill {kill}: key {key} is gone"));
            assert!(
                *at >= *offset && (*at > *offset || there == number),
                "seed {seed}, kill {kill}: key {key} went back"
            );
        }
        // A compaction that the kill cut short is taken up again.
        log.maintain(0).await.expect("compacted after a kill");
        log.close().await.expect("closed");
        checked += (acknowledged.len() + latest.len()) as u64;
        report.pass();
    }
    assert!(checked > 0, "the children got somewhere");
    report.count("kills", kills);
    report.count("acknowledged_checked", checked);
}

fn check(
    directory: &Path,
    acknowledged: &BTreeMap<(i32, i64), u64>,
    seed: u64,
    kill: u64,
) -> EmbeddedLog {
    let log =
        EmbeddedLog::open(EmbeddedOptions::new(directory)).expect("the log opens after a kill");
    let found = numbers(&log, "all");
    for (place, number) in acknowledged {
        assert_eq!(
            found.get(place),
            Some(number),
            "seed {seed}, kill {kill}: the record acknowledged at {place:?}"
        );
    }
    for (partition, end) in found.keys().fold(
        BTreeMap::new(),
        |mut ends: BTreeMap<i32, i64>, (partition, offset)| {
            let next = ends.entry(*partition).or_default();
            assert_eq!(
                next, offset,
                "seed {seed}, kill {kill}: offsets have no holes"
            );
            *next += 1;
            ends
        },
    ) {
        assert_eq!(log.offsets("all", partition).expect("offsets").end, end);
    }
    log
}
