//! Statements: waited for, looked up where their outcome is unknown, sent once. Sources and queries: compared, created where
//! there is nothing, left alone where they are equal, dropped with their dependants only on request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{
    Answer, Class, Difference, Effect, Ensured, KsqlDb, KsqlDbError, KsqlDbOptions, Remedy,
    Removal, SourceDefinition, SourceKind, Statement, Step,
};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("shop.orders", partitions = 4)]
#[stream]
#[entity(namespace = "shop")]
struct Order {
    #[key]
    id: String,
    #[key]
    line: i32,
    customer: Option<String>,
    #[timestamp]
    placed_at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    price: Decimal,
    tags: Vec<String>,
}

fn client(server: &TestServer) -> KsqlDb {
    let mut http = HttpOptions::new([server.url()]);
    http.request_timeout = Duration::from_millis(200);
    let mut options = KsqlDbOptions::new(http);
    options.statement_timeout = Duration::from_millis(1500);
    options.ready_timeout = Duration::from_millis(300);
    options.retry_from = Duration::from_millis(5);
    options.retry_to = Duration::from_millis(20);
    KsqlDb::new(options).expect("a client")
}

fn command(id: &str, status: &str, query_id: Option<&str>, sequence: i64) -> Value {
    json!([{ "@type": "currentStatus", "statementText": "..", "commandId": id,
        "commandStatus": { "status": status, "message": "said", "queryId": query_id }, "commandSequenceNumber": sequence, "warnings": [] }])
}

fn status(status: &str) -> Play {
    Play::json(json!({ "status": status, "message": "said", "queryId": null }))
}

