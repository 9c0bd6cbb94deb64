//! A small ksqlDB: sources and queries by name, and errors where a test wants them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{Effect, KsqlDb, KsqlDbOptions, SourceDefinition, Statement};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use serde_json::{Value, json};
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("shop.orders", partitions = 4)]
#[stream]
#[entity(namespace = "shop")]
pub(crate) struct Order {
    #[key]
    pub(crate) id: String,
    #[key]
    pub(crate) line: i32,
    pub(crate) customer: Option<String>,
    #[timestamp]
    pub(crate) placed_at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    pub(crate) price: Decimal,
    pub(crate) tags: Vec<String>,
}

/// A client that waits for as long as a loaded machine may take.
pub(crate) fn client(server: &TestServer) -> KsqlDb {
    client_of(server, |_| {})
}

/// One that gives a statement or a question up after two seconds, for tests that wait for that.
pub(crate) fn impatient(server: &TestServer) -> KsqlDb {
    client_of(server, |options| {
        options.statement_timeout = Duration::from_secs(2);
        options.ready_timeout = Duration::from_secs(2);
    })
}

/// One that gives an answer up after three seconds and asks again, for servers that are silent once.
pub(crate) fn undeterred(server: &TestServer) -> KsqlDb {
    client_of(server, |options| {
        options.http.request_timeout = Duration::from_secs(3);
    })
}

fn client_of(server: &TestServer, change: impl FnOnce(&mut KsqlDbOptions)) -> KsqlDb {
    let mut http = HttpOptions::new([server.url()]);
    http.request_timeout = Duration::from_secs(120);
    let mut options = KsqlDbOptions::new(http);
    options.statement_timeout = Duration::from_secs(300);
    options.ready_timeout = Duration::from_secs(300);
    options.retry_from = Duration::from_millis(5);
    options.retry_to = Duration::from_millis(20);
    change(&mut options);
    KsqlDb::new(options).expect("a client")
}

pub(crate) fn command(id: &str, status: &str, query_id: Option<&str>, sequence: i64) -> Value {
    json!([{ "@type": "currentStatus", "statementText": "..", "commandId": id,
        "commandStatus": { "status": status, "message": "said", "queryId": query_id }, "commandSequenceNumber": sequence, "warnings": [] }])
}

pub(crate) fn status(status: &str) -> Play {
    Play::json(json!({ "status": status, "message": "said", "queryId": null }))
}

pub(crate) fn absent(name: &str) -> Play {
    Play::error(
        40001,
        &format!("Could not find STREAM/TABLE '{name}' in the Metastore"),
    )
}

/// A small ksqlDB: sources and queries by name, and errors where a test wants them.
#[derive(Default)]
pub(crate) struct Model {
    /// Source descriptions by name.
    pub(crate) sources: Mutex<BTreeMap<String, Value>>,
    pub(crate) queries: Mutex<Vec<Value>>,
    pub(crate) types: Mutex<BTreeMap<String, Value>>,
    /// What statements that change something are answered with, one after another; applied when there is nothing.
    pub(crate) troubles: Mutex<Vec<Trouble>>,
    pub(crate) sent: AtomicUsize,
}

/// What goes wrong with a statement.
#[derive(Clone)]
pub(crate) enum Trouble {
    /// It is applied, and this is answered.
    Applied(Play),
    /// It is not applied, and this is answered.
    Not(Play),
}

impl Model {
    pub(crate) fn start(self) -> (Arc<Model>, TestServer) {
        let model = Arc::new(self);
        let served = Arc::clone(&model);
        let server = TestServer::start(move |request| served.answer(request));
        (model, server)
    }

    pub(crate) fn with(name: &str, description: Value) -> Model {
        let model = Model::default();
        model
            .sources
            .lock()
            .expect("the lock")
            .insert(name.to_owned(), description);
        model
    }

    pub(crate) fn troubled(self, troubles: impl IntoIterator<Item = Trouble>) -> Model {
        *self.troubles.lock().expect("the lock") = troubles.into_iter().collect();
        self
    }

    /// How many statements came that change something.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Acquire)
    }

    pub(crate) fn answer(&self, request: &Request) -> Play {
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

    pub(crate) fn apply(&self, statement: &Statement) -> Option<String> {
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
pub(crate) fn described(statement: &str) -> Value {
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

pub(crate) fn orders() -> SourceDefinition {
    let mut all = SourceDefinition::of::<Order>().expect("the entity's own statement");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

pub(crate) fn lost() -> Play {
    Play::Slam
}

pub(crate) fn not_written() -> Play {
    Play::error(
        50000,
        "Could not write the statement '..' into the command topic.\nCaused by: Timeout while waiting for command topic consumer to process command topic",
    )
}
