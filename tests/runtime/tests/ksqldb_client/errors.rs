//! Every error code, and answers of every version and of none.

use std::time::Duration;

use super::addresses::{client, options};
use ksql_runtime::ksqldb::{Answer, Asked, Class, KsqlDb, KsqlDbError};
use ksql_runtime_tests::http_server::{Play, TestServer};
#[test]
fn every_code_has_its_class() {
    use Asked::{Pull, Push, Read, Statement};
    let cases = [
        (40000, "bad request", Statement, Class::Invalid),
        (40001, "line 1:1: Syntax Error", Statement, Class::Invalid),
        (40002, "SELECT", Statement, Class::Invalid),
        (40003, "too many push queries", Push, Class::Busy),
        (40004, "HTTP2 only", Read, Class::Invalid),
        (40005, "internal", Read, Class::Invalid),
        (40100, "who", Read, Class::Forbidden),
        (40300, "no", Statement, Class::Forbidden),
        (40301, "no ACL", Pull, Class::Forbidden),
        (40400, "Command not found", Read, Class::NotFound),
        (41700, "Topic nope does not exist", Read, Class::Assertion),
        (42100, "misdirected", Read, Class::Invalid),
        (42801, "no registry", Statement, Class::Invalid),
        (42900, "slow down", Pull, Class::Busy),
        (50000, "boom", Statement, Class::OutcomeUnknown),
        (50000, "boom", Read, Class::Fault),
        (50000, "boom", Pull, Class::NotReady),
        (50000, "boom", Push, Class::NotReady),
        (
            50000,
            "Table scan unsupported on session tables",
            Pull,
            Class::Invalid,
        ),
        (50301, "command topic", Statement, Class::Busy),
        (50302, "not yet ready", Read, Class::Busy),
        (50303, "shutting down", Statement, Class::OtherNode),
        (50304, "shut down", Pull, Class::OtherNode),
        (
            40001,
            "Cannot determine which host contains the required partitions",
            Pull,
            Class::NotReady,
        ),
        (
            40001,
            "Materialized data for key ['a'] is not available yet.",
            Pull,
            Class::NotReady,
        ),
        (
            40001,
            "The `T` table isn't queryable.",
            Pull,
            Class::NotQueryable,
        ),
        (
            40001,
            "Cannot determine which host contains the required partitions",
            Statement,
            Class::Invalid,
        ),
        (
            40001,
            "Could not get latest schema for subject s",
            Statement,
            Class::Dependency,
        ),
        (
            40001,
            "Could not register schema for topic: Connection refused",
            Statement,
            Class::Dependency,
        ),
        // Gateways in front of ksqlDB.
        (50200, "bad gateway", Statement, Class::OutcomeUnknown),
        (50300, "no upstream", Statement, Class::Busy),
        (50400, "gateway time-out", Pull, Class::Busy),
        (41300, "too large", Statement, Class::Invalid),
        (59900, "newer", Statement, Class::OutcomeUnknown),
        (59900, "newer", Pull, Class::Fault),
    ];
    for (code, message, asked, class) in cases {
        assert_eq!(
            Class::of(code, message, asked),
            class,
            "{code} {message} {asked:?}"
        );
    }
    for class in [
        Class::Invalid,
        Class::Forbidden,
        Class::NotFound,
        Class::OutcomeUnknown,
    ] {
        assert!(!class.is_retryable(), "{class:?}");
    }
}

#[tokio::test]
async fn every_code_is_told_with_the_statement_and_the_servers_text() {
    for code in [
        40000, 40001, 40002, 40004, 40005, 40100, 40300, 40301, 40400, 41700, 42100, 42801, 50000,
    ] {
        let server = TestServer::start(move |_| Play::error(code, "because"));
        let error = client(&server)
            .execute("SHOW STREAMS;")
            .await
            .expect_err("an error");
        let KsqlDbError::Server(told) = &error else {
            panic!("the server's error: {error}");
        };
        assert_eq!((told.code, told.message.as_str()), (code, "because"));
        assert_eq!(told.statement.as_deref(), Some("SHOW STREAMS;"));
        let beginning = format!(
            "ksqlDB at {}/ answered `SHOW STREAMS;` with error {code}: because",
            server.url()
        );
        assert!(error.to_string().starts_with(&beginning), "{error}");
        assert_eq!(server.requests().len(), 1, "{code} is not asked again");
    }
}

