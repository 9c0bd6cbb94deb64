//! A small ksqlDB: it keeps what `CREATE .. (columns)` and `ALTER .. ADD COLUMN` say, and describes it as the real one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use serde_json::{Value, json};

/// The sources by name.
type Sources = Arc<Mutex<BTreeMap<String, Value>>>;

/// The server and what it keeps.
pub(crate) struct KsqlDbServer {
    pub(crate) server: TestServer,
    sources: Sources,
}

impl KsqlDbServer {
    pub(crate) fn start() -> KsqlDbServer {
        KsqlDbServer::with(|_, answer| answer)
    }

    /// One that may answer with something else: what it would answer has happened by then.
    pub(crate) fn with(
        change: impl Fn(&Request, Play) -> Play + Send + Sync + 'static,
    ) -> KsqlDbServer {
        let sources = Sources::default();
        let kept = Arc::clone(&sources);
        let server = TestServer::start(move |request| change(request, answer(&kept, request)));
        KsqlDbServer { server, sources }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The statements that change something, so far.
    pub(crate) fn changes(&self) -> Vec<String> {
        let mut statements = self.server.statements();
        statements.retain(|text| !text.starts_with("DESCRIBE"));
        statements
    }

    /// Changes a source behind everybody's back.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut sources = self.sources.lock().expect("the lock");
        change(sources.get_mut(name).expect("the source"));
    }
}

fn answer(sources: &Sources, request: &Request) -> Play {
    if request.path == "/info" {
        return Play::json(json!({ "KsqlServerInfo": {
            "version": "7.4.15-0", "kafkaClusterId": "k", "ksqlServiceId": "default_", "serverStatus": "RUNNING" } }));
    }
    let statement = request.statement();
    let mut sources = sources.lock().expect("the lock");
    if let Some(name) = statement.strip_prefix("DESCRIBE ") {
        let name = name.trim_matches([';', '`']);
        return match sources.get(name) {
            Some(found) => Play::json(
                json!([{ "@type": "sourceDescription", "statementText": statement, "sourceDescription": found }]),
            ),
            None => Play::error(
                40001,
                &format!("Could not find STREAM/TABLE '{name}' in the Metastore"),
            ),
        };
    }
    if statement.starts_with("ALTER") {
        // ALTER TABLE `RATE` ADD COLUMN `SIZE` BIGINT;
        let words: Vec<&str> = statement.trim_end_matches(';').split(' ').collect();
        let source = sources.get_mut(plain(words[2])).expect("the source");
        let fields = source["fields"].as_array_mut().expect("fields");
        fields.push(field(words[5], words[6], false));
    } else {
        let (name, source) = described(&statement);
        if sources.contains_key(&name) {
            let message =
                format!("Cannot add `{name}`: A source with the same name already exists.");
            return Play::json(
                json!([{ "@type": "warning_entity", "statementText": statement, "message": message }]),
            );
        }
        sources.insert(name, source);
    }
    Play::json(
        json!([{ "@type": "currentStatus", "statementText": statement, "commandId": "x/y/z",
        "commandStatus": { "status": "SUCCESS", "message": "done", "queryId": null }, "commandSequenceNumber": 1, "warnings": [] }]),
    )
}

fn plain(name: &str) -> &str {
    name.trim_matches('`')
}

fn field(name: &str, ty: &str, key: bool) -> Value {
    let ty = if ty == "INT" { "INTEGER" } else { ty };
    let mut field = json!({ "name": plain(name), "schema": { "type": ty, "fields": null, "memberSchema": null } });
    if key {
        field["type"] = json!("KEY");
    }
    field
}

/// Name and description of what a `CREATE` makes: plain columns, no types with commas in them.
fn described(statement: &str) -> (String, Value) {
    let (head, rest) = statement.split_once(" (").expect("columns");
    let (columns, with) = rest.split_once(") WITH (").expect("properties");
    let kind = head.split(' ').nth(1).expect("a kind");
    let name = plain(head.rsplit(' ').next().expect("a name"));
    let properties: BTreeMap<&str, &str> = with
        .trim_end_matches([')', ';'])
        .split(", ")
        .filter_map(|property| property.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim().trim_matches('\'')))
        .collect();
    let fields: Vec<Value> = columns
        .split(", ")
        .map(|column| {
            let words: Vec<&str> = column.split(' ').collect();
            field(words[0], words[1], column.ends_with("KEY"))
        })
        .collect();
    let property = |name: &str| properties.get(name).copied().unwrap_or_default();
    let partitions: u32 = property("PARTITIONS").parse().expect("a number");
    let source = json!({
        "name": name, "type": kind, "windowType": null, "keyFormat": property("KEY_FORMAT"),
        "valueFormat": property("VALUE_FORMAT"), "topic": property("KAFKA_TOPIC"), "partitions": partitions,
        "timestamp": property("TIMESTAMP"), "readQueries": [], "writeQueries": [], "sourceConstraints": [],
        "statement": statement.replace("IF NOT EXISTS ", ""), "fields": fields,
    });
    (name.to_owned(), source)
}
