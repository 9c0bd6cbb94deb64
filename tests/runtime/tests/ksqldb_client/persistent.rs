//! Persistent queries: started once, found by sink and text, never replaced, waited for.

use std::time::Duration;

use super::model::{Model, client};
use ksql_runtime::ksqldb::{Class, Difference, Ensured};
use ksql_runtime_tests::http_server::{Play, TestServer};
use serde_json::{Value, json};
const BIG: &str = "CREATE STREAM IF NOT EXISTS `BIG` WITH (KAFKA_TOPIC='big', PARTITIONS=1, VALUE_FORMAT='AVRO') AS SELECT `ID` AS `ID`, `N` AS `N` FROM `ORDERS` WHERE (`N` > 5) EMIT CHANGES;";
const BIG_OF_THE_SERVER: &str = "CREATE STREAM BIG WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='big', PARTITIONS=1, REPLICAS=1, RETENTION_MS=604800000, VALUE_FORMAT='AVRO') AS SELECT\n  ORDERS.ID ID,\n  ORDERS.N N\nFROM ORDERS ORDERS\nWHERE (ORDERS.N > 5)\nEMIT CHANGES;";

fn big(text: &str) -> Value {
    json!({ "name": "BIG", "type": "STREAM", "statement": text, "writeQueries": [{ "id": "CSAS_BIG_1", "queryString": text, "sinks": ["BIG"] }] })
}

#[tokio::test]
async fn a_query_is_started_once_and_found_by_its_sink_and_its_text() {
    let (model, server) = Model::default().start();
    let ksql = client(&server);
    assert_eq!(
        ksql.ensure_query(BIG).await.expect("started"),
        Ensured::Created {
            query_id: Some("Q_1".to_owned())
        }
    );
    assert_eq!(
        ksql.ensure_query(BIG).await.expect("equal"),
        Ensured::Unchanged {
            query_id: Some("Q_1".to_owned())
        }
    );
    assert_eq!(model.sent(), 1);

    let (model, server) = Model::with("BIG", big(BIG_OF_THE_SERVER)).start();
    let found = client(&server)
        .ensure_query(BIG)
        .await
        .expect("the server's form of it");
    assert_eq!(
        found,
        Ensured::Unchanged {
            query_id: Some("CSAS_BIG_1".to_owned())
        }
    );
    assert_eq!(model.sent(), 0);
}

#[tokio::test]
async fn a_query_that_changed_or_is_gone_is_told_and_never_replaced() {
    let changed = big(&BIG_OF_THE_SERVER.replace("> 5", "> 7"));
    let mut gone = big(BIG_OF_THE_SERVER);
    gone["writeQueries"] = json!([]);
    let mut source = big(BIG_OF_THE_SERVER);
    source["statement"] = json!(
        "CREATE STREAM BIG (ID STRING KEY, N INTEGER) WITH (KAFKA_TOPIC='big', VALUE_FORMAT='AVRO');"
    );
    for (found, told) in [
        (changed, "query CSAS_BIG_1 writes it with another text"),
        (gone, "its query was terminated"),
        (
            source,
            "it was created with columns and is defined as the result of a query",
        ),
    ] {
        let (model, server) = Model::with("BIG", found).start();
        let Ensured::Drift(differences) =
            client(&server).ensure_query(BIG).await.expect("compared")
        else {
            panic!("a difference");
        };
        let [difference] = differences.as_slice() else {
            panic!("one: {differences:?}")
        };
        assert!(difference.to_string().contains(told), "{difference}");
        assert_eq!(model.sent(), 0);
    }
}

#[tokio::test]
async fn an_insert_runs_once_beside_others_into_the_same_sink() {
    let (model, server) = Model::default().start();
    let ksql = client(&server);
    let first = "INSERT INTO `ALL` SELECT `A` AS `A` FROM `T` EMIT CHANGES;";
    let second = "INSERT INTO `ALL` SELECT `A` AS `A` FROM `U` EMIT CHANGES;";
    assert_eq!(
        ksql.ensure_query(first).await.expect("started"),
        Ensured::Created {
            query_id: Some("Q_1".to_owned())
        }
    );
    assert_eq!(
        ksql.ensure_query(second).await.expect("started"),
        Ensured::Created {
            query_id: Some("Q_2".to_owned())
        }
    );
    assert_eq!(
        ksql.ensure_query(first).await.expect("equal"),
        Ensured::Unchanged {
            query_id: Some("Q_1".to_owned())
        }
    );
    assert_eq!(
        ksql.ensure_query(second).await.expect("equal"),
        Ensured::Unchanged {
            query_id: Some("Q_2".to_owned())
        }
    );
    let named = "INSERT INTO `ALL` WITH (QUERY_ID='q_1') SELECT `B` AS `B` FROM `U` EMIT CHANGES;";
    let drift = ksql.ensure_query(named).await.expect("compared");
    assert!(
        matches!(&drift, Ensured::Drift(differences) if matches!(&differences[..], [Difference::OtherQuery { id, .. }] if id == "Q_1")),
        "{drift:?}"
    );
    assert_eq!(model.sent(), 2);
    let error = ksql
        .ensure_query("SHOW QUERIES;")
        .await
        .expect_err("no query");
    assert!(
        error.to_string().contains("it starts no persistent query"),
        "{error}"
    );
}

fn explained(state: &str, nodes: Value, errors: Value) -> Play {
    Play::json(json!([{ "@type": "queryDescription", "queryDescription":
        { "id": "Q", "state": state, "ksqlHostQueryStatus": nodes, "queryErrors": errors, "sinks": ["S"], "sources": null } }]))
}

#[tokio::test]
async fn a_query_runs_when_it_runs_on_every_node_without_errors() {
    let server = TestServer::script(vec![
        explained("REBALANCING", json!({}), json!([])),
        explained(
            "RUNNING",
            json!({ "a": "RUNNING", "b": "REBALANCING" }),
            json!([]),
        ),
        explained(
            "RUNNING",
            json!({ "a": "RUNNING" }),
            json!([{ "errorMessage": "flapping\nstack", "type": "SYSTEM" }]),
        ),
        explained(
            "RUNNING",
            json!({ "a": "RUNNING", "b": "RUNNING" }),
            json!([]),
        ),
    ]);
    let found = client(&server)
        .wait_running("Q", Duration::from_secs(300))
        .await
        .expect("it runs");
    assert_eq!(found.sinks, ["S"]);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_query_that_does_not_run_is_told_with_its_errors() {
    let limit = Duration::from_millis(100);
    for (play, told) in [
        (
            explained(
                "ERROR",
                json!({}),
                json!([{ "errorMessage": "no topic", "type": "USER" }]),
            ),
            "query Q is ERROR: USER: no topic",
        ),
        (
            explained("RUNNING", json!({}), json!(["plain text"])),
            "query Q is RUNNING: plain text",
        ),
        (
            explained("REBALANCING", json!({}), Value::Null),
            "RUNNING of query Q was not reached within 100ms: it is REBALANCING",
        ),
    ] {
        let server = TestServer::start(move |_| play.clone());
        let error = client(&server)
            .wait_running("Q", limit)
            .await
            .expect_err(told);
        assert_eq!(error.to_string(), told);
    }
    let server = TestServer::start(|_| Play::error(40001, "Query with id:Q does not exist"));
    let error = client(&server)
        .wait_running("Q", limit)
        .await
        .expect_err("no such query");
    assert_eq!(error.class(), Some(Class::Invalid));
}