#[tokio::test]
async fn a_server_that_starts_or_limits_is_asked_until_it_answers() {
    for code in [50301, 50302, 42900] {
        let server = TestServer::script(vec![
            Play::error(code, "not yet"),
            Play::error(code, "not yet"),
            Play::json(
                r#"[{"@type":"streams","statementText":"SHOW STREAMS;","streams":[],"warnings":[]}]"#,
            ),
        ]);
        let done = client(&server)
            .execute("SHOW STREAMS;")
            .await
            .expect("the third answer");
        assert_eq!(done.answers, [Answer::Sources(Vec::new())]);
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_question_is_asked_again_while_the_connection_is_bad() {
    let empty = r#"[{"@type":"queries","queries":[]}]"#;
    let server = TestServer::script(vec![
        Play::Slam,
        Play::error(50303, "shutting down"),
        Play::error(50304, "shut down"),
        Play::json(empty),
    ]);
    let found = client(&server).queries().await.expect("the fourth answer");
    assert!(found.is_empty());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_server_that_never_gets_ready_ends_in_its_own_error() {
    let server =
        TestServer::start(|_| Play::error(50302, "KSQL is not yet ready to serve requests."));
    let mut options = options(&[server.url()]);
    options.ready_timeout = Duration::from_secs(2);
    let ksql = KsqlDb::new(options).expect("a client");
    let error = ksql.execute("SHOW STREAMS;").await.expect_err("an error");
    assert_eq!(error.class(), Some(Class::Busy));
    assert!(
        error
            .to_string()
            .ends_with("not yet ready to serve requests.; ask again later"),
        "{error}"
    );
    assert!(server.requests().len() > 1, "it was asked again");
}

#[tokio::test]
async fn what_is_no_answer_of_ksqldb_is_told_with_its_beginning() {
    for body in ["<html>welcome</html>", "{\"KsqlServerInfo\":", "[]", ""] {
        let body = body.to_owned();
        let shown = body.clone();
        let server = TestServer::start(move |_| Play::json(&body));
        let error = client(&server).info().await.expect_err("no answer");
        assert!(matches!(error, KsqlDbError::Garbled { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(if shown.is_empty() {
                "an empty body"
            } else {
                &shown
            }),
            "{text}"
        );
        assert!(text.contains("does a proxy change its answers?"), "{text}");
    }
    let server = TestServer::start(|_| Play::status(502, "<html>bad gateway</html>"));
    let error = client(&server)
        .info()
        .await
        .expect_err("no answer")
        .to_string();
    assert!(
        error.contains("error 50200: HTTP status 502: <html>bad gateway</html>"),
        "{error}"
    );
}

#[test]
fn answers_of_every_version_are_read() {
    let queries = |text: &str| match Answer::read_all(text).expect("a list").remove(0) {
        Answer::Queries(queries) => queries,
        other => panic!("queries: {other:?}"),
    };
    // New: both fields. Older: one of them, or counts within the text. Oldest: an id in an object, and no state at all.
    let new = queries(
        r#"[{"@type":"queries","queries":[{"queryString":"Q","sinks":["S"],"sinkKafkaTopics":["s"],"id":"CSAS_S_1","statusCount":{"RUNNING":1},"queryType":"PERSISTENT","state":"RUNNING"}]}]"#,
    );
    assert_eq!(
        (new[0].id.as_str(), new[0].worst_state()),
        ("CSAS_S_1", "RUNNING")
    );
    for (text, state) in [
        (
            r#"{"id":"Q","statusCount":{"RUNNING":1,"ERROR":1}}"#,
            "ERROR",
        ),
        (
            r#"{"id":"Q","state":"RUNNING:2,UNRESPONSIVE:1"}"#,
            "UNRESPONSIVE",
        ),
        (r#"{"id":{"id":"Q"},"state":null,"sinks":null}"#, ""),
        (
            r#"{"id":"Q","state":"RUNNING","statusCount":{"RUNNING":2,"ERROR":1}}"#,
            "ERROR",
        ),
    ] {
        let found = queries(&format!(r#"[{{"@type":"queries","queries":[{text}]}}]"#));
        assert_eq!(
            (found[0].id.as_str(), found[0].worst_state()),
            ("Q", state),
            "{text}"
        );
    }
    let unknown =
        Answer::read_all(r#"[{"@type":"something_newer","x":1},{"no":"type"}]"#).expect("a list");
    assert!(
        matches!(&unknown[0], Answer::Other { name, json } if name == "something_newer" && json.contains("\"x\":1"))
    );
    assert!(matches!(&unknown[1], Answer::Other { name, .. } if name.is_empty()));
    assert!(Answer::read_all("{}").is_err(), "an answer is a list");
}
