//! Statements: told apart, one a request, waited for until they are applied.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::model::{client, command, impatient, status, undeterred};
use ksql_runtime::ksqldb::{Answer, Effect, KsqlDbError, SourceKind, Statement};
use ksql_runtime_tests::http_server::{Play, TestServer};
use serde_json::{Value, json};
#[tokio::test]
async fn a_statement_is_polled_until_it_is_applied() {
    let polls = AtomicUsize::new(0);
    let server = TestServer::start(move |request| {
        if request.path == "/ksql" {
            return Play::json(command("stream/`S`/create", "QUEUED", None, 2));
        }
        match polls.fetch_add(1, Ordering::AcqRel) {
            0 => status("PARSING"),
            1 => Play::error(40400, "Command not found"),
            2 => Play::Silence,
            3 => Play::error(50302, "not yet ready"),
            4 => status("EXECUTING"),
            5 => status("SOMETHING_NEWER"),
            _ => Play::json(
                json!({ "status": "SUCCESS", "message": "Created query with ID Q_1", "queryId": "Q_1" }),
            ),
        }
    });
    let done = undeterred(&server)
        .execute("CREATE STREAM S AS SELECT A FROM T EMIT CHANGES")
        .await
        .expect("applied");
    assert_eq!(done.query_id.as_deref(), Some("Q_1"));
    let requests = server.requests();
    assert_eq!(
        requests[0].statement(),
        "CREATE STREAM S AS SELECT A FROM T EMIT CHANGES;",
        "the `;` is put behind it"
    );
    assert!(
        requests[1..]
            .iter()
            .all(|request| request.path == "/status/stream/%60S%60/create")
    );
    assert_eq!(requests.len(), 8);
}

#[tokio::test]
async fn a_statement_that_fails_or_is_not_applied_in_time_says_so() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/ksql" => Play::json(command("stream/S/drop", "EXECUTING", None, 2)),
        _ => status("ERROR"),
    });
    let error = client(&server)
        .execute("DROP STREAM S;")
        .await
        .expect_err("it failed");
    assert_eq!(
        error.to_string(),
        "ksqlDB accepted `DROP STREAM S;` and could not apply it: said"
    );

    let server = TestServer::start(|request| match request.path.as_str() {
        "/ksql" => Play::json(command("stream/S/drop", "EXECUTING", None, 2)),
        _ => status("EXECUTING"),
    });
    let error = impatient(&server)
        .execute("DROP STREAM S;")
        .await
        .expect_err("it takes too long");
    assert_eq!(
        error.to_string(),
        "the end of `DROP STREAM S;` was not reached within 2s: it is EXECUTING (said)"
    );
}

