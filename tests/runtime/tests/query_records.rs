//! What queries make of single records: when they happened, and what comes of those without a value.

use ksql_runtime::entity::Window;
use ksql_runtime::prelude::*;
use ksql_runtime::testing;

/// Something seen at a time of its own.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("sightings")]
#[entity(namespace = "records")]
pub struct Sighting {
    /// The key.
    #[key]
    pub id: i64,
    /// When.
    #[timestamp]
    pub seen: i64,
    /// How large it was.
    pub size: i64,
}

/// Sightings in sessions.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("seen")]
#[table]
#[window(session, gap = "10s", grace = "20s", retention = "30s")]
#[entity(namespace = "records")]
pub struct Seen {
    /// The key.
    #[key]
    pub id: i64,
    /// The largest.
    pub size: i64,
}

#[query]
fn visits(sightings: Stream<Sighting>) -> Table<Seen> {
    sightings.group_by(|s| s.id).aggregate(|g| Seen {
        id: g.key(),
        size: g.max(|s| s.size),
    })
}

/// A reading, with the time it is about.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("about")]
#[entity(namespace = "records")]
pub struct About {
    /// The key.
    #[key]
    pub id: i64,
    /// The time it is about.
    #[timestamp]
    pub at: i64,
}

#[query]
fn about(sightings: Stream<Sighting>) -> Stream<About> {
    sightings.map(|s| About {
        id: s.id,
        at: s.size,
    })
}

