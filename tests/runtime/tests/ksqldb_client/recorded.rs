//! Exchanges recorded from a running server, played back byte for byte and cut elsewhere: every one that this client could
//! have had is read, and means what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{
    Answer, Change, Class, Ensured, KsqlDb, KsqlDbError, KsqlDbOptions, RowStream, Select,
    SourceDefinition, Statement,
};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{End, Play, Request, TestServer};
use ksql_runtime_tests::recorded::{Exchange, exchanges_or_skip};
use ksql_runtime_tests::test_name;
use serde_json::{Value, json};

const FILES: [&str; 12] = [
    "server",
    "create",
    "persistent",
    "status",
    "describe",
    "errors",
    "registry-down",
    "pull",
    "push",
    "types",
    "lifecycle",
    "shutdown",
];

fn client(server: &TestServer) -> KsqlDb {
    let mut http = HttpOptions::new([server.url()]);
    http.request_timeout = Duration::from_millis(200);
    let mut options = KsqlDbOptions::new(http);
    options.statement_timeout = Duration::from_millis(20);
    options.ready_timeout = Duration::ZERO;
    options.retry_from = Duration::from_millis(1);
    options.idle_timeout = Some(Duration::from_millis(30));
    KsqlDb::new(options).expect("a client")
}

/// The code in an error answer.
fn code(exchange: &Exchange) -> u32 {
    let body: Value = serde_json::from_str(&exchange.body()).unwrap_or_default();
    let code = body["error_code"]
        .as_u64()
        .unwrap_or(u64::from(exchange.status) * 100);
    u32::try_from(code).expect("a code")
}

fn server_error(error: &KsqlDbError) -> (u32, Class) {
    match error {
        KsqlDbError::Server(error) => (error.code, error.class),
        KsqlDbError::OutcomeUnknown { cause, .. } | KsqlDbError::NotReady { cause, .. } => {
            server_error(cause)
        }
        other => panic!("the server's error: {other}"),
    }
}

#[tokio::test]
async fn every_statement_has_the_answer_that_was_recorded() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut classes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut seen = 0;
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange.path == "/ksql" && exchange.method == "POST")
    {
        let statement = match Statement::split(&exchange.statement)
            .map(<[Statement; 1]>::try_from)
        {
            Ok(Ok([statement])) => statement,
            // Several at once, none at all, and what is not sent this way.
            Ok(Err(_)) | Err(_) => continue,
        };
        seen += 1;
        let played = exchange.clone();
        let text = statement.text().to_owned();
        let server = TestServer::start(move |request| match request.path.as_str() {
            "/ksql" if request.statement() == text => played.play(0),
            // What is looked up around it.
            "/ksql" if request.statement() == "SHOW QUERIES;" => {
                Play::json(json!([{ "@type": "queries", "queries": [] }]))
            }
            "/ksql" => Play::Slam,
            _ => Play::json(json!({ "status": "SUCCESS", "message": "", "queryId": null })),
        });
        let name = &exchange.name;
        match client(&server).execute_parsed(&statement).await {
            Ok(done) => {
                assert_eq!(exchange.status, 200, "{name}");
                assert!(
                    !done
                        .answers
                        .iter()
                        .any(|answer| matches!(answer, Answer::Other { .. })),
                    "{name}: {:?}",
                    done.answers
                );
                assert!(!done.answers.is_empty(), "{name}");
            }
            Err(error) => {
                let (told, class) = server_error(&error);
                assert_eq!(told, code(exchange), "{name}: {error}");
                classes
                    .entry(format!("{class:?}"))
                    .or_default()
                    .insert(name.clone());
            }
        }
    }
    assert!(seen > 150, "{seen} statements were played");
    let class = |name: &str| classes.get(name).cloned().unwrap_or_default();
    let names = |file: &str, names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| format!("{file}: {name}")).collect()
    };
    let down = [
        "create stream, columns given",
        "create stream, columns inferred",
        "create stream as select",
    ];
    assert_eq!(class("Dependency"), names("registry-down", &down));
    assert_eq!(
        class("Busy"),
        names(
            "server",
            &[
                "command sequence number never reached",
                "starting: statement, answer 1"
            ]
        )
    );
    assert!(class("OutcomeUnknown").contains("lifecycle: drop stream delete topic, topic missing"));
    assert_eq!(class("Assertion").len(), 6, "{:?}", class("Assertion"));
    assert!(class("Invalid").len() > 60, "{:?}", class("Invalid"));
}

