//! The ksqlDB client: every endpoint, every error code, several addresses, servers that are half dead.

use std::time::Duration;

use ksql_runtime::http::{Auth, HttpOptions};
use ksql_runtime::ksqldb::{
    Answer, Asked, Class, KsqlDb, KsqlDbError, KsqlDbOptions, ServerVersion,
};
use ksql_runtime::secret::Secret;
use ksql_runtime_tests::http_server::{Play, TestServer, closed_port};

/// Short waits, since what is waited for here never comes.
fn options(urls: &[String]) -> KsqlDbOptions {
    let mut http = HttpOptions::new(urls.iter().cloned());
    http.connect_timeout = Duration::from_secs(2);
    http.request_timeout = Duration::from_millis(300);
    let mut options = KsqlDbOptions::new(http);
    options.statement_timeout = Duration::from_millis(500);
    options.ready_timeout = Duration::from_millis(500);
    options.retry_from = Duration::from_millis(5);
    options.retry_to = Duration::from_millis(20);
    options
}

fn client(server: &TestServer) -> KsqlDb {
    KsqlDb::new(options(&[server.url()])).expect("a client")
}

#[tokio::test]
async fn info_and_its_version_are_read_from_every_version() {
    for (text, version) in [
        ("7.4.15-0", Some((7, 4, 15))),
        ("0.29.0", Some((0, 29, 0))),
        ("v0.10.2-ccs", Some((0, 10, 2))),
        ("8.5", Some((8, 5, 0))),
        ("main", None),
    ] {
        let server = TestServer::start(move |_| {
            Play::json(format!(
                r#"{{"KsqlServerInfo":{{"version":"{text}","kafkaClusterId":"c","ksqlServiceId":"default_","more":1}}}}"#
            ))
        });
        let info = client(&server).info().await.expect("the answer");
        assert_eq!(info.version, text);
        assert_eq!(info.ksql_service_id, "default_");
        assert_eq!(info.server_status, "", "old servers do not say");
        let expected = version.map(|(major, minor, patch)| ServerVersion {
            major,
            minor,
            patch,
        });
        assert_eq!(info.parsed_version(), expected, "{text}");
        assert_eq!(server.requests()[0].path, "/info");
    }
}

#[tokio::test]
async fn an_unhealthy_node_is_an_answer() {
    let server = TestServer::start(|_| {
        Play::json(
            r#"{"isHealthy":false,"details":{"metastore":{"isHealthy":true},"kafka":{"isHealthy":false}}}"#,
        )
    });
    let health = client(&server).healthcheck().await.expect("the answer");
    assert!(!health.is_healthy);
    assert_eq!(health.parts["metastore"], true);
    assert_eq!(health.parts["kafka"], false);
}

#[tokio::test]
async fn the_nodes_of_a_cluster_are_listed_and_where_they_are_not_that_is_told() {
    let server = TestServer::script(vec![
        Play::json(
            r#"{"clusterStatus":{"a:8088":{"hostAlive":true,"lastStatusUpdateMs":1},"b:8088":{"hostAlive":false}}}"#,
        ),
        Play::status(404, ""),
    ]);
    let ksql = client(&server);
    let nodes = ksql.cluster_status().await.expect("the answer");
    assert_eq!(
        nodes.into_iter().collect::<Vec<_>>(),
        [("a:8088".to_owned(), true), ("b:8088".to_owned(), false)]
    );
    let error = ksql.cluster_status().await.expect_err("no heartbeats");
    assert_eq!(error.class(), Some(Class::NotFound));
    assert!(
        error
            .to_string()
            .contains("error 40400: HTTP status 404: an empty body"),
        "{error}"
    );
}

#[tokio::test]
async fn a_property_is_valid_or_the_server_says_why_not() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/is_valid_property/auto.offset.reset" => Play::json("true"),
        _ => Play::error(40000, "prohibited"),
    });
    let ksql = client(&server);
    assert!(
        ksql.is_valid_property("auto.offset.reset")
            .await
            .expect("the answer")
    );
    let error = ksql
        .is_valid_property("ksql.service.id")
        .await
        .expect_err("refused");
    assert_eq!(error.class(), Some(Class::Invalid));
}

#[tokio::test]
async fn the_quotes_of_a_command_id_are_escaped() {
    let server = TestServer::start(|_| {
        Play::json(r#"{"status":"SUCCESS","message":"done","queryId":null}"#)
    });
    let status = client(&server)
        .status("stream/`S`/create")
        .await
        .expect("the answer");
    assert!(status.status.is_final());
    assert_eq!(server.requests()[0].path, "/status/stream/%60S%60/create");
}

#[tokio::test]
async fn every_request_carries_the_credentials_and_no_error_shows_them() {
    for (auth, header) in [
        (
            Auth::Basic {
                user: "ann".to_owned(),
                password: Secret::new("hunter2"),
            },
            "Basic YW5uOmh1bnRlcjI=",
        ),
        (Auth::Bearer(Secret::new("hunter2")), "Bearer hunter2"),
    ] {
        let server = TestServer::start(|_| Play::status(401, "who are you"));
        let mut options = options(&[server.url()]);
        options.http.auth = auth;
        let ksql = KsqlDb::new(options).expect("a client");
        for error in [
            ksql.info().await.expect_err("refused"),
            ksql.execute("SHOW STREAMS;").await.expect_err("refused"),
            ksql.rows("SELECT * FROM `T`;", &Default::default())
                .await
                .expect_err("refused"),
        ] {
            assert_eq!(error.class(), Some(Class::Forbidden));
            assert!(
                error
                    .to_string()
                    .contains("check the name and password for ksqlDB"),
                "{error}"
            );
            assert!(!format!("{error} {error:?} {ksql:?}").contains("hunter2"));
        }
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert_eq!(request.header("authorization"), Some(header));
            assert_eq!(
                request.header("accept"),
                Some("application/vnd.ksql.v1+json")
            );
        }
    }
}

