//! Exchanges recorded from a running server, played back byte for byte and cut elsewhere: every one that this client could
//! have had is read, and means what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{
    Answer, Class, KsqlDb, KsqlDbError, KsqlDbOptions, RowStream, Statement,
};
use ksql_runtime_tests::http_server::{End, Play, TestServer};
use ksql_runtime_tests::recorded::{Exchange, exchanges_or_skip};
use ksql_runtime_tests::test_name;
use serde_json::{Value, json};

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
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange.path == "/ksql" && exchange.method == "POST")
    {
        let statement = match Statement::split(&exchange.statement).map(<[Statement; 1]>::try_from)
        {
            Ok(Ok([statement])) => statement,
            // Several at once, none at all, and what is not sent this way.
            Ok(Err(_)) | Err(_) => continue,
        };
        seen += 1;
        let played = exchange.clone();
        let text = statement.text().to_owned();
        let server = TestServer::start(move |request| match request.path.as_str() {
            "/ksql" if request.statement() == text => played.play(0),
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
    for exchange in exchanges.iter().filter(|exchange| exchange.method == "GET") {
        let played = exchange.clone();
        let server = TestServer::start(move |_| played.play(0));
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
            Some(("status", id)) if id.contains('/') => {
                let answered = ksql.status(&id.replace("%60", "`")).await;
                assert_eq!(server.requests()[0].path, path, "{name}");
                answered.map(|_| ())
            }
            _ => continue,
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
    let played = exchange.clone();
    let server = TestServer::start(move |_| played.play(cut));
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
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange.path == "/query-stream" && exchange.is_rows())
    {
        if Statement::split(&exchange.statement).is_ok() || exchange.statement.is_empty() {
            // Malformed on purpose: this client sends no such query.
            continue;
        }
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
