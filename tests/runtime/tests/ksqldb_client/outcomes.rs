//! Statements without an answer: looked up, sent again only where that cannot do harm.

use super::model::{
    Model, Order, Trouble, client, described, impatient, lost, not_written, undeterred,
};
use ksql_runtime::entity::Entity;
use ksql_runtime::ksqldb::KsqlDbError;
use ksql_runtime_tests::http_server::{Play, TestServer};
use serde_json::json;
#[tokio::test]
async fn a_statement_whose_answer_was_lost_is_looked_up_and_not_sent_again_where_it_is_applied() {
    let source = described(Order::CREATE);
    let running = json!({ "id": "Q_OLD", "queryString": "..", "sinks": ["S"] });
    for statement in [
        Order::CREATE,
        "CREATE STREAM `S` WITH (KAFKA_TOPIC='s') AS SELECT `A` AS `A` FROM `T` EMIT CHANGES;",
        "INSERT INTO `S` SELECT `A` AS `A` FROM `T` EMIT CHANGES;",
        "ALTER STREAM `ORDER` ADD COLUMN `MORE` INTEGER;",
        "DROP STREAM `ORDER`;",
        "TERMINATE Q_OLD;",
        "CREATE TYPE `T` AS INTEGER;",
        "DROP TYPE `OLD`;",
    ] {
        let mut answers = vec![lost(), not_written(), Play::json("no list")];
        // Each waits for as long as an answer may take.
        if statement == Order::CREATE {
            answers.push(Play::Silence);
        }
        for answer in answers {
            let model = Model::default().troubled([Trouble::Applied(answer)]);
            if statement != Order::CREATE {
                model
                    .sources
                    .lock()
                    .expect("the lock")
                    .insert("ORDER".to_owned(), source.clone());
            }
            model
                .queries
                .lock()
                .expect("the lock")
                .push(running.clone());
            model
                .types
                .lock()
                .expect("the lock")
                .insert("OLD".to_owned(), json!({ "type": "INTEGER" }));
            let (model, server) = model.start();
            undeterred(&server)
                .execute(statement)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
            assert_eq!(model.sent(), 1, "{statement}");
        }
    }
}

#[tokio::test]
async fn a_statement_whose_answer_was_lost_is_sent_again_where_it_is_not_applied() {
    for statement in [
        Order::CREATE,
        "CREATE STREAM `S` WITH (KAFKA_TOPIC='s') AS SELECT `A` AS `A` FROM `T` EMIT CHANGES;",
        "PAUSE CSAS_S_1;",
    ] {
        let (model, server) = Model::default()
            .troubled([Trouble::Not(lost()), Trouble::Not(not_written())])
            .start();
        client(&server)
            .execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_eq!(model.sent(), 3, "{statement}");
    }
}

#[tokio::test]
async fn an_insert_that_left_no_trace_is_never_sent_twice() {
    let (model, server) = Model::default()
        .troubled([Trouble::Not(not_written())])
        .start();
    let statement = "INSERT INTO `S` SELECT `A` AS `A` FROM `T` EMIT CHANGES;";
    let error = impatient(&server)
        .execute(statement)
        .await
        .expect_err("nobody knows");
    assert!(
        matches!(error, KsqlDbError::OutcomeUnknown { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("it is not sent again, since that could run it twice"),
        "{error}"
    );
    assert_eq!(model.sent(), 1);
}

#[tokio::test]
async fn an_equal_insert_that_ran_before_is_not_taken_for_this_one() {
    let statement = "INSERT INTO `S` SELECT `A` AS `A` FROM `T` EMIT CHANGES;";
    let model = Model::default().troubled([Trouble::Not(lost())]);
    model
        .queries
        .lock()
        .expect("the lock")
        .push(json!({ "id": "Q_OLD", "queryString": statement, "sinks": ["S"] }));
    let (_, server) = model.start();
    let error = impatient(&server)
        .execute(statement)
        .await
        .expect_err("nobody knows");
    assert!(
        matches!(error, KsqlDbError::OutcomeUnknown { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn what_the_server_refuses_with_50000_is_its_error_at_once() {
    let refusal = "A Kafka topic with the name 's' already exists, with different partition/replica/retention configuration than required.";
    let (model, server) = Model::default()
        .troubled([Trouble::Not(Play::error(50000, refusal))])
        .start();
    let error = client(&server)
        .execute(Order::CREATE)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains(refusal), "{error}");
    assert_eq!(model.sent(), 1);
}

#[tokio::test]
async fn a_statement_waits_for_a_server_that_starts_and_for_its_registry() {
    let starting = [
        Play::error(50302, "KSQL is not yet ready to serve requests."),
        Play::error(
            50301,
            "Timed out while waiting for a previous command to execute.",
        ),
        Play::error(40001, "Could not get latest schema for subject s-value"),
    ];
    let (model, server) = Model::default()
        .troubled(starting.map(Trouble::Not))
        .start();
    client(&server)
        .execute(Order::CREATE)
        .await
        .expect("the fourth time");
    assert_eq!(model.sent(), 4);
}

#[tokio::test]
async fn where_nothing_can_be_seen_the_outcome_is_unknown() {
    let server = TestServer::start(|_| Play::Slam);
    let error = impatient(&server)
        .execute("DROP STREAM S;")
        .await
        .expect_err("nobody knows");
    let KsqlDbError::OutcomeUnknown { cause, .. } = &error else {
        panic!("unknown: {error}")
    };
    assert!(matches!(**cause, KsqlDbError::Lost { .. }), "{cause}");
}

#[tokio::test]
async fn a_statement_that_came_late_is_no_error_when_it_is_sent_again() {
    let exists = "Cannot add stream 'ORDER': A stream with the same name already exists";
    let late = Trouble::Applied(Play::error(40001, exists));
    let (model, server) = Model::default()
        .troubled([Trouble::Not(lost()), late])
        .start();
    client(&server)
        .execute(Order::CREATE)
        .await
        .expect("it is there");
    assert_eq!(model.sent(), 2);

    // Without anything sent before, it is somebody else's.
    let late = Trouble::Applied(Play::error(40001, exists));
    let (_, server) = Model::default().troubled([late]).start();
    let error = client(&server)
        .execute(Order::CREATE)
        .await
        .expect_err("it was there");
    assert!(error.to_string().contains(exists), "{error}");
}