#[tokio::test]
async fn the_highest_sequence_number_goes_with_every_later_request_of_every_clone() {
    let next = AtomicUsize::new(0);
    let numbers = [4, 8, 6, -1];
    let server = TestServer::start(move |_| {
        let at = next.fetch_add(1, Ordering::AcqRel).min(3);
        Play::json(command("stream/S/drop", "SUCCESS", None, numbers[at]))
    });
    let ksql = client(&server);
    let clone = ksql.clone();
    for each in [&ksql, &clone, &ksql, &clone, &ksql] {
        each.execute("DROP STREAM S;").await.expect("applied");
    }
    let sent: Vec<Value> = server
        .requests()
        .iter()
        .map(|request| request.json()["commandSequenceNumber"].clone())
        .collect();
    assert_eq!(sent, [Value::Null, json!(4), json!(8), json!(8), json!(8)]);
    assert_eq!(
        server.requests()[0].json()["streamsProperties"],
        json!({ "auto.offset.reset": "earliest" }),
        "a persistent query would start at the end of its topic"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_all_tasks_are_sent_one_at_a_time() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let server = TestServer::start({
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        move |request| {
            if request.path == "/ksql" {
                let now = running.fetch_add(1, Ordering::AcqRel) + 1;
                most.fetch_max(now, Ordering::AcqRel);
                return Play::json(command("stream/S/drop", "EXECUTING", None, 2));
            }
            running.fetch_sub(1, Ordering::AcqRel);
            status("SUCCESS")
        }
    });
    let ksql = client(&server);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let ksql = ksql.clone();
            tokio::spawn(async move { ksql.execute("DROP STREAM S;").await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("applied");
    }
    assert_eq!(most.load(Ordering::Acquire), 1);
}

#[tokio::test]
async fn what_is_not_sent_is_refused_with_what_to_do_instead() {
    let server = TestServer::start(|_| Play::json("[]"));
    let ksql = client(&server);
    for (statement, told) in [
        ("", "there is no statement in it"),
        (" ; ", "there is no statement in it"),
        ("-- nothing", "there is no statement in it"),
        (
            "SHOW STREAMS; SHOW TABLES;",
            "send one at a time (`Statement::split`)",
        ),
        (
            "SELECT * FROM S;",
            "a query is asked with `pull`, `push` or `rows`",
        ),
        ("PRINT 'x';", "a topic is read through its entity"),
        (
            "INSERT INTO S (A) VALUES (1);",
            "add them to the entity's set",
        ),
        (
            "SET 'auto.offset.reset'='latest';",
            "give properties in `KsqlDbOptions::properties`",
        ),
        ("CREATE VIEW V;", "`STREAM` or `TABLE` is missing"),
        ("DELETE FROM S;", "no statement begins with `DELETE`"),
        ("DROP STREAM 'x;", "a ' has no partner"),
    ] {
        let error = ksql.execute(statement).await.expect_err(statement);
        assert!(matches!(error, KsqlDbError::Statement { .. }), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(server.requests(), []);
}

#[test]
fn statements_are_told_apart_whatever_their_quotes_and_comments() {
    let name = "S".to_owned();
    let kind = SourceKind::Stream;
    for (text, effect) in [
        (
            "create or replace source stream `S` (A INT);",
            Effect::Create {
                name: name.clone(),
                kind,
                replace: true,
            },
        ),
        (
            "CREATE STREAM IF NOT EXISTS \"S\" (`A;B` INT) WITH (KAFKA_TOPIC='a;b');",
            Effect::Create {
                name: name.clone(),
                kind,
                replace: false,
            },
        ),
        (
            "CREATE STREAM s WITH (PARTITIONS=-1) AS SELECT 1 FROM T;",
            Effect::CreateAs {
                name: name.clone(),
                kind,
                replace: false,
            },
        ),
        (
            "/* ; */ INSERT INTO S WITH (QUERY_ID='my_id') SELECT * FROM T;",
            Effect::InsertInto {
                name: name.clone(),
                query_id: Some("MY_ID".to_owned()),
            },
        ),
        (
            "ALTER STREAM S ADD COLUMN A INT; -- ;",
            Effect::Alter { name: name.clone() },
        ),
        (
            "DROP STREAM IF EXISTS S DELETE TOPIC;",
            Effect::Drop { name: name.clone() },
        ),
        (
            "DROP TYPE IF EXISTS S;",
            Effect::DropType { name: name.clone() },
        ),
        (
            "CREATE TYPE S AS STRUCT<A INT>;",
            Effect::CreateType { name },
        ),
        (
            "TERMINATE CSAS_S_1;",
            Effect::Terminate {
                id: "CSAS_S_1".to_owned(),
            },
        ),
        ("TERMINATE ALL;", Effect::Repeatable),
        ("PAUSE CSAS_S_1;", Effect::Repeatable),
        ("list streams", Effect::Read),
    ] {
        assert_eq!(
            Statement::parse(text).expect(text).effect(),
            &effect,
            "{text}"
        );
    }
    let split = Statement::split("DROP STREAM `A;B`; ; DROP STREAM C -- ;\n").expect("two");
    let texts: Vec<&str> = split.iter().map(Statement::text).collect();
    assert_eq!(texts, ["DROP STREAM `A;B`;", "DROP STREAM C -- ;;"]);
}

#[tokio::test]
async fn answers_without_a_command_are_given_as_they_are() {
    let server = TestServer::start(|request| match request.statement().as_str() {
        "TERMINATE transient_S_1;" => Play::json(
            json!([{ "@type": "terminate_query", "queryId": "TRANSIENT_S_1", "wasTerminated": true }]),
        ),
        _ => Play::json(
            json!([{ "@type": "warning_entity", "message": "Cannot add stream `S`: exists." }]),
        ),
    });
    let ksql = client(&server);
    let done = ksql
        .execute("TERMINATE transient_S_1;")
        .await
        .expect("ended");
    assert_eq!(
        done.answers,
        [Answer::Terminated {
            query_id: "TRANSIENT_S_1".to_owned(),
            terminated: true
        }]
    );
    let done = ksql
        .execute("CREATE STREAM IF NOT EXISTS S (A INT);")
        .await
        .expect("skipped");
    assert_eq!(
        done.skipped.as_deref(),
        Some("Cannot add stream `S`: exists.")
    );
}
