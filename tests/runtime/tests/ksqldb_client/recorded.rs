//! Exchanges recorded from a running server, played back byte for byte and cut elsewhere: every one that this client could
//! have had is read, and means what happened. Which those are, and why the others are none, is said for every exchange by
//! [`played`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{
    Answer, Class, KsqlDb, KsqlDbError, KsqlDbOptions, RowStream, Select, Statement,
};
use ksql_runtime_tests::http_server::{End, Play, TestServer};
use ksql_runtime_tests::recorded::{Exchange, exchanges_or_skip};
use ksql_runtime_tests::test_name;
use serde_json::{Value, json};

use super::common::{STOCK, Stock};

const FILES: [&str; 12] = [
    "server",
    "create",
    "persistent",
    "status",
    "describe",
    "errors",
    "registry-down",
    "pull",
    "push",
    "types",
    "lifecycle",
    "shutdown",
];

/// A client that waits for as long as a loaded machine may take.
pub(crate) fn client(server: &TestServer) -> KsqlDb {
    client_of(server, |_| {})
}

pub(crate) fn client_of(server: &TestServer, change: impl FnOnce(&mut KsqlDbOptions)) -> KsqlDb {
    let mut options = KsqlDbOptions::new(HttpOptions::new([server.url()]));
    options.retry_from = Duration::from_millis(1);
    change(&mut options);
    KsqlDb::new(options).expect("a client")
}

/// How an exchange is played here.
enum Played {
    /// As the answer to its statement.
    Statement(Statement),
    /// As the answer to a question of this client.
    Question,
    /// As the rows of its query, whole and cut.
    Rows,
    /// As the answer to the end of a push query.
    Close,
    /// This client sends no such request. A server that refuses one of its own says so in the same words.
    Refusal,
    /// Not: why this client never has such an answer.
    Never(&'static str),
}

fn played(exchange: &Exchange) -> Played {
    let refused = exchange.status >= 400;
    match (exchange.method.as_str(), exchange.path.as_str()) {
        ("POST", "/ksql") => {
            match Statement::split(&exchange.statement).map(<[Statement; 1]>::try_from) {
                Ok(Ok([statement])) => Played::Statement(statement),
                _ if refused => Played::Refusal,
                _ => Played::Never("several statements at once, or none"),
            }
        }
        ("POST", "/close-query") => Played::Close,
        ("POST", path) if path.starts_with("/query") && exchange.is_rows() => {
            // Malformed on purpose.
            let other = Statement::split(&exchange.statement).is_ok();
            match other || exchange.statement.is_empty() {
                true => Played::Refusal,
                false => Played::Rows,
            }
        }
        ("POST", "/query-stream") => Played::Never("rows in the form without tombstones"),
        ("POST", "/query") => Played::Never("records that are printed"),
        ("GET", path) => match path.split('/').nth(1) {
            Some("info" | "healthcheck" | "clusterStatus" | "is_valid_property") => {
                Played::Question
            }
            Some("status") => match path.strip_prefix("/status/") {
                Some(id) if id.contains('/') => Played::Question,
                _ => Played::Never("the status of no command"),
            },
            _ => Played::Never("an endpoint of others"),
        },
        _ => Played::Never("an endpoint of others"),
    }
}

/// How long a stream that fell silent is waited for: longer each time, where a machine that is slow seems silent itself.
const SILENCES: [Duration; 4] = [
    Duration::from_millis(300),
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
];

/// The code in an error answer.
fn code(exchange: &Exchange) -> u32 {
    let body: Value = serde_json::from_str(&exchange.body()).unwrap_or_default();
    let code = body["error_code"]
        .as_u64()
        .unwrap_or(u64::from(exchange.status) * 100);
    u32::try_from(code).expect("a code")
}

fn server_error(error: &KsqlDbError) -> (u32, Class) {
    match error {
        KsqlDbError::Server(error) => (error.code, error.class),
        KsqlDbError::OutcomeUnknown { cause, .. } | KsqlDbError::NotReady { cause, .. } => {
            server_error(cause)
        }
        other => panic!("the server's error: {other}"),
    }
}

#[tokio::test]
async fn every_statement_has_the_answer_that_was_recorded() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut classes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut seen = 0;
    for exchange in &exchanges {
        let Played::Statement(statement) = played(exchange) else {
            continue;
        };
        seen += 1;
        let answer = exchange.clone();
        let text = statement.text().to_owned();
        let server = TestServer::start(move |request| match request.path.as_str() {
            "/ksql" if request.statement() == text => answer.play(0),
            // What is looked up around it.
            "/ksql" if request.statement() == "SHOW QUERIES;" => {
                Play::json(json!([{ "@type": "queries", "queries": [] }]))
            }
            "/ksql" => Play::Slam,
            _ => Play::json(json!({ "status": "SUCCESS", "message": "", "queryId": null })),
        });
        let name = &exchange.name;
        let ksql = client_of(&server, |options| {
            if exchange.status >= 400 {
                // It answers the same for ever.
                options.statement_timeout = Duration::from_millis(20);
                options.ready_timeout = Duration::ZERO;
            }
        });
        match ksql.execute_parsed(&statement).await {
            Ok(done) => {
                assert_eq!(exchange.status, 200, "{name}");
                assert!(
                    !done
                        .answers
                        .iter()
                        .any(|answer| matches!(answer, Answer::Other { .. })),
                    "{name}: {:?}",
                    done.answers
                );
                assert!(!done.answers.is_empty(), "{name}");
            }
            Err(error) => {
                let (told, class) = server_error(&error);
                assert_eq!(told, code(exchange), "{name}: {error}");
                classes
                    .entry(format!("{class:?}"))
                    .or_default()
                    .insert(name.clone());
            }
        }
    }
    assert!(seen > 150, "{seen} statements were played");
    let class = |name: &str| classes.get(name).cloned().unwrap_or_default();
    let names = |file: &str, names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| format!("{file}: {name}")).collect()
    };
    let down = [
        "create stream, columns given",
        "create stream, columns inferred",
        "create stream as select",
    ];
    assert_eq!(class("Dependency"), names("registry-down", &down));
    assert_eq!(
        class("Busy"),
        names(
            "server",
            &[
                "command sequence number never reached",
                "starting: statement, answer 1"
            ]
        )
    );
    assert!(class("OutcomeUnknown").contains("lifecycle: drop stream delete topic, topic missing"));
    assert_eq!(class("Assertion").len(), 6, "{:?}", class("Assertion"));
    assert!(class("Invalid").len() > 60, "{:?}", class("Invalid"));
}

