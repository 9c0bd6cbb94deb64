//! A small ksqlDB: it keeps what `CREATE .. (columns)` and `ALTER .. ADD COLUMN` say, and describes it as the real one does. Queries
//! it keeps by id, with the state that a test gives them; it runs none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ksql_runtime::ksqldb::{Effect, Statement};
use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use serde_json::{Value, json};

/// What it keeps.
#[derive(Debug, Default)]
struct Kept {
    /// The sources by name.
    sources: BTreeMap<String, Value>,
    /// The queries by id.
    queries: BTreeMap<String, Query>,
    /// How many queries there ever were.
    started: usize,
}

/// A query that would run.
#[derive(Debug, Clone)]
struct Query {
    sink: String,
    text: String,
    state: String,
    errors: Vec<(String, String)>,
}

type Sources = Arc<Mutex<Kept>>;

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
        let asks = ["DESCRIBE", "SHOW", "EXPLAIN", "SELECT"];
        statements.retain(|text| !asks.iter().any(|ask| text.starts_with(ask)));
        statements
    }

    /// The state of a query, behind everybody's back; with errors, each of a kind and a text.
    pub(crate) fn put(&self, id: &str, state: &str, errors: &[(&str, &str)]) {
        let mut kept = self.sources.lock().expect("the lock");
        let query = kept.queries.get_mut(id).expect("the query");
        query.state = state.to_owned();
        let errors = errors.iter();
        query.errors = errors
            .map(|(kind, text)| ((*kind).to_owned(), (*text).to_owned()))
            .collect();
    }

    /// Changes the text of a query, as somebody else's `OR REPLACE` would.
    pub(crate) fn rewrite(&self, id: &str, from: &str, to: &str) {
        let mut kept = self.sources.lock().expect("the lock");
        let query = kept.queries.get_mut(id).expect("the query");
        assert!(query.text.contains(from), "{}", query.text);
        query.text = query.text.replace(from, to);
    }

    /// Ends a query and leaves what it made.
    pub(crate) fn terminate(&self, id: &str) {
        let mut kept = self.sources.lock().expect("the lock");
        kept.queries.remove(id).expect("the query");
    }

    /// Forgets a source and its query, as `DROP` does.
    pub(crate) fn drop_source(&self, name: &str) {
        let mut kept = self.sources.lock().expect("the lock");
        kept.sources.remove(name).expect("the source");
        kept.queries.retain(|_, query| query.sink != name);
    }

    /// Changes a source behind everybody's back.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut sources = self.sources.lock().expect("the lock");
        change(sources.sources.get_mut(name).expect("the source"));
    }
}

fn answer(sources: &Sources, request: &Request) -> Play {
    if request.path == "/info" {
        return Play::json(json!({ "KsqlServerInfo": {
            "version": "7.4.15-0", "kafkaClusterId": "k", "ksqlServiceId": "default_", "serverStatus": "RUNNING" } }));
    }
    let statement = request.statement();
    let mut kept = sources.lock().expect("the lock");
    if let Some(play) = asked(&kept, &statement) {
        return play;
    }
    if let Ok(parsed) = Statement::parse(&statement)
        && let Some(play) = queried(&mut kept, &parsed)
    {
        return play;
    }
    let sources = &mut kept.sources;
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
    done(&statement, None)
}

fn done(statement: &str, query_id: Option<&str>) -> Play {
    Play::json(
        json!([{ "@type": "currentStatus", "statementText": statement, "commandId": "x/y/z",
        "commandStatus": { "status": "SUCCESS", "message": "done", "queryId": query_id }, "commandSequenceNumber": 1, "warnings": [] }]),
    )
}

/// The answer to what only asks.
fn asked(kept: &Kept, statement: &str) -> Option<Play> {
    let listed = |id: &str, query: &Query| {
        json!({ "id": id, "queryString": query.text, "sinks": [query.sink], "sinkKafkaTopics": [], "queryType": "PERSISTENT",
            "state": format!("{}:1", query.state), "statusCount": { query.state.clone(): 1 } })
    };
    if let Some(name) = statement.strip_prefix("DESCRIBE ") {
        let name = name.trim_matches([';', '`']);
        let Some(found) = kept.sources.get(name) else {
            return Some(Play::error(
                40001,
                &format!("Could not find STREAM/TABLE '{name}' in the Metastore"),
            ));
        };
        let mut found = found.clone();
        let writes = kept.queries.iter().filter(|(_, query)| query.sink == name);
        found["writeQueries"] = writes.map(|(id, query)| listed(id, query)).collect();
        return Some(Play::json(
            json!([{ "@type": "sourceDescription", "statementText": statement, "sourceDescription": found }]),
        ));
    }
    if let Some(id) = statement.strip_prefix("EXPLAIN ") {
        let id = id.trim_end_matches(';');
        let Some(query) = kept.queries.get(id) else {
            return Some(Play::error(
                40001,
                &format!(
                    "Query with id:{id} does not exist, use SHOW QUERIES to view the full set of queries."
                ),
            ));
        };
        let errors: Vec<Value> = query
            .errors
            .iter()
            .map(|(kind, text)| json!({ "timestamp": 1, "errorMessage": text, "type": kind }))
            .collect();
        return Some(Play::json(
            json!([{ "@type": "queryDescription", "statementText": statement, "queryDescription": {
            "id": id, "statementText": query.text, "sources": [], "sinks": [query.sink], "state": query.state,
            "ksqlHostQueryStatus": { "127.0.0.1:8088": query.state }, "queryErrors": errors } }]),
        ));
    }
    if statement.starts_with("SELECT ") {
        return Some(Play::stream(
            &[
                "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`ID` BIGINT KEY\"}},\n",
                "]",
            ],
            ksql_runtime_tests::http_server::End::Complete,
        ));
    }
    match statement {
        "SHOW QUERIES;" => {
            let queries = kept.queries.iter().map(|(id, query)| listed(id, query));
            let queries: Vec<Value> = queries.collect();
            Some(Play::json(
                json!([{ "@type": "queries", "statementText": statement, "queries": queries }]),
            ))
        }
        "SHOW PROPERTIES;" => Some(Play::json(
            json!([{ "@type": "properties", "statementText": statement,
            "properties": [{ "name": "ksql.persistent.prefix", "scope": "KSQL", "value": "query_" }] }]),
        )),
        _ => None,
    }
}

