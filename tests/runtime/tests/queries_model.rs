//! Properties: random records - without a value, late, repeated, over several partitions -, cut into random portions, with
//! ends and kills between them, make what the naive model makes of them.
//!
//! `KSQL_TEST_CASES` sets how many sequences are tried for each kind of query.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::testing::query;
use ksql_runtime_tests::naive::{self, Record};
use ksql_runtime_tests::queries::*;
use ksql_runtime_tests::steps::{holds, kills, run};
use proptest::prelude::*;

fn readings() -> impl Strategy<Value = Record<String, Reading>> + Clone {
    let sensor = (0..5_u8).prop_map(|sensor| format!("sensor {sensor}"));
    let room = prop::option::weighted(0.8, (0..3_u8).prop_map(|room| format!("room {room}")));
    // Close enough for sessions to meet, far enough for windows to close.
    let timestamp = prop_oneof![4 => 0..200_000_i64, 1 => 0..2_000_000_i64];
    (
        timestamp,
        sensor,
        prop::option::weighted(0.95, (room, -3..20_i64)),
    )
        .prop_map(|(timestamp, sensor, value)| {
            let reading = value.map(|(room, value)| Reading {
                sensor: sensor.clone(),
                room,
                value,
            });
            (timestamp, sensor, reading)
        })
}

fn places() -> impl Strategy<Value = Record<i64, Place>> + Clone {
    let city = prop::option::weighted(0.9, (0..4_u8).prop_map(|city| format!("city {city}")));
    let place = prop::option::weighted(0.7, (city, 0..20_i64));
    (0..1000_i64, 0..8_i64, place).prop_map(|(timestamp, id, place)| {
        let place = place.map(|(city, people)| Place { id, city, people });
        (timestamp, id, place)
    })
}

#[test]
fn a_filter_and_map_makes_what_the_model_makes() {
    holds(readings(), async |each, steps| {
        let (test, sent) = run(query(LoudOnes), each, &steps).await;
        let expected: BTreeSet<_> = naive::loud(&sent).into_iter().collect();
        let made = test.records::<Loud>().await.expect("records");
        let found = made.iter().map(|record| {
            let row = record.row.as_ref().expect("a stream deletes nothing");
            (record.timestamp, row.sensor.clone(), row.doubled)
        });
        assert_eq!(found.clone().collect::<BTreeSet<_>>(), expected);
        if !kills(&steps) {
            assert_eq!(made.len(), naive::loud(&sent).len(), "each once");
            for sensor in (0..5).map(|sensor| format!("sensor {sensor}")) {
                let of = |rows: Vec<(i64, String, i64)>| {
                    let rows = rows.into_iter().filter(|row| row.1 == sensor);
                    rows.collect::<Vec<_>>()
                };
                assert_eq!(
                    of(found.clone().collect()),
                    of(naive::loud(&sent)),
                    "in order"
                );
            }
        }
        test.end().await.expect("it ends");
    });
}

#[test]
fn groups_of_a_stream_are_what_the_model_makes() {
    holds(readings(), async |each, steps| {
        let (test, sent) = run(query(Rooms), each, &steps).await;
        let made = test.records::<Room>().await.expect("records");
        naive::repeated_alike(&made, |row| row.count);
        let mut times = BTreeMap::new();
        for record in &made {
            times.insert(record.key.room.clone(), record.timestamp);
        }
        let found: BTreeMap<_, _> = test
            .context()
            .set::<Room>()
            .to_list()
            .await
            .expect("a list")
            .into_iter()
            .map(|row| (row.room.clone(), (times[&row.room], row.count, row.sum)))
            .collect();
        // Which comes last of two partitions is nobody's to say.
        let expected: BTreeMap<_, _> = naive::rooms(&sent)
            .into_iter()
            .map(|(room, (timestamp, kept))| (room, (timestamp, kept.count, kept.sum)))
            .collect();
        assert_eq!(found, expected);
        test.end().await.expect("it ends");
    });
}

