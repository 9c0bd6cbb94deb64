//! Which windows a row falls into, and until when, at the very edges.

use std::time::Duration;

use ksql_runtime::entity::Window;

use super::*;

entity! {
    Tick "ticks" #[stream] {
        #[key]
        pub id: String,
        pub n: i64,
    }
}

pub fn tick(id: &str, n: i64) -> Tick {
    Tick {
        id: id.to_owned(),
        n,
    }
}

entity! {
    Tumbled "tumbled" #[table] #[window(tumbling, seconds = [10], grace = "5s", retention = "1h")] {
        #[key]
        pub id: String,
        #[window_start]
        pub from: DateTime<Utc>,
        #[window_end]
        pub to: DateTime<Utc>,
        pub sum: i64,
    }
}

#[query]
pub fn tumbled(ticks: Stream<Tick>) -> Table<Tumbled> {
    ticks.group_by(|t| t.id).aggregate(|g| Tumbled {
        id: g.key(),
        from: g.window_start(),
        to: g.window_end(),
        sum: g.sum(|t| t.n),
    })
}

/// 6: tumbling windows are `[start, start + size)`, and nothing more is taken in once `end <= streamTime - grace`. Stream time is that
/// of all keys, and a retention beyond the grace takes in nothing more. A result's timestamp is the largest of its rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tumbling_window_is_open_to_the_last_millisecond_of_its_grace() {
    assert!(
        tumbled::KSQL[0]
            .contains("TUMBLING (SIZE 10 SECONDS, RETENTION 1 HOURS, GRACE PERIOD 5 SECONDS)"),
        "{}",
        tumbled::KSQL[0]
    );
    let test = testing::query(tumbled).start().await.expect("it starts");
    for (timestamp, id, n) in [
        (3_000, "a", 1),
        (14_999, "b", 2),
        // 10 000 > 14 999 - 5 000.
        (9_999, "a", 3),
        // The end belongs to the next window.
        (10_000, "a", 5),
        (15_000, "b", 7),
        // 10 000 <= 15 000 - 5 000: too late.
        (9_999, "a", 11),
        (10_000, "a", 13),
        (24_999, "b", 17),
        (19_999, "a", 19),
        (25_000, "a", 23),
        // Too late for a key that had no row in this window, too.
        (19_999, "c", 29),
    ] {
        send(&test, timestamp, tick(id, n)).await;
    }
    let records = test
        .window_records_of::<Tumbled>(Duration::from_secs(10))
        .await
        .expect("results");
    let found: Vec<_> = records
        .iter()
        .map(|record| {
            let row = record.row.as_ref().expect("a row");
            let Window { start, end } = record.key.window;
            assert_eq!(
                (row.from.timestamp_millis(), row.to.timestamp_millis()),
                (start, end)
            );
            (record.timestamp, row.id.as_str(), start, end, row.sum)
        })
        .collect();
    assert_eq!(
        found,
        [
            (3_000, "a", 0, 10_000, 1),
            (14_999, "b", 10_000, 20_000, 2),
            (9_999, "a", 0, 10_000, 4),
            (10_000, "a", 10_000, 20_000, 5),
            (15_000, "b", 10_000, 20_000, 9),
            (10_000, "a", 10_000, 20_000, 18),
            (24_999, "b", 20_000, 30_000, 17),
            (19_999, "a", 10_000, 20_000, 37),
            (25_000, "a", 20_000, 30_000, 23),
        ]
    );
    assert_eq!(test.context().queries()[0].late, 2);
    test.end().await.expect("it ends");
}

entity! {
    Point "points" #[stream] {
        #[key]
        pub id: i64,
        pub x: String,
        pub y: i32,
    }
}

entity! {
    Hopped "hopped" #[table] #[window(hopping, seconds = [10], advance = "4s", grace = "2s")] {
        #[key]
        pub x: String,
        #[key]
        pub y: i32,
        pub count: i64,
    }
}

#[query]
fn hopped(points: Stream<Point>) -> Table<Hopped> {
    points.group_by(|p| (p.x, p.y)).aggregate(|g| Hopped {
        x: g.key().0,
        y: g.key().1,
        count: g.count(),
    })
}

