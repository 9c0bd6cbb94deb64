//! Results of queries that ksqlDB runs: their topics are made as the statements say, and what stands in them is read as any table.

use ksql_runtime::log::RecordBatch;
use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::shop::{Sold, Trade};
use ksql_runtime_tests::test_name;
use serde_json::json;

use crate::engine::{LONG, on};
use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, plan_of, started};

/// As many as the trades have.
const PARTITIONS: u32 = 3;
const MINUTE: i64 = 60_000;

#[query]
fn sold(trades: Stream<Trade>) -> Table<Sold> {
    trades.group_by(|t| t.account).aggregate(|g| Sold {
        account: g.key(),
        pieces: g.sum(|t| t.pieces as i64),
    })
}

/// Windows that are kept for longer than any default says.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("hourly")]
#[table]
#[window(tumbling, hours = [1], grace = "10s", retention = "23d")]
#[entity(namespace = "shop")]
struct Hourly {
    #[key]
    account: i64,
    pieces: i64,
}

#[query]
fn hourly(trades: Stream<Trade>) -> Table<Hourly> {
    trades.group_by(|t| t.account).aggregate(|g| Hourly {
        account: g.key(),
        pieces: g.sum(|t| t.pieces as i64),
    })
}

/// What somebody ever sold.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("totals")]
#[table]
#[entity(namespace = "shop")]
struct Total {
    #[key]
    account: i64,
    pieces: i64,
}

#[query]
fn totals(trades: Stream<Trade>) -> Table<Total> {
    trades.group_by(|t| t.account).aggregate(|g| Total {
        account: g.key(),
        pieces: g.sum(|t| t.pieces as i64),
    })
}

fn program(place: &Place, ksqldb: &KsqlDbServer) -> ContextBuilder {
    let builder = on(place, ksqldb).query(sold).query(hourly);
    builder.query(totals)
}

/// A property of a statement.
fn property<'s>(statement: &'s str, name: &str) -> Option<&'s str> {
    let (_, rest) = statement.split_once(&format!("{name}="))?;
    let end = rest.find([',', ')'])?;
    Some(rest[..end].trim_matches('\''))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topics_of_windows_keep_records_as_long_as_their_statements_say() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    // What is set is longer than the windows of a minute and of five need.
    let program = || program(&place, &ksqldb).setting("entity.Sold.retention", "11d");
    let ctx = started(program()).await;
    let mut kept = Vec::new();
    for statement in ksqldb.changes() {
        let (Some(retention), Some(topic)) = (
            property(&statement, "RETENTION_MS"),
            property(&statement, "KAFKA_TOPIC"),
        ) else {
            continue;
        };
        // Kafka's own tool says what there is.
        let arguments = ["--describe", "--topic", topic];
        let told = place
            .kafka
            .tool("org.apache.kafka.tools.TopicCommand", &arguments);
        let (_, configs) = told.split_once("Configs: ").expect("settings");
        let configs = configs.lines().next().unwrap_or_default();
        let configs: Vec<&str> = configs.split(',').map(str::trim).collect();
        let expected = format!("retention.ms={retention}");
        assert!(configs.contains(&expected.as_str()), "{statement}\n{told}");
        let topic = topic.strip_prefix(&place.prefix).expect("the prefix");
        kept.push((topic.to_owned(), retention.to_owned()));
    }
    kept.sort();
    let days = |days: i64| (days * 24 * 60 * MINUTE).to_string();
    assert_eq!(
        kept,
        [
            ("hourly_60min".to_owned(), days(23)),
            ("sold_1min".to_owned(), days(11)),
            ("sold_5min".to_owned(), days(11)),
            // Not a result: as long as any topic of records.
            ("trades".to_owned(), days(7)),
        ]
    );
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
}

/// The schema that ksqlDB registers for a result: its own names of columns, each of which may be NULL.
fn written_by_ksqldb(record: &str) -> String {
    json!({ "type": "record", "name": record, "namespace": "shop",
        "fields": [{ "name": "PIECES", "type": ["null", "long"], "default": null }],
        "connect.name": format!("shop.{record}") })
    .to_string()
}

/// Writes records as ksqlDB does: account, the start of the window where there is one, and the pieces, or a deletion.
async fn write(ctx: &Context, topic: &str, record: &str, rows: &[(i64, Option<i64>, Option<u8>)]) {
    let subject = format!("{topic}-value");
    let schema = written_by_ksqldb(record);
    let schema = ctx.registry().register(&subject, &schema).await;
    let schema = schema.expect("it fits");
    let mut batch = RecordBatch::new();
    for (account, start, pieces) in rows {
        let mut key = account.to_be_bytes().to_vec();
        // A window does not move its key to another partition.
        let partition = partition_for_key(&key, PARTITIONS);
        key.extend(start.iter().flat_map(|start| start.to_be_bytes()));
        let value = pieces.map(|pieces| {
            let mut value = vec![0];
            value.extend(schema.to_be_bytes());
            // The second of the union, and a small number as Avro writes it.
            value.extend([2, pieces * 2]);
            value
        });
        let time = start.unwrap_or_else(|| Utc::now().timestamp_millis());
        batch.push_to(Some(partition), Some(&key), value.as_deref(), time, &[]);
    }
    let sent = ctx.log().produce_batch(topic, batch).await;
    sent.expect("records are written");
    ctx.wait_caught_up(LONG).await.expect("they are read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ksqldb_writes_to_a_result_is_read_as_rows() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let ctx = started(program(&place, &ksqldb)).await;
    let row = |account, pieces| Sold { account, pieces };
    let now = Utc::now().timestamp_millis();
    let last = now - now.rem_euclid(5 * MINUTE);
    let before = last - 5 * MINUTE;

    let topic = place.name("sold_5min");
    let rows = [
        (1, Some(before), Some(10)),
        (1, Some(last), Some(11)),
        (2, Some(last), Some(20)),
        (3, Some(last), Some(30)),
        // A later result in place of an earlier one, and one that is gone.
        (2, Some(last), Some(21)),
        (3, Some(last), None),
    ];
    write(&ctx, &topic, "Sold", &rows).await;
    let five = ctx.set::<Sold>().window(5);
    let mut found = five.to_list().await.expect("rows");
    found.sort_by_key(|row| (row.account, row.pieces));
    assert_eq!(found, [row(1, 10), row(1, 11), row(2, 21)]);
    let of = five.of(1).between(last..).to_list().await;
    assert_eq!(of.expect("rows"), [row(1, 11)]);
    let one = five.get(1, before).await;
    assert_eq!(one.expect("a read"), Some(row(1, 10)));
    assert_eq!(five.get(3, last).await.expect("a read"), None);
    let none = ctx.set::<Sold>().window(1).count().await;
    assert_eq!(none.expect("a count"), 0, "another window's topic");

    let topic = place.name("totals");
    let rows = [
        (1, None, Some(21)),
        (2, None, Some(5)),
        (2, None, None),
        (1, None, Some(22)),
    ];
    write(&ctx, &topic, "Total", &rows).await;
    let totals = ctx.set::<Total>();
    let total = Total {
        account: 1,
        pieces: 22,
    };
    assert_eq!(totals.to_list().await.expect("rows"), [total]);
    assert_eq!(totals.get(2).await.expect("a read"), None);
    ctx.shutdown().await.expect("it ends");
}