fn absent(name: &str) -> Play {
    Play::error(
        40001,
        &format!("Could not find STREAM/TABLE '{name}' in the Metastore"),
    )
}

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
    let done = client(&server)
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
    let error = client(&server)
        .execute("DROP STREAM S;")
        .await
        .expect_err("it takes too long");
    assert_eq!(
        error.to_string(),
        "the end of `DROP STREAM S;` was not reached within 1.5s: it is EXECUTING (said)"
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

/// A small ksqlDB: sources and queries by name, and errors where a test wants them.
#[derive(Default)]
struct Model {
    /// Source descriptions by name.
    sources: Mutex<BTreeMap<String, Value>>,
    queries: Mutex<Vec<Value>>,
    types: Mutex<BTreeMap<String, Value>>,
    /// What statements that change something are answered with, one after another; applied when there is nothing.
    troubles: Mutex<Vec<Trouble>>,
    sent: AtomicUsize,
}

/// What goes wrong with a statement.
#[derive(Clone)]
enum Trouble {
    /// It is applied, and this is answered.
    Applied(Play),
    /// It is not applied, and this is answered.
    Not(Play),
}

impl Model {
    fn start(self) -> (Arc<Model>, TestServer) {
        let model = Arc::new(self);
        let served = Arc::clone(&model);
        let server = TestServer::start(move |request| served.answer(request));
        (model, server)
    }

    fn with(name: &str, description: Value) -> Model {
        let model = Model::default();
        model
            .sources
            .lock()
            .expect("the lock")
            .insert(name.to_owned(), description);
        model
    }

    fn troubled(self, troubles: impl IntoIterator<Item = Trouble>) -> Model {
        *self.troubles.lock().expect("the lock") = troubles.into_iter().collect();
        self
    }

    /// How many statements came that change something.
    fn sent(&self) -> usize {
        self.sent.load(Ordering::Acquire)
    }

    fn answer(&self, request: &Request) -> Play {
        let text = request.statement();
        let statement = Statement::parse(&text).expect("a statement");
        if let Some(name) = text
            .strip_prefix("DESCRIBE `")
            .and_then(|rest| rest.strip_suffix("`;"))
        {
            return match self.sources.lock().expect("the lock").get(name) {
                Some(found) => Play::json(
                    json!([{ "@type": "sourceDescription", "sourceDescription": found }]),
                ),
                None => absent(name),
            };
        }
        match text.as_str() {
            "SHOW QUERIES;" => {
                return Play::json(
                    json!([{ "@type": "queries", "queries": *self.queries.lock().expect("the lock") }]),
                );
            }
            "SHOW TYPES;" => {
                return Play::json(
                    json!([{ "@type": "type_list", "types": *self.types.lock().expect("the lock") }]),
                );
            }
            _ => {}
        }
        let sent = self.sent.fetch_add(1, Ordering::AcqRel);
        let trouble = self.troubles.lock().expect("the lock").get(sent).cloned();
        match trouble {
            Some(Trouble::Not(play)) => play,
            Some(Trouble::Applied(play)) => {
                self.apply(&statement);
                play
            }
            None => {
                let query_id = self.apply(&statement);
                Play::json(command(
                    "stream/S/create",
                    "SUCCESS",
                    query_id.as_deref(),
                    2,
                ))
            }
        }
    }

    fn apply(&self, statement: &Statement) -> Option<String> {
        let mut sources = self.sources.lock().expect("the lock");
        let mut queries = self.queries.lock().expect("the lock");
        let id = format!("Q_{}", self.sent());
        let query = |sink: &str| json!({ "id": id, "queryString": statement.text(), "sinks": [sink], "state": "RUNNING", "queryType": "PERSISTENT" });
        match statement.effect() {
            Effect::Create { name, .. } => {
                sources.insert(name.clone(), described(statement.text()));
                None
            }
            Effect::CreateAs { name, .. } => {
                sources.insert(
                    name.clone(),
                    json!({ "name": name, "type": "STREAM", "statement": statement.text(), "writeQueries": [query(name)] }),
                );
                queries.push(query(name));
                Some(id)
            }
            Effect::InsertInto { name, .. } => {
                queries.push(query(name));
                Some(id)
            }
            Effect::Alter { name } => {
                let found = sources.get_mut(name).expect("the source");
                let made = format!(
                    "{}\n{}",
                    found["statement"].as_str().expect("a text"),
                    statement.text()
                );
                found["statement"] = json!(made);
                let rest = statement
                    .text()
                    .split("ADD COLUMN ")
                    .nth(1)
                    .expect("a column");
                let (column, ty) = rest.trim_end_matches(';').split_once(' ').expect("a type");
                let field = json!({ "name": column.trim_matches('`'), "schema": { "type": ty } });
                found["fields"].as_array_mut().expect("fields").push(field);
                None
            }
            Effect::Drop { name } => {
                sources.remove(name);
                None
            }
            Effect::Terminate { id } => {
                queries.retain(|query| query["id"] != json!(id));
                None
            }
            Effect::CreateType { name } => {
                self.types
                    .lock()
                    .expect("the lock")
                    .insert(name.clone(), json!({ "type": "INTEGER" }));
                None
            }
            Effect::DropType { name } => {
                self.types.lock().expect("the lock").remove(name);
                None
            }
            _ => None,
        }
    }
}

/// What a server tells of what `Order::CREATE` makes.
fn described(statement: &str) -> Value {
    let field = |name: &str, schema: Value| json!({ "name": name, "schema": schema });
    let key =
        |name: &str, ty: &str| json!({ "name": name, "schema": { "type": ty }, "type": "KEY" });
    json!({
        "name": "ORDER", "type": "STREAM", "windowType": null, "keyFormat": "AVRO", "valueFormat": "AVRO", "topic": "shop.orders",
        "partitions": 4, "timestamp": "PLACED_AT", "readQueries": [], "writeQueries": null, "sourceConstraints": [],
        "statement": statement.replace("IF NOT EXISTS ", "").replace('`', ""),
        "fields": [
            key("ID", "STRING"),
            key("LINE", "INTEGER"),
            field("CUSTOMER", json!({ "type": "STRING", "fields": null, "memberSchema": null })),
            field("PLACED_AT", json!({ "type": "TIMESTAMP" })),
            field("PRICE", json!({ "type": "DECIMAL", "parameters": { "precision": 18, "scale": 4 } })),
            field("TAGS", json!({ "type": "ARRAY", "memberSchema": { "type": "STRING" } })),
        ],
    })
}

fn orders() -> SourceDefinition {
    let mut all = SourceDefinition::of::<Order>().expect("the entity's own statement");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn lost() -> Play {
    Play::Slam
}

fn not_written() -> Play {
    Play::error(
        50000,
        "Could not write the statement '..' into the command topic.\nCaused by: Timeout while waiting for command topic consumer to process command topic",
    )
}

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
        for answer in [lost(), Play::Silence, not_written(), Play::json("no list")] {
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
            client(&server)
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
    let error = client(&server)
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
    let error = client(&server)
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
    let error = client(&server)
        .execute("DROP STREAM S;")
        .await
        .expect_err("nobody knows");
    let KsqlDbError::OutcomeUnknown { cause, .. } = &error else {
        panic!("unknown: {error}")
    };
    assert!(matches!(**cause, KsqlDbError::Lost { .. }), "{cause}");
}

#[tokio::test]
async fn a_source_is_created_once_and_left_alone_where_it_is_equal() {
    let (model, server) = Model::default().start();
    let ksql = client(&server);
    assert_eq!(
        ksql.ensure_source(&orders()).await.expect("created"),
        Ensured::Created { query_id: None }
    );
    for _ in 0..2 {
        assert_eq!(
            ksql.ensure_source(&orders()).await.expect("equal"),
            Ensured::Unchanged { query_id: None }
        );
    }
    assert_eq!(model.sent(), 1);
}

#[tokio::test]
async fn a_source_that_another_instance_creates_meanwhile_is_compared() {
    for (partitions, equal) in [(4, true), (3, false)] {
        let created = AtomicUsize::new(0);
        let mut other = described(Order::CREATE);
        other["partitions"] = json!(partitions);
        let server = TestServer::start(move |request| match request.statement().as_str() {
            "DESCRIBE `ORDER`;" if created.load(Ordering::Acquire) == 0 => absent("ORDER"),
            "DESCRIBE `ORDER`;" => {
                Play::json(json!([{ "@type": "sourceDescription", "sourceDescription": other }]))
            }
            _ => {
                created.store(1, Ordering::Release);
                Play::json(
                    json!([{ "@type": "warning_entity", "message": "Cannot add stream `ORDER`: A stream with the same name already exists." }]),
                )
            }
        });
        let ensured = client(&server)
            .ensure_source(&orders())
            .await
            .expect("compared");
        assert_eq!(
            matches!(ensured, Ensured::Unchanged { .. }),
            equal,
            "{ensured:?}"
        );
    }
}

#[tokio::test]
async fn every_difference_of_a_source_is_told_with_what_can_be_done() {
    type Change = fn(&mut Value);
    let new_version = Remedy::NewVersion;
    let cases: [(&str, Change, Remedy, &str); 16] = [
        (
            "a table",
            |found| found["type"] = json!("TABLE"),
            Remedy::Refused,
            "it is a TABLE and defined as a STREAM",
        ),
        (
            "another topic",
            |found| found["topic"] = json!("Shop.Orders"),
            new_version.clone(),
            "KAFKA_TOPIC is `Shop.Orders` and defined as `shop.orders`",
        ),
        (
            "partitions",
            |found| found["partitions"] = json!(3),
            Remedy::Refused,
            "topic `shop.orders` has 3 partitions and 4 are defined: write `partitions = 3`",
        ),
        (
            "key format",
            |found| found["keyFormat"] = json!("JSON"),
            new_version.clone(),
            "KEY_FORMAT is `JSON` and defined as `AVRO`",
        ),
        (
            "value format",
            |found| found["valueFormat"] = json!("JSON"),
            new_version.clone(),
            "VALUE_FORMAT is `JSON`",
        ),
        (
            "key order",
            |found| found["fields"].as_array_mut().expect("fields").swap(0, 1),
            new_version.clone(),
            "its key is (`LINE` INTEGER, `ID` STRING) and defined as (`ID` STRING, `LINE` INTEGER)",
        ),
        (
            "key type",
            |found| found["fields"][1]["schema"]["type"] = json!("BIGINT"),
            new_version.clone(),
            "its key is (`ID` STRING, `LINE` BIGINT)",
        ),
        (
            "no key",
            |found| found["fields"][1]["type"] = Value::Null,
            new_version.clone(),
            "its key is (`ID` STRING)",
        ),
        (
            "a column less",
            |found| {
                found["fields"].as_array_mut().expect("fields").remove(2);
            },
            Remedy::InPlace("ALTER STREAM `ORDER` ADD COLUMN `CUSTOMER` STRING;".to_owned()),
            "`ALTER STREAM `ORDER` ADD COLUMN `CUSTOMER` STRING;` adds it in place",
        ),
        (
            "a column more",
            |found| {
                found["fields"]
                    .as_array_mut()
                    .expect("fields")
                    .push(json!({ "name": "NEW", "schema": { "type": "STRING" } }))
            },
            new_version.clone(),
            "column `NEW` is there and not defined",
        ),
        (
            "column type",
            |found| found["fields"][4]["schema"]["parameters"]["scale"] = json!(2),
            new_version.clone(),
            "column `PRICE` is DECIMAL(18, 2) and defined as DECIMAL(18, 4)",
        ),
        (
            "unknown type",
            |found| found["fields"][2]["schema"]["type"] = json!("INTERVAL"),
            new_version.clone(),
            "column `CUSTOMER` is of an unknown type",
        ),
        (
            "time column",
            |found| found["timestamp"] = json!("OTHER"),
            new_version.clone(),
            "TIMESTAMP is `OTHER` and defined as `PLACED_AT`",
        ),
        (
            "record name",
            |found| {
                found["statement"] = json!(
                    found["statement"]
                        .as_str()
                        .expect("a text")
                        .replace("shop.Order'", "shop.Sale'")
                )
            },
            new_version.clone(),
            "VALUE_SCHEMA_FULL_NAME is `shop.Sale` and defined as `shop.Order`",
        ),
        (
            "window",
            |found| {
                found["statement"] = json!(
                    found["statement"]
                        .as_str()
                        .expect("a text")
                        .replace("TIMESTAMP=", "WINDOW_SIZE='5 MINUTES', TIMESTAMP=")
                )
            },
            new_version,
            "WINDOW_SIZE is `5 MINUTES` and defined as nothing",
        ),
        (
            "by a query",
            |found| {
                found["statement"] = json!("CREATE STREAM ORDER AS SELECT A FROM T;");
                found["writeQueries"] = json!([{ "id": "CSAS_ORDER_1" }]);
            },
            Remedy::Refused,
            "it is the result of a query (CSAS_ORDER_1) and defined as a source",
        ),
    ];
    for (name, change, remedy, told) in cases {
        let mut found = described(Order::CREATE);
        change(&mut found);
        let (model, server) = Model::with("ORDER", found).start();
        let Ensured::Drift(differences) = client(&server)
            .ensure_source(&orders())
            .await
            .expect("compared")
        else {
            panic!("{name}: a difference");
        };
        let told_of: Vec<String> = differences.iter().map(ToString::to_string).collect();
        let at = told_of
            .iter()
            .position(|text| text.contains(told))
            .unwrap_or_else(|| panic!("{name}: {told_of:?}"));
        assert_eq!(differences[at].remedy(), remedy, "{name}");
        assert_eq!(model.sent(), 0, "{name}: nothing is changed unasked");
    }
}

#[tokio::test]
async fn missing_columns_are_added_in_place_when_that_is_all() {
    let mut found = described(Order::CREATE);
    found["fields"].as_array_mut().expect("fields").remove(2);
    let (model, server) = Model::with("ORDER", found.clone()).start();
    let ksql = client(&server);
    assert_eq!(
        ksql.alter_source(&orders()).await.expect("altered"),
        Ensured::Unchanged { query_id: None }
    );
    assert_eq!(model.sent(), 1);

    found["partitions"] = json!(3);
    let (model, server) = Model::with("ORDER", found).start();
    let error = client(&server)
        .alter_source(&orders())
        .await
        .expect_err("more than that");
    let text = error.to_string();
    assert!(
        text.starts_with("`ORDER` differs from its definition: "),
        "{text}"
    );
    assert!(
        text.contains("has 3 partitions") && text.contains("adds it in place"),
        "{text}"
    );
    assert_eq!(model.sent(), 0);
}

#[tokio::test]
async fn an_old_server_that_tells_less_is_not_told_to_differ() {
    let found = json!({
        "name": "ORDER", "type": "STREAM", "format": "AVRO", "topic": "shop.orders", "partitions": 4, "timestamp": "PLACED_AT",
        "fields": [{ "name": "ROWTIME", "schema": { "type": "BIGINT" } }, { "name": "ID", "schema": { "type": "STRING" }, "type": "KEY" },
            { "name": "LINE", "schema": { "type": "INTEGER" }, "type": "KEY" }, { "name": "CUSTOMER", "schema": { "type": "STRING" } },
            { "name": "PLACED_AT", "schema": { "type": "TIMESTAMP" } },
            { "name": "PRICE", "schema": { "type": "DECIMAL", "parameters": { "precision": 18, "scale": 4 } } },
            { "name": "TAGS", "schema": { "type": "ARRAY", "memberSchema": { "type": "STRING" } } }],
        "keyFormat": "AVRO"
    });
    let (_, server) = Model::with("ORDER", found).start();
    assert_eq!(
        client(&server)
            .ensure_source(&orders())
            .await
            .expect("compared"),
        Ensured::Unchanged { query_id: None }
    );
}

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
        .wait_running("Q", Duration::from_secs(20))
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
