//! Properties: queries that read results with windows make what plain models make of the same records.
//!
//! What filters and maps is held against each record of the topics it reads, while the queries that write these run beside it and
//! are ended and killed in any place. What joins is held against the plain joiner: records of random windows, late or without a
//! value, are written while no query runs, so that the order in which they are taken is that of the log alone.
//! `KSQL_TEST_CASES` sets how many sequences are tried.

use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use ksql_runtime::codec::frame;
use ksql_runtime::entity::{EntityKey as _, Window, Windowed};
use ksql_runtime::log::RecordBatch;
use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::prelude::*;
use ksql_runtime::query::{IntoQuery, Query};
use ksql_runtime::testing::{self, Sent, Test, TestBuilder};
use ksql_runtime_tests::join_model::{self, Phase, Raw, Results, compare, expected, found};
use ksql_runtime_tests::naive::Record;
use ksql_runtime_tests::steps;
use ksql_runtime_tests::windowed::*;
use proptest::prelude::*;

fn taps() -> impl Strategy<Value = Record<i64, Tap>> + Clone {
    // Close enough for sessions to meet, far enough for windows to close.
    let time = prop_oneof![4 => 0..100_000_i64, 1 => 0..1_000_000_i64];
    (time, 0..4_i64, prop::option::weighted(0.95, 0..100_i64))
        .prop_map(|(time, user, n)| (time, user, n.map(|n| Tap { user, n })))
}

/// The records of a window's topic.
async fn records<T: Windowed>(test: &Test, seconds: u64) -> Vec<Sent<T>> {
    let size = Duration::from_secs(seconds);
    let records = test.window_records_of::<T>(size).await.expect("records");
    for record in &records {
        let mut key = Vec::new();
        record.key.encode(0, &mut key);
        // An `i64`, and the window.
        let inner = partition_for_key(&key[..size_of::<i64>()], PARTITIONS);
        assert_eq!(record.partition, inner, "{:?} lies elsewhere", record.key);
    }
    records
}

/// What a query should make of each record of a topic: a row, a deletion, or nothing. The bytes of the keys stay.
fn each<T: Windowed, M>(
    records: Vec<Sent<T>>,
    make: impl Fn(Option<T>) -> Option<Option<M>>,
) -> Results<M> {
    let mut made = Results::new();
    for (key, results) in found(records) {
        let results = results.into_iter();
        let results: Vec<_> = results
            .filter_map(|(time, row)| Some((time, make(row)?)))
            .collect();
        if !results.is_empty() {
            made.insert(key, results);
        }
    }
    made
}

#[test]
fn each_record_of_a_window_that_passes_makes_one_in_its_window() {
    steps::holds(taps(), async |all, steps| {
        let builder = with_filters(testing::builder().query(tapped).query(tours));
        let (test, _) = steps::run(builder, all, &steps).await;
        let killed = steps::kills(&steps);
        let short = each(records::<Tapped>(&test, SHORT).await, |row| {
            let row = row.filter(|row| row.sum > 100)?;
            Some(Some(Busy {
                user: row.user,
                from: row.from,
                to: row.to,
                twice: row.sum * 2,
            }))
        });
        let busy = found(records::<Busy>(&test, SHORT).await);
        compare("busy", killed, busy, short);
        let long = each(records::<Tapped>(&test, LONG).await, |row| {
            let row = row.filter(|row| row.count != 2)?;
            Some(Some(Long {
                user: row.user,
                began: row.from,
                count: row.count,
            }))
        });
        compare(
            "long",
            killed,
            found(records::<Long>(&test, LONG).await),
            long,
        );
        // A session that grows is told as gone, and so is what was made of it.
        let seen = each(records::<Tour>(&test, GAP).await, |row| {
            Some(row.map(|row| Seen {
                user: row.user,
                last: row.to,
                sum: row.sum,
            }))
        });
        compare(
            "seen",
            killed,
            found(records::<Seen>(&test, GAP).await),
            seen,
        );
        test.end().await.expect("it ends");
    });
}

/// A result with a window, of one of the topics that are joined; without a row it is gone.
#[derive(Debug, Clone)]
struct Event {
    of: Input,
    user: i64,
    window: Window,
    /// Count and sum.
    row: Option<(i64, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Tapped,
    Played,
    Heard,
    Tour,
    Show,
}

fn event() -> impl Strategy<Value = Event> + Clone {
    let short = |start: i64| Window {
        start: start * 10_000,
        end: start * 10_000 + 10_000,
    };
    let of = prop_oneof![
        4 => Just(Input::Tapped),
        4 => Just(Input::Played),
        2 => Just(Input::Heard),
        3 => Just(Input::Tour),
        3 => Just(Input::Show),
    ];
    let row = prop::option::weighted(0.93, (1..9_i64, 0..99_i64));
    // Few windows, so that records meet; of sessions both ends say which it is.
    (of, 0..3_i64, 10..13_i64, 0..3_i64, row).prop_map(move |(of, user, start, length, row)| {
        let session = Window {
            start: start * 10_000,
            end: start * 10_000 + length * 1000,
        };
        let window = match of {
            Input::Tapped | Input::Played | Input::Heard => short(start),
            Input::Tour | Input::Show => session,
        };
        Event {
            of,
            user,
            window,
            row,
        }
    })
}

fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).expect("a time")
}

