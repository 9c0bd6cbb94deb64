//! What every registry promises, written against the surface: each test runs on the registry in this process and on a
//! real one over HTTP.

use ksql_runtime::http::HttpOptions;
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions};
use ksql_runtime::registry::{
    Compatibility, Direction, HttpRegistry, InProcessRegistry, Registry, RegistryError, Rule,
    Version,
};
use ksql_runtime_tests::servers;

/// A registry, and subjects in it that no other test has.
struct Case {
    registry: Registry,
    prefix: String,
    _kept: Option<(tempfile::TempDir, EmbeddedLog)>,
}

impl Case {
    fn in_process() -> Case {
        let (directory, log, registry) = in_process();
        Case {
            registry,
            prefix: String::new(),
            _kept: Some((directory, log)),
        }
    }

    /// On the server that all tests here share.
    fn over_http(test: &str) -> Option<Case> {
        let server = servers::registry_or_skip(test)?;
        let http = HttpRegistry::new(&HttpOptions::new([server.url()])).expect("a client");
        Some(Case {
            registry: Registry::Http(http),
            prefix: String::new(),
            _kept: None,
        })
    }

    /// Subjects of its own: an iteration of a test is as good as a new registry.
    fn fresh(&mut self) {
        self.prefix = format!("{}-", uuid::Uuid::new_v4().simple());
    }

    fn subject(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Each test once in this process and once on a real registry.
macro_rules! on_each_registry {
    ($($(#[doc = $doc:literal])* async fn $name:ident($case:ident: Case) $body:block)*) => {
        $($(#[doc = $doc])* async fn $name(mut $case: Case) {
            $case.fresh();
            // Some registries have no level NONE of a subject's own where another one holds for all.
            let all = $case.registry.set_compatibility(None, Compatibility::None).await;
            all.expect("the level of all subjects is set");
            $body
        })*

        mod in_this_process {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Case::in_process()).await;
            })*
        }

        mod over_http {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(case) = super::Case::over_http(ksql_runtime_tests::test_name!()) else {
                    return;
                };
                super::$name(case).await;
            })*
        }
    };
}

fn in_process() -> (tempfile::TempDir, EmbeddedLog, Registry) {
    let directory = tempfile::tempdir().expect("a directory");
    let log = EmbeddedLog::open(EmbeddedOptions::new(directory.path())).expect("the log opens");
    let registry = Registry::InProcess(InProcessRegistry::open(&log).expect("the registry opens"));
    (directory, log, registry)
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"Rate","namespace":"shop","fields":[{fields}]}}"#)
}

const SIZE_INT: &str = r#"{"name":"size","type":"int"}"#;
const SIZE_LONG: &str = r#"{"name":"size","type":"long"}"#;
const NOTE: &str = r#"{"name":"note","type":["null","string"],"default":null}"#;
const REQUIRED: &str = r#"{"name":"venue","type":"string"}"#;

#[tokio::test]
async fn the_registry_is_as_durable_as_the_log() {
    let (directory, log, registry) = in_process();
    registry
        .set_compatibility(None, Compatibility::Full)
        .await
        .expect("set");
    registry
        .set_compatibility(Some("a"), Compatibility::None)
        .await
        .expect("set");
    let id = registry
        .register("a", &record(SIZE_INT))
        .await
        .expect("registered");
    let second = registry
        .register("a", &record(NOTE))
        .await
        .expect("registered");
    log.close().await.expect("closed");
    drop((log, registry));
    let log = EmbeddedLog::open(EmbeddedOptions::new(directory.path())).expect("the log opens");
    let registry = Registry::InProcess(InProcessRegistry::open(&log).expect("the registry opens"));
    assert_eq!(
        registry.compatibility(None).await.expect("a level"),
        Compatibility::Full
    );
    assert_eq!(
        registry.compatibility(Some("a")).await.expect("a level"),
        Compatibility::None
    );
    assert_eq!(registry.versions("a").await.expect("versions"), [1, 2]);
    assert_eq!(
        registry
            .register("a", &record(SIZE_INT))
            .await
            .expect("known"),
        id
    );
    assert_eq!(
        registry.schema_by_id(second).await.expect("by id").as_ref(),
        record(NOTE)
    );
    assert!(
        registry
            .register("b", &record(SIZE_LONG))
            .await
            .expect("new")
            > second,
        "ids are never used again"
    );
}

