//! What recorded exchanges mean: rows are the entities they were made from, sources and queries are equal to what made them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::ksqldb::{Change, Effect, Ensured, Select, SourceDefinition, Statement};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use ksql_runtime_tests::recorded::{Exchange, exchanges_or_skip};
use ksql_runtime_tests::test_name;
use serde_json::{Value, json};

use super::common::Stock;
use super::recorded::{client, client_of};

/// Plays one exchange as the answer of its own query and an error for every other.
fn only(exchanges: &[Exchange], name: &str) -> TestServer {
    let exchange = exchanges
        .iter()
        .find(|exchange| exchange.name == name)
        .expect(name)
        .clone();
    TestServer::start(move |request: &Request| match request.path.as_str() {
        "/close-query" => Play::json(""),
        _ => exchange.play(3),
    })
}

#[tokio::test]
async fn the_deletions_of_a_table_are_told_by_their_keys() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &["push"]) else {
        return;
    };
    let server = only(&exchanges, "push: table with tombstones");
    let ksql = client_of(&server, |options| {
        options.idle_timeout = Some(Duration::from_secs(3));
    });
    let mut changes = ksql.push(Select::<Stock>::all());
    let mut found = Vec::new();
    while found.len() < 5 {
        found.push(changes.next().await.expect("a change").expect("a good one"));
    }
    let row = |item: &str, qty| {
        Change::Upsert(Stock {
            item: item.to_owned(),
            qty: Some(qty),
        })
    };
    assert_eq!(
        found[..4],
        [
            row("nut", 1),
            row("bolt", 2),
            Change::Delete("nut".into()),
            row("bolt", 0)
        ]
    );
    assert!(
        matches!(found[4], Change::Restarted { .. }),
        "it fell silent: {:?}",
        found[4]
    );

    let server = only(&exchanges, "push: table with tombstones, key not projected");
    let error = client(&server)
        .push(Select::<Stock>::all())
        .next()
        .await
        .expect("an item")
        .expect_err("no key");
    assert!(
        error.to_string().contains("column `ITEM` is missing"),
        "{error}"
    );
}

#[derive(Debug, Clone, PartialEq, Struct)]
struct Part {
    v: Option<Dec<18, 4>>,
}

#[derive(Debug, Clone, PartialEq, Struct)]
struct Parts {
    x: Option<i32>,
    y: Option<String>,
    z: Option<Vec<Option<Part>>>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("every_last")]
#[table]
struct EveryLast {
    #[key]
    k: String,
    b: Option<bool>,
    i: Option<i32>,
    l: Option<i64>,
    d: Option<f64>,
    m: Option<Dec<18, 4>>,
    s: Option<String>,
    y: Option<Vec<u8>>,
    ts: Option<DateTime<Utc>>,
    da: Option<NaiveDate>,
    ti: Option<NaiveTime>,
    arr: Option<Vec<Option<i32>>>,
    map: Option<BTreeMap<String, Option<i64>>>,
    st: Option<Parts>,
}

#[tokio::test]
async fn a_row_of_every_type_is_the_entity_it_was_made_from() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &["types"]) else {
        return;
    };
    let server = only(&exchanges, "types: pull, every type");
    let rows = client(&server)
        .pull(&Select::<EveryLast>::all())
        .await
        .expect("the rows");
    let by_key: BTreeMap<&str, &EveryLast> = rows.iter().map(|row| (row.k.as_str(), row)).collect();
    assert_eq!(by_key.len(), 8);
    let full = EveryLast {
        k: "full".to_owned(),
        b: Some(true),
        i: Some(i32::MIN),
        l: Some(i64::MAX),
        d: Some(0.1),
        m: "12345678901234.5678".parse().ok(),
        s: Some("quote \" ' back\\slash \n é 😀".to_owned()),
        y: Some(vec![0, 0xff, 0x10]),
        ts: "2026-03-01T10:00:00.123Z".parse().ok(),
        da: NaiveDate::from_ymd_opt(2026, 3, 1),
        ti: NaiveTime::from_hms_opt(23, 59, 59),
        arr: Some(vec![Some(1), None, Some(3)]),
        map: Some(BTreeMap::from([
            ("a".to_owned(), Some(1)),
            ("b".to_owned(), None),
        ])),
        st: Some(Parts {
            x: Some(1),
            y: Some("in".to_owned()),
            z: Some(vec![
                Some(Part {
                    v: "1.5".parse().ok(),
                }),
                None,
            ]),
        }),
    };
    assert_eq!(by_key["full"], &full);
    assert_eq!(by_key["null"].st, None);
    assert!(by_key["nan"].d.is_some_and(f64::is_nan));
    assert_eq!(by_key["inf"].d, Some(f64::INFINITY));
    assert_eq!(by_key["-inf"].d, Some(f64::NEG_INFINITY));
    assert_eq!(by_key["edge"].m, "-0.0001".parse().ok());
    assert_eq!(by_key["edge"].ts, DateTime::from_timestamp_millis(-1));
    assert_eq!(
        by_key["edge"].st,
        Some(Parts {
            x: None,
            y: None,
            z: None
        })
    );
    assert!(
        by_key["tiny"]
            .d
            .is_some_and(|number| number == 0.0 && number.is_sign_negative())
    );
}

