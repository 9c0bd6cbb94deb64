//! Queries in this process, one kind after the other: what goes in, what comes out, and what is read.

use std::time::Duration;

use ksql_runtime::entity::Window;
use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Sent, Test};
use ksql_runtime_tests::queries::*;

fn reading(sensor: &str, room: Option<&str>, value: i64) -> Reading {
    Reading {
        sensor: sensor.to_owned(),
        room: room.map(str::to_owned),
        value,
    }
}

fn place(id: i64, city: &str, people: i64) -> Place {
    Place {
        id,
        city: Some(city.to_owned()),
        people,
    }
}

fn rows<T: Entity>(sent: Vec<Sent<T>>) -> Vec<(i64, Option<T>)> {
    sent.into_iter()
        .map(|record| (record.timestamp, record.row))
        .collect()
}

async fn settled(test: &Test) {
    test.settle().await.expect("everything is taken in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_filtered_and_made_anew_with_their_timestamps() {
    let test = testing::query(LoudOnes).start().await.expect("it starts");
    for (timestamp, value) in [(10, 3), (20, -1), (5, 4)] {
        let one = reading("a", Some("hall"), value);
        test.send_at(timestamp, one).await.expect("it is sent");
    }
    test.delete_at::<Reading>(30, "a")
        .await
        .expect("it is sent");
    settled(&test).await;
    let loud = |doubled| {
        Some(Loud {
            sensor: "a".to_owned(),
            doubled,
            room: Some("hall".to_owned()),
        })
    };
    let sent = test.records::<Loud>().await.expect("records");
    assert_eq!(rows(sent), [(10, loud(6)), (5, loud(8))]);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_of_results_has_the_schema_and_bytes_of_ksqldb() {
    let test = testing::query(LoudOnes).start().await.expect("it starts");
    test.send_at(1, reading("a", None, 3))
        .await
        .expect("it is sent");
    settled(&test).await;
    let ctx = test.context();
    let mut reader = ctx
        .log()
        .reader("loud", &[(0, 0), (1, 0)])
        .expect("a reader");
    let fetched = reader
        .poll(Duration::from_secs(10))
        .expect("a poll")
        .expect("a record");
    let record = fetched.records().next().expect("a record");
    assert_eq!(record.key, Some(b"a".as_slice()));
    let value = record.value.expect("a value");
    let (frame, body) = value.split_at(5);
    let id = u32::from_be_bytes(frame[1..].try_into().expect("an id"));
    let schema = ctx.registry().schema_by_id(id).await.expect("a schema");
    assert_eq!(*schema, *ksql_schema::avro::result_schema(Loud::MODEL));
    assert_eq!(body, [2, 12, 0], "doubled 6, room null");
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_kept_across_an_end_and_read_as_a_table() {
    let mut test = testing::query(Rooms).start().await.expect("it starts");
    for (round, room) in [Some("hall"), Some("attic"), None, Some("hall")]
        .into_iter()
        .enumerate()
    {
        let one = reading("a", room, round as i64 + 1);
        test.send_at(100 - round as i64, one)
            .await
            .expect("it is sent");
        settled(&test).await;
        test = test.reopen().await.expect("it starts again");
    }
    let room = |room: &str, count, sum, latest| Room {
        room: room.to_owned(),
        count,
        sum,
        latest,
    };
    let sent = test.records::<Room>().await.expect("records");
    let mut sent = rows(sent);
    sent.sort_by_key(|(timestamp, row)| {
        (
            row.clone().map(|row| row.room),
            *timestamp,
            row.clone().map(|row| row.count),
        )
    });
    assert_eq!(
        sent,
        [
            (99, Some(room("attic", 1, 2, 2))),
            (100, Some(room("hall", 1, 1, 1))),
            (100, Some(room("hall", 2, 5, 4))),
        ],
        "the timestamp is the largest so far"
    );
    let table = test.context().set::<Room>();
    assert_eq!(
        table.get("hall").await.expect("a read"),
        Some(room("hall", 2, 5, 4))
    );
    assert_eq!(table.count().await.expect("a count"), 2);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tumbling_windows_of_several_sizes_are_filled_and_read() {
    let test = testing::query(Tumbling).start().await.expect("it starts");
    let minute = 60_000;
    for (timestamp, value) in [
        (10, 1),
        (minute + 5, 2),
        // The first minute is open for 30 seconds more.
        (59_999, 3),
        (minute + 30_000, 4),
        // Late for the first minute, not for the first five.
        (20, 5),
        (7 * minute, 6),
    ] {
        test.send_at(timestamp, reading("a", None, value))
            .await
            .expect("it is sent");
    }
    settled(&test).await;
    let tumbled = |start: i64, size: i64, count, sum, first, last| Tumbled {
        sensor: "a".to_owned(),
        opened: DateTime::from_timestamp_millis(start).expect("a moment"),
        closes: DateTime::from_timestamp_millis(start + size).expect("a moment"),
        count,
        sum,
        first,
        last,
    };
    let one = test.window_records::<Tumbled>(1).await.expect("records");
    assert_eq!(
        rows(one),
        [
            (10, Some(tumbled(0, minute, 1, 1, 1, 1))),
            (65_000 - 4_995, Some(tumbled(minute, minute, 1, 2, 2, 2))),
            (59_999, Some(tumbled(0, minute, 2, 4, 1, 3))),
            (90_000, Some(tumbled(minute, minute, 2, 6, 2, 4))),
            (7 * minute, Some(tumbled(7 * minute, minute, 1, 6, 6, 6))),
        ]
    );
    assert_eq!(test.context().queries()[0].late, 1);
    let set = test.context().set::<Tumbled>();
    let five = set.window(5);
    assert_eq!(
        five.to_list().await.expect("a list"),
        [
            tumbled(0, 5 * minute, 5, 15, 1, 5),
            tumbled(5 * minute, 5 * minute, 1, 6, 6, 6)
        ]
    );
    assert_eq!(
        five.get("a", 0).await.expect("a read"),
        Some(tumbled(0, 5 * minute, 5, 15, 1, 5))
    );
    assert_eq!(five.get("a", minute).await.expect("a read"), None);
    assert_eq!(five.get("b", 0).await.expect("a read"), None);
    let at = |minutes| DateTime::from_timestamp_millis(minutes * minute).expect("a moment");
    let between = set.window(1).between(at(1)..at(7)).of("a");
    assert_eq!(between.count().await.expect("a count"), 1);
    let many = set.window(1).filter(|row| row.count > 1);
    assert_eq!(many.count().await.expect("a count"), 2);
    let (least, from) = (1, at(1));
    let condition = ksql!(|t: &Tumbled| t.count > least && t.opened >= from);
    let many = set.window(1).matching(condition);
    let second = tumbled(minute, minute, 2, 6, 2, 4);
    assert_eq!(
        many.to_list().await.expect("a list"),
        std::slice::from_ref(&second)
    );
    assert_eq!(many.first().await.expect("a read"), Some(second));
    assert_eq!(many.count().await.expect("a count"), 1);
    let error = set.window(7).to_list().await.expect_err("no such window");
    assert_eq!(
        error.to_string(),
        "`Tumbled` has no window of 7 minutes: it has 1 minutes, 5 minutes"
    );
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hopping_windows_overlap() {
    let test = testing::query(Hopping).start().await.expect("it starts");
    test.send_at(130_000, reading("a", None, 7))
        .await
        .expect("it is sent");
    settled(&test).await;
    let set = test.context().set::<Hopped>().window(3);
    let starts: Vec<i64> = set
        .to_list()
        .await
        .expect("a list")
        .iter()
        .map(|row| row.opened.timestamp_millis())
        .collect();
    assert_eq!(starts, [0, 60_000, 120_000]);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_meet_are_one_and_the_old_ones_are_deleted() {
    let test = testing::query(Sessions).start().await.expect("it starts");
    for (timestamp, value) in [(0, 1), (20_000, 2), (10_000, 3), (15_000, 4)] {
        test.send_at(timestamp, reading("a", None, value))
            .await
            .expect("it is sent");
    }
    settled(&test).await;
    let gap = Duration::from_secs(10);
    let sent = test.window_records_of::<Visit>(gap).await.expect("records");
    let shown: Vec<_> = sent
        .iter()
        .map(|record| {
            let Window { start, end } = record.key.window;
            (
                record.timestamp,
                start,
                end,
                record.row.as_ref().map(|row| row.sum),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (0, 0, 0, Some(1)),
            (20_000, 20_000, 20_000, Some(2)),
            (0, 0, 0, None),
            (20_000, 20_000, 20_000, None),
            (20_000, 0, 20_000, Some(6)),
            (20_000, 0, 20_000, None),
            (20_000, 0, 20_000, Some(10)),
        ]
    );
    let set = test.context().set::<Visit>().window_of(gap);
    let list = set.to_list().await.expect("a list");
    assert_eq!(list.len(), 1);
    assert_eq!(
        set.get("a", 0).await.expect("a read"),
        list.first().cloned()
    );
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_table_deletions_and_rows_that_match_no_more_are_deletions() {
    let test = testing::query(Towns).start().await.expect("it starts");
    for people in [5, 20, 30, 3, 2, 40] {
        let one = place(1, "x", people);
        test.send_at(people, one).await.expect("it is sent");
    }
    test.delete_at::<Place>(50, 1).await.expect("it is sent");
    test.delete_at::<Place>(60, 1).await.expect("it is sent");
    settled(&test).await;
    let town = |people| Some(Town { id: 1, people });
    let sent = test.records::<Town>().await.expect("records");
    assert_eq!(
        rows(sent),
        [
            (20, town(20)),
            (30, town(30)),
            (3, None),
            (40, town(40)),
            (50, None)
        ]
    );
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tables_rows_leave_their_old_group_and_groups_that_match_no_more_are_deleted() {
    let mut test = testing::query(Cities).start().await.expect("it starts");
    for one in [
        place(1, "rome", 10),
        place(2, "rome", 20),
        place(2, "rome", 25),
        place(1, "oslo", 11),
    ] {
        test.send_at(100, one).await.expect("it is sent");
        settled(&test).await;
        test = test.kill().await.expect("it starts again");
    }
    test.delete_at::<Place>(200, 1).await.expect("it is sent");
    settled(&test).await;
    let city = |city: &str, places, people| {
        Some(City {
            city: city.to_owned(),
            places,
            people,
        })
    };
    let sent = test.records::<City>().await.expect("records");
    let of = |name: &str| {
        let sent = sent.iter().filter(|record| record.key.city == name);
        sent.map(|record| (record.timestamp, record.row.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("rome"),
        [
            (100, city("rome", 2, 30)),
            // Within its group the place is replaced in one step.
            (100, city("rome", 2, 35)),
            (100, None),
        ]
    );
    assert_eq!(of("oslo"), [(200, city("oslo", 0, 0))]);
    test.end().await.expect("it ends");
}