#[tokio::test]
async fn every_other_endpoint_has_the_answer_that_was_recorded() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut seen = 0;
    let question = |exchange: &&Exchange| matches!(played(exchange), Played::Question);
    for exchange in exchanges.iter().filter(question) {
        let answer = exchange.clone();
        let server = TestServer::start(move |_| answer.play(0));
        let ksql = client(&server);
        let name = &exchange.name;
        let path = exchange.path.clone();
        let answered = match path.trim_start_matches('/').split_once('/') {
            None if path == "/info" => ksql
                .info()
                .await
                .map(|info| assert_eq!(info.version, "7.4.15-0", "{name}")),
            None if path == "/healthcheck" => ksql
                .healthcheck()
                .await
                .map(|health| assert!(health.is_healthy && health.parts.len() == 3, "{name}")),
            None if path == "/clusterStatus" => ksql.cluster_status().await.map(|_| ()),
            Some(("is_valid_property", property)) => ksql
                .is_valid_property(property)
                .await
                .map(|valid| assert!(valid, "{name}")),
            Some(("status", id)) => {
                let answered = ksql.status(&id.replace("%60", "`")).await;
                assert_eq!(server.requests()[0].path, path, "{name}");
                answered.map(|_| ())
            }
            _ => panic!("{name}: nobody asks for {path}"),
        };
        seen += 1;
        match answered {
            Ok(()) => assert_eq!(exchange.status, 200, "{name}"),
            Err(error) => assert_eq!(server_error(&error).0, code(exchange), "{name}: {error}"),
        }
    }
    assert!(seen > 20, "{seen} requests were played");
}

/// Reads to the end, and tells how it ended.
async fn drain(rows: &mut RowStream) -> (Vec<String>, String) {
    let mut found = Vec::new();
    loop {
        match rows.next().await {
            Ok(Some(row)) => found.push(format!("{row:?}")),
            Ok(None) => return (found, format!("{:?}", rows.end().expect("an end"))),
            Err(KsqlDbError::Lost { .. }) => return (found, "Lost".to_owned()),
            Err(KsqlDbError::TimedOut { .. }) => return (found, "Silent".to_owned()),
            Err(KsqlDbError::Value { error, .. }) => found.push(error.to_string()),
            Err(error) => return (found, format!("{:?}", server_error(&error))),
        }
    }
}

/// The rows of an exchange that comes in chunks of so many bytes, and how it ended.
async fn read_cut(
    exchange: &Exchange,
    cut: usize,
    patience: Option<Duration>,
) -> (Vec<String>, String) {
    let answer = exchange.clone();
    let server = TestServer::start(move |_| answer.play(cut));
    let name = &exchange.name;
    let ksql = client_of(&server, |options| options.idle_timeout = patience);
    match ksql.rows(&exchange.statement, &BTreeMap::new()).await {
        Ok(mut rows) => {
            assert!(
                rows.query_id().starts_with("transient_") || rows.query_id().starts_with("query_"),
                "{name}"
            );
            drain(&mut rows).await
        }
        Err(error) => {
            assert_eq!(server_error(&error).0, code(exchange), "{name}: {error}");
            (Vec::new(), format!("{:?}", server_error(&error)))
        }
    }
}

