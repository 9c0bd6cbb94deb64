//! Schemas that use types of other schemas.

use ksql_runtime::registry::Reference;
use serde_json::json;
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{asked, ok, on, refused, server};

const VENUE: &str = r#"{"type":"record","name":"Venue","namespace":"shop","fields":[{"name":"city","type":"City"}]}"#;
const CITY: &str = r#"{"type":"record","name":"City","namespace":"shop","fields":[{"name":"name","type":"string"}]}"#;
const AT_VENUE: &str = r#"{"type":"record","name":"Rate","namespace":"shop","fields":[{"name":"at","type":"Venue"},{"name":"from","type":["null","City"],"default":null}]}"#;

async fn venues(server: &MockServer) {
    let city = json!([{"name": "shop.City", "subject": "city", "version": 2}]);
    let stored =
        ok(json!({"subject": "venue", "version": 1, "id": 2, "schema": VENUE, "references": city}));
    on(server, "GET", "/subjects/venue/versions/1", stored).await;
    let stored = ok(json!({"subject": "city", "version": 2, "id": 1, "schema": CITY}));
    on(server, "GET", "/subjects/city/versions/2", stored).await;
}

fn references() -> [Reference; 1] {
    [Reference {
        name: "shop.Venue".to_owned(),
        subject: "venue".to_owned(),
        version: 1,
    }]
}

#[tokio::test]
async fn a_schema_that_refers_to_others_is_given_whole_and_asked_for_once() {
    let (server, registry) = server().await;
    venues(&server).await;
    let stored = ok(json!({"schema": AT_VENUE, "references": references()}));
    on(&server, "GET", "/schemas/ids/3", stored).await;
    let whole = registry.schema_by_id(3).await.expect("whole");
    for part in [
        r#""name":"shop.Venue""#,
        r#""name":"shop.City""#,
        r#""name":"name""#,
    ] {
        assert_eq!(whole.matches(part).count(), 1, "{part} in {whole}");
    }
    let before = asked(&server).await.len();
    registry.schema_by_id(3).await.expect("known");
    assert_eq!((before, asked(&server).await.len()), (3, 3));
}

#[tokio::test]
async fn references_are_sent_with_the_schema_and_compared_whole() {
    let (server, registry) = server().await;
    venues(&server).await;
    let body = json!({"schema": AT_VENUE, "references": references()});
    let bodies = |verb: &'static str, at: &'static str| {
        Mock::given(method(verb))
            .and(path(at))
            .and(body_json(body.clone()))
    };
    bodies("POST", "/subjects/s")
        .respond_with(refused(404, 40401, "Subject 's' not found."))
        .mount(&server)
        .await;
    on(
        &server,
        "GET",
        "/config/s",
        ok(json!({"compatibilityLevel": "BACKWARD"})),
    )
    .await;
    on(
        &server,
        "GET",
        "/subjects/s/versions",
        refused(404, 40401, "Subject 's' not found."),
    )
    .await;
    bodies("POST", "/compatibility/subjects/s/versions/latest")
        .respond_with(ok(json!({"is_compatible": true})))
        .mount(&server)
        .await;
    bodies("POST", "/subjects/s/versions")
        .respond_with(ok(json!({"id": 3})))
        .mount(&server)
        .await;
    let id = registry.register_with("s", AT_VENUE, &references()).await;
    assert_eq!(id.expect("registered"), 3);
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_told_and_one_that_cannot_be_had_now_may_pass() {
    let (server, registry) = server().await;
    let stored = ok(json!({"schema": AT_VENUE, "references": references()}));
    on(&server, "GET", "/schemas/ids/3", stored).await;
    on(
        &server,
        "GET",
        "/subjects/venue/versions/1",
        refused(404, 40401, "gone"),
    )
    .await;
    let error = registry.schema_by_id(3).await.expect_err("nowhere");
    assert!(!error.is_transient());
    assert_eq!(
        error.to_string(),
        "a schema refers to `shop.Venue`, version 1 of subject `venue`, which cannot be read: there is no subject `venue` in \
         the schema registry: register a schema for it first"
    );
    server.reset().await;
    let stored = ok(json!({"schema": AT_VENUE, "references": references()}));
    on(&server, "GET", "/schemas/ids/3", stored).await;
    on(
        &server,
        "GET",
        "/subjects/venue/versions/1",
        ResponseTemplate::new(503),
    )
    .await;
    assert!(
        registry
            .schema_by_id(3)
            .await
            .expect_err("away")
            .is_transient()
    );
    server.reset().await;
    venues(&server).await;
    let stored = ok(json!({"schema": AT_VENUE, "references": references()}));
    on(&server, "GET", "/schemas/ids/3", stored).await;
    registry
        .schema_by_id(3)
        .await
        .expect("it is back, and nothing half was kept");
}

#[tokio::test]
async fn references_in_a_circle_end() {
    let (server, registry) = server().await;
    let own = json!([{"name": "shop.Venue", "subject": "venue", "version": 1}]);
    let stored =
        ok(json!({"subject": "venue", "version": 1, "id": 2, "schema": VENUE, "references": own}));
    on(&server, "GET", "/subjects/venue/versions/1", stored).await;
    let stored = ok(json!({"schema": AT_VENUE, "references": references()}));
    on(&server, "GET", "/schemas/ids/3", stored).await;
    registry.schema_by_id(3).await.expect("City stays a name");
    assert_eq!(asked(&server).await.len(), 2);
}