/// 6: a row falls into the windows from `max(0, t - size + advance) / advance * advance` on, the oldest first, and each closes by
/// itself. A key of several columns has windows of its own for each pair.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_hopping_window_of_each_key_closes_by_itself() {
    let test = testing::query(hopped).start().await.expect("it starts");
    for (timestamp, x, y) in [
        // (9 - 10 + 4) / 4 * 4 = 0.
        (9_000, "a", 1),
        // Begins behind 0: (11.999 - 6) / 4 * 4 = 4.
        (11_999, "a", 2),
        // 10 000 > 11 999 - 2 000: all three are open.
        (9_999, "a", 1),
        (12_000, "b", 1),
        // [0, 10) is closed now, and the later ones are not.
        (9_999, "a", 1),
        (16_000, "a", 2),
        // [4, 14) is closed.
        (13_999, "b", 1),
        // Falls into [0, 10) only.
        (3_999, "a", 1),
    ] {
        send(
            &test,
            timestamp,
            Point {
                id: 1,
                x: x.to_owned(),
                y,
            },
        )
        .await;
    }
    let records = test
        .window_records_of::<Hopped>(Duration::from_secs(10))
        .await
        .expect("results");
    let found: Vec<_> = records
        .iter()
        .map(|record| {
            let row = record.row.as_ref().expect("a row");
            let Window { start, end } = record.key.window;
            assert_eq!(end, start + 10_000);
            (start / 1_000, row.x.as_str(), row.y, row.count)
        })
        .collect();
    assert_eq!(
        found,
        [
            (0, "a", 1, 1),
            (4, "a", 1, 1),
            (8, "a", 1, 1),
            (4, "a", 2, 1),
            (8, "a", 2, 1),
            (0, "a", 1, 2),
            (4, "a", 1, 2),
            (8, "a", 1, 2),
            (4, "b", 1, 1),
            (8, "b", 1, 1),
            (12, "b", 1, 1),
            (4, "a", 1, 3),
            (8, "a", 1, 3),
            (8, "a", 2, 2),
            (12, "a", 2, 1),
            (16, "a", 2, 1),
            (8, "b", 1, 2),
            (12, "b", 1, 2),
        ]
    );
    assert_eq!(test.context().queries()[0].late, 3, "a window each");
    test.end().await.expect("it ends");
}

entity! {
    Session "sessions" #[table] #[window(session, gap = "5s", grace = "3s", retention = "1h")] {
        #[key]
        pub id: String,
        pub sum: i64,
    }
}

#[query]
pub fn sessions(ticks: Stream<Tick>) -> Table<Session> {
    ticks.group_by(|t| t.id).aggregate(|g| Session {
        id: g.key(),
        sum: g.sum(|t| t.n),
    })
}

/// 6: a session is `[first, last]`, both included; it takes what lies within the gap. A row is dropped when the `end` of the session it
/// would be part of is `< streamTime - grace - gap`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_late_by_its_end_and_joined_to_the_last_millisecond_of_its_gap() {
    let test = testing::query(sessions).start().await.expect("it starts");
    for (timestamp, id, n) in [
        (20_000, "b", 1),
        // 12 000 is not less than 20 000 - 8 000.
        (12_000, "a", 2),
        // 11 999 is.
        (11_999, "c", 4),
        // Joined with the other its end is 12 000.
        (11_999, "a", 8),
        (20_001, "b", 16),
        // 12 000 is less than 12 001, joined or not.
        (12_000, "a", 32),
        // Exactly the gap behind 12 000.
        (17_000, "a", 64),
        // One more than the gap behind 17 000.
        (22_001, "a", 128),
        // A gap from both: all are one.
        (22_000, "a", 256),
    ] {
        send(&test, timestamp, tick(id, n)).await;
    }
    let records = test
        .window_records_of::<Session>(Duration::from_secs(5))
        .await
        .expect("results");
    let found: Vec<_> = records
        .iter()
        .map(|record| {
            let Window { start, end } = record.key.window;
            (
                record.timestamp,
                start,
                end,
                record.row.as_ref().map(|row| (row.id.as_str(), row.sum)),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (20_000, 20_000, 20_000, Some(("b", 1))),
            (12_000, 12_000, 12_000, Some(("a", 2))),
            (12_000, 12_000, 12_000, None),
            (12_000, 11_999, 12_000, Some(("a", 10))),
            (20_000, 20_000, 20_000, None),
            (20_001, 20_000, 20_001, Some(("b", 17))),
            (12_000, 11_999, 12_000, None),
            (17_000, 11_999, 17_000, Some(("a", 74))),
            (22_001, 22_001, 22_001, Some(("a", 128))),
            (17_000, 11_999, 17_000, None),
            (22_001, 22_001, 22_001, None),
            (22_001, 11_999, 22_001, Some(("a", 458))),
        ]
    );
    assert_eq!(test.context().queries()[0].late, 2);
    test.end().await.expect("it ends");
}
