//! The server, and what these tests do to it beside the client: insert records, clear away what an earlier run left.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ksql_runtime::entity::Entity;
use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{
    Answer, Effect, Ensured, KsqlDb, KsqlDbOptions, Removal, SourceDefinition, Statement,
};
use ksql_runtime::schema::ddl::Operational;
use serde_json::{Value, json};

/// What every topic here begins with.
const PREFIX: &str = "ksql_live_";

/// A source of these tests on a topic of dead letters, for as long as it takes to delete that.
const LETTERS: &str = "LIVE_DEAD_LETTERS";

/// How long anything may take. A `DROP` behind a busy query was seen to take 38 s.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// The address.
pub(crate) fn url() -> String {
    std::env::var("KSQLDB_URL").expect("KSQLDB_URL names a ksqlDB: http://host:8088")
}

pub(crate) fn client() -> KsqlDb {
    KsqlDb::new(KsqlDbOptions::new(HttpOptions::new([url()]))).expect("a client")
}

/// The server while one test has it: several use the same names, and it applies one statement at a time anyway.
pub(crate) struct Place {
    pub(crate) ksql: KsqlDb,
    /// Before every topic. No other test and no other run has it: a topic that was deleted may be seen for a while, and a
    /// subject remembers what it held.
    pub(crate) prefix: String,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Place {
    pub(crate) async fn new() -> Place {
        Place::on(client()).await
    }

    /// Makes sure of what a program's statement makes.
    pub(crate) async fn ensured(&self, statement: &Statement) -> Ensured {
        let text = statement.text();
        let ensured = match statement.effect() {
            Effect::Create { .. } => {
                let definition = SourceDefinition::parse(text).expect("a definition");
                self.ksql.ensure_source(&definition).await
            }
            Effect::CreateAs { .. } | Effect::InsertInto { .. } => {
                self.ksql.ensure_query(text).await
            }
            other => panic!("a program creates and inserts: {other:?}: {text}"),
        };
        ensured.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// On any server.
    pub(crate) async fn on(ksql: KsqlDb) -> Place {
        static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let turn = TURN.lock().await;
        let fresh = uuid::Uuid::new_v4().simple().to_string();
        Place {
            ksql,
            prefix: format!("{PREFIX}{}_", &fresh[..8]),
            _turn: turn,
        }
    }

    /// The values of a definition, on topics of this test.
    pub(crate) fn operational(&self, model: &ksql_runtime::schema::Entity<'_>) -> Operational<'_> {
        Operational {
            topic_prefix: &self.prefix,
            replication: 1,
            ..Operational::of(model)
        }
    }

    /// The sources of an entity, on topics of this test.
    pub(crate) fn definitions<T: Entity>(&self) -> Vec<SourceDefinition> {
        SourceDefinition::of_model(T::MODEL, &self.operational(T::MODEL))
            .expect("the entity's own statement")
    }

    /// Creates the sources of an entity.
    pub(crate) async fn created<T: Entity>(&self) {
        for definition in self.definitions::<T>() {
            let ensured = self
                .ksql
                .ensure_source(&definition)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert!(matches!(ensured, Ensured::Created { .. }), "{ensured:?}");
        }
    }

    /// Drops sources with their topics and all that was made from them, if they are of these tests: of this run or of one
    /// that did not come to its end.
    pub(crate) async fn clear(&self, names: &[&str]) {
        for name in names {
            let found = self
                .ksql
                .describe(name)
                .await
                .expect("the server describes");
            let Some(found) = found else {
                continue;
            };
            assert!(
                found.topic.starts_with(PREFIX),
                "`{name}` is on topic `{}`, which is none of these tests: use a server without it",
                found.topic
            );
            let removal = Removal {
                delete_topic: true,
                cascade: true,
            };
            self.ksql
                .drop_source(name, removal)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    /// Deletes the topic of dead letters that a program of this test has made: no source is on it, and the server deletes what
    /// it drops.
    async fn clear_dead_letters(&self) {
        let topic = format!("{}system.dlq", self.prefix);
        if !self.topics().await.contains(&topic) {
            return;
        }
        let source = format!(
            "CREATE STREAM IF NOT EXISTS `{LETTERS}` (`LETTER` STRING) WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='KAFKA');"
        );
        let made = self.ksql.execute(&source).await;
        made.unwrap_or_else(|error| panic!("{error}"));
        self.clear(&[LETTERS]).await;
    }

    /// Drops sources, and waits until nothing of this test is left.
    pub(crate) async fn leave(self, names: &[&str]) {
        self.clear(names).await;
        self.clear_dead_letters().await;
        for name in names {
            assert_eq!(
                self.ksql.describe(name).await.expect("an answer"),
                None,
                "{name} is dropped"
            );
        }
        let mut left = Vec::new();
        let gone = async {
            let mut pause = tokio::time::interval(Duration::from_millis(200));
            loop {
                pause.tick().await;
                left = self.topics().await;
                if left.is_empty() {
                    return;
                }
            }
        };
        if tokio::time::timeout(LONG, gone).await.is_err() {
            panic!("these topics are still there: {left:?}");
        }
    }

    /// The topics of this test that are there.
    async fn topics(&self) -> Vec<String> {
        let done = self.ksql.execute("SHOW TOPICS;").await.expect("the topics");
        let [Answer::Topics(topics)] = done.answers.as_slice() else {
            panic!("topics: {done:?}")
        };
        let names = topics.iter().map(|topic| topic.name.clone());
        names
            .filter(|name| name.starts_with(&self.prefix))
            .collect()
    }
}

/// Writes records with `INSERT INTO .. VALUES`, many in a request.
pub(crate) fn insert(source: &str, columns: &str, rows: &[String]) {
    for rows in rows.chunks(50) {
        let statements: Vec<String> = rows
            .iter()
            .map(|row| format!("INSERT INTO `{source}` ({columns}) VALUES ({row});"))
            .collect();
        let body = json!({ "ksql": statements.join("\n"), "streamsProperties": {} }).to_string();
        let (status, answer) = post("/ksql", &body);
        assert_eq!(status, 200, "{source}: {answer}");
    }
}

/// One request over a connection of its own.
fn post(path: &str, body: &str) -> (u16, Value) {
    let url = url();
    let address = url
        .strip_prefix("http://")
        .expect("these tests insert over plain http")
        .trim_end_matches('/')
        .to_owned();
    let mut connection = TcpStream::connect(&address).expect("the server listens");
    connection.set_read_timeout(Some(LONG)).expect("a time-out");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection
        .write_all(head.as_bytes())
        .expect("the request is sent");
    connection
        .write_all(body.as_bytes())
        .expect("the request is sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    // A body in chunks is read as far as it is shown: only its status counts.
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
    (status, body)
}