/// Something with a name.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("things")]
#[entity(namespace = "records")]
pub struct Thing {
    /// The key.
    #[key]
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// Something by another key.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("things_by_number")]
#[entity(namespace = "records")]
pub struct ByNumber {
    /// The key.
    #[key]
    pub number: i64,
    /// Its name.
    pub name: String,
}

/// Something by its name.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("things_by_name")]
#[entity(namespace = "records")]
pub struct ByName {
    /// The key.
    #[key]
    pub name: String,
    /// Its number.
    pub number: i64,
}

#[query]
fn copied(things: Stream<Thing>) -> Stream<ByNumber> {
    things.map(|t| ByNumber {
        number: t.id,
        name: t.name,
    })
}

#[query]
fn chosen(things: Stream<Thing>) -> Stream<ByNumber> {
    things.filter(|t| t.id > 0).map(|t| ByNumber {
        number: t.id,
        name: t.name,
    })
}

#[query]
fn computed(things: Stream<Thing>) -> Stream<ByNumber> {
    things.partition_by(|t| t.id * 2).map(|t| ByNumber {
        number: t.id * 2,
        name: t.name,
    })
}

#[query]
fn by_name(things: Stream<Thing>) -> Stream<ByName> {
    things.partition_by(|t| t.name).map(|t| ByName {
        name: t.name,
        number: t.id,
    })
}

fn sighting(id: i64, seen: i64, size: i64) -> Sighting {
    Sighting { id, seen, size }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_says_when_and_a_time_before_1970_leaves_the_record_out() {
    let test = testing::query(visits).start().await.expect("it starts");
    for (seen, size) in [(1_000, 1), (-1, 100), (5_000, 2)] {
        // The record's own timestamp is another.
        let sent = test.send_at(77_000_000, sighting(1, seen, size)).await;
        sent.expect("it is sent");
    }
    test.settle().await.expect("everything is taken in");
    let gap = std::time::Duration::from_secs(10);
    let rows = test.window_records_of::<Seen>(gap).await.expect("records");
    let last = rows.last().expect("a record");
    assert_eq!((last.key.window.start, last.key.window.end), (1_000, 5_000));
    assert_eq!(last.row.as_ref().map(|row| row.size), Some(2));
    assert_eq!(last.timestamp, 5_000);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_is_stamped_by_its_column_and_left_out_where_that_says_no_time() {
    let test = testing::query(about).start().await.expect("it starts");
    for at in [30, -5, 20] {
        let sent = test.send_at(1_000, sighting(1, 1_000, at)).await;
        sent.expect("it is sent");
    }
    test.settle().await.expect("everything is taken in");
    let rows = test.records::<About>().await.expect("records");
    let stamps: Vec<_> = rows
        .iter()
        .map(|sent| (sent.timestamp, sent.row.as_ref().map(|row| row.at)))
        .collect();
    assert_eq!(stamps, [(30, Some(30)), (20, Some(20))]);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_behind_the_retention_is_joined_no_more() {
    let gap = std::time::Duration::from_secs(10);
    for (time, start) in [
        // Found still: exactly the retention has not passed since its end.
        (9_999, 0),
        (10_000, 10_000),
    ] {
        let test = testing::query(visits).start().await.expect("it starts");
        // Another key moves the time on.
        for one in [
            sighting(1, 0, 1),
            sighting(2, 20_000 + time, 1),
            sighting(1, time, 2),
        ] {
            test.send(one).await.expect("it is sent");
        }
        test.settle().await.expect("everything is taken in");
        let rows = test.window_records_of::<Seen>(gap).await.expect("records");
        let last = rows.last().expect("a record");
        let window = Window { start, end: time };
        assert_eq!(last.key.window, window, "{time}");
        test.end().await.expect("it ends");
    }
}

/// The keys, and whether there is a value.
async fn handed_on<By, Q: Query>(
    query: impl IntoQuery<By, Query = Q>,
) -> Vec<(Option<Vec<u8>>, bool)> {
    let test = testing::query(query).start().await.expect("it starts");
    test.delete_at::<Thing>(7, 21).await.expect("it is sent");
    let thing = Thing {
        id: 3,
        name: "x".to_owned(),
    };
    test.send_at(8, thing).await.expect("it is sent");
    test.settle().await.expect("everything is taken in");
    let topic = Q::PLAN.output.topic.name;
    let mut reader = test
        .context()
        .log()
        .reader(topic, &[(0, 0)])
        .expect("a reader");
    let fetched = reader
        .poll(std::time::Duration::from_secs(10))
        .expect("a poll")
        .expect("records");
    let records = fetched
        .records()
        .map(|record| (record.key.map(<[u8]>::to_vec), record.value.is_some()))
        .collect();
    test.end().await.expect("it ends");
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_without_a_value_is_handed_on_unless_a_condition_asks_for_one() {
    let number = |number: i64| Some(number.to_be_bytes().to_vec());
    assert_eq!(
        handed_on(copied).await,
        [(number(21), false), (number(3), true)]
    );
    assert_eq!(handed_on(chosen).await, [(number(3), true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_null_where_it_is_made_of_a_value_that_is_not_there() {
    let number = |number: i64| Some(number.to_be_bytes().to_vec());
    assert_eq!(
        handed_on(computed).await,
        [(number(42), false), (number(6), true)]
    );
    assert_eq!(
        handed_on(by_name).await,
        [(None, false), (Some(b"x".to_vec()), true)]
    );
}

/// Something of parts.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("kits")]
#[entity(namespace = "records")]
pub struct Kit {
    /// The key.
    #[key]
    pub id: i64,
    /// Its parts.
    pub parts: Vec<String>,
    /// Sizes it comes in.
    pub sizes: Vec<i64>,
}

/// A part of something.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("parts")]
#[entity(namespace = "records")]
pub struct Part {
    /// The key.
    #[key]
    pub id: i64,
    /// The part.
    pub part: Option<String>,
    /// The size.
    pub size: Option<i64>,
}

#[query]
fn parts(kits: Stream<Kit>) -> Stream<Part> {
    kits.map(|k| Part {
        id: k.id,
        part: k.parts.explode(),
        size: k.sizes.explode(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_of_one_record_follow_one_another_with_its_key_and_time() {
    let kit = |id: i64, parts: &[&str], sizes: &[i64]| Kit {
        id,
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        sizes: sizes.to_vec(),
    };
    let test = testing::query(parts).start().await.expect("it starts");
    // Nothing is made of a record without a value, nor of one without elements.
    test.delete_at::<Kit>(4, 1).await.expect("it is sent");
    for (time, one) in [
        (5, kit(1, &["a", "b"], &[7, 8, 9])),
        (6, kit(2, &[], &[])),
        (7, kit(3, &["c"], &[])),
    ] {
        test.send_at(time, one).await.expect("it is sent");
    }
    test.settle().await.expect("everything is taken in");
    let test = test.kill().await.expect("it opens again");
    let sent = test.send_at(8, kit(1, &[], &[1])).await;
    sent.expect("it is sent");
    test.settle().await.expect("everything is taken in");
    let rows = test.records::<Part>().await.expect("records");
    let made: Vec<_> = rows
        .iter()
        .map(|sent| {
            let row = sent.row.clone().expect("a row");
            (sent.timestamp, row.id, row.part, row.size)
        })
        .collect();
    let part = |part: &str| Some(part.to_owned());
    assert_eq!(
        made,
        [
            (5, 1, part("a"), Some(7)),
            (5, 1, part("b"), Some(8)),
            (5, 1, None, Some(9)),
            (7, 3, part("c"), None),
            (8, 1, None, Some(1)),
        ]
    );
    test.end().await.expect("it ends");
}
