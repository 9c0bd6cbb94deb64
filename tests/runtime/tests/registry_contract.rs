//! What every registry promises, written against the surface.

use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions};
use ksql_runtime::registry::{
    Compatibility, Direction, InProcessRegistry, Registry, RegistryError, Rule, Version,
};

fn registry() -> (tempfile::TempDir, EmbeddedLog, Registry) {
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
async fn the_same_text_keeps_its_id_under_every_subject_whatever_its_spaces() {
    let (_directory, _log, registry) = registry();
    let id = registry
        .register("a-value", &record(SIZE_INT))
        .await
        .expect("registered");
    assert_eq!(
        registry
            .register("a-value", &record(SIZE_INT))
            .await
            .expect("again"),
        id
    );
    assert_eq!(
        registry
            .register("b-value", &record(SIZE_INT))
            .await
            .expect("elsewhere"),
        id
    );
    let spaced = record(SIZE_INT).replace(',', " ,\n  ");
    assert_eq!(
        registry.register("a-value", &spaced).await.expect("spaced"),
        id
    );
    assert_eq!(registry.versions("a-value").await.expect("versions"), [1]);
    let other = registry
        .register("a-value", &record(SIZE_LONG))
        .await
        .expect("another");
    assert_ne!(other, id);
    assert_eq!(
        registry.versions("a-value").await.expect("versions"),
        [1, 2]
    );
    assert_eq!(
        registry.subjects().await.expect("subjects"),
        ["a-value", "b-value"]
    );
}

#[tokio::test]
async fn schemas_are_found_by_id_version_and_text() {
    let (_directory, _log, registry) = registry();
    let first = registry
        .register("s", &record(SIZE_INT))
        .await
        .expect("registered");
    let second = registry
        .register("s", &record(SIZE_LONG))
        .await
        .expect("registered");
    assert_eq!(
        registry.schema_by_id(first).await.expect("by id").as_ref(),
        record(SIZE_INT)
    );
    let latest = registry
        .by_version("s", Version::Latest)
        .await
        .expect("latest");
    assert_eq!(
        (latest.version, latest.id, latest.schema.as_ref()),
        (2, second, record(SIZE_LONG).as_str())
    );
    assert_eq!(
        registry
            .by_version("s", Version::Number(1))
            .await
            .expect("first")
            .id,
        first
    );
    assert_eq!(
        registry
            .lookup("s", &record(SIZE_INT))
            .await
            .expect("by text")
            .version,
        1
    );
    assert!(matches!(
        registry.lookup("s", &record(NOTE)).await,
        Err(RegistryError::UnknownSchema { .. })
    ));
    assert!(matches!(
        registry.lookup("t", &record(NOTE)).await,
        Err(RegistryError::UnknownSubject { .. })
    ));
    assert!(matches!(
        registry.by_version("s", Version::Number(3)).await,
        Err(RegistryError::UnknownVersion {
            version: 3,
            latest: 2,
            ..
        })
    ));
    assert!(matches!(
        registry.by_version("s", Version::Number(0)).await,
        Err(RegistryError::UnknownVersion { .. })
    ));
    assert!(matches!(
        registry.schema_by_id(999).await,
        Err(RegistryError::UnknownId { id: 999 })
    ));
    assert!(matches!(
        registry.register("s", "{").await,
        Err(RegistryError::InvalidSchema { .. })
    ));
}

/// Each level with what it allows after `size: int`: adding an optional field, adding a required one, removing `size`,
/// widening it, narrowing it back.
#[tokio::test]
async fn each_level_allows_what_avro_can_resolve_and_names_the_field_otherwise() {
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
        let (_directory, _log, registry) = registry();
        registry
            .set_compatibility(Some("s"), level)
            .await
            .expect("set");
        assert_eq!(
            registry.compatibility(Some("s")).await.expect("a level"),
            level
        );
        registry
            .register("s", &record(SIZE_INT))
            .await
            .expect("the first fits always");
        for ((schema, allowed), field) in [&optional, &required, &removed, &widened]
            .into_iter()
            .zip(allowed)
            .zip(["note", "venue", "size", "size"])
        {
            match registry.check("s", schema).await {
                Ok(()) => assert!(allowed, "{level}: {schema}"),
                Err(error) => {
                    assert!(!allowed, "{level}: {error}");
                    assert!(
                        error.to_string().contains(&format!("`{field}`")),
                        "{level}: the field is named: {error}"
                    );
                    assert!(
                        registry.register("s", schema).await.is_err(),
                        "what the check refuses is not registered"
                    );
                }
            }
        }
        assert_eq!(
            registry.versions("s").await.expect("versions"),
            [1],
            "a check registers nothing"
        );
    }
}

#[tokio::test]
async fn transitive_levels_look_at_every_earlier_version() {
    for (level, fits) in [
        (Compatibility::Backward, true),
        (Compatibility::BackwardTransitive, false),
    ] {
        let (_directory, _log, registry) = registry();
        registry
            .set_compatibility(None, Compatibility::None)
            .await
            .expect("set");
        registry
            .register("s", &record(r#"{"name":"size","type":"string"}"#))
            .await
            .expect("registered");
        registry
            .register("s", &record(SIZE_INT))
            .await
            .expect("registered");
        registry
            .set_compatibility(Some("s"), level)
            .await
            .expect("set");
        let checked = registry.check("s", &record(SIZE_LONG)).await;
        assert_eq!(checked.is_ok(), fits, "{level}: {checked:?}");
        if let Err(RegistryError::Incompatible(why)) = checked {
            assert_eq!((why.version, why.level), (1, level));
        }
    }
}

#[tokio::test]
async fn every_rule_names_its_field_by_path() {
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
        let (_directory, _log, registry) = registry();
        registry.register("s", &earlier).await.expect("registered");
        match registry.check("s", &newer).await {
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

#[tokio::test]
async fn the_registry_is_as_durable_as_the_log() {
    let (directory, log, registry) = registry();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_at_the_same_time_agree() {
    let (_directory, _log, registry) = registry();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move {
                registry
                    .register("s", &record(SIZE_INT))
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
            registry.versions("s").await.expect("versions").len()
        ),
        (1, 1)
    );
}
