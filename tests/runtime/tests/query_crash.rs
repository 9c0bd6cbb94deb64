//! Queries under kill -9, with real child processes: after each kill the results are those of a run without it, and what
//! is told again was told before.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often each kind of query is killed (20 is the long form); `KSQL_TEST_SEED` varies it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::naive::{self, Kept, Record};
use ksql_runtime_tests::queries::*;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::workload::mix;

const CHILD: &str = env!("CARGO_BIN_EXE_query_child");
const LIMIT: Duration = Duration::from_secs(300);

/// Kills a query again and again, and looks each time at what there is when everything is taken in.
async fn killed(name: &str, check: impl AsyncFn(&Test)) {
    let (seed, kills) = (seed(), number("KSQL_TEST_QUERY_KILLS", 3));
    let mut report = Report::new(&format!("query {name}"), seed);
    let directory = tempfile::tempdir().expect("a directory");
    let mut next = 0_u64;
    for kill in 0..kills {
        let arguments = [name, &seed.to_string(), &next.to_string()];
        let mut child = Lines::start(CHILD, &arguments, directory.path());
        let mut each = |line: &str| {
            if let Some(number) = line.strip_prefix("acked ") {
                next = number.parse().expect("a number");
            } else {
                assert_eq!(line, "ready");
            }
        };
        child.read_until("acked ", LIMIT, &mut each);
        let time = Duration::from_micros(mix(seed, kill) % 300_000);
        child.kill_after(time, &mut each);

        let builder = testing::builder()
            .directory(directory.path())
            .setting("memory", "64MiB")
            .latest_changes();
        let test = with_query(builder, name).start().await.expect("it starts");
        test.settle().await.expect("it is taken in");
        check(&test).await;
        test.end().await.expect("it ends");
        report.pass();
    }
    report.count("kills", kills);
    report.count("records", next);
}

async fn readings(test: &Test) -> Vec<Record<String, Reading>> {
    let sent = test.records::<Reading>().await.expect("records");
    sent.into_iter()
        .map(|record| (record.timestamp, record.key.sensor, record.row))
        .collect()
}

async fn places(test: &Test) -> Vec<Record<i64, Place>> {
    let sent = test.records::<Place>().await.expect("records");
    sent.into_iter()
        .map(|record| (record.timestamp, record.key.id, record.row))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_killed_queries_with_one_output_neither_loses_or_invents_anything() {
    killed("Both", async |test| {
        let sent = readings(test).await;
        let expected = sent.iter().filter_map(|(timestamp, sensor, row)| {
            let row = row.as_ref()?;
            Some((*timestamp, sensor.clone(), row.value * 2))
        });
        let expected: BTreeSet<_> = expected.collect();
        // Both have made something, or the test shows nothing.
        assert!(expected.iter().any(|(_, _, doubled)| *doubled > 0));
        assert!(expected.iter().any(|(_, _, doubled)| *doubled <= 0));
        let made = test.records::<Loud>().await.expect("records");
        let found = made.iter().map(|record| {
            let row = record.row.as_ref().expect("a stream deletes nothing");
            (record.timestamp, row.sensor.clone(), row.doubled)
        });
        assert!(found.collect::<BTreeSet<_>>() == expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_filter_loses_and_invents_nothing() {
    killed("LoudOnes", async |test| {
        let expected: BTreeSet<_> = naive::loud(&readings(test).await).into_iter().collect();
        let made = test.records::<Loud>().await.expect("records");
        let found = made.iter().map(|record| {
            let row = record.row.as_ref().expect("a stream deletes nothing");
            (record.timestamp, row.sensor.clone(), row.doubled)
        });
        assert!(found.collect::<BTreeSet<_>>() == expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_groups_are_those_of_a_run_without_a_kill() {
    killed("Rooms", async |test| {
        naive::repeated_alike(&test.records::<Room>().await.expect("records"), |row| {
            row.count
        });
        let rooms = naive::rooms(&readings(test).await);
        let rows = test.context().set::<Room>().to_list().await;
        let found: BTreeMap<_, _> = rows
            .expect("a list")
            .into_iter()
            .map(|row| (row.room, (row.count, row.sum)))
            .collect();
        let expected: BTreeMap<_, _> = rooms
            .into_iter()
            .map(|(room, (_, kept))| (room, (kept.count, kept.sum)))
            .collect();
        assert_eq!(found, expected);
    })
    .await;
}

macro_rules! windows {
    ($rows:expr) => {
        $rows
            .into_iter()
            .map(|row| {
                let kept = Kept {
                    count: row.count,
                    sum: row.sum,
                    first: row.first,
                    last: row.last,
                };
                let (start, end) = (row.opened.timestamp_millis(), row.closes.timestamp_millis());
                ((row.sensor, start, end), kept)
            })
            .collect::<BTreeMap<_, _>>()
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_tumbling_windows_are_those_of_a_run_without_a_kill() {
    killed("Tumbling", async |test| {
        let readings = readings(test).await;
        let mut late = 0;
        for minutes in [1, 5] {
            let made = test.window_records::<Tumbled>(minutes as u64).await;
            naive::repeated_alike(&made.expect("records"), |row| row.count);
            let size = minutes * 60_000;
            let (expected, dropped) = naive::windows(&readings, size, size, 30_000);
            late += dropped;
            let set = test.context().set::<Tumbled>().window(minutes as u64);
            let found = windows!(set.to_list().await.expect("a list"));
            let expected = expected
                .into_iter()
                .map(|((sensor, start), (_, kept))| ((sensor, start, start + size), kept));
            assert_eq!(found, expected.collect());
        }
        assert_eq!(test.context().queries()[0].late, late);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_hopping_windows_are_those_of_a_run_without_a_kill() {
    killed("Hopping", async |test| {
        let made = test.window_records::<Hopped>(3).await;
        naive::repeated_alike(&made.expect("records"), |row| row.count);
        let (expected, late) = naive::windows(&readings(test).await, 180_000, 60_000, 10_000);
        let set = test.context().set::<Hopped>().window(3);
        let found = windows!(set.to_list().await.expect("a list"));
        let expected = expected
            .into_iter()
            .map(|((sensor, start), (_, kept))| ((sensor, start, start + 180_000), kept));
        assert_eq!(found, expected.collect());
        assert_eq!(test.context().queries()[0].late, late);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_sessions_are_those_of_a_run_without_a_kill() {
    killed("Sessions", async |test| {
        let (expected, late) = naive::sessions(&readings(test).await, 10_000, 20_000);
        let set = test
            .context()
            .set::<Visit>()
            .window_of(Duration::from_secs(10));
        let found = windows!(set.to_list().await.expect("a list"));
        assert_eq!(found, expected);
        assert_eq!(test.context().queries()[0].late, late);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_filter_of_a_table_is_that_of_a_run_without_a_kill() {
    killed("Towns", async |test| {
        let rows = test.context().set::<Town>().to_list().await;
        let rows = rows.expect("a list").into_iter();
        let found: BTreeMap<_, _> = rows.map(|row| (row.id, row.people)).collect();
        assert_eq!(found, naive::towns(&places(test).await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_groups_of_a_table_are_those_of_a_run_without_a_kill() {
    killed("Cities", async |test| {
        let rows = test.context().set::<City>().to_list().await;
        let rows = rows.expect("a list").into_iter();
        let found: BTreeMap<_, _> = rows
            .map(|row| (row.city, (row.places, row.people)))
            .collect();
        assert_eq!(found, naive::cities(&places(test).await));
    })
    .await;
}
