//! Records that say nothing, for ksqlDB alone: one to each new topic, right Avro whatever the columns, never a row.

use std::collections::BTreeMap;
use std::time::Duration;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::test_name;

use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, started};

#[derive(Debug, Clone, PartialEq, Struct)]
struct Inner {
    text: String,
    number: Option<i64>,
    many: Vec<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Enum)]
enum Color {
    Red,
    Green,
}

/// Every type there is.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("everything")]
#[table]
#[entity(namespace = "shop")]
struct Everything {
    #[key]
    id: i32,
    yes: bool,
    short: i16,
    int: i32,
    long: i64,
    float: f32,
    double: f64,
    #[decimal_precision(18, 4)]
    price: Decimal,
    uuid: Uuid,
    bytes: Vec<u8>,
    at: DateTime<Utc>,
    day: NaiveDate,
    time: NaiveTime,
    color: Color,
    inner: Inner,
    list: Vec<String>,
    map: BTreeMap<String, i64>,
    maybe: Option<String>,
    maybe_inner: Option<Inner>,
    last: String,
}

/// A key that is a record.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("pairs", partitions = 2)]
#[table]
#[entity(namespace = "shop")]
struct Pair {
    #[key]
    left: String,
    #[key]
    right: i64,
    text: String,
}

macro_rules! keyed {
    ($($name:ident $topic:literal $key:ty),*) => {$(
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[table]
        #[entity(namespace = "shop")]
        struct $name {
            #[key]
            id: $key,
            text: String,
        }
    )*};
}
keyed!(ByText "by-text" String, ByLong "by-long" i64, ByUuid "by-uuid" Uuid);

/// Key and value of the only record of a topic, and its headers.
fn only_record(ctx: &Context, topic: &str, partitions: i32) -> (Vec<u8>, Vec<u8>, String) {
    let from: Vec<(i32, i64)> = (0..partitions).map(|partition| (partition, 0)).collect();
    let mut reader = ctx.log().reader(topic, &from).expect("a reader");
    for _ in 0..3000 {
        let fetched = reader.poll(Duration::from_millis(100)).expect("records");
        if let Some(record) = fetched
            .as_ref()
            .and_then(|fetched| fetched.records().next())
        {
            let headers = record.headers.map(|header| {
                let value = String::from_utf8_lossy(header.value.unwrap_or_default());
                format!("{}={value}", header.name)
            });
            let headers: Vec<String> = headers.collect();
            return (
                record.key.unwrap_or_default().to_vec(),
                record.value.expect("a value").to_vec(),
                headers.join(","),
            );
        }
    }
    panic!("no record in {topic}")
}

