//! The server, and what these tests do to it beside the client: insert records, clear away what an earlier run left.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{KsqlDb, KsqlDbOptions, Removal};
use ksql_runtime::schema::ddl::Operational;
use serde_json::{Value, json};

/// What every topic here begins with.
pub(crate) const PREFIX: &str = "ksql_live_";

/// How long anything may take. A `DROP` behind a busy query was seen to take 38 s.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// The address.
fn url() -> String {
    std::env::var("KSQLDB_URL").expect("KSQLDB_URL names a ksqlDB: http://host:8088")
}

/// Held by a test while it runs: several of them use the same names, and a server applies one statement at a time anyway.
pub(crate) async fn turn() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}

pub(crate) fn client() -> KsqlDb {
    KsqlDb::new(KsqlDbOptions::new(HttpOptions::new([url()]))).expect("a client")
}

/// The values of a definition, on topics of these tests.
pub(crate) fn operational(model: &ksql_runtime::schema::Entity<'_>) -> Operational<'static> {
    Operational {
        topic_prefix: PREFIX,
        replication: 1,
        ..Operational::of(model)
    }
}

/// Drops sources with their topics and all that was made from them, if they are of these tests.
pub(crate) async fn clear(ksql: &KsqlDb, names: &[&str]) {
    for name in names {
        let Some(found) = ksql.describe(name).await.expect("the server answers") else {
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
        ksql.drop_source(name, removal)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
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