on_each_registry! {

async fn the_same_text_keeps_its_id_under_every_subject_whatever_its_spaces(case: Case) {
    let registry = &case.registry;
    let (a, b) = (&case.subject("a-value"), &case.subject("b-value"));
    let id = registry
        .register(a, &record(SIZE_INT))
        .await
        .expect("registered");
    assert_eq!(
        registry
            .register(a, &record(SIZE_INT))
            .await
            .expect("again"),
        id
    );
    assert_eq!(
        registry
            .register(b, &record(SIZE_INT))
            .await
            .expect("elsewhere"),
        id
    );
    let spaced = record(SIZE_INT).replace(',', " ,\n  ");
    assert_eq!(
        registry.register(a, &spaced).await.expect("spaced"),
        id
    );
    assert_eq!(registry.versions(a).await.expect("versions"), [1]);
    let other = registry
        .register(a, &record(SIZE_LONG))
        .await
        .expect("another");
    assert_ne!(other, id);
    assert_eq!(
        registry.versions(a).await.expect("versions"),
        [1, 2]
    );
    let subjects = registry.subjects().await.expect("subjects");
    let ours: Vec<&String> = subjects
        .iter()
        .filter(|subject| subject.starts_with(&case.prefix))
        .collect();
    assert_eq!(ours, [a, b], "by name");
}

async fn schemas_are_found_by_id_version_and_text(case: Case) {
    let registry = &case.registry;
    let s = &case.subject("s");
    let first = registry
        .register(s, &record(SIZE_INT))
        .await
        .expect("registered");
    let second = registry
        .register(s, &record(SIZE_LONG))
        .await
        .expect("registered");
    assert_eq!(
        registry.schema_by_id(first).await.expect("by id").as_ref(),
        record(SIZE_INT)
    );
    let latest = registry
        .by_version(s, Version::Latest)
        .await
        .expect("latest");
    assert_eq!(
        (latest.version, latest.id, latest.schema.as_ref()),
        (2, second, record(SIZE_LONG).as_str())
    );
    assert_eq!(
        registry
            .by_version(s, Version::Number(1))
            .await
            .expect("first")
            .id,
        first
    );
    assert_eq!(
        registry
            .lookup(s, &record(SIZE_INT))
            .await
            .expect("by text")
            .version,
        1
    );
    assert!(matches!(
        registry.lookup(s, &record(NOTE)).await,
        Err(RegistryError::UnknownSchema { .. })
    ));
    assert!(matches!(
        registry.lookup(&case.subject("t"), &record(NOTE)).await,
        Err(RegistryError::UnknownSubject { .. })
    ));
    assert!(matches!(
        registry.by_version(s, Version::Number(3)).await,
        Err(RegistryError::UnknownVersion {
            version: 3,
            latest: 2,
            ..
        })
    ));
    assert!(matches!(
        registry.by_version(s, Version::Number(0)).await,
        Err(RegistryError::UnknownVersion { .. })
    ));
    assert!(matches!(
        registry.schema_by_id(2_000_000_000).await,
        Err(RegistryError::UnknownId { id: 2_000_000_000 })
    ));
    assert!(matches!(
        registry.register(s, "{").await,
        Err(RegistryError::InvalidSchema { .. })
    ));
}

/// Each level with what it allows after `size: int`: adding an optional field, adding a required one, removing `size`,
/// widening it, narrowing it back.
async fn each_level_allows_what_avro_can_resolve_and_names_the_field_otherwise(case: Case) {
    use Compatibility::{
        Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive,
        None as Nothing,
    };
    let optional = record(&format!("{SIZE_INT},{NOTE}"));
    let required = record(&format!("{SIZE_INT},{REQUIRED}"));
    let removed = record(NOTE);
    let widened = record(SIZE_LONG);
    for (level, allowed) in [
        (Nothing, [true, true, true, true]),
        (Backward, [true, false, true, true]),
        (BackwardTransitive, [true, false, true, true]),
        (Forward, [true, true, false, false]),
        (ForwardTransitive, [true, true, false, false]),
        (Full, [true, false, false, false]),
        (FullTransitive, [true, false, false, false]),
    ] {
        case.fresh();
        let registry = &case.registry;
        let s = &case.subject("s");
        registry
            .set_compatibility(Some(s), level)
            .await
            .expect("set");
        assert_eq!(
            registry.compatibility(Some(s)).await.expect("a level"),
            level
        );
        registry
            .register(s, &record(SIZE_INT))
            .await
            .expect("the first fits always");
        for ((schema, allowed), field) in [&optional, &required, &removed, &widened]
            .into_iter()
            .zip(allowed)
            .zip(["note", "venue", "size", "size"])
        {
            match registry.check(s, schema).await {
                Ok(()) => assert!(allowed, "{level}: {schema}"),
                Err(error) => {
                    assert!(!allowed, "{level}: {error}");
                    assert!(
                        error.to_string().contains(&format!("`{field}`")),
                        "{level}: the field is named: {error}"
                    );
                    assert!(
                        registry.register(s, schema).await.is_err(),
                        "what the check refuses is not registered"
                    );
                }
            }
        }
        assert_eq!(
            registry.versions(s).await.expect("versions"),
            [1],
            "a check registers nothing"
        );
    }
}

async fn transitive_levels_look_at_every_earlier_version(case: Case) {
    for (level, fits) in [
        (Compatibility::Backward, true),
        (Compatibility::BackwardTransitive, false),
    ] {
        case.fresh();
        let registry = &case.registry;
        let s = &case.subject("s");
        registry
            .set_compatibility(Some(s), Compatibility::None)
            .await
            .expect("set");
        registry
            .register(s, &record(r#"{"name":"size","type":"string"}"#))
            .await
            .expect("registered");
        registry
            .register(s, &record(SIZE_INT))
            .await
            .expect("registered");
        registry
            .set_compatibility(Some(s), level)
            .await
            .expect("set");
        let checked = registry.check(s, &record(SIZE_LONG)).await;
        assert_eq!(checked.is_ok(), fits, "{level}: {checked:?}");
        if let Err(RegistryError::Incompatible(why)) = checked {
            assert_eq!((why.version, why.level), (1, level));
        }
    }
}

async fn every_rule_names_its_field_by_path(case: Case) {
    let nested = |inner: &str| {
        record(&format!(
            r#"{{"name":"at","type":{{"type":"record","name":"P","fields":[{inner}]}}}}"#
        ))
    };
    let decimal = |scale: u32| {
        format!(
            r#"{{"name":"price","type":{{"type":"bytes","logicalType":"decimal","precision":9,"scale":{scale}}}}}"#
        )
    };
    let symbols = |names: &str| {
        format!(r#"{{"name":"state","type":{{"type":"enum","name":"S","symbols":[{names}]}}}}"#)
    };
    let fixed = |size: u32| {
        format!(r#"{{"name":"raw","type":{{"type":"fixed","name":"F","size":{size}}}}}"#)
    };
    let millis = r#"{"name":"when","type":{"type":"long","logicalType":"timestamp-millis"}}"#;
    let micros = r#"{"name":"when","type":{"type":"long","logicalType":"timestamp-micros"}}"#;
    for (earlier, newer, field, rule) in [
        (record(SIZE_LONG), record(SIZE_INT), "size", Rule::Type),
        (
            nested(SIZE_INT),
            nested(&format!("{SIZE_INT},{REQUIRED}")),
            "at.venue",
            Rule::MissingDefault,
        ),
        (
            record(&decimal(2)),
            record(&decimal(3)),
            "price",
            Rule::Decimal,
        ),
        (
            record(&symbols(r#""A","B""#)),
            record(&symbols(r#""A""#)),
            "state",
            Rule::MissingSymbol,
        ),
        (record(&fixed(4)), record(&fixed(8)), "raw", Rule::Size),
        (record(millis), record(micros), "when", Rule::LogicalType),
        (
            record(NOTE),
            record(r#"{"name":"note","type":"string"}"#),
            "note",
            Rule::Type,
        ),
        (
            record(r#"{"name":"tags","type":{"type":"array","items":"string"}}"#),
            record(r#"{"name":"tags","type":{"type":"array","items":"int"}}"#),
            "tags[]",
            Rule::Type,
        ),
    ] {
        case.fresh();
        let registry = &case.registry;
        let s = &case.subject("s");
        registry
            .set_compatibility(Some(s), Compatibility::Backward)
            .await
            .expect("set");
        registry.register(s, &earlier).await.expect("registered");
        match registry.check(s, &newer).await {
            Err(RegistryError::Incompatible(why)) => {
                let violation = why.violations.first().expect("one");
                assert_eq!(
                    (violation.field.as_str(), violation.direction),
                    (field, Direction::Backward),
                    "{why}"
                );
                assert!(
                    violation.rule == rule
                        || (field == "note" && violation.rule == Rule::MissingBranch),
                    "{why:?}"
                );
                assert!(why.to_string().contains(field), "{why}");
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

async fn registrations_at_the_same_time_agree(case: Case) {
    let registry = &case.registry;
    let s = &case.subject("s");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (registry, s) = (registry.clone(), s.clone());
            tokio::spawn(async move {
                registry
                    .register(&s, &record(SIZE_INT))
                    .await
                    .expect("registered")
            })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.expect("a task"));
    }
    ids.dedup();
    assert_eq!(
        (
            ids.len(),
            registry.versions(s).await.expect("versions").len()
        ),
        (1, 1)
    );
}

async fn a_known_schema_keeps_its_id_although_its_level_would_forbid_it_today(case: Case) {
    let registry = &case.registry;
    let s = &case.subject("s");
    registry
        .set_compatibility(Some(s), Compatibility::None)
        .await
        .expect("set");
    let first = registry.register(s, &record(SIZE_LONG)).await.expect("registered");
    let second = registry.register(s, &record(SIZE_INT)).await.expect("registered");
    registry
        .set_compatibility(Some(s), Compatibility::FullTransitive)
        .await
        .expect("set");
    assert_eq!(
        registry.register(s, &record(SIZE_LONG)).await.expect("known"),
        first
    );
    assert_eq!(
        registry.register(s, &record(SIZE_INT)).await.expect("known"),
        second
    );
    assert_eq!(registry.versions(s).await.expect("versions"), [1, 2]);
}

async fn a_subject_may_have_any_name(case: Case) {
    let registry = &case.registry;
    for name in ["a/b", "a b", "ü%20", "shop.Rate", "a?b#c", "..."] {
        let subject = &case.subject(name);
        let id = registry.register(subject, &record(SIZE_INT)).await.expect("registered");
        let latest = registry.by_version(subject, Version::Latest).await.expect("latest");
        assert_eq!((latest.subject.as_str(), latest.id), (subject.as_str(), id));
        assert!(registry.subjects().await.expect("subjects").contains(subject));
        registry
            .set_compatibility(Some(subject), Compatibility::Forward)
            .await
            .expect("set");
        assert_eq!(
            registry.compatibility(Some(subject)).await.expect("a level"),
            Compatibility::Forward
        );
    }
    assert!(matches!(
        registry.register("", &record(SIZE_INT)).await,
        Err(RegistryError::InvalidSchema { .. })
    ));
}

async fn what_does_not_fit_is_refused_by_registering_as_by_checking_and_names_every_field(case: Case) {
    let registry = &case.registry;
    let s = &case.subject("s");
    registry
        .set_compatibility(Some(s), Compatibility::Backward)
        .await
        .expect("set");
    registry
        .register(s, &record(&format!("{SIZE_LONG},{NOTE}")))
        .await
        .expect("registered");
    let schema = record(&format!(r#"{SIZE_INT},{REQUIRED},{{"name":"note","type":"string"}}"#));
    let checked = registry.check(s, &schema).await.expect_err("it does not fit");
    let refused = registry.register(s, &schema).await.expect_err("it does not fit");
    assert_eq!(checked.to_string(), refused.to_string());
    assert_eq!(
        refused.to_string(),
        format!(
            "the schema for `{s}` is not BACKWARD compatible with version 1: the new schema cannot read what the earlier one \
             writes: field `size` is a long in the earlier one, and an int in the new schema; the new schema cannot read what \
             the earlier one writes: field `venue` is not in the earlier one, and has no default in the new schema: make it \
             optional, or give it a default; the new schema cannot read what the earlier one writes: field `note` may be null \
             in the earlier one, which a string in the new schema cannot hold"
        )
    );
    assert_eq!(registry.versions(s).await.expect("versions"), [1]);
}
}
