//! Over several partitions: what lies in the log is taken in the order of time, whatever was written or fetched together,
//! so no record is late for a window whose time was not over. Kills between change nothing.
//!
//! `KSQL_TEST_CASES` sets how many sequences are tried.

#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::{naive, property};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("departures", partitions = 4)]
struct Departure {
    #[key]
    carrier: String,
    origin: String,
    #[timestamp]
    scheduled_dep: DateTime<Utc>,
    dep_delay_min: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("hourly")]
#[table]
#[window(tumbling, hours = [1], grace = "0s", retention = "90d")]
struct Hourly {
    #[key]
    origin: String,
    #[window_start]
    from: DateTime<Utc>,
    flights: i64,
    departed: i64,
}

#[query]
fn hourly(departures: Stream<Departure>) -> Table<Hourly> {
    departures.group_by(|d| d.origin).aggregate(|g| Hourly {
        origin: g.key(),
        from: g.window_start(),
        flights: g.count(),
        departed: g.count_of(|d| d.dep_delay_min),
    })
}

fn rows<T: for<'de> Deserialize<'de>>(path: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut file = csv::Reader::from_path(path).expect("the file opens");
    let rows = file.deserialize().map(|row| row.expect("the file reads"));
    rows.collect()
}

/// Hours by airport and start, and what the answer file says of them.
async fn assert_known_hours(test: &Test) {
    assert_eq!(test.context().queries()[0].late, 0, "no flight is late");
    let rows_found = test.context().set::<Hourly>().window(60).to_list().await;
    let found: BTreeMap<_, _> = rows_found
        .expect("rows")
        .into_iter()
        .map(|row| {
            let from = row.from.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            ((row.origin, from), (row.flights, row.departed))
        })
        .collect();
    let known = rows::<BTreeMap<String, String>>("data/sample_flights_per_origin_60m.csv");
    let known: BTreeMap<_, _> = known
        .into_iter()
        .map(|row| {
            let count = |column: &str| row[column].parse::<i64>().expect("a number");
            (
                (row["origin"].clone(), row["window_start"].clone()),
                (count("flights"), count("departed")),
            )
        })
        .collect();
    assert_eq!(found, known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flights_of_four_partitions_make_the_known_hours_while_they_are_sent() {
    let test = testing::query(hourly).start().await.expect("it starts");
    let flights: Vec<Departure> = rows("../../examples/data/flights.csv");
    let set = test.context().set::<Departure>();
    set.add_all(flights).await.expect("sent");
    test.settle().await.expect("settled");
    assert_known_hours(&test).await;
    test.end().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flights_of_four_partitions_make_the_known_hours_from_the_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let builder = || testing::builder().directory(directory.path());
    let sender = builder().entity::<Departure>().start().await;
    let sender = sender.expect("it starts");
    let flights: Vec<Departure> = rows("../../examples/data/flights.csv");
    let set = sender.context().set::<Departure>();
    // Carrier by carrier, so that one partition is full before another has a record.
    let mut by_carrier: BTreeMap<String, Vec<Departure>> = BTreeMap::new();
    for flight in flights {
        by_carrier
            .entry(flight.carrier.clone())
            .or_default()
            .push(flight);
    }
    // The flights of a partition by time, as an airport's clock has it.
    let mut partitions: BTreeMap<i32, Vec<Departure>> = BTreeMap::new();
    for (carrier, flights) in by_carrier {
        let partition = ksql_runtime::log::partition::partition_for_key(carrier.as_bytes(), 4);
        partitions.entry(partition).or_default().extend(flights);
    }
    for mut flights in partitions.into_values() {
        flights.sort_by_key(|flight| flight.scheduled_dep);
        set.add_all(flights).await.expect("sent");
    }
    sender.end().await.expect("a clean end");
    let test = builder().query(hourly).start().await.expect("it starts");
    test.settle().await.expect("settled");
    assert_known_hours(&test).await;
    test.end().await.expect("a clean end");
}

/// Something that happened to somebody, of some size.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("happenings", partitions = 4)]
struct Happening {
    #[key]
    who: i64,
    kind: i64,
    note: String,
}

/// What happened, by kind: groups whose rows lie in all partitions.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("kinds")]
#[table]
#[window(tumbling, seconds = [1], grace = "0s", retention = "1d")]
struct Kinds {
    #[key]
    kind: i64,
    #[window_start]
    from: DateTime<Utc>,
    count: i64,
    who: Vec<i64>,
}

#[query]
fn kinds(happenings: Stream<Happening>) -> Table<Kinds> {
    happenings.group_by(|h| h.kind).aggregate(|g| Kinds {
        kind: g.key(),
        from: g.window_start(),
        count: g.count(),
        who: g.collect_list(|h| h.who),
    })
}

/// Somebody, how long after the one before, kind, and the bytes of its note: many of them are more than a fetch.
type Happened = (i64, i64, i64, usize);

fn happened() -> impl Strategy<Value = Happened> {
    let size = prop_oneof![3 => Just(0_usize), 1 => 1_usize..400_000];
    (0..12_i64, 1..400_i64, 0..3_i64, size)
}

/// Writes each partition's records in portions, the partitions in any order; gives kinds and seconds with whom, by time.
async fn write(
    sender: &Test,
    all: &[Happened],
    portions: &[(usize, usize)],
) -> BTreeMap<(i64, i64), Vec<i64>> {
    let (mut lists, mut now) = (vec![Vec::new(); 4], 0);
    let mut expected: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for (who, after, kind, size) in all {
        now += after;
        let partition = ksql_runtime::log::partition::partition_for_key(&who.to_be_bytes(), 4);
        let happening = Happening {
            who: *who,
            kind: *kind,
            note: "x".repeat(*size),
        };
        lists[usize::try_from(partition).expect("a partition")].push((now, happening));
        expected
            .entry((*kind, now / 1000 * 1000))
            .or_default()
            .push(*who);
    }
    let whole = (0..4).map(|partition| (partition, usize::MAX));
    for (partition, size) in portions.iter().copied().chain(whole) {
        let list = &mut lists[partition];
        let part: Vec<_> = list.drain(..size.min(list.len())).collect();
        sender.send_all_at(part).await.expect("sent");
    }
    expected
}

#[test]
fn records_that_are_in_order_within_their_partitions_are_never_late() {
    let portion = (0..4_usize, 1..30_usize);
    let input = (
        prop::collection::vec(happened(), 1..150),
        prop::collection::vec(portion, 0..20),
        0..4_usize,
        any::<bool>(),
        prop::sample::select(vec!["32MiB", "64MiB", "512MiB"]),
    );
    property::holds(input, async |(all, portions, kills, each, memory)| {
        let directory = tempfile::tempdir().expect("a directory");
        let builder = || {
            testing::builder()
                .directory(directory.path())
                .setting("memory", memory)
        };
        let sender = builder()
            .entity::<Happening>()
            .start()
            .await
            .expect("it starts");
        let expected = write(&sender, &all, &portions).await;
        sender.end().await.expect("a clean end");
        let reader = match each {
            true => builder(),
            false => builder().latest_changes(),
        };
        let mut test = reader.query(kinds).start().await.expect("it starts");
        for _ in 0..kills {
            test = test.kill().await.expect("it starts again");
        }
        test.settle().await.expect("it is taken in");
        assert_eq!(test.context().queries()[0].late, 0);
        let made = test
            .window_records_of::<Kinds>(std::time::Duration::from_secs(1))
            .await;
        naive::repeated_alike(&made.expect("records"), |row| row.count);
        let set = test.context().set::<Kinds>();
        let rows = set
            .window_of(std::time::Duration::from_secs(1))
            .to_list()
            .await;
        let found: BTreeMap<_, _> = rows
            .expect("rows")
            .into_iter()
            .map(|row| ((row.kind, row.from.timestamp_millis()), row.who))
            .collect();
        assert_eq!(found, expected, "whole, and in the order of time");
        test.end().await.expect("it ends");
    });
}
