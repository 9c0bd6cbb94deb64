//! What a registry refuses, and how it is told.

use ksql_runtime::http::HttpOptions;
use ksql_runtime::registry::{Direction, HttpRegistry, RegistryError, Rule, Version};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use super::{INT, LONG, asked, client, ok, on, patient, refused, server, with_version};

#[tokio::test]
async fn what_our_rules_find_is_told_before_anything_is_sent() {
    let (server, registry) = server().await;
    with_version(&server, "BACKWARD", LONG).await;
    match registry.register("s", INT).await {
        Err(RegistryError::Incompatible(why)) => {
            let found: Vec<_> = why
                .violations
                .iter()
                .map(|violation| {
                    (
                        violation.field.as_str(),
                        violation.rule,
                        violation.direction,
                    )
                })
                .collect();
            assert_eq!(found, [("size", Rule::Type, Direction::Backward)]);
            assert_eq!((why.version, why.answer.as_deref()), (1, None));
        }
        other => panic!("{other:?}"),
    }
    let asked = asked(&server).await;
    assert!(
        !asked.iter().any(|line| line.starts_with("POST /compat")
            || line.ends_with("/versions") && line.starts_with("POST")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_refusal_of_the_servers_own_names_the_field_and_keeps_its_words() {
    let (server, registry) = server().await;
    with_version(&server, "BACKWARD", INT).await;
    // This registry has a rule that Avro has not.
    let messages = [
        "{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: LONG not welcome here'}",
        "{oldSchemaVersion: 1}",
        "{validateFields: 'false', compatibility: 'BACKWARD'}",
    ];
    let refusal = ok(json!({"is_compatible": false, "messages": messages}));
    on(
        &server,
        "POST",
        "/compatibility/subjects/s/versions/latest",
        refusal,
    )
    .await;
    for error in [
        registry.check("s", LONG).await.expect_err("refused"),
        registry.register("s", LONG).await.expect_err("refused"),
    ] {
        assert_eq!(
            error.to_string(),
            "the schema for `s` is not BACKWARD compatible with version 1: the new schema cannot read what the earlier one \
             writes: field `size` (reader type: LONG not welcome here)"
        );
        match error {
            RegistryError::Incompatible(why) => {
                assert_eq!(why.answer, Some(messages.join(", ")));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_conflict_at_registration_is_an_incompatible_schema() {
    let (server, registry) = server().await;
    // Says NONE, and has another level for all: seen with Apicurio.
    with_version(&server, "NONE", LONG).await;
    on(
        &server,
        "GET",
        "/config",
        ok(json!({"compatibilityLevel": "BACKWARD"})),
    )
    .await;
    let fits = ok(json!({"is_compatible": true}));
    on(
        &server,
        "POST",
        "/compatibility/subjects/s/versions/latest",
        fits,
    )
    .await;
    let said = "Schema being registered is incompatible with an earlier schema for subject \"s\"";
    on(
        &server,
        "POST",
        "/subjects/s/versions",
        refused(409, 409, said),
    )
    .await;
    match registry.register("s", INT).await {
        Err(RegistryError::Incompatible(why)) => {
            assert_eq!(
                why.to_string(),
                "the schema for `s` is not BACKWARD compatible with version 1: the new schema cannot read what the earlier \
                 one writes: field `size` is a long in the earlier one, and an int in the new schema"
            );
            assert_eq!(why.answer.as_deref(), Some(said));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_registration_that_loses_a_race_takes_the_winners_id() {
    let (server, registry) = server().await;
    let first = Mock::given(method("POST")).and(path("/subjects/s"));
    first
        .respond_with(refused(404, 40401, "Subject 's' not found."))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let stored = ok(json!({"subject": "s", "version": 1, "id": 4, "schema": INT}));
    on(&server, "POST", "/subjects/s", stored).await;
    on(
        &server,
        "GET",
        "/config/s",
        ok(json!({"compatibilityLevel": "NONE"})),
    )
    .await;
    on(
        &server,
        "POST",
        "/compatibility/subjects/s/versions/latest",
        refused(404, 40401, "no"),
    )
    .await;
    let exists = refused(
        409,
        409,
        "An artifact with ID 's' in group 'null' already exists.",
    );
    on(&server, "POST", "/subjects/s/versions", exists).await;
    assert_eq!(registry.register("s", INT).await.expect("the winner's"), 4);
}

#[tokio::test]
async fn a_conflict_that_does_not_pass_is_an_error() {
    let (server, registry) = server().await;
    with_version(&server, "NONE", LONG).await;
    on(
        &server,
        "POST",
        "/compatibility/subjects/s/versions/latest",
        ok(json!({"is_compatible": true})),
    )
    .await;
    let exists = refused(409, 409, "An artifact already exists.");
    on(&server, "POST", "/subjects/s/versions", exists).await;
    let error = registry.register("s", INT).await.expect_err("refused");
    assert!(
        matches!(&error, RegistryError::Refused { status: 409, answer, .. } if answer == "An artifact already exists."),
        "{error:?}"
    );
}

#[tokio::test]
async fn text_that_is_no_schema_is_refused_here_and_by_the_server() {
    let (server, registry) = server().await;
    assert!(matches!(
        registry.register("s", r#"{"type":"nothing"}"#).await,
        Err(RegistryError::InvalidSchema { .. })
    ));
    assert!(asked(&server).await.is_empty(), "nothing was sent");
    with_version(&server, "NONE", INT).await;
    let invalid = refused(422, 42201, "Invalid schema: names may not start so");
    for at in [
        "/subjects/s/versions",
        "/compatibility/subjects/s/versions/latest",
    ] {
        on(&server, "POST", at, invalid.clone()).await;
    }
    for error in [
        registry.check("s", LONG).await.err(),
        registry.register("s", LONG).await.err(),
    ] {
        assert_eq!(
            error.expect("refused").to_string(),
            "the schema for `s` is not Avro: Invalid schema: names may not start so (error code 42201)"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let (server, registry) = server().await;
    on(&server, "GET", "/subjects/s/versions", ok(json!([3, 5]))).await;
    on(
        &server,
        "GET",
        "/subjects/s/versions/9",
        refused(404, 40402, "Version 9 not found."),
    )
    .await;
    on(
        &server,
        "GET",
        "/subjects/s/versions/0",
        refused(422, 42202, "'0' is not a valid version id."),
    )
    .await;
    for at in [
        "/subjects/t/versions",
        "/subjects/t/versions/latest",
        "/subjects/t/versions/1",
    ] {
        on(
            &server,
            "GET",
            at,
            refused(404, 40401, "Subject 't' not found."),
        )
        .await;
    }
    on(
        &server,
        "POST",
        "/subjects/s",
        refused(404, 40403, "Schema not found"),
    )
    .await;
    on(
        &server,
        "POST",
        "/subjects/t",
        refused(404, 40401, "Subject 't' not found."),
    )
    .await;
    for number in [0, 9] {
        let error = registry.by_version("s", Version::Number(number)).await;
        assert!(
            matches!(&error, Err(RegistryError::UnknownVersion { version, latest: 5, .. }) if *version == number),
            "{error:?}"
        );
    }
    let unknown_subjects = [
        registry.versions("t").await.err(),
        registry.by_version("t", Version::Latest).await.err(),
        registry.by_version("t", Version::Number(1)).await.err(),
        registry.lookup("t", INT).await.err(),
    ];
    for error in unknown_subjects {
        assert!(
            matches!(&error, Some(RegistryError::UnknownSubject { subject }) if subject == "t"),
            "{error:?}"
        );
    }
    let error = registry.lookup("s", INT).await;
    assert!(
        matches!(error, Err(RegistryError::UnknownSchema { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_id_that_is_unknown_for_a_moment_is_waited_for_and_one_that_stays_so_is_not_asked_again()
{
    let (server, _) = server().await;
    let registry = HttpRegistry::with_patience(&HttpOptions::new([server.uri()]), patient())
        .expect("a client");
    Mock::given(path("/schemas/ids/7"))
        .respond_with(refused(404, 40403, "Schema 7 not found"))
        .up_to_n_times(3)
        .mount(&server)
        .await;
    on(&server, "GET", "/schemas/ids/7", ok(json!({"schema": INT}))).await;
    assert_eq!(
        registry.schema_by_id(7).await.expect("it came").as_ref(),
        INT
    );

    let registry = client(&HttpOptions::new([server.uri()]));
    on(
        &server,
        "GET",
        "/schemas/ids/8",
        refused(404, 40403, "Schema 8 not found"),
    )
    .await;
    let error = registry.schema_by_id(8).await.expect_err("unknown");
    assert!(matches!(error, RegistryError::UnknownId { id: 8 }) && !error.is_transient());
    let before = asked(&server).await.len();
    registry.schema_by_id(8).await.expect_err("still unknown");
    assert_eq!(
        asked(&server).await.len(),
        before,
        "it is not asked about again so soon"
    );
}

#[tokio::test]
async fn schemas_of_other_kinds_are_refused_by_name() {
    let (server, registry) = server().await;
    let stored = ok(json!({"schemaType": "PROTOBUF", "schema": "syntax = \"proto3\";"}));
    on(&server, "GET", "/schemas/ids/7", stored).await;
    assert_eq!(
        registry
            .schema_by_id(7)
            .await
            .expect_err("not Avro")
            .to_string(),
        "schema 7 is PROTOBUF, not Avro: records written with it cannot be read here"
    );
}

#[tokio::test]
async fn who_may_not_is_told_what_and_nothing_is_asked_twice() {
    let (server, registry) = server().await;
    let url = server.uri();
    on(
        &server,
        "GET",
        "/subjects",
        refused(401, 401, "Unauthorized"),
    )
    .await;
    on(
        &server,
        "GET",
        "/subjects/s/versions",
        refused(403, 40301, "User:ada is denied operation READ"),
    )
    .await;
    let unauthorized = registry.subjects().await.expect_err("refused");
    assert_eq!(
        unauthorized.to_string(),
        format!(
            "the schema registry at {url} does not accept the credentials (HTTP 401): Unauthorized; check user and password, \
             or the token, in its settings"
        )
    );
    let forbidden = registry.versions("s").await.expect_err("refused");
    assert_eq!(
        forbidden.to_string(),
        format!(
            "the schema registry at {url} does not let this user list the versions of subject `s` (HTTP 403): User:ada is \
             denied operation READ (error code 40301); the user needs that permission"
        )
    );
    assert!(!unauthorized.is_transient() && !forbidden.is_transient());
    assert_eq!(asked(&server).await.len(), 2);
}

#[tokio::test]
async fn who_may_register_and_not_compare_registers() {
    let (server, registry) = server().await;
    on(
        &server,
        "POST",
        "/subjects/s",
        refused(404, 40401, "Subject 's' not found."),
    )
    .await;
    on(&server, "GET", "/config/s", refused(403, 40301, "denied")).await;
    on(
        &server,
        "POST",
        "/subjects/s/versions",
        ok(json!({"id": 3})),
    )
    .await;
    assert_eq!(registry.register("s", INT).await.expect("registered"), 3);
    let said = "Schema being registered is incompatible with an earlier schema";
    on(
        &server,
        "POST",
        "/subjects/t",
        refused(404, 40401, "Subject 't' not found."),
    )
    .await;
    on(&server, "GET", "/config/t", refused(403, 40301, "denied")).await;
    on(
        &server,
        "POST",
        "/subjects/t/versions",
        refused(409, 409, said),
    )
    .await;
    let error = registry.register("t", INT).await.expect_err("refused");
    assert!(
        matches!(&error, RegistryError::Refused { status: 409, answer, .. } if answer == said),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_no_registry_is_told_from_a_subject_that_is_not_there() {
    let (server, registry) = server().await;
    let url = server.uri();
    on(
        &server,
        "GET",
        "/subjects",
        ResponseTemplate::new(404).set_body_string("<html>no</html>"),
    )
    .await;
    on(
        &server,
        "GET",
        "/subjects/s/versions",
        refused(404, 404, "HTTP 404 Not Found"),
    )
    .await;
    let told = format!(
        "there is no schema registry at {url} (HTTP 404 when asked to list the subjects): the address may need a path, such as `/apis/ccompat/v7`"
    );
    assert_eq!(
        registry.subjects().await.expect_err("none").to_string(),
        told
    );
    let error = registry.versions("s").await.expect_err("none");
    assert!(
        matches!(error, RegistryError::NoRegistry { .. }),
        "{error:?}"
    );
    server.reset().await;
    on(
        &server,
        "GET",
        "/subjects",
        ResponseTemplate::new(200).set_body_string("<html>hello</html>"),
    )
    .await;
    let error = registry.subjects().await.expect_err("no answer");
    assert!(
        matches!(error, RegistryError::Malformed { .. }),
        "{error:?}"
    );
}
