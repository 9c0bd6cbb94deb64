//! The registry over HTTP where a real one cannot be made to: refusals, outages, slow and half-dead servers, what is asked
//! and how often, credentials. The answers are those of Confluent's registry and of Apicurio. At the end, a real one that
//! goes away and comes back.

mod asked;
mod credentials;
mod levels;
mod outages;
mod real;
mod references;
mod refusals;

use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::registry::{HttpRegistry, Patience};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const INT: &str = r#"{"type":"record","name":"Rate","fields":[{"name":"size","type":"int"}]}"#;
const LONG: &str = r#"{"type":"record","name":"Rate","fields":[{"name":"size","type":"long"}]}"#;

/// Short enough for tests that wait for its end.
fn impatient() -> Patience {
    Patience {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        limit: Duration::from_millis(60),
        unknown_id: Duration::from_millis(20),
        unknown_id_kept: Duration::from_secs(600),
    }
}

/// Time for some attempts however slow the machine is, and short enough to wait for its end.
fn for_a_while() -> Patience {
    Patience {
        limit: Duration::from_secs(3),
        ..impatient()
    }
}

/// Long enough for tests that wait for its cause to pass.
fn patient() -> Patience {
    Patience {
        limit: Duration::from_secs(300),
        unknown_id: Duration::from_secs(300),
        ..impatient()
    }
}

fn client(options: &HttpOptions) -> HttpRegistry {
    HttpRegistry::with_patience(options, impatient()).expect("a client")
}

async fn server() -> (MockServer, HttpRegistry) {
    let server = MockServer::start().await;
    let registry = client(&HttpOptions::new([server.uri()]));
    (server, registry)
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_raw(body.to_string(), "application/vnd.schemaregistry.v1+json")
}

fn refused(status: u16, code: u32, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error_code": code, "message": message}))
}

async fn on(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.expect("recorded");
    requests.iter().map(line).collect()
}

fn line(request: &Request) -> String {
    let query = request.url.query().map(|query| format!("?{query}"));
    format!(
        "{} {}{}",
        request.method,
        request.url.path(),
        query.unwrap_or_default()
    )
}

/// A subject `s` with one version, `earlier`, at a level.
async fn with_version(server: &MockServer, level: &str, earlier: &str) {
    on(
        server,
        "GET",
        "/config/s",
        ok(json!({"compatibilityLevel": level})),
    )
    .await;
    on(server, "GET", "/subjects/s/versions", ok(json!([1]))).await;
    for version in ["1", "latest"] {
        let stored = ok(json!({"subject": "s", "version": 1, "id": 7, "schema": earlier}));
        on(
            server,
            "GET",
            &format!("/subjects/s/versions/{version}"),
            stored,
        )
        .await;
    }
    let unknown = refused(404, 40403, "Schema not found");
    on(server, "POST", "/subjects/s", unknown).await;
}
