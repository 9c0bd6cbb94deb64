//! Several addresses, and servers that are dead, half dead, or leaving.

use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{KsqlDb, KsqlDbError, KsqlDbOptions};
use ksql_runtime_tests::http_server::{Play, TestServer, closed_port};
/// Waits for as long as a loaded machine may take.
pub(crate) fn options(urls: &[String]) -> KsqlDbOptions {
    let mut http = HttpOptions::new(urls.iter().cloned());
    http.connect_timeout = Duration::from_secs(120);
    http.request_timeout = Duration::from_secs(120);
    let mut options = KsqlDbOptions::new(http);
    options.statement_timeout = Duration::from_secs(300);
    options.ready_timeout = Duration::from_secs(300);
    options.retry_from = Duration::from_millis(5);
    options.retry_to = Duration::from_millis(20);
    options
}

pub(crate) fn client(server: &TestServer) -> KsqlDb {
    KsqlDb::new(options(&[server.url()])).expect("a client")
}

/// As [`options`], with short waits for an answer that never comes.
fn undeterred(urls: &[String]) -> KsqlDb {
    let mut options = options(urls);
    options.http.request_timeout = Duration::from_secs(3);
    KsqlDb::new(options).expect("a client")
}

#[tokio::test]
async fn the_next_address_is_asked_where_the_first_is_dead_or_leaving() {
    let ends: [(&str, Option<Play>); 8] = [
        ("nobody listens", None),
        ("shutting down", Some(Play::error(50303, "shutting down"))),
        ("shut down", Some(Play::error(50304, "shut down"))),
        ("starting", Some(Play::error(50302, "not yet"))),
        ("limiting", Some(Play::error(42900, "slow down"))),
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
        let ksql = undeterred(&[bad_url, good.url()]);
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
    let ksql = undeterred(&[half_dead.url(), other.url()]);
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
async fn no_answer_half_an_answer_and_one_that_drips_are_time_outs() {
    // A good answer behind blanks: none of them comes late, and all of them would take ten seconds.
    let mut chunks = vec![" "; 200];
    chunks.push(r#"{"KsqlServerInfo":{"version":"7.4.15-0"}}"#);
    for play in [
        Play::Silence,
        Play::drip(&chunks, Duration::from_millis(50)),
        Play::HangingBody {
            announced: 1000,
            body: r#"{"KsqlServerInfo":"#.to_owned(),
        },
    ] {
        let server = TestServer::script(vec![play]);
        let mut options = options(&[server.url()]);
        options.http.request_timeout = Duration::from_secs(1);
        let ksql = KsqlDb::new(options).expect("a client");
        let error = ksql.info().await.expect_err("no answer");
        assert!(matches!(error, KsqlDbError::TimedOut { .. }), "{error}");
        assert!(
            error
                .to_string()
                .ends_with("did not answer `/info` within 1s"),
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