#[test]
fn an_address_that_is_none_is_told_without_its_secrets() {
    for (url, told) in [
        ("ksqldb:8088", "it is no http or https address"),
        ("not an address", "relative URL without a base"),
        (
            "http://ann:hunter2@ksqldb:8088",
            "name and password belong into the settings",
        ),
    ] {
        let error = KsqlDb::new(options(&[url.to_owned()]))
            .expect_err("no address")
            .to_string();
        assert!(
            error.contains(told) && error.contains("write it as `http://host:8088`"),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert!(KsqlDb::new(options(&[])).is_err(), "none at all");
}

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
        40000, 40001, 40002, 40100, 40300, 40301, 40400, 41700, 42100, 42801, 50000,
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
async fn a_starting_server_is_asked_until_it_answers() {
    for code in [50301, 50302] {
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
async fn a_server_that_never_gets_ready_ends_in_its_own_error() {
    let server =
        TestServer::start(|_| Play::error(50302, "KSQL is not yet ready to serve requests."));
    let error = client(&server)
        .execute("SHOW STREAMS;")
        .await
        .expect_err("an error");
    assert_eq!(error.class(), Some(Class::Busy));
    assert!(
        error
            .to_string()
            .ends_with("not yet ready to serve requests.; ask again later"),
        "{error}"
    );
    assert!(server.requests().len() > 3, "it was asked again");
}

#[tokio::test]
async fn the_next_address_is_asked_where_the_first_is_dead_or_leaving() {
    let ends: [(&str, Option<Play>); 6] = [
        ("nobody listens", None),
        ("shutting down", Some(Play::error(50303, "shutting down"))),
        ("starting", Some(Play::error(50302, "not yet"))),
        ("half dead", Some(Play::Silence)),
        ("slammed", Some(Play::Slam)),
        (
            "hanging",
            Some(Play::HangingBody {
                announced: 100,
                body: "{\"Ksql".to_owned(),
            }),
        ),
    ];
    for (name, end) in ends {
        let bad = end.map(|play| TestServer::script(vec![play]));
        let bad_url = bad.as_ref().map_or_else(closed_port, TestServer::url);
        let good =
            TestServer::start(|_| Play::json(r#"{"KsqlServerInfo":{"version":"7.4.15-0"}}"#));
        let ksql = KsqlDb::new(options(&[bad_url, good.url()])).expect("a client");
        for _ in 0..3 {
            assert_eq!(ksql.info().await.expect(name).version, "7.4.15-0");
        }
        let asked = bad.as_ref().map_or(1, |server| server.requests().len());
        assert_eq!(
            asked, 1,
            "{name}: the address that answers is asked first from then on"
        );
        assert_eq!(good.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_statement_is_not_sent_to_the_next_address_where_the_first_may_have_taken_it() {
    let half_dead = TestServer::start(|request| match request.statement().as_str() {
        "DROP STREAM `S`;" => Play::Silence,
        _ => Play::error(40001, "Could not find STREAM/TABLE 'S' in the Metastore"),
    });
    let other = TestServer::start(|_| {
        Play::error(40001, "Could not find STREAM/TABLE 'S' in the Metastore")
    });
    let ksql = KsqlDb::new(options(&[half_dead.url(), other.url()])).expect("a client");
    ksql.execute("DROP STREAM `S`;")
        .await
        .expect("seen to be applied");
    assert!(
        other
            .statements()
            .iter()
            .all(|text| text.starts_with("DESCRIBE")),
        "{:?}",
        other.statements()
    );
}

#[tokio::test]
async fn where_nobody_listens_every_address_is_told() {
    let (first, second) = (closed_port(), closed_port());
    let ksql = KsqlDb::new(options(&[first.clone(), second.clone()])).expect("a client");
    let error = ksql.info().await.expect_err("nobody").to_string();
    assert!(error.starts_with("ksqlDB cannot be reached: "), "{error}");
    assert!(
        error.contains(&first) && error.contains(&second) && error.contains("refused"),
        "{error}"
    );
}

#[tokio::test]
async fn no_answer_and_half_an_answer_are_time_outs() {
    for play in [
        Play::Silence,
        Play::HangingBody {
            announced: 1000,
            body: r#"{"KsqlServerInfo":"#.to_owned(),
        },
    ] {
        let server = TestServer::script(vec![play]);
        let error = client(&server).info().await.expect_err("no answer");
        assert!(matches!(error, KsqlDbError::TimedOut { .. }), "{error}");
        assert!(
            error
                .to_string()
                .ends_with("did not answer `/info` within 300ms"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_ends_early_is_lost_and_not_an_answer() {
    for play in [
        Play::Slam,
        Play::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"KsqlServerInfo\"".to_vec()),
        Play::Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"Ks".to_vec()),
    ] {
        let server = TestServer::script(vec![play]);
        let error = client(&server).info().await.expect_err("no answer");
        assert!(matches!(error, KsqlDbError::Lost { .. }), "{error}");
        assert!(error.is_outcome_unknown());
    }
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