#[tokio::test]
async fn every_other_endpoint_has_the_answer_that_was_recorded() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut seen = 0;
    for exchange in exchanges.iter().filter(|exchange| exchange.method == "GET") {
        let played = exchange.clone();
        let server = TestServer::start(move |_| played.play(0));
        let ksql = client(&server);
        let name = &exchange.name;
        let path = exchange.path.clone();
        let answered = match path.trim_start_matches('/').split_once('/') {
            None if path == "/info" => ksql
                .info()
                .await
                .map(|info| assert_eq!(info.version, "7.4.15-0", "{name}")),
            None if path == "/healthcheck" => ksql
                .healthcheck()
                .await
                .map(|health| assert!(health.is_healthy && health.parts.len() == 3, "{name}")),
            None if path == "/clusterStatus" => ksql.cluster_status().await.map(|_| ()),
            Some(("is_valid_property", property)) => ksql
                .is_valid_property(property)
                .await
                .map(|valid| assert!(valid, "{name}")),
            Some(("status", id)) if id.contains('/') => {
                let answered = ksql.status(&id.replace("%60", "`")).await;
                assert_eq!(server.requests()[0].path, path, "{name}");
                answered.map(|_| ())
            }
            _ => continue,
        };
        seen += 1;
        match answered {
            Ok(()) => assert_eq!(exchange.status, 200, "{name}"),
            Err(error) => assert_eq!(server_error(&error).0, code(exchange), "{name}: {error}"),
        }
    }
    assert!(seen > 20, "{seen} requests were played");
}

/// Reads to the end, and tells how it ended.
async fn drain(rows: &mut RowStream) -> (Vec<String>, String) {
    let mut found = Vec::new();
    loop {
        match rows.next().await {
            Ok(Some(row)) => found.push(format!("{row:?}")),
            Ok(None) => return (found, format!("{:?}", rows.end().expect("an end"))),
            Err(KsqlDbError::Lost { .. }) => return (found, "Lost".to_owned()),
            Err(KsqlDbError::TimedOut { .. }) => return (found, "Silent".to_owned()),
            Err(KsqlDbError::Value { error, .. }) => found.push(error.to_string()),
            Err(error) => return (found, format!("{:?}", server_error(&error))),
        }
    }
}

#[tokio::test]
async fn every_stream_of_rows_is_read_alike_wherever_its_chunks_end() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange.path == "/query-stream" && exchange.is_rows())
    {
        if Statement::split(&exchange.statement).is_ok() || exchange.statement.is_empty() {
            // Malformed on purpose: this client sends no such query.
            continue;
        }
        let mut first = None;
        for cut in [0, 1, 7, 1000] {
            let played = exchange.clone();
            let server = TestServer::start(move |_| played.play(cut));
            let name = &exchange.name;
            let told = match client(&server)
                .rows(&exchange.statement, &BTreeMap::new())
                .await
            {
                Ok(mut rows) => {
                    assert!(
                        rows.query_id().starts_with("transient_")
                            || rows.query_id().starts_with("query_"),
                        "{name}"
                    );
                    drain(&mut rows).await
                }
                Err(error) => {
                    assert_eq!(server_error(&error).0, code(exchange), "{name}: {error}");
                    (Vec::new(), format!("{:?}", server_error(&error)))
                }
            };
            assert_eq!(
                told.0.len(),
                exchange.body().matches("{\"row\":").count(),
                "{name}, cut at {cut}"
            );
            match exchange.end() {
                End::Complete => {}
                End::Broken => assert_eq!(told.1, "Lost", "{name}"),
                End::Silent => assert_eq!(told.1, "Silent", "{name}"),
            }
            let first = first.get_or_insert_with(|| told.clone());
            assert_eq!(*first, told, "{name}, cut at {cut}");
        }
        *ends.entry(first.expect("an answer").1).or_default() += 1;
    }
    for end in [
        "Complete",
        "Completed",
        "LimitReached",
        "Lost",
        "Silent",
        "(40001, NotReady)",
        "(50000, NotReady)",
        "(40001, NotQueryable)",
        "(40001, Invalid)",
        "(50000, Invalid)",
        "(50302, Busy)",
    ] {
        assert!(ends.contains_key(end), "{end} was among them: {ends:?}");
    }
}

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

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock")]
#[table]
struct Stock {
    #[key]
    item: String,
    qty: Option<i32>,
}

#[tokio::test]
async fn the_deletions_of_a_table_are_told_by_their_keys() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &["push"]) else {
        return;
    };
    let server = only(&exchanges, "push: table with tombstones");
    let mut changes = client(&server).push(Select::<Stock>::all());
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
            ksql_runtime::ksqldb::Effect::CreateAs { name, .. }
            | ksql_runtime::ksqldb::Effect::InsertInto { name, .. } => name.clone(),
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
