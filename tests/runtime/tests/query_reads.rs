//! Reads of a query's results see RUNNING only: from a table in any other state every form of them is refused at once, with the
//! topic and the state, and from one that lost its topic `allow_stale` reads what there was.

use std::time::Duration;

use ksql_runtime::error::{Error, Result};
use ksql_runtime::log::{EmbeddedLog, Log};
use ksql_runtime::prelude::*;
use ksql_runtime::set::{EntitySet, WindowSet};
use ksql_runtime::state::{Event, State};
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::queries::*;
use tokio::sync::broadcast::Receiver;

const LIMIT: Duration = Duration::from_secs(60);

/// Two queries over the same readings, with results in a table and in windows.
async fn started() -> Test {
    let builder = testing::builder().query(Rooms).query(Tumbling);
    let builder = builder
        .setting("retry_first", "1ms")
        .setting("retry_longest", "2ms")
        .setting("cached_results", "100");
    let test = builder.start().await.expect("it starts");
    for (timestamp, value) in [(10, 5), (20, 7), (70_000, 1)] {
        let reading = Reading {
            sensor: "a".to_owned(),
            room: Some("hall".to_owned()),
            value,
        };
        test.send_at(timestamp, reading).await.expect("it is sent");
    }
    test.settle().await.expect("it is taken in");
    test
}

/// Every way to read the results; each says how many rows it found.
async fn reads(
    rooms: &EntitySet<Room>,
    windows: &WindowSet<Tumbled>,
) -> Vec<(&'static str, Result<u64>)> {
    let some = |row: bool| u64::from(row);
    let many = |rows: usize| rows as u64;
    let room = rooms.matching(ksql!(|r: &Room| r.count > 0));
    let window = windows.matching(ksql!(|t: &Tumbled| t.count > 0));
    let mut scanned = 0;
    let scan = rooms.scan(|_| scanned += 1).await;
    vec![
        (
            "get",
            rooms.get("hall").await.map(|row| some(row.is_some())),
        ),
        (
            "to_list",
            rooms.to_list().await.map(|rows| many(rows.len())),
        ),
        (
            "range",
            rooms.range("a".."z").await.map(|rows| many(rows.len())),
        ),
        ("scan", scan.map(|()| scanned)),
        ("count", rooms.count().await),
        ("filter", rooms.filter(|r| r.count > 0).count().await),
        ("first", room.first().await.map(|row| some(row.is_some()))),
        (
            "matching",
            room.to_list().await.map(|rows| many(rows.len())),
        ),
        (
            "cached",
            room.cached(LIMIT)
                .to_list()
                .await
                .map(|rows| many(rows.len())),
        ),
        (
            "a window's get",
            windows.get("a", 0_i64).await.map(|row| some(row.is_some())),
        ),
        (
            "a window's to_list",
            windows.to_list().await.map(|rows| many(rows.len())),
        ),
        ("a window's count", windows.count().await),
        (
            "a window's first",
            window.first().await.map(|row| some(row.is_some())),
        ),
        (
            "a window's matching",
            window.to_list().await.map(|rows| many(rows.len())),
        ),
        ("a window's cached", window.cached(LIMIT).count().await),
    ]
}

async fn all_refused(rooms: &EntitySet<Room>, windows: &WindowSet<Tumbled>, expected: State) {
    for (what, found) in reads(rooms, windows).await {
        let of = if what.starts_with("a window") {
            windows.topic()
        } else {
            rooms.topic()
        };
        let of = of.expect("a topic");
        match found {
            Err(Error::NotReady { topic, state, .. }) => {
                assert_eq!((topic.as_str(), state), (of, expected), "{what}");
            }
            other => panic!("{what} of a table that is {expected}: {other:?}"),
        }
    }
}

async fn all_found(rooms: &EntitySet<Room>, windows: &WindowSet<Tumbled>) {
    for (what, found) in reads(rooms, windows).await {
        let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(found > 0, "{what} finds rows");
    }
}

/// Waits until a table of each of these has come into a state.
async fn until(events: &mut Receiver<Event>, state: State, mut entities: Vec<&str>) {
    while !entities.is_empty() {
        let event = tokio::time::timeout(LIMIT, events.recv()).await;
        let event = event.expect("in time").expect("an event");
        if event.current == state {
            entities.retain(|entity| *entity != event.entity);
        }
    }
}

fn log(test: &Test) -> &EmbeddedLog {
    match test.context().log() {
        Log::Embedded(log) => log,
        other => panic!("another log: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_read_while_their_table_runs_and_not_otherwise() {
    let test = started().await;
    let rooms = test.context().set::<Room>();
    let windows = test.context().set::<Tumbled>().window(1);
    all_found(&rooms, &windows).await;

    let mut events = test.context().events();
    log(&test).fail_reads(u32::MAX);
    // Of each window size there is a table.
    until(&mut events, State::Disconnected, vec!["Room"]).await;
    while windows.state().expect("a table") != State::Disconnected {
        until(&mut events, State::Disconnected, vec!["Tumbled"]).await;
    }
    all_refused(&rooms, &windows, State::Disconnected).await;
    all_found(&rooms.allow_stale(), &windows.allow_stale()).await;

    log(&test).fail_reads(0);
    test.settle().await.expect("it goes on");
    all_found(&rooms, &windows).await;

    test.end().await.expect("it ends");
    all_refused(&rooms, &windows, State::NotRunning).await;
    all_refused(
        &rooms.allow_stale(),
        &windows.allow_stale(),
        State::NotRunning,
    )
    .await;
}
