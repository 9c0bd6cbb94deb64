//! Dropping: dependants first, and only on request.

use super::model::{Model, Trouble, client};
use ksql_runtime::ksqldb::{KsqlDbError, Removal, Step};
use ksql_runtime_tests::http_server::Play;
use serde_json::{Value, json};
/// A diamond: A and B are made from BASE, C from both; an INSERT reads BASE, another writes C.
fn diamond() -> Model {
    let model = Model::default();
    let source = |name: &str, kind: &str, constraints: &[&str], inserts: &[&str]| {
        let queries: Vec<Value> = inserts
            .iter()
            .map(|id| json!({ "id": id, "queryString": "INSERT INTO `X` SELECT * FROM `Y` EMIT CHANGES;", "sinks": ["X"] }))
            .collect();
        json!({ "name": name, "type": kind, "sourceConstraints": constraints, "readQueries": queries, "statement": format!("CREATE {kind} {name} AS SELECT A FROM T;") })
    };
    let mut sources = model.sources.lock().expect("the lock");
    sources.insert(
        "BASE".to_owned(),
        source("BASE", "STREAM", &["A", "B"], &["INSERTQUERY_1"]),
    );
    sources.insert("A".to_owned(), source("A", "TABLE", &["C"], &[]));
    sources.insert("B".to_owned(), source("B", "STREAM", &["C"], &[]));
    sources.insert(
        "C".to_owned(),
        source("C", "TABLE", &[], &["INSERTQUERY_2"]),
    );
    drop(sources);
    model
}

#[tokio::test]
async fn a_source_that_others_need_is_dropped_only_with_them_and_after_them() {
    let (model, server) = diamond().start();
    let ksql = client(&server);
    let error = ksql
        .drop_source("BASE", Removal::default())
        .await
        .expect_err("others need it");
    let KsqlDbError::InUse { used_by, .. } = &error else {
        panic!("in use: {error}")
    };
    let mut sorted = used_by.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "query INSERTQUERY_1",
            "query INSERTQUERY_2",
            "stream `B`",
            "table `A`",
            "table `C`"
        ]
    );
    assert_eq!(model.sent(), 0);

    let removal = Removal {
        delete_topic: true,
        cascade: true,
    };
    let steps = ksql.drop_source("BASE", removal).await.expect("dropped");
    let order: Vec<String> = steps.iter().map(Step::statement).collect();
    let at = |text: &str| {
        order
            .iter()
            .position(|step| step == text)
            .unwrap_or_else(|| panic!("{text}: {order:?}"))
    };
    let (a, b) = (
        at("DROP TABLE IF EXISTS `A` DELETE TOPIC;"),
        at("DROP STREAM IF EXISTS `B` DELETE TOPIC;"),
    );
    let (base, c) = (
        at("DROP STREAM IF EXISTS `BASE` DELETE TOPIC;"),
        at("DROP TABLE IF EXISTS `C` DELETE TOPIC;"),
    );
    assert!(c < a && c < b && a < base && b < base, "{order:?}");
    assert!(
        at("TERMINATE INSERTQUERY_2;") < c && at("TERMINATE INSERTQUERY_1;") < base,
        "{order:?}"
    );
    assert_eq!(order.len(), 6);
    let sent: Vec<String> = server
        .statements()
        .into_iter()
        .filter(|text| !text.starts_with("DESCRIBE"))
        .collect();
    assert_eq!(sent, order, "one a request, in this order");
    assert!(
        ksql.drop_source("BASE", removal)
            .await
            .expect("nothing there")
            .is_empty()
    );
}

#[tokio::test]
async fn the_topic_of_a_source_that_is_only_read_is_left_alone() {
    for (statement, deleted) in [
        ("CREATE SOURCE TABLE T (A INT PRIMARY KEY);", false),
        ("CREATE OR REPLACE SOURCE STREAM T (A INT);", false),
        ("CREATE TABLE SOURCE (A INT PRIMARY KEY);", true),
    ] {
        let (_, server) = Model::with(
            "T",
            json!({ "name": "T", "type": "TABLE", "statement": statement }),
        )
        .start();
        let removal = Removal {
            delete_topic: true,
            cascade: false,
        };
        let steps = client(&server)
            .removal_plan("T", removal)
            .await
            .expect("a plan");
        let [Step::Drop { delete_topic, .. }] = steps.as_slice() else {
            panic!("one step: {steps:?}")
        };
        assert_eq!(*delete_topic, deleted, "{statement}");
    }
}

#[tokio::test]
async fn what_somebody_else_removed_meanwhile_is_no_error() {
    let model = diamond().troubled([Trouble::Not(Play::error(
        40001,
        "Unknown queryId: INSERTQUERY_2",
    ))]);
    let (_, server) = model.start();
    let removal = Removal {
        delete_topic: false,
        cascade: true,
    };
    client(&server)
        .drop_source("BASE", removal)
        .await
        .expect("dropped");
}