/// What an event is as a record of a topic, in its entity's own form.
macro_rules! raw {
    ($event:expr, $time:expr, $entity:ident, $key:ident) => {{
        let event: &Event = $event;
        let (mut key, mut inner) = (Vec::new(), Vec::new());
        inner.extend_from_slice(&event.user.to_be_bytes());
        let window = event.window;
        $key {
            user: event.user,
            window,
        }
        .encode(0, &mut key);
        let body = event.row.map(|(count, sum)| {
            let row = $entity {
                user: event.user,
                from: moment(window.start),
                to: moment(window.end),
                count,
                sum,
            };
            let mut body = Vec::new();
            row.encode_value(&mut body).expect("a value");
            body
        });
        Raw {
            topic: $entity::MODEL.topic.name,
            partition: partition_for_key(&inner, PARTITIONS),
            timestamp: $time,
            key,
            body,
        }
    }};
}

fn raw(event: &Event, time: i64) -> Raw {
    match event.of {
        Input::Tapped => raw!(event, time, Tapped, TappedKey),
        Input::Played => raw!(event, time, Played, PlayedKey),
        Input::Heard => raw!(event, time, Heard, HeardKey),
        Input::Tour => raw!(event, time, Tour, TourKey),
        Input::Show => raw!(event, time, Show, ShowKey),
    }
}

/// Writes records of a topic as another program does: with the entity's own schema, where their keys without windows lie.
async fn write<T: Windowed>(test: &Test, seconds: u64, records: &[Raw]) {
    let set = test.context().set::<T>();
    let window = set.window_of(Duration::from_secs(seconds));
    let topic = window.topic().expect("a topic");
    let registry = test.context().registry();
    let subject = format!("of another program: {topic}");
    let schema = registry.register(&subject, T::VALUE_SCHEMA).await;
    let schema = schema.expect("an id");
    let mut batch = RecordBatch::new();
    for record in records {
        if record.topic != T::MODEL.topic.name {
            continue;
        }
        let value = record.body.as_ref().map(|body| {
            let mut value = Vec::new();
            frame::write(schema, &mut value);
            value.extend_from_slice(body);
            value
        });
        let (key, value) = (Some(record.key.as_slice()), value.as_deref());
        batch.push_to(Some(record.partition), key, value, record.timestamp, &[]);
    }
    if !batch.is_empty() {
        let sent = test.context().log().produce_batch(topic, batch).await;
        sent.expect("records are written");
    }
}

/// Runs queries over what is written while they take nothing; the test when all of it is taken.
async fn run(
    directory: &Path,
    phases: &[Phase<Event>],
    with: fn(TestBuilder) -> TestBuilder,
    at_work: &AtomicUsize,
) -> (Test, Vec<Vec<Raw>>) {
    let queries = || {
        with(
            testing::builder()
                .directory(directory)
                .setting("wait_for_ready", "false"),
        )
    };
    let mut records = Vec::new();
    let mut running: Option<Test> = None;
    for phase in phases {
        let phased: Vec<Raw> = phase
            .events
            .iter()
            .map(|(time, event)| raw(event, *time))
            .collect();
        if let Some(test) = running.take() {
            test.end().await.expect("it ends");
        }
        // The windows' topics are there with the queries that make them, which have nothing to do.
        let test = with_windows(testing::builder().directory(directory));
        let test = test.start().await.expect("it starts");
        write::<Tapped>(&test, SHORT, &phased).await;
        write::<Played>(&test, SHORT, &phased).await;
        write::<Heard>(&test, SHORT, &phased).await;
        write::<Tour>(&test, GAP, &phased).await;
        write::<Show>(&test, GAP, &phased).await;
        test.end().await.expect("it ends");
        let mut test = queries().start().await.expect("it starts");
        for behind in &phase.kills {
            test = join_model::killed(test, *behind, at_work).await;
        }
        test.settle().await.expect("it is taken in");
        records.push(phased);
        running = Some(test);
    }
    (running.expect("a phase"), records)
}

async fn check<By, T, Q>(
    test: &Test,
    seconds: u64,
    query: impl IntoQuery<By, Query = Q>,
    records: &[Vec<Raw>],
    killed: bool,
) where
    T: Windowed + Clone + PartialEq + Debug,
    Q: Query<Output = T>,
{
    let expected = expected(query, records, PARTITIONS);
    let found = found(self::records::<T>(test, seconds).await);
    compare(Q::PLAN.name, killed, found, expected);
}

#[test]
fn equal_windows_that_meet_within_a_time_are_what_the_model_makes() {
    let at_work = AtomicUsize::new(0);
    join_model::holds(event(), async |phases| {
        let directory = tempfile::tempdir().expect("a directory");
        let (test, records) = run(directory.path(), phases, with_joins, &at_work).await;
        let killed = phases.iter().any(|phase| !phase.kills.is_empty());
        check(&test, SHORT, met, &records, killed).await;
        check(&test, SHORT, of_taps, &records, killed).await;
        check(&test, SHORT, of_plays, &records, killed).await;
        check(&test, GAP, either, &records, killed).await;
        check(&test, SHORT, three, &records, killed).await;
        test.end().await.expect("it ends");
    });
    let at_work = at_work.into_inner();
    assert!(at_work > 0, "no kill met work that was not done");
}