/// The descriptions in an answer to `DESCRIBE`.
fn description(exchanges: &[Exchange], name: &str) -> Value {
    let exchange = exchanges
        .iter()
        .find(|exchange| exchange.name == name)
        .expect(name);
    let body: Value = serde_json::from_str(&exchange.body()).expect("JSON");
    body[0]["sourceDescription"].clone()
}

#[tokio::test]
async fn sources_of_a_real_server_are_equal_to_what_made_them() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &["describe", "types"]) else {
        return;
    };
    for (name, definition) in [
        (
            "describe: describe stream",
            "CREATE STREAM IF NOT EXISTS `ORDERS` (`ID` STRING KEY, `CUSTOMER` STRING, `AMOUNT` INTEGER, `PLACED_AT` TIMESTAMP, `NOTE` STRING, `EXTRA` BIGINT) WITH (KAFKA_TOPIC='orders', PARTITIONS=1, REPLICAS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='shop.Order', TIMESTAMP='PLACED_AT');",
        ),
        (
            "describe: describe with two key columns",
            "CREATE STREAM IF NOT EXISTS `TWO_KEYS` (`A` STRING KEY, `B` STRING KEY, `C` INTEGER) WITH (KAFKA_TOPIC='two', PARTITIONS=1, KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO', KEY_SCHEMA_FULL_NAME='shop.TwoKey');",
        ),
        (
            "types: describe stream with every type",
            "CREATE STREAM IF NOT EXISTS `EVERY` (`K` STRING KEY, `B` BOOLEAN, `I` INTEGER, `L` BIGINT, `D` DOUBLE, `M` DECIMAL(18, 4), `S` STRING, `Y` BYTES, `TS` TIMESTAMP, `DA` DATE, `TI` TIME, `ARR` ARRAY<INTEGER>, `MAP` MAP<STRING, BIGINT>, `ST` STRUCT<`X` INTEGER, `Y` STRING, `Z` ARRAY<STRUCT<`V` DECIMAL(18, 4)>>>) WITH (KAFKA_TOPIC='every', PARTITIONS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='shop.Every');",
        ),
    ] {
        let server = only(&exchanges, name);
        let definition = SourceDefinition::parse(definition).expect("a definition");
        let found = client(&server)
            .ensure_source(&definition)
            .await
            .expect("compared");
        assert_eq!(found, Ensured::Unchanged { query_id: None }, "{name}");
    }
}

#[tokio::test]
async fn queries_of_a_real_server_are_equal_to_what_started_them() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &["persistent", "types", "describe"])
    else {
        return;
    };
    let listed = exchanges
        .iter()
        .filter(|exchange| exchange.name.ends_with(": show queries"));
    let listed: Vec<Value> = listed
        .flat_map(|exchange| {
            let body: Value = serde_json::from_str(&exchange.body()).expect("JSON");
            body[0]["queries"].as_array().expect("queries").clone()
        })
        .collect();
    let described = |name: &str| {
        description(&exchanges, name)["readQueries"]
            .as_array()
            .expect("queries")
            .clone()
    };
    let listed = [listed, described("types: describe stream with every type")].concat();
    let mut equal = BTreeSet::new();
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange.status == 200 && exchange.path == "/ksql")
    {
        let Ok(statement) = Statement::parse(&exchange.statement) else {
            continue;
        };
        let sink = match statement.effect() {
            Effect::CreateAs { name, .. } | Effect::InsertInto { name, .. } => name.clone(),
            _ => continue,
        };
        // One of them was replaced by another filter between two lists.
        let same_filter = |query: &Value| {
            let text = query["queryString"].as_str().expect("a text");
            sink != "BIG_ORDERS" || text.contains("> 5") == statement.text().contains("> 5")
        };
        let running: Vec<Value> = listed
            .iter()
            .filter(|query| query["sinks"] == json!([sink]) && same_filter(query))
            .cloned()
            .collect();
        if running.is_empty() {
            continue;
        }
        let server = TestServer::start(move |request| match request.statement().as_str() {
            "SHOW QUERIES;" => Play::json(json!([{ "@type": "queries", "queries": running }])),
            _ => Play::json(
                json!([{ "@type": "sourceDescription", "sourceDescription": {
                "name": "X", "statement": running[0]["queryString"], "writeQueries": running } }]),
            ),
        });
        let found = client(&server)
            .ensure_query(statement.text())
            .await
            .expect("compared");
        assert!(
            matches!(found, Ensured::Unchanged { .. }),
            "{}: {found:?}",
            exchange.name
        );
        equal.insert(sink);
    }
    assert!(equal.len() >= 9, "{equal:?}");
}