/// Reads what is framed as Avro, all of it.
fn read(framed: &[u8], schema: &str) -> Vec<(String, Value)> {
    let schema = Schema::parse_str(schema).expect("a schema");
    let (frame, mut body) = framed.split_at(5);
    assert_eq!(frame[0], 0, "framed");
    let reader = GenericDatumReader::builder(&schema).build();
    let value = reader.expect("a reader").read_value(&mut body);
    let value = value.expect("right Avro");
    assert_eq!(body, [0_u8; 0], "and nothing behind it");
    let Value::Record(fields) = value else {
        panic!("a record: {value:?}")
    };
    fields
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_topic_gets_one_record_that_says_nothing_and_no_table_shows_it() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let program = || {
        let builder = place.builder().setting("ksqldb", ksqldb.url());
        let builder = builder.setting("warm_up", "dummy_records");
        let builder = builder.entity::<Pair>().entity::<ByText>();
        builder.entity::<ByLong>().entity::<ByUuid>()
    };
    let topics = [("pairs", 2), ("by-text", 1), ("by-long", 1), ("by-uuid", 1)];
    for _ in 0..2 {
        let ctx = started(program()).await;
        for (topic, _) in topics {
            let offsets = ctx.log().all_offsets(&place.name(topic)).await;
            let sum: i64 = offsets.expect("offsets").iter().map(|of| of.end).sum();
            assert_eq!(
                sum, 1,
                "one record in {topic}, and a second start sends none"
            );
        }
        assert_eq!(ctx.set::<Pair>().to_list().await.expect("rows"), []);
        assert_eq!(ctx.set::<ByText>().count().await.expect("a count"), 0);
        assert_eq!(ctx.set::<ByLong>().get(0).await.expect("a read"), None);
        assert_eq!(
            ctx.set::<ByUuid>().get(Uuid::nil()).await.expect("a read"),
            None
        );
        ctx.shutdown().await.expect("it ends");
    }

    let ctx = started(program()).await;
    let mut keys = Vec::new();
    for (topic, partitions) in topics {
        let (key, _, headers) =
            tokio::task::block_in_place(|| only_record(&ctx, &place.name(topic), partitions));
        assert_eq!(headers, "is_dummy=true", "{topic}");
        keys.push(key);
    }
    let pair = read(&keys[0], Pair::KEY_SCHEMA);
    let names: Vec<&str> = pair.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["LEFT", "RIGHT"]);
    assert_eq!(
        keys[1..],
        [Vec::new(), vec![0; 8], Uuid::nil().to_string().into_bytes()]
    );
    // A row beside it is shown.
    let row = ByLong {
        id: 0,
        text: "here".to_owned(),
    };
    let set = ctx.set::<ByLong>();
    set.add(row.clone()).await.expect("added");
    ctx.wait_caught_up(Duration::from_secs(300))
        .await
        .expect("caught up");
    assert_eq!(set.to_list().await.expect("rows"), [row]);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_of_column_is_written_as_its_schema_says() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    // ksqlDB takes every source and is not asked about one again.
    let ksqldb = ksql_runtime_tests::http_server::TestServer::start(|request| {
        use ksql_runtime_tests::http_server::Play;
        match request.statement().as_str() {
            "" => Play::json(serde_json::json!({ "KsqlServerInfo": { "version": "7.4.15-0" } })),
            text if text.starts_with("DESCRIBE") => Play::error(
                40001,
                "Could not find STREAM/TABLE 'EVERYTHING' in the Metastore",
            ),
            text => Play::json(
                serde_json::json!([{ "@type": "currentStatus", "statementText": text,
                "commandId": "table/EVERYTHING/create", "commandSequenceNumber": 0, "warnings": [],
                "commandStatus": { "status": "SUCCESS", "message": "", "queryId": null } }]),
            ),
        }
    });
    let builder = place.builder().setting("ksqldb", ksqldb.url());
    let builder = builder.setting("warm_up", "dummy_records");
    let ctx = started(builder.entity::<Everything>()).await;
    let (key, value, _) =
        tokio::task::block_in_place(|| only_record(&ctx, &place.name("everything"), 1));
    assert_eq!(key, [0; 4]);
    let fields: BTreeMap<String, Value> =
        read(&value, Everything::VALUE_SCHEMA).into_iter().collect();
    assert_eq!(fields.len(), 19);
    assert_eq!(fields["yes"], Value::Boolean(false));
    assert_eq!(fields["maybe"], Value::Union(0, Box::new(Value::Null)));
    assert_eq!(fields["uuid"], Value::String(Uuid::nil().to_string()));
    assert!(matches!(&fields["inner"], Value::Record(inner) if inner.len() == 3));
    assert_eq!(fields["last"], Value::String(String::new()));
    assert_eq!(ctx.set::<Everything>().count().await.expect("a count"), 0);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_has_records_gets_none() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let row = ByText {
        id: "a".to_owned(),
        text: "b".to_owned(),
    };
    let ctx = started(place.builder().entity::<ByText>()).await;
    ctx.set::<ByText>().add(row.clone()).await.expect("added");
    ctx.shutdown().await.expect("it ends");
    let ksqldb = KsqlDbServer::start();
    let builder = place.builder().setting("ksqldb", ksqldb.url());
    let builder = builder.setting("warm_up", "dummy_records");
    let ctx = started(builder.entity::<ByText>()).await;
    assert_eq!(ctx.set::<ByText>().end_offset().await.expect("an end"), 1);
    assert_eq!(ctx.set::<ByText>().to_list().await.expect("rows"), [row]);
    ctx.shutdown().await.expect("it ends");
}
