//! What changes, what is refused, and what a node tells of itself.

use ksql_runtime::ksqldb::{
    Answer, Class, Difference, Ensured, KsqlDb, KsqlDbError, Remedy, Removal, SourceDefinition,
    Step,
};

use crate::server::{LONG, Place, insert};

fn base(place: &Place, name: &str, columns: &str, partitions: u32) -> SourceDefinition {
    SourceDefinition::parse(&format!(
        "CREATE STREAM IF NOT EXISTS `{name}` (`ID` STRING KEY, {columns}) WITH (KAFKA_TOPIC='{}{}', PARTITIONS={partitions}, REPLICAS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='live.Base');",
        place.prefix,
        name.to_lowercase()
    ))
    .expect("a definition")
}

#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn a_node_tells_its_version_its_health_and_its_properties() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    let info = ksql.info().await.expect("the answer");
    assert!(info.parsed_version().is_some(), "{info:?}");
    assert!(ksql.healthcheck().await.expect("the answer").is_healthy);
    assert!(
        ksql.is_valid_property("auto.offset.reset")
            .await
            .expect("the answer")
    );
    let error = ksql
        .is_valid_property("ksql.service.id")
        .await
        .expect_err("it is the server's own");
    assert_eq!(error.class(), Some(Class::Invalid));
    let error = ksql
        .status("stream/`LIVE_NOPE`/create")
        .await
        .expect_err("no such command");
    assert_eq!(error.class(), Some(Class::NotFound));
    for statement in [
        "SHOW STREAMS;",
        "SHOW TABLES;",
        "SHOW QUERIES;",
        "SHOW QUERIES EXTENDED;",
        "SHOW TOPICS;",
        "SHOW TYPES;",
        "SHOW PROPERTIES;",
        "SHOW FUNCTIONS;",
        "SHOW VARIABLES;",
        "DESCRIBE STREAMS;",
    ] {
        let done = ksql
            .execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let [answer] = done.answers.as_slice() else {
            panic!("{statement}: one answer: {done:?}")
        };
        assert!(
            !matches!(answer, Answer::Other { .. }),
            "{statement}: {answer:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn a_column_is_added_in_place_and_everything_else_is_told() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    place.clear(&["LIVE_CHANGING"]).await;
    let first = base(&place, "LIVE_CHANGING", "`A` INTEGER", 1);
    assert!(matches!(
        ksql.ensure_source(&first).await.expect("created"),
        Ensured::Created { .. }
    ));
    let more = base(
        &place,
        "LIVE_CHANGING",
        "`A` INTEGER, `B` STRUCT<`X` DECIMAL(9, 2)>",
        1,
    );
    let Ensured::Drift(differences) = ksql.ensure_source(&more).await.expect("compared") else {
        panic!("a column is missing");
    };
    let [difference] = differences.as_slice() else {
        panic!("one: {differences:?}")
    };
    assert!(
        matches!(difference.remedy(), Remedy::InPlace(_)),
        "{difference}"
    );
    assert!(matches!(
        ksql.alter_source(&more).await.expect("altered"),
        Ensured::Unchanged { .. }
    ));

    for (definition, told) in [
        (
            base(
                &place,
                "LIVE_CHANGING",
                "`A` BIGINT, `B` STRUCT<`X` DECIMAL(9, 2)>",
                1,
            ),
            "column `A` is INTEGER and defined as BIGINT",
        ),
        (
            base(
                &place,
                "LIVE_CHANGING",
                "`A` INTEGER, `B` STRUCT<`X` DECIMAL(9, 2)>",
                3,
            ),
            "has 1 partitions and 3 are defined",
        ),
        (first, "column `B` is there and not defined"),
    ] {
        let error = ksql.alter_source(&definition).await.expect_err(told);
        assert!(
            matches!(error, KsqlDbError::Drift { .. }) && error.to_string().contains(told),
            "{error}"
        );
    }
    place.leave(&["LIVE_CHANGING"]).await;
}

async fn started(ksql: &KsqlDb, statement: &str) -> String {
    match ksql
        .ensure_query(statement)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
    {
        Ensured::Created { query_id: Some(id) } => id,
        other => panic!("{statement}: {other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn queries_run_once_are_told_when_they_differ_and_are_dropped_in_order() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    let sources = ["LIVE_COUNT", "LIVE_PART", "LIVE_ALL", "LIVE_BASE"];
    place.clear(&sources).await;
    for name in ["LIVE_BASE", "LIVE_ALL"] {
        ksql.ensure_source(&base(&place, name, "`A` INTEGER", 1))
            .await
            .expect("created");
    }
    let prefix = &place.prefix;
    let part = format!(
        "CREATE STREAM IF NOT EXISTS `LIVE_PART` WITH (KAFKA_TOPIC='{prefix}live_part', PARTITIONS=1, REPLICAS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO') AS SELECT `ID` AS `ID`, (`A` + 1) AS `A` FROM `LIVE_BASE` WHERE (((`A` > 5) AND (NOT (`ID` = 'it''s'))) OR (`ID` LIKE 'x%')) EMIT CHANGES;"
    );
    let count = format!(
        "CREATE TABLE IF NOT EXISTS `LIVE_COUNT` WITH (KAFKA_TOPIC='{prefix}live_count', PARTITIONS=1, REPLICAS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO') AS SELECT `A` AS `A`, COUNT(*) AS `N`, SUM((`A` * 2)) AS `TWICE` FROM `LIVE_PART` GROUP BY `A` HAVING (COUNT(*) > 0) EMIT CHANGES;"
    );
    let insert_into =
        "INSERT INTO `LIVE_ALL` SELECT `ID` AS `ID`, `A` AS `A` FROM `LIVE_BASE` EMIT CHANGES;";
    for statement in [part.as_str(), &count, insert_into] {
        let id = started(ksql, statement).await;
        ksql.wait_running(&id, LONG)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let again = ksql.ensure_query(statement).await.expect("compared");
        assert_eq!(
            again,
            Ensured::Unchanged { query_id: Some(id) },
            "{statement}"
        );
    }
    let drift = ksql
        .ensure_query(&part.replace("> 5", "> 6"))
        .await
        .expect("compared");
    assert!(matches!(drift, Ensured::Drift(_)), "{drift:?}");
    insert("LIVE_BASE", "`ID`, `A`", &["'a', 9".to_owned()]);

    let refused = ksql
        .drop_source("LIVE_BASE", Removal::default())
        .await
        .expect_err("others need it");
    let KsqlDbError::InUse { used_by, .. } = &refused else {
        panic!("in use: {refused}")
    };
    assert_eq!(used_by.len(), 3, "{refused}");
    let removal = Removal {
        delete_topic: true,
        cascade: true,
    };
    let steps = ksql
        .drop_source("LIVE_BASE", removal)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(
        matches!(steps.last(), Some(Step::Drop { name, .. }) if name == "LIVE_BASE"),
        "{steps:?}"
    );
    place.leave(&sources).await;
}

#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn a_named_insert_is_started_once_and_found_by_its_name() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    let sources = ["LIVE_ALL", "LIVE_BASE"];
    place.clear(&sources).await;
    for name in sources {
        ksql.ensure_source(&base(&place, name, "`A` INTEGER", 1))
            .await
            .expect("created");
    }
    let named = "INSERT INTO `LIVE_ALL` WITH (QUERY_ID='LIVE_TELL') SELECT `ID` AS `ID`, `A` AS `A` FROM `LIVE_BASE` WHERE (`A` > 5) EMIT CHANGES;";
    let id = started(ksql, named).await;
    assert_eq!(id, "LIVE_TELL");
    ksql.wait_running(&id, LONG)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let again = ksql.ensure_query(named).await.expect("compared");
    assert_eq!(again, Ensured::Unchanged { query_id: Some(id) });
    let queries = ksql.queries().await.expect("the queries");
    let into = queries
        .iter()
        .filter(|query| query.sinks.iter().any(|sink| sink == "LIVE_ALL"));
    assert_eq!(into.count(), 1, "{queries:?}");
    let drift = ksql
        .ensure_query(&named.replace("> 5", "> 6"))
        .await
        .expect("compared");
    assert!(
        matches!(&drift, Ensured::Drift(differences) if matches!(&differences[..], [Difference::OtherQuery { id, .. }] if id == "LIVE_TELL")),
        "{drift:?}"
    );
    place.leave(&sources).await;
}

#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn what_the_server_refuses_is_told_by_class_and_text() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    for (statement, told) in [
        (
            "CREATE STREAM `LIVE_BAD` (`A` INTEGER) WITH (KAFKA_TOPIC='ksql_live_bad', PARTITIONS=1, VALUE_FORMAT='XML');",
            "Unknown format: XML",
        ),
        ("DROP STREAM `LIVE_NOPE`;", "does not exist"),
        ("TERMINATE CSAS_LIVE_NOPE_1;", "Unknown queryId"),
        (
            "CREATE STREAM `LIVE_BAD` AS SELECT `A` AS `A` FROM `LIVE_NOPE` EMIT CHANGES;",
            "does not exist",
        ),
    ] {
        let error = ksql.execute(statement).await.expect_err(statement);
        assert_eq!(error.class(), Some(Class::Invalid), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}
