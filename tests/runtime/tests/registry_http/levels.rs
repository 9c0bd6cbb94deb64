//! Levels of compatibility, of one subject and of all.

use ksql_runtime::registry::{Compatibility, RegistryError};
use serde_json::json;
use wiremock::Mock;
use wiremock::matchers::{body_json, method, path};

use super::{ok, on, refused, server};

#[tokio::test]
async fn a_subject_without_a_level_has_that_of_all() {
    let (server, registry) = server().await;
    let none = refused(
        404,
        40408,
        "Subject 's' does not have subject-level compatibility configured",
    );
    on(&server, "GET", "/config/s", none).await;
    on(
        &server,
        "GET",
        "/config",
        ok(json!({"compatibilityLevel": "FULL"})),
    )
    .await;
    for subject in [Some("s"), None] {
        let level = registry.compatibility(subject).await.expect("a level");
        assert_eq!(level, Compatibility::Full);
    }
}

#[tokio::test]
async fn levels_are_set_by_their_words() {
    let (server, registry) = server().await;
    for at in ["/config", "/config/s"] {
        Mock::given(method("PUT"))
            .and(path(at))
            .and(body_json(json!({"compatibility": "FORWARD_TRANSITIVE"})))
            .respond_with(ok(json!({"compatibility": "FORWARD_TRANSITIVE"})))
            .mount(&server)
            .await;
    }
    for subject in [None, Some("s")] {
        registry
            .set_compatibility(subject, Compatibility::ForwardTransitive)
            .await
            .expect("set");
    }
    let not_permitted = refused(422, 42205, "Subject t is in read-only mode");
    on(&server, "PUT", "/config/t", not_permitted).await;
    let error = registry
        .set_compatibility(Some("t"), Compatibility::Full)
        .await
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        format!(
            "the schema registry at {} refuses to set the compatibility of subject `t` (HTTP 422): Subject t is in read-only \
             mode (error code 42205)",
            server.uri()
        )
    );
}

#[tokio::test]
async fn the_level_none_is_set_where_nothing_else_holds() {
    let (server, registry) = server().await;
    on(
        &server,
        "PUT",
        "/config/s",
        refused(404, 40401, "No artifact"),
    )
    .await;
    on(
        &server,
        "GET",
        "/config",
        ok(json!({"compatibilityLevel": "NONE"})),
    )
    .await;
    let none = Compatibility::None;
    registry
        .set_compatibility(Some("s"), none)
        .await
        .expect("it holds");
    server.reset().await;
    on(
        &server,
        "PUT",
        "/config/s",
        refused(404, 40401, "No artifact"),
    )
    .await;
    on(
        &server,
        "GET",
        "/config",
        ok(json!({"compatibilityLevel": "FULL"})),
    )
    .await;
    let error = registry
        .set_compatibility(Some("s"), none)
        .await
        .expect_err("FULL holds");
    assert!(
        matches!(error, RegistryError::Refused { status: 404, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_level_nobody_knows_is_an_error() {
    let (server, registry) = server().await;
    on(
        &server,
        "GET",
        "/config",
        ok(json!({"compatibilityLevel": "SIDEWAYS"})),
    )
    .await;
    let error = registry.compatibility(None).await.expect_err("unknown");
    assert_eq!(
        error.to_string(),
        format!(
            "what {} answered when asked to give the compatibility of all subjects is not understood (`SIDEWAYS` is no level \
             known here): is it a schema registry with Confluent's API",
            server.uri()
        )
    );
}

#[tokio::test]
async fn a_level_that_another_instance_sets_at_the_same_time_is_set_once_more() {
    let (server, registry) = server().await;
    let exists = refused(409, 409, "A rule named 'COMPATIBILITY' already exists.");
    Mock::given(method("PUT"))
        .and(path("/config/s"))
        .respond_with(exists.clone())
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let full = ok(json!({"compatibility": "FULL"}));
    on(&server, "PUT", "/config/s", full).await;
    registry
        .set_compatibility(Some("s"), Compatibility::Full)
        .await
        .expect("set by the second");
    on(&server, "PUT", "/config/t", exists).await;
    let error = registry
        .set_compatibility(Some("t"), Compatibility::Full)
        .await
        .expect_err("it stays refused");
    assert!(
        matches!(error, RegistryError::Refused { status: 409, .. }),
        "{error:?}"
    );
}
