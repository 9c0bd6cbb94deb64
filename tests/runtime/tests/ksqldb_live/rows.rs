//! Rows of every type, and windows, read back as they were written.

use std::collections::BTreeMap;

use ksql_runtime::entity::Window;
use ksql_runtime::ksqldb::{Change, Changes, Ensured, Select};
use ksql_runtime::prelude::*;

use crate::server::{LONG, Place, insert};

#[derive(Debug, Clone, PartialEq, Struct)]
struct Inner {
    x: Option<i32>,
    name: Option<String>,
}

/// Every type, under words that KSQL reserves.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("every.type-1")]
#[stream]
#[entity(namespace = "live")]
struct Order {
    #[key]
    group: String,
    #[key]
    by: i32,
    #[key]
    size: i64,
    #[key]
    id: Uuid,
    flag: Option<bool>,
    long: Option<i64>,
    double: Option<f64>,
    #[decimal_precision(18, 4)]
    price: Option<Decimal>,
    wide: Option<Dec<38, 10>>,
    text: Option<String>,
    raw: Option<Vec<u8>>,
    #[timestamp]
    at: DateTime<Utc>,
    day: Option<NaiveDate>,
    time: Option<NaiveTime>,
    list: Option<Vec<i32>>,
    map: Option<BTreeMap<String, i64>>,
    inner: Option<Inner>,
}

fn order() -> Order {
    Order {
        group: "it's".to_owned(),
        by: -7,
        size: 3_000_000_000,
        id: Uuid::from_u128(5),
        flag: Some(true),
        long: Some(-9_000_000_000),
        double: Some(0.1),
        price: Some(Decimal::new(-125_000, 4)),
        wide: "1234567890123456789012345678.0123456789".parse().ok(),
        text: Some("é \"quoted\" \\ 😀\nnext line".to_owned()),
        raw: Some(vec![0, 0xff, 0x10]),
        at: "2026-03-01T10:00:00.123Z".parse().expect("a time"),
        day: NaiveDate::from_ymd_opt(1969, 12, 31),
        time: NaiveTime::from_hms_opt(23, 59, 59),
        list: Some(vec![1, 2, 3]),
        map: Some(BTreeMap::from([("a".to_owned(), 1)])),
        inner: Some(Inner {
            x: Some(1),
            name: Some("in".to_owned()),
        }),
    }
}