#[tokio::test]
async fn every_stream_of_rows_is_read_alike_wherever_its_chunks_end() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let rows = |exchange: &&Exchange| matches!(played(exchange), Played::Rows);
    for exchange in exchanges.iter().filter(rows) {
        let mut first = None;
        let silent = exchange.end() == End::Silent;
        for cut in if silent {
            vec![0, 7]
        } else {
            vec![0, 1, 7, 1000]
        } {
            let name = &exchange.name;
            let rows = exchange.body().matches("{\"row\":").count();
            let mut told = (Vec::new(), String::new());
            for patience in SILENCES {
                told = read_cut(exchange, cut, silent.then_some(patience)).await;
                if told.0.len() == rows {
                    break;
                }
            }
            assert_eq!(told.0.len(), rows, "{name}, cut at {cut}");
            match exchange.end() {
                End::Complete => {}
                End::Broken => assert_eq!(told.1, "Lost", "{name}"),
                End::Silent => assert_eq!(told.1, "Silent", "{name}"),
            }
            let first = first.get_or_insert_with(|| told.clone());
            assert_eq!(*first, told, "{name}, cut at {cut}");
        }
        *ends.entry(first.expect("an answer").1).or_default() += 1;
    }
    for end in [
        "Complete",
        "Completed",
        "LimitReached",
        "Lost",
        "Silent",
        "(40001, NotReady)",
        "(50000, NotReady)",
        "(40001, NotQueryable)",
        "(40001, Invalid)",
        "(50000, Invalid)",
        "(50302, Busy)",
    ] {
        assert!(ends.contains_key(end), "{end} was among them: {ends:?}");
    }
}

#[tokio::test]
async fn a_push_query_is_ended_as_the_server_wants_it_and_is_over_where_it_is_not_known() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut codes = BTreeSet::new();
    let close = |exchange: &&Exchange| matches!(played(exchange), Played::Close);
    for exchange in exchanges.iter().filter(close) {
        let (name, answer) = (&exchange.name, exchange.clone());
        let row = "{\"row\":{\"columns\":[\"nut\",1]}},\n";
        let server = TestServer::start(move |request| match request.path.as_str() {
            "/close-query" => answer.play(0),
            _ => Play::stream(&[STOCK, row], End::Silent),
        });
        let mut changes = client(&server).push(Select::<Stock>::all());
        changes.next().await.expect("a row").expect("a good one");
        let closed = changes.close().await;
        closed.unwrap_or_else(|error| panic!("{name}: {error}"));
        let asked = server.wait_for(|request| request.path == "/close-query");
        assert_eq!(asked.method, exchange.method, "{name}");
        assert_eq!(asked.json(), json!({ "queryId": "transient_STOCK_1" }));
        codes.insert(code(exchange));
    }
    assert_eq!(codes, BTreeSet::from([20000, 40000]));
}

#[tokio::test]
async fn what_is_refused_of_others_requests_is_told_by_its_code() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut codes = BTreeSet::new();
    let refusal = |exchange: &&Exchange| matches!(played(exchange), Played::Refusal);
    for exchange in exchanges.iter().filter(refusal) {
        let (name, answer) = (&exchange.name, exchange.clone());
        let server = TestServer::start(move |_| answer.play(0));
        let ksql = client_of(&server, |options| {
            options.statement_timeout = Duration::from_millis(20);
            options.ready_timeout = Duration::ZERO;
        });
        let error = match exchange.path.as_str() {
            "/ksql" => ksql.execute("SHOW STREAMS;").await.map(drop),
            _ => ksql
                .rows("SELECT * FROM `STOCK`;", &BTreeMap::new())
                .await
                .map(drop),
        }
        .expect_err(name);
        assert_eq!(server_error(&error).0, code(exchange), "{name}: {error}");
        codes.insert(code(exchange));
    }
    assert_eq!(codes, BTreeSet::from([40000, 40001, 40002, 50000]));
}

#[test]
fn every_recorded_exchange_is_played_or_is_one_this_client_never_has() {
    let Some(exchanges) = exchanges_or_skip(test_name!(), &FILES) else {
        return;
    };
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for exchange in &exchanges {
        let how = match played(exchange) {
            Played::Statement(_) => "statements",
            Played::Question => "questions",
            Played::Rows => "rows",
            Played::Close => "ends",
            Played::Refusal => "refusals",
            Played::Never(why) => why,
        };
        *all.entry(how).or_default() += 1;
    }
    assert_eq!(exchanges.len(), 413, "{all:?}");
    let expected = BTreeMap::from([
        ("an endpoint of others", 8),
        ("ends", 4),
        ("questions", 26),
        ("records that are printed", 1),
        ("refusals", 14),
        ("rows", 98),
        ("rows in the form without tombstones", 46),
        ("several statements at once, or none", 6),
        ("statements", 207),
        ("the status of no command", 3),
    ]);
    assert_eq!(all, expected);
}
