//! The registry over HTTP where a real one cannot be made to: refusals, outages, slow and half-dead servers, what is asked
//! and how often, credentials. The answers are those of Confluent's registry and of Apicurio. At the end, a real one that
//! goes away and comes back.

use std::time::Duration;

use ksql_runtime::http::{Auth, HttpOptions};
use ksql_runtime::registry::{
    Compatibility, Direction, HttpRegistry, Patience, Reference, Registry, RegistryError, Rule,
    Version,
};
use ksql_runtime::secret::Secret;
use ksql_runtime_tests::servers;
use serde_json::{Value, json};
use wiremock::matchers::{
    basic_auth, bearer_token, body_json, header, method, path, query_param_is_missing,
};
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
        unknown_id_kept: Duration::from_secs(30),
    }
}

/// Long enough for tests that wait for its cause to pass.
fn patient() -> Patience {
    Patience {
        limit: Duration::from_secs(30),
        unknown_id: Duration::from_secs(30),
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

// What is asked.

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

// Levels.

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

// Refusals.

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

// Outages.

/// An address at which nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[tokio::test]
async fn a_registry_that_is_away_is_an_error_that_may_pass_and_stops_no_known_schema() {
    let (server, registry) = server().await;
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
    let url = nobody().await;
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
    let urls = [nobody().await, broken.uri(), serving.uri()];
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

// Credentials.

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let server = MockServer::start().await;
    for (at, matcher) in [
        (
            "/basic/subjects",
            Box::new(basic_auth("ada", "hunter2")) as Box<dyn wiremock::Match>,
        ),
        ("/bearer/subjects", Box::new(bearer_token("hunter2"))),
    ] {
        Mock::given(path(at))
            .and(Matches(matcher))
            .respond_with(ok(json!([])))
            .mount(&server)
            .await;
    }
    let basic = Auth::Basic {
        user: "ada".to_owned(),
        password: Secret::new("hunter2"),
    };
    let in_address = server.uri().replace("http://", "http://ada:hunter2@");
    for (url, auth) in [
        (format!("{}/basic", server.uri()), basic),
        (
            format!("{}/bearer", server.uri()),
            Auth::Bearer(Secret::new("hunter2")),
        ),
        (format!("{in_address}/basic"), Auth::None),
        // That of the address holds for it.
        (
            format!("{in_address}/basic"),
            Auth::Bearer(Secret::new("other")),
        ),
    ] {
        let mut options = HttpOptions::new([url]);
        options.auth = auth;
        let registry = client(&options);
        assert_eq!(
            registry.subjects().await.expect("let in"),
            Vec::<String>::new()
        );
        let refused = registry.versions("s").await.expect_err("there is none");
        let shown = format!(
            "{options:?} {registry:?} {:?} {refused} {refused:?}",
            Registry::Http(registry.clone())
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let mut url = nobody().await.replace("http://", "http://ada:hunter2@");
    url.push_str("/path");
    let away = client(&HttpOptions::new([url]))
        .subjects()
        .await
        .expect_err("nobody");
    let mut shown = format!("{away} {away:?}");
    let mut cause: Option<&dyn std::error::Error> = Some(&away);
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    assert!(
        shown.contains("/path") && !shown.contains("hunter2"),
        "{shown}"
    );
}

struct Matches(Box<dyn wiremock::Match>);

impl wiremock::Match for Matches {
    fn matches(&self, request: &Request) -> bool {
        self.0.matches(request)
    }
}

#[test]
fn settings_that_make_no_client_are_refused() {
    let none = HttpRegistry::new(&HttpOptions::new(Vec::<String>::new())).expect_err("no address");
    assert_eq!(
        none.to_string(),
        "the schema registry cannot be used: no address is given: name one such as `http://localhost:8081`"
    );
    let mut options = HttpOptions::new(["https://localhost"]);
    options.ca_certificate = Some("/nowhere/ca.pem".into());
    let error = HttpRegistry::new(&options).expect_err("no certificate");
    assert!(
        error.to_string().contains("/nowhere/ca.pem cannot be read"),
        "{error}"
    );
}

// References.

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

// A real one.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_registry_reads_references_and_outlives_its_end() {
    use ksql_runtime::codec::resolve::{Part, Plan};
    use ksql_runtime::prelude::*;

    #[derive(Debug, PartialEq, Entity)]
    #[topic("rates")]
    struct Rate {
        #[key]
        symbol: String,
        size: i64,
    }

    let started = tokio::task::spawn_blocking(servers::RegistryServer::start).await;
    let started = started.expect("it is tried");
    let Some(server) = servers::or_skip(ksql_runtime_tests::test_name!(), started) else {
        return;
    };
    let options = HttpOptions::new([server.url()]);
    let registry = client(&options);
    let size = r#"{"type":"record","name":"Size","namespace":"shop","fields":[{"name":"lots","type":"int"}]}"#;
    let rate = r#"{"type":"record","name":"Rate","namespace":"shop","fields":[{"name":"was","type":"Size"},{"name":"now","type":["null","Size"],"default":null},{"name":"size","type":"int"}]}"#;
    let size_id = registry.register("size", size).await.expect("registered");
    let refers = [Reference {
        name: "shop.Size".to_owned(),
        subject: "size".to_owned(),
        version: 1,
    }];
    let id = registry
        .register_with("rate", rate, &refers)
        .await
        .expect("registered");
    let again = client(&options).register_with("rate", rate, &refers).await;
    assert_eq!(again.expect("known to the server"), id);
    let whole = registry.schema_by_id(id).await.expect("whole");
    let plan = Plan::build(&whole, Rate::MODEL, Part::Value).expect("it is read");
    let mut body = Vec::new();
    plan.transcode(&[2, 0, 14], &mut body).expect("a body");
    let read = Rate::decode("EURUSD".into(), &body).expect("a rate");
    assert_eq!((read.symbol.as_str(), read.size), ("EURUSD", 7));

    let server = tokio::task::spawn_blocking(move || {
        server.stop();
        server
    })
    .await
    .expect("it is gone");
    assert_eq!(registry.schema_by_id(id).await.expect("known"), whole);
    assert_eq!(
        registry.register("size", size).await.expect("known"),
        size_id
    );
    let away = registry.subjects().await.expect_err("away");
    assert!(away.is_transient(), "{away:?}");
    let server = tokio::task::spawn_blocking(move || {
        server.start_again();
        server
    })
    .await
    .expect("it is back");
    assert_eq!(registry.subjects().await.expect("back"), ["rate", "size"]);
    drop(server);
}
