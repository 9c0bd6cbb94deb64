//! Queries where something is not as usual: one behind the other, sums too large, records that are none, topics that are
//! lost, more groups than fit into memory.

use std::collections::BTreeMap;

use ksql_runtime::entity::Window;
use ksql_runtime::error::Error;
use ksql_runtime::log::{Record, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime::query::{
    Aggregate, At, Host, Overflow, ParameterError, Project, Query, Row, Scratch,
};
use ksql_runtime::state::{State, StateError};
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::queries::*;
use ksql_schema::model::{Cleanup, Kind};
use ksql_schema::query::{plan, with};

fn reading(sensor: &str, room: &str, value: i64) -> Reading {
    Reading {
        sensor: sensor.to_owned(),
        room: Some(room.to_owned()),
        value,
    }
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("louder")]
#[entity(namespace = "queries")]
pub struct Louder {
    #[key]
    pub sensor: String,
    pub quadrupled: i64,
}

macro_rules! query {
    ($name:ident, $how:ident, $input:ty as $in:ident, $output:ty as $out:ident) => {
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Query for $name {
            type Output = $output;
            const PLAN: &'static plan::Query<'static> = &plan::Query {
                name: stringify!($name),
                inputs: &[plan::Input {
                    name: "input",
                    entity: <$input>::MODEL,
                    kind: Kind::$in,
                }],
                steps: &[],
                output: <$output>::MODEL,
                kind: Kind::$out,
                because: "it was written by hand",
                writes: plan::Writes::Creates,
                parameters: &[],
            };
            const KSQL: &'static [&'static str] = &["-- none;"];

            fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
                Ok(Vec::new())
            }

            fn accept<H: Host>(self, host: H) -> H::Made {
                host.$how(self)
            }
        }
    };
}

query!(LouderOnes, project, Loud as Stream, Louder as Stream);

impl Project for LouderOnes {
    type Input = Loud;

    fn keep<'a>(&'a self, _at: &At<'a>, _row: Row<'a, Loud>) -> bool {
        true
    }

    fn project<'a>(&'a self, _at: &At<'a>, row: Row<'a, Loud>) -> Row<'a, Louder> {
        LouderRow {
            sensor: row.sensor,
            quadrupled: row.doubled * 2,
        }
    }
}

query!(Hundreds, aggregate, Reading as Stream, Room as Table);

/// As the rooms, but a sum of a hundred is too large.
impl Aggregate for Hundreds {
    type Input = Reading;
    type Groups = Numbers;

    fn keep<'a>(&'a self, at: &At<'a>, row: Row<'a, Reading>) -> bool {
        Rooms.keep(at, row)
    }

    fn key<'a>(&'a self, at: &At<'a>, row: Row<'a, Reading>, out: &mut Vec<u8>) -> bool {
        Rooms.key(at, row, out)
    }

    fn first<'a>(&'a self, at: &At<'a>, row: Row<'a, Reading>) -> Result<Numbers, Overflow> {
        if row.value >= 100 {
            return Err(Overflow {
                precision: 2,
                scale: 0,
                wider: 4,
            });
        }
        Rooms.first(at, row)
    }

    fn update<'a>(
        &'a self,
        at: &At<'a>,
        row: Row<'a, Reading>,
        groups: &mut Numbers,
    ) -> Result<(), Overflow> {
        Rooms.update(at, row, groups)
    }

    fn finish<'a>(
        &'a self,
        scratch: &'a Scratch,
        key: &'a [u8],
        window: Window,
        groups: &'a Numbers,
    ) -> Row<'a, Room> {
        Rooms.finish(scratch, key, window, groups)
    }
}

query!(OverWindows, project, Tumbled as Table, Town as Table);

impl Project for OverWindows {
    type Input = Tumbled;

    fn keep<'a>(&'a self, _at: &At<'a>, _row: Row<'a, Tumbled>) -> bool {
        true
    }

    fn project<'a>(&'a self, _at: &At<'a>, row: Row<'a, Tumbled>) -> Row<'a, Town> {
        TownRow {
            id: row.count,
            people: row.sum,
        }
    }
}

