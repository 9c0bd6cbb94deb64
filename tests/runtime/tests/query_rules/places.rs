//! Several partitions, and the same program again: what is kept apart, and what is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use ksql_runtime::entity::Window;

use super::windows::{Session, Tumbled, sessions, tick, tumbled};
use super::*;

/// Something read, over three partitions.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("probes", partitions = 3)]
#[stream]
#[entity(namespace = "rules")]
pub struct Probe {
    #[key]
    pub id: i64,
    pub place: String,
    pub value: i64,
}

/// In windows, over as many.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("probed", partitions = 3)]
#[table]
#[window(tumbling, seconds = [10], grace = "5s")]
#[entity(namespace = "rules")]
pub struct Probed {
    #[key]
    pub id: i64,
    pub count: i64,
}

#[query]
fn probed(probes: Stream<Probe>) -> Table<Probed> {
    probes.group_by(|p| p.id).aggregate(|g| Probed {
        id: g.key(),
        count: g.count(),
    })
}

fn probe(id: i64, place: &str, value: i64) -> Probe {
    Probe {
        id,
        place: place.to_owned(),
        value,
    }
}

/// 6: stream time is the largest timestamp a task has seen, and a task is a partition: a row is late by the rows of its own partition only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partitions_time_makes_no_row_of_another_late() {
    let test = testing::query(probed).start().await.expect("it starts");
    send(&test, 100_000, probe(0, "", 0)).await;
    for id in 1..=12 {
        send(&test, 1_000, probe(id, "", 0)).await;
    }
    let sent = test.records::<Probe>().await.expect("what was sent");
    let of_time = sent
        .iter()
        .find(|record| record.timestamp == 100_000)
        .expect("it");
    let (late, in_time): (Vec<_>, Vec<_>) = sent
        .iter()
        .filter(|record| record.timestamp == 1_000)
        .partition(|record| record.partition == of_time.partition);
    assert!(
        !late.is_empty() && !in_time.is_empty(),
        "the keys are of one partition"
    );
    let mut expected: Vec<_> = in_time
        .iter()
        .map(|record| record.row.as_ref().expect("a row").id)
        .collect();
    expected.push(0);
    expected.sort_unstable();
    let made = test
        .window_records_of::<Probed>(Duration::from_secs(10))
        .await
        .expect("results");
    let mut found: Vec<_> = made
        .iter()
        .map(|record| record.row.as_ref().expect("a row").id)
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(test.context().queries()[0].late, late.len() as u64);
    test.end().await.expect("it ends");
}

/// By place, over two partitions.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("placed", partitions = 2)]
#[stream]
#[entity(namespace = "rules")]
pub struct Placed {
    #[key]
    pub place: String,
    pub id: i64,
    pub value: i64,
}

#[query]
fn placed(probes: Stream<Probe>) -> Stream<Placed> {
    probes.partition_by(|p| p.place).map(|p| Placed {
        place: p.place,
        id: p.id,
        value: p.value,
    })
}

/// Of all rows of a place.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("place_totals", partitions = 2)]
#[table]
#[entity(namespace = "rules")]
pub struct PlaceTotal {
    #[key]
    pub place: String,
    pub count: i64,
    pub sum: i64,
}

#[query]
fn place_totals(probes: Stream<Probe>) -> Table<PlaceTotal> {
    probes.group_by(|p| p.place).aggregate(|g| PlaceTotal {
        place: g.key(),
        count: g.count(),
        sum: g.sum(|p| p.value),
    })
}