/// What a statement about queries does.
fn queried(kept: &mut Kept, statement: &Statement) -> Option<Play> {
    let text = statement.text();
    let (id, sink) = match statement.effect() {
        Effect::CreateAs {
            name,
            kind,
            replace,
        } => {
            if kept.sources.contains_key(name) && !replace {
                let message =
                    format!("Cannot add `{name}`: A source with the same name already exists.");
                return Some(Play::json(
                    json!([{ "@type": "warning_entity", "statementText": text, "message": message }]),
                ));
            }
            let (_, with) = text.split_once(" WITH (").unwrap_or_default();
            let topic = properties(with).get("KAFKA_TOPIC").copied();
            let source = json!({ "name": name, "type": kind.to_string(), "topic": topic, "readQueries": [], "statement": text, "fields": [] });
            kept.sources.insert(name.clone(), source);
            // A query that is there keeps its id.
            let known = kept
                .queries
                .iter()
                .find(|(id, query)| query.sink == *name && id.starts_with('C'));
            let id = match known {
                Some((id, _)) => id.clone(),
                None => {
                    kept.started += 1;
                    let kind = kind.to_string();
                    format!("C{}AS_{name}_{}", &kind[..1], kept.started)
                }
            };
            (id, name.clone())
        }
        Effect::InsertInto { name, query_id } => {
            kept.started += 1;
            let any = || format!("INSERTQUERY_{}", kept.started);
            let id = query_id.clone().unwrap_or_else(any);
            if kept.queries.contains_key(&id) {
                let message = format!("Query ID '{id}' already exists.");
                return Some(Play::error(40001, &message));
            }
            (id, name.clone())
        }
        Effect::Terminate { id } => {
            if kept.queries.remove(id).is_none() {
                return Some(Play::error(40001, &format!("Unknown queryId: {id}")));
            }
            return Some(done(text, None));
        }
        Effect::Drop { name } => {
            kept.sources.remove(name);
            kept.queries.retain(|_, query| query.sink != *name);
            return Some(done(text, None));
        }
        _ => return None,
    };
    let query = Query {
        sink,
        text: text.to_owned(),
        state: "RUNNING".to_owned(),
        errors: Vec::new(),
    };
    kept.queries.insert(id.clone(), query);
    Some(done(text, Some(&id)))
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

/// What stands in a `WITH (..)`, and in what follows, where that has no comma.
fn properties(with: &str) -> BTreeMap<&str, &str> {
    with.trim_end_matches([')', ';'])
        .split(", ")
        .filter_map(|property| property.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim().trim_matches('\'')))
        .collect()
}

/// Name and description of what a `CREATE` makes: plain columns, no types with commas in them.
fn described(statement: &str) -> (String, Value) {
    let (head, rest) = statement.split_once(" (").expect("columns");
    let (columns, with) = rest.split_once(") WITH (").expect("properties");
    let kind = head.split(' ').nth(1).expect("a kind");
    let name = plain(head.rsplit(' ').next().expect("a name"));
    let properties = properties(with);
    let fields: Vec<Value> = columns
        .split(", ")
        .map(|column| {
            let words: Vec<&str> = column.split(' ').collect();
            field(words[0], words[1], column.ends_with("KEY"))
        })
        .collect();
    let property = |name: &str| properties.get(name).copied().unwrap_or_default();
    // Without it the topic has as many as it has.
    let partitions: u32 = property("PARTITIONS").parse().unwrap_or(1);
    let source = json!({
        "name": name, "type": kind, "windowType": properties.get("WINDOW_TYPE"), "keyFormat": property("KEY_FORMAT"),
        "valueFormat": property("VALUE_FORMAT"), "topic": property("KAFKA_TOPIC"), "partitions": partitions,
        "timestamp": property("TIMESTAMP"), "readQueries": [], "writeQueries": [], "sourceConstraints": [],
        "statement": statement.replace("IF NOT EXISTS ", ""), "fields": fields,
    });
    (name.to_owned(), source)
}
