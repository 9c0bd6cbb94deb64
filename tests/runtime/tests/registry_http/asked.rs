//! What a registry is asked, in which order, and how often.

use ksql_runtime::http::HttpOptions;
use ksql_runtime::registry::{Compatibility, RegistryError, Version};
use serde_json::json;
use wiremock::matchers::{body_json, header, method, path, query_param_is_missing};
use wiremock::{Mock, MockServer, Request};

use super::{INT, LONG, asked, client, ok, on, server, with_version};

#[tokio::test]
async fn a_new_schema_is_looked_up_compared_and_registered_and_then_never_asked_about_again() {
    let (server, registry) = server().await;
    with_version(&server, "BACKWARD", INT).await;
    let fits = ok(json!({"is_compatible": true, "messages": []}));
    on(
        &server,
        "POST",
        "/compatibility/subjects/s/versions/latest",
        fits,
    )
    .await;
    Mock::given(method("POST"))
        .and(path("/subjects/s/versions"))
        .and(header(
            "content-type",
            "application/vnd.schemaregistry.v1+json",
        ))
        .and(header("accept", "application/vnd.schemaregistry.v1+json"))
        .and(body_json(json!({"schema": LONG})))
        .and(query_param_is_missing("normalize"))
        .respond_with(ok(json!({"id": 8, "version": 2, "schemaType": "AVRO"})))
        .mount(&server)
        .await;
    let spaced = LONG.replace(',', " ,\n  ").replace(':', " : ");
    for text in [&spaced, LONG, &spaced] {
        assert_eq!(registry.register("s", text).await.expect("registered"), 8);
    }
    assert_eq!(
        asked(&server).await,
        [
            "POST /subjects/s",
            "GET /config/s?defaultToGlobal=true",
            "GET /subjects/s/versions",
            "GET /subjects/s/versions/1",
            "POST /compatibility/subjects/s/versions/latest?verbose=true",
            "POST /subjects/s/versions",
        ]
    );
}

#[tokio::test]
async fn a_schema_the_subject_has_is_neither_compared_nor_registered() {
    let (server, registry) = server().await;
    let stored = ok(json!({"subject": "s", "version": 3, "id": 9, "schema": INT}));
    on(&server, "POST", "/subjects/s", stored).await;
    assert_eq!(registry.register("s", INT).await.expect("known"), 9);
    assert_eq!(asked(&server).await, ["POST /subjects/s"]);
}

#[tokio::test]
async fn a_schema_is_asked_for_by_its_id_once() {
    let (server, registry) = server().await;
    on(&server, "GET", "/schemas/ids/7", ok(json!({"schema": INT}))).await;
    assert_eq!(registry.known_schema(7), None);
    for _ in 0..3 {
        assert_eq!(registry.schema_by_id(7).await.expect("by id").as_ref(), INT);
    }
    assert_eq!(registry.clone().known_schema(7).as_deref(), Some(INT));
    assert_eq!(asked(&server).await, ["GET /schemas/ids/7"]);
}

#[tokio::test]
async fn transitive_levels_have_the_server_compare_with_every_version() {
    let (server, registry) = server().await;
    with_version(&server, "FULL_TRANSITIVE", INT).await;
    let fits = ok(json!({"is_compatible": true}));
    on(&server, "POST", "/compatibility/subjects/s/versions", fits).await;
    registry.check("s", INT).await.expect("it fits");
    let last = asked(&server).await.pop();
    assert_eq!(
        last.as_deref(),
        Some("POST /compatibility/subjects/s/versions?verbose=true")
    );
}

#[tokio::test]
async fn parts_of_an_address_are_encoded_behind_its_own_path() {
    let server = MockServer::start().await;
    Mock::given(|request: &Request| {
        request.url.path() == "/apis/ccompat/v7/subjects/a%2Fb%20c-value/versions"
    })
    .respond_with(ok(json!([2, 1])))
    .mount(&server)
    .await;
    for end in ["", "/"] {
        let url = format!("{}/apis/ccompat/v7{end}", server.uri());
        let versions = client(&HttpOptions::new([url]))
            .versions("a/b c-value")
            .await;
        assert_eq!(versions.expect("versions"), [1, 2], "oldest first");
    }
}

#[tokio::test]
async fn names_that_would_lead_elsewhere_are_sent_nowhere() {
    let (server, registry) = server().await;
    for subject in ["", ".", "..", "a\0b"] {
        let refused = [
            registry.register(subject, INT).await.err(),
            registry.versions(subject).await.err(),
            registry.by_version(subject, Version::Latest).await.err(),
            registry.compatibility(Some(subject)).await.err(),
            registry
                .set_compatibility(Some(subject), Compatibility::Full)
                .await
                .err(),
        ];
        for error in refused {
            assert!(
                matches!(error, Some(RegistryError::InvalidSchema { .. })),
                "{error:?}"
            );
        }
    }
    assert!(asked(&server).await.is_empty());
}