/// 4 and 7: a record's partition is its key's, so that rows of one new key meet in one partition, whichever they come from; of one
/// partition they keep their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_one_new_key_meet_in_one_partition_in_the_order_of_each_old_one() {
    let test = testing::builder()
        .query(placed)
        .query(place_totals)
        .start()
        .await
        .expect("it starts");
    let places = ["a", "b", "c", "d", "e"];
    let rows = (0..300_i64).map(|n| {
        let place = places[usize::try_from(n * 7 % 5).expect("a place")];
        (n, probe(n % 11, place, n))
    });
    test.send_all_at(rows).await.expect("they are sent");
    test.settle().await.expect("nothing stops");
    let made = test.records::<Placed>().await.expect("results");
    assert_eq!(made.len(), 300);
    let mut partitions = BTreeMap::new();
    let mut last = BTreeMap::new();
    for record in made {
        let row = record.row.expect("a row");
        let partition = *partitions
            .entry(row.place.clone())
            .or_insert(record.partition);
        assert_eq!(partition, record.partition, "{}", row.place);
        // A key's rows came from one partition, in the order of their numbers.
        let before = last.insert((row.place, row.id), row.value);
        assert!(before.is_none_or(|before| before < row.value));
    }
    let totals = test
        .context()
        .set::<PlaceTotal>()
        .to_list()
        .await
        .expect("a list");
    let total = |place: &str, sum| PlaceTotal {
        place: place.to_owned(),
        count: 60,
        sum,
    };
    let mut totals: Vec<_> = totals.into_iter().collect();
    totals.sort_by(|a, b| a.place.cmp(&b.place));
    // n with n * 7 % 5 = k are 5 i + (k * 3 % 5): the sum over i < 60 is 5 * 1770 + 60 * (k * 3 % 5).
    assert_eq!(
        totals,
        [
            total("a", 8_850),
            total("b", 8_850 + 180),
            total("c", 8_850 + 60),
            total("d", 8_850 + 240),
            total("e", 8_850 + 120),
        ]
    );
    test.end().await.expect("it ends");
}

entity! {
    Shown "shown" #[table] {
        #[key]
        pub place: String,
        pub sum: i64,
        pub mean: f64,
    }
}

#[query]
fn shown(probes: Stream<Probe>) -> Table<Shown> {
    probes
        .group_by(|p| p.place)
        .aggregate(|g| Shown {
            place: g.key(),
            sum: g.sum(|p| p.value),
            mean: g.avg(|p| p.value),
        })
        .having(|g| g.sum(|p| p.value) > 10)
}

/// 2.9 over ends and kills: a group that was shown before one is deleted after it, once, and comes back with what was counted before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_was_shown_before_an_end_is_deleted_after_it() {
    let mut test = testing::query(shown).start().await.expect("it starts");
    for (step, value) in [8, 8, -10, -1, 20, -30].into_iter().enumerate() {
        send(&test, 0, probe(1, "x", value)).await;
        test = match step % 2 {
            0 => test.kill().await.expect("it starts again"),
            _ => test.reopen().await.expect("it starts again"),
        };
    }
    test.settle().await.expect("nothing stops");
    let made = test.records::<Shown>().await.expect("results");
    let found: Vec<_> = made
        .into_iter()
        .map(|record| record.row.map(|row| (row.sum, row.mean)))
        .collect();
    // 8, 16, 6, 5, 25, -5.
    assert_eq!(found, [Some((16, 8.0)), None, Some((25, 5.0)), None]);
    test.end().await.expect("it ends");
}

/// 6 over ends and kills: stream time is kept, so that what was late before is late after; a session goes on where it stood.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_and_sessions_go_on_behind_an_end() {
    for killed in [false, true] {
        let builder = testing::builder().query(tumbled).query(sessions);
        let test = builder.start().await.expect("it starts");
        send(&test, 12_000, tick("x", 1)).await;
        send(&test, 20_000, tick("y", 1)).await;
        let test = match killed {
            true => test.kill().await.expect("it starts again"),
            false => test.reopen().await.expect("it starts again"),
        };
        // Too late for the window from 0 on (20 000 - 5 000), and for a session of its own (20 000 - 8 000).
        send(&test, 9_000, tick("z", 1)).await;
        // In time for both, and within the gap of the session at 12 000.
        send(&test, 16_999, tick("x", 1)).await;
        let queries = test.context().queries();
        let late: Vec<_> = queries.iter().map(|query| query.late).collect();
        assert_eq!(late, [1, 1], "killed: {killed}");
        let size = Duration::from_secs(10);
        let windows = test.window_records_of::<Tumbled>(size).await;
        let sums: Vec<_> = windows
            .expect("results")
            .into_iter()
            .map(|record| record.row.expect("a row").sum)
            .collect();
        assert_eq!(sums, [1, 1, 2], "killed: {killed}");
        let gap = Duration::from_secs(5);
        let windows = test.window_records_of::<Session>(gap).await;
        let found: Vec<_> = windows
            .expect("results")
            .into_iter()
            .map(|record| {
                let Window { start, end } = record.key.window;
                (start, end, record.row.map(|row| row.sum))
            })
            .collect();
        assert_eq!(
            found,
            [
                (12_000, 12_000, Some(1)),
                (20_000, 20_000, Some(1)),
                (12_000, 12_000, None),
                (12_000, 16_999, Some(2)),
            ],
            "killed: {killed}"
        );
        test.end().await.expect("it ends");
    }
}
