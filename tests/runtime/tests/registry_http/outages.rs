//! Registries that are away, slow, or half dead.

use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::registry::{HttpRegistry, RegistryError};
use ksql_runtime_tests::http_server::closed_port;
use serde_json::json;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{INT, asked, client, for_a_while, ok, on, patient, refused, server};

#[tokio::test]
async fn a_registry_that_is_away_is_an_error_that_may_pass_and_stops_no_known_schema() {
    let server = MockServer::start().await;
    let options = HttpOptions::new([server.uri()]);
    let registry = HttpRegistry::with_patience(&options, for_a_while()).expect("a client");
    on(&server, "GET", "/schemas/ids/7", ok(json!({"schema": INT}))).await;
    on(
        &server,
        "POST",
        "/subjects/s",
        ok(json!({"subject": "s", "version": 1, "id": 7, "schema": INT})),
    )
    .await;
    registry.schema_by_id(7).await.expect("by id");
    registry.register("s", INT).await.expect("registered");
    server.reset().await;
    on(
        &server,
        "GET",
        "/schemas/ids/8",
        refused(500, 50001, "Error in the backend data store"),
    )
    .await;
    assert_eq!(registry.schema_by_id(7).await.expect("known").as_ref(), INT);
    assert_eq!(registry.register("s", INT).await.expect("known"), 7);
    let error = registry.schema_by_id(8).await.expect_err("away");
    assert!(error.is_transient());
    assert_eq!(
        error.to_string(),
        format!(
            "the schema registry at {} could not give the schema 8 (HTTP 500): Error in the backend data store (error code \
             50001)",
            server.uri()
        )
    );
    assert!(asked(&server).await.len() > 2, "it was asked again");
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address_and_the_cause() {
    let url = closed_port();
    let error = client(&HttpOptions::new([&url]))
        .subjects()
        .await
        .expect_err("nobody");
    assert!(error.is_transient());
    let told = error.to_string();
    // The number is the system's.
    let (start, end) = told.split_once(" (os error ").expect("the cause");
    assert_eq!(
        start,
        "the schema registry cannot be reached: Connection refused"
    );
    let (_, end) = end.split_once(')').expect("the number");
    assert_eq!(
        end,
        format!("; check its address ({url}), and that it is running")
    );
}

#[tokio::test]
async fn every_refusal_of_a_moment_is_asked_again_until_there_is_an_answer() {
    for status in [408, 429, 500, 502, 503, 504] {
        let server = MockServer::start().await;
        let options = HttpOptions::new([server.uri()]);
        let registry = HttpRegistry::with_patience(&options, patient()).expect("a client");
        Mock::given(path("/subjects"))
            .respond_with(ResponseTemplate::new(status))
            .up_to_n_times(4)
            .mount(&server)
            .await;
        on(&server, "GET", "/subjects", ok(json!(["b", "a"]))).await;
        assert_eq!(registry.subjects().await.expect("in the end"), ["a", "b"]);
        assert_eq!(asked(&server).await.len(), 5, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_says_when_to_come_back_is_not_asked_before() {
    let (server, registry) = server().await;
    let later = ResponseTemplate::new(429).insert_header("retry-after", "3600");
    on(&server, "GET", "/subjects", later).await;
    let error = registry
        .subjects()
        .await
        .expect_err("not within the patience");
    assert!(
        matches!(error, RegistryError::Unavailable { status: 429, .. }),
        "{error:?}"
    );
    assert_eq!(asked(&server).await.len(), 1);
}

#[tokio::test]
async fn a_slow_server_is_given_up_after_the_time_out() {
    let server = MockServer::start().await;
    let slow = ok(json!([])).set_delay(Duration::from_secs(600));
    on(&server, "GET", "/subjects", slow).await;
    let mut options = HttpOptions::new([server.uri()]);
    options.request_timeout = Duration::from_millis(100);
    let error = client(&options).subjects().await.expect_err("too slow");
    assert!(error.is_transient());
    assert!(
        error
            .to_string()
            .contains("cannot be reached: no whole answer within 100ms;"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        let whole = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\n[\"a\"]";
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n[\"a\",",
            whole,
        ] {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.expect("a request");
            assert!(read > 0);
            stream.write_all(answer.as_bytes()).await.expect("written");
        }
    });
    let registry =
        HttpRegistry::with_patience(&HttpOptions::new([url]), patient()).expect("a client");
    assert_eq!(registry.subjects().await.expect("in the end"), ["a"]);
    serving.await.expect("all three were asked for");
}

#[tokio::test]
async fn addresses_are_tried_in_turn_and_the_one_that_answered_is_tried_first() {
    let (broken, serving) = (MockServer::start().await, MockServer::start().await);
    on(&broken, "GET", "/subjects", ResponseTemplate::new(503)).await;
    on(&serving, "GET", "/subjects", ok(json!(["a"]))).await;
    let urls = [closed_port(), broken.uri(), serving.uri()];
    let registry = client(&HttpOptions::new(&urls));
    for _ in 0..3 {
        assert_eq!(registry.subjects().await.expect("the third"), ["a"]);
    }
    assert_eq!(asked(&broken).await.len(), 1);
    assert_eq!(asked(&serving).await.len(), 3);
    serving.reset().await;
    on(
        &serving,
        "GET",
        "/subjects",
        ResponseTemplate::new(502).set_body_string("Bad gateway"),
    )
    .await;
    let error = registry.subjects().await.expect_err("none of them");
    assert!(
        matches!(error, RegistryError::Unavailable { .. }),
        "who says why is told rather than who says nothing: {error:?}"
    );
}