/// The rows of windows by sensor and start.
type Found = BTreeMap<(String, i64), (i64, naive::Kept)>;

macro_rules! found {
    ($made:expr) => {
        $made
            .iter()
            .filter_map(|record| {
                let row = record.row.as_ref()?;
                let kept = naive::Kept {
                    count: row.count,
                    sum: row.sum,
                    first: row.first,
                    last: row.last,
                };
                assert_eq!(row.opened.timestamp_millis(), record.key.window.start);
                assert_eq!(row.closes.timestamp_millis(), record.key.window.end);
                Some((
                    (row.sensor.clone(), record.key.window.start),
                    (record.timestamp, kept),
                ))
            })
            .collect::<Found>()
    };
}

#[test]
fn tumbling_windows_are_what_the_model_makes() {
    holds(readings(), async |each, steps| {
        let (test, sent) = run(query(Tumbling), each, &steps).await;
        let mut late = 0;
        for minutes in [1, 5] {
            let made = test
                .window_records::<Tumbled>(minutes as u64)
                .await
                .expect("records");
            naive::repeated_alike(&made, |row| row.count);
            let size = minutes * 60_000;
            let (expected, dropped) = naive::windows(&sent, size, size, 30_000);
            late += dropped;
            assert_eq!(found!(made), expected, "{minutes} minutes");
            let read = test.context().set::<Tumbled>().window(minutes as u64);
            assert_eq!(read.count().await.expect("a count"), expected.len() as u64);
        }
        assert_eq!(test.context().queries()[0].late, late);
        test.end().await.expect("it ends");
    });
}

#[test]
fn hopping_windows_are_what_the_model_makes() {
    holds(readings(), async |each, steps| {
        let (test, sent) = run(query(Hopping), each, &steps).await;
        let made = test.window_records::<Hopped>(3).await.expect("records");
        naive::repeated_alike(&made, |row| row.count);
        let (expected, late) = naive::windows(&sent, 180_000, 60_000, 10_000);
        assert_eq!(found!(made), expected);
        assert_eq!(test.context().queries()[0].late, late);
        test.end().await.expect("it ends");
    });
}

#[test]
fn sessions_are_what_the_model_makes() {
    holds(readings(), async |each, steps| {
        let (test, sent) = run(query(Sessions), each, &steps).await;
        let gap = Duration::from_secs(10);
        let (expected, late) = naive::sessions(&sent, 10_000, 20_000);
        let rows = test.context().set::<Visit>().window_of(gap);
        let found: BTreeMap<_, _> = rows
            .to_list()
            .await
            .expect("a list")
            .into_iter()
            .map(|row| {
                let (start, end) = (row.opened.timestamp_millis(), row.closes.timestamp_millis());
                let kept = naive::Kept {
                    count: row.count,
                    sum: row.sum,
                    first: row.first,
                    last: row.last,
                };
                ((row.sensor, start, end), kept)
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(test.context().queries()[0].late, late);
        test.end().await.expect("it ends");
    });
}

#[test]
fn a_filtered_table_is_what_the_model_makes() {
    holds(places(), async |each, steps| {
        let (test, sent) = run(query(Towns), each, &steps).await;
        let found: BTreeMap<_, _> = test
            .context()
            .set::<Town>()
            .to_list()
            .await
            .expect("a list")
            .into_iter()
            .map(|row| (row.id, row.people))
            .collect();
        assert_eq!(found, naive::towns(&sent));
        test.end().await.expect("it ends");
    });
}

#[test]
fn groups_of_a_table_are_what_the_model_makes() {
    holds(places(), async |each, steps| {
        let (test, sent) = run(query(Cities), each, &steps).await;
        let found: BTreeMap<_, _> = test
            .context()
            .set::<City>()
            .to_list()
            .await
            .expect("a list")
            .into_iter()
            .map(|row| (row.city, (row.places, row.people)))
            .collect();
        assert_eq!(found, naive::cities(&sent));
        test.end().await.expect("it ends");
    });
}