pub(crate) async fn next<T: Entity + std::fmt::Debug>(changes: &mut Changes<T>) -> Change<T>
where
    T::Key: std::fmt::Debug,
{
    let next = tokio::time::timeout(LONG, changes.next())
        .await
        .expect("a change in time");
    next.expect("it goes on").expect("a change")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn a_row_of_every_type_comes_back_as_it_was_written() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    place.clear(&["ORDER"]).await;
    place.created::<Order>().await;
    let full = "'it''s', -7, 3000000000, '00000000-0000-0000-0000-000000000005', true, -9000000000, 0.1E0, -12.5000, 1234567890123456789012345678.0123456789, 'é \"quoted\" \\ 😀\nnext line', 'AP8Q', '2026-03-01T10:00:00.123', '1969-12-31', '23:59:59', ARRAY[1, 2, 3], MAP('a':=CAST(1 AS BIGINT)), STRUCT(`X`:=1, `NAME`:='in')";
    let columns: Vec<&str> = Order::COLUMNS.iter().map(|column| column.quoted).collect();
    insert("ORDER", &columns.join(", "), &[full.to_owned()]);
    let keys = "`GROUP`, `BY`, `SIZE`, `ID`, `AT`";
    let bare = "'', 0, 0, '00000000-0000-0000-0000-000000000000', '1970-01-01T00:00:00.000'";
    insert("ORDER", keys, &[bare.to_owned()]);

    // A pull query over a stream reads it from beginning to end; composite keys have no order between partitions.
    let mut found = ksql.pull(&Select::<Order>::all()).await.expect("the rows");
    found.sort_by_key(|order| order.by);
    let empty = Order {
        group: String::new(),
        by: 0,
        size: 0,
        id: Uuid::nil(),
        flag: None,
        long: None,
        double: None,
        price: None,
        wide: None,
        text: None,
        raw: None,
        at: DateTime::UNIX_EPOCH,
        day: None,
        time: None,
        list: None,
        map: None,
        inner: None,
    };
    assert_eq!(found, [order(), empty.clone()]);

    let mut changes = ksql.push(
        Select::<Order>::all()
            .key(&order().key())
            .expect("a key")
            .limit(1),
    );
    assert_eq!(next(&mut changes).await, Change::Upsert(order()));
    assert!(changes.next().await.is_none(), "as many as asked for");
    place.leave(&["ORDER"]).await;
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("click1")]
#[stream]
#[entity(namespace = "live")]
struct LiveClick {
    #[key]
    user: i64,
    #[timestamp]
    at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks_of")]
#[window(tumbling, minutes = [1], grace = "10s", retention = "7d")]
#[entity(namespace = "live")]
struct LiveClicks {
    #[key]
    user: i64,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: DateTime<Utc>,
    clicks: Option<i64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn windows_are_pulled_and_followed_with_their_bounds() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    let sources = ["LIVECLICKS_1MIN", "LIVECLICK"];
    place.clear(&sources).await;
    place.created::<LiveClick>().await;
    let prefix = &place.prefix;
    let query = format!(
        "CREATE TABLE IF NOT EXISTS `LIVECLICKS_1MIN` WITH (KAFKA_TOPIC='{prefix}clicks_of_1min', PARTITIONS=1, REPLICAS=1, RETENTION_MS=604800000, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='live.LiveClicks') AS SELECT `USER` AS `USER`, COUNT(*) AS `CLICKS` FROM `LIVECLICK` WINDOW TUMBLING (SIZE 1 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) GROUP BY `USER` EMIT CHANGES;"
    );
    let started = ksql
        .ensure_query(&query)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let Ensured::Created { query_id: Some(id) } = started else {
        panic!("{started:?}")
    };
    ksql.wait_running(&id, LONG).await.expect("it runs");
    let again = ksql.ensure_query(&query).await.expect("compared");
    assert_eq!(again, Ensured::Unchanged { query_id: Some(id) });

    // Event times of now: older records than the topic keeps would vanish. The oldest comes first: behind one of 59 s later
    // its window would be closed.
    let minute = Utc::now().timestamp_millis() / 60_000 * 60_000;
    let rows: Vec<String> = [(1, -60_000), (1, 0), (1, 1000), (2, 59_999)]
        .iter()
        .map(|(user, after)| format!("{user}, FROM_UNIXTIME({})", minute + after))
        .collect();
    insert("LIVECLICK", "`USER`, `AT`", &rows);
    let window = |user: i64, from: i64, clicks: i64| {
        let bound = |millis| DateTime::from_timestamp_millis(millis).expect("a time");
        LiveClicks {
            user,
            from: bound(from),
            to: bound(from + 60_000),
            clicks: Some(clicks),
        }
    };
    let mut expected = vec![
        window(1, minute, 2),
        window(2, minute, 1),
        window(1, minute - 60_000, 1),
    ];
    let sort = |rows: &mut Vec<LiveClicks>| rows.sort_by_key(|row| (row.user, row.from));
    sort(&mut expected);

    let mut changes = ksql.push(Select::<LiveClicks>::all());
    let mut last: BTreeMap<LiveClicksKey, LiveClicks> = BTreeMap::new();
    while last.values().cloned().collect::<Vec<_>>() != expected {
        if let Change::Upsert(row) = next(&mut changes).await {
            last.insert(row.key(), row);
        }
    }
    changes.close().await.expect("closed");

    let mut rows = ksql
        .pull(&Select::<LiveClicks>::all())
        .await
        .expect("the windows");
    sort(&mut rows);
    assert_eq!(rows, expected);
    let key = LiveClicksKey {
        user: 1,
        window: Window {
            start: minute,
            end: minute + 60_000,
        },
    };
    let one = Select::<LiveClicks>::all().key(&key).expect("a key");
    assert_eq!(
        ksql.pull(&one).await.expect("the window"),
        [window(1, minute, 2)]
    );
    place.leave(&sources).await;
}