/// Why the first query stopped.
async fn stopped(test: &Test) -> StateError {
    let error = test.settle().await.expect_err("it stops");
    match error {
        Error::NotReady {
            state: State::Error,
            reason: Some(reason),
            ..
        } => *reason,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_reads_what_another_makes_and_takes_partitions_and_retention_from_there() {
    // Added the wrong way round: each starts and ends behind the one it reads from.
    let mut test = testing::builder()
        .query(LouderOnes)
        .query(LoudOnes)
        .setting("entity.Reading.retention", "3h")
        .start()
        .await
        .expect("it starts");
    for value in 1..=20 {
        let one = reading(&format!("{value}"), "hall", value);
        test.send_at(value, one).await.expect("it is sent");
    }
    test = test.reopen().await.expect("it starts again");
    test.settle().await.expect("it is taken in");
    let made = test.records::<Louder>().await.expect("records");
    let mut made: Vec<i64> = made
        .into_iter()
        .filter_map(|record| record.row.map(|row| row.quadrupled))
        .collect();
    made.sort_unstable();
    assert_eq!(made, (1..=20).map(|value| value * 4).collect::<Vec<_>>());
    for topic in ["loud", "louder"] {
        let topic = test.context().log().describe(topic).await.expect("a topic");
        assert_eq!(topic.partitions, 2, "as the output says, and from there on");
        assert_eq!(topic.spec.retention_ms, Some(3 * 60 * 60 * 1000));
        assert_eq!(topic.spec.cleanup, Cleanup::Delete);
    }
    let plan = test.context().plan().await.expect("a plan");
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    assert!(
        names.contains(&"louder") && names.contains(&"louder-value"),
        "{names:?}"
    );
    let plan = plan.to_string();
    assert!(!plan.contains("create"), "everything is there: {plan}");
    let order: Vec<_> = test
        .context()
        .queries()
        .into_iter()
        .map(|query| query.query)
        .collect();
    assert_eq!(order, ["LoudOnes", "LouderOnes"]);
    test.end().await.expect("it ends");
}

/// Of how long the statement says that results are kept: nothing where they are kept for ever.
fn stated<I: Entity, O: Entity>(statement: usize) -> Option<u64> {
    let operational = with::operational(O::MODEL, I::MODEL);
    let text = with::clause(O::MODEL, &operational, statement);
    let (_, rest) = text.split_once("RETENTION_MS=")?;
    let millis = rest.split(',').next().expect("a number");
    Some(millis.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_kept_as_long_as_its_statement_says() {
    let test = testing::builder()
        .query(LoudOnes)
        .query(LouderOnes)
        .query(Towns)
        .query(Rooms)
        .query(Tumbling)
        .query(Hopping)
        .query(Sessions)
        .start()
        .await
        .expect("it starts");
    let week = 7 * 24 * 60 * 60 * 1000;
    assert_eq!(stated::<Reading, Loud>(0), Some(week), "a stream");
    assert_eq!(stated::<Reading, Room>(0), None, "a table");
    for (topic, stated) in [
        ("loud", stated::<Reading, Loud>(0)),
        ("louder", stated::<Loud, Louder>(0)),
        ("towns", stated::<Place, Town>(0)),
        ("rooms", stated::<Reading, Room>(0)),
        ("tumbled_1min", stated::<Reading, Tumbled>(0)),
        ("tumbled_5min", stated::<Reading, Tumbled>(1)),
        ("hopped_3min_by_1min", stated::<Reading, Hopped>(0)),
        ("visits_10s_session", stated::<Reading, Visit>(0)),
    ] {
        let topic = test.context().log().describe(topic).await.expect("a topic");
        assert_eq!(topic.spec.retention_ms, stated, "{}", topic.name);
    }
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_window_has_a_topic_that_is_kept_as_long_as_ksqldb_keeps_it() {
    let test = testing::builder()
        .query(Tumbling)
        .query(Sessions)
        .query(Rooms)
        .start()
        .await
        .expect("it starts");
    let week = Some(7 * 24 * 60 * 60 * 1000);
    for (topic, cleanup, retention) in [
        ("tumbled_1min", Cleanup::CompactDelete, week),
        ("tumbled_5min", Cleanup::CompactDelete, week),
        ("visits_10s_session", Cleanup::CompactDelete, week),
        ("rooms", Cleanup::Compact, None),
    ] {
        let topic = test.context().log().describe(topic).await.expect("a topic");
        let spec = (
            topic.partitions,
            topic.spec.cleanup,
            topic.spec.retention_ms,
        );
        assert_eq!(spec, (3, cleanup, retention), "{}", topic.name);
    }
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_adds_to_a_querys_topic_is_in_the_querys_form() {
    let test = testing::query(Rooms).start().await.expect("it starts");
    let room = Room {
        room: "hall".to_owned(),
        count: 1,
        sum: 2,
        latest: 3,
    };
    test.send_at(1, room.clone()).await.expect("it is sent");
    test.settle().await.expect("it is taken in");
    let made = test.records::<Room>().await.expect("records");
    assert_eq!(
        made.first().and_then(|record| record.row.clone()),
        Some(room)
    );
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sum_too_large_stops_the_query_at_its_record() {
    let mut test = testing::query(Hundreds).start().await.expect("it starts");
    test.send_at(1, reading("a", "hall", 1))
        .await
        .expect("it is sent");
    test.settle().await.expect("it is taken in");
    test.send_at(1, reading("a", "attic", 100))
        .await
        .expect("it is sent");
    for _ in 0..2 {
        let error = stopped(&test).await;
        assert!(
            matches!(
                &error,
                StateError::Result {
                    query: "Hundreds",
                    offset: 1,
                    ..
                }
            ),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains("more than 2 digits"), "{text}");
        // What was there before is readable: only the query stopped.
        let table = test.context().set::<Room>();
        assert_eq!(table.count().await.expect("a count"), 1);
        // It is no better the next time.
        test = match test.reopen().await {
            Ok(test) => test,
            Err(error) => {
                assert!(error.to_string().contains("more than 2 digits"), "{error}");
                return;
            }
        };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_no_row_stops_the_query_or_is_left_out() {
    for (policy, query) in [
        ("stop", true),
        ("stop", false),
        ("mark", true),
        ("mark", false),
    ] {
        let builder = testing::builder().setting("on_poison", policy);
        let builder = match query {
            true => builder.query(LoudOnes),
            false => builder.query(Rooms),
        };
        let test = builder.start().await.expect("it starts");
        let log = test.context().log();
        for value in [&b"no avro"[..], &[0, 0, 0, 0, 99, 1]] {
            let record = Record::new(Some(b"a"), Some(value), 1);
            log.produce("readings", record).await.expect("it is sent");
        }
        test.send_at(2, reading("a", "hall", 1))
            .await
            .expect("it is sent");
        if policy == "stop" {
            let error = stopped(&test).await;
            assert!(
                matches!(&error, StateError::Unreadable { offset: 0, .. }),
                "{error:?}"
            );
            assert!(error.to_string().contains("on_poison"), "{error}");
        } else {
            test.settle().await.expect("it is taken in");
            let made = match query {
                true => test.records::<Loud>().await.expect("records").len(),
                false => test.records::<Room>().await.expect("records").len(),
            };
            assert_eq!(made, 1);
        }
        test.end().await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_was_created_again_is_an_error_unless_a_rebuild_was_asked_for() {
    for rebuild in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        let builder = || {
            testing::builder()
                .directory(directory.path())
                .setting("rebuild_on_truncation", rebuild.to_string())
        };
        let test = builder().query(Rooms).start().await.expect("it starts");
        test.send_at(1, reading("a", "hall", 1))
            .await
            .expect("it is sent");
        test.settle().await.expect("it is taken in");
        test.end().await.expect("it ends");
        let bare = builder().start().await.expect("it starts");
        let log = bare.context().log();
        log.delete_topic("readings").await.expect("it is deleted");
        log.create_topic(&TopicSpec::new("readings", 3))
            .await
            .expect("it is created");
        bare.end().await.expect("it ends");
        let started = builder().query(Rooms).start().await;
        if !rebuild {
            let error = started.expect_err("another topic");
            assert!(error.to_string().contains("created again"), "{error}");
            continue;
        }
        let test = started.expect("it starts");
        test.send_at(1, reading("a", "hall", 5))
            .await
            .expect("it is sent");
        test.settle().await.expect("it is taken in");
        let hall = test.context().set::<Room>().get("hall").await;
        assert_eq!(hall.expect("a read").map(|room| room.sum), Some(5));
        test.end().await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_groups_than_fit_into_memory_are_kept_all_the_same() {
    let mut test = testing::query(Rooms)
        .latest_changes()
        .setting("memory", "32MiB")
        .start()
        .await
        .expect("it starts");
    let rooms = 30_000;
    for round in 0..3_i64 {
        // Every room, in another order each time.
        let records = (0..rooms).map(|n| {
            let room = (n * 7919 + round * 31) % rooms;
            (
                round,
                reading(&format!("{}", n % 50), &format!("room {room}"), room),
            )
        });
        test.send_all_at(records).await.expect("it is sent");
        test = test.kill().await.expect("it starts again");
    }
    test.settle().await.expect("it is taken in");
    let found: BTreeMap<_, _> = test
        .context()
        .set::<Room>()
        .to_list()
        .await
        .expect("a list")
        .into_iter()
        .map(|row| (row.room, (row.count, row.sum)))
        .collect();
    let expected = (0..rooms).map(|room| (format!("room {room}"), (3, room * 3)));
    assert!(found == expected.collect());
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_closed_leave_the_state_and_stay_readable() {
    let test = testing::query(Tumbling).start().await.expect("it starts");
    for minute in 0..50 {
        for sensor in 0..20 {
            let one = reading(&format!("{sensor}"), "hall", 1);
            test.send_at(minute * 60_000, one)
                .await
                .expect("it is sent");
        }
    }
    test.settle().await.expect("it is taken in");
    let set = test.context().set::<Tumbled>();
    assert_eq!(set.window(1).count().await.expect("a count"), 1000);
    assert_eq!(set.window(5).count().await.expect("a count"), 200);
    // What comes for a window that left is late, and changes nothing.
    test.send_at(0, reading("1", "hall", 1))
        .await
        .expect("it is sent");
    test.settle().await.expect("it is taken in");
    assert_eq!(test.context().queries()[0].late, 2);
    assert_eq!(set.window(1).count().await.expect("a count"), 1000);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_added_twice_runs_once_and_one_over_a_windowed_table_is_refused() {
    let twice = testing::query(Rooms).query(Rooms).start().await;
    let twice = twice.expect("it starts");
    assert_eq!(twice.context().queries().len(), 1);
    twice.end().await.expect("it ends");
    let over = testing::query(Tumbling).query(OverWindows).start().await;
    let error = over.expect_err("a windowed table");
    let text = error.to_string();
    assert!(
        text.contains("window") && text.contains("OverWindows"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_ends_in_order_has_told_everything_that_was_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = || {
        ksql_runtime_tests::context()
            .query(LoudOnes)
            .query(Rooms)
            .state_dir(directory.path())
            .setting("ready_timeout", "5m")
            .start()
    };
    for round in 1..=3 {
        let ctx = start().await.expect("it starts");
        let many = (0..5_000).map(|n| reading(&format!("{}", n % 7), "hall", 1));
        ctx.set::<Reading>().add_all(many).await.expect("added");
        ctx.shutdown().await.expect("it ends");
        let ctx = start().await.expect("it starts");
        let queries = ctx.queries();
        assert!(
            queries.iter().all(|query| query.status.replayed == 0),
            "{queries:?}"
        );
        let end = ctx.set::<Loud>().end_offset().await.expect("an end");
        assert_eq!(end, round * 5_000);
        let hall = ctx.set::<Room>().get("hall").await.expect("a read");
        assert_eq!(hall.map(|room| room.count), Some(round as i64 * 5_000));
        ctx.shutdown().await.expect("it ends");
    }
}
