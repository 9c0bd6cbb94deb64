//! Every endpoint that is asked with GET; credentials; addresses that are none.

use super::addresses::{client, options};
use ksql_runtime::http::Auth;
use ksql_runtime::ksqldb::{Class, KsqlDb, ServerVersion};
use ksql_runtime::secret::Secret;
use ksql_runtime_tests::http_server::{Play, TestServer};
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
    assert!(health.parts["metastore"]);
    assert!(!health.parts["kafka"]);
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
