//! The texts of definitions: snapshots, and what other readers make of them.

#![allow(missing_docs)]

use ksql_runtime::prelude::*;
use ksql_schema::{Role, avro, ddl, fingerprint};
use ksql_tests::entities::*;
use ksql_tests::ksql::{self, Create};
use ksql_tests::snapshot;
use serde_json::Value as Json;

/// A definition and its constants, without its type.
struct Texts {
    model: &'static ksql_schema::Entity<'static>,
    value: &'static str,
    key: &'static str,
    create: &'static str,
    fingerprint: u64,
}

fn texts<E: Entity>() -> Texts {
    Texts {
        model: E::MODEL,
        value: E::VALUE_SCHEMA,
        key: E::KEY_SCHEMA,
        create: E::CREATE,
        fingerprint: E::FINGERPRINT,
    }
}

/// Every shared entity.
fn all() -> Vec<Texts> {
    vec![
        texts::<Flight>(),
        texts::<Airline>(),
        texts::<Plane>(),
        texts::<Scalars>(),
        texts::<OptionalScalars>(),
        texts::<Limits>(),
        texts::<Decimals>(),
        texts::<Times>(),
        texts::<Formatted>(),
        texts::<OptionalFormatted>(),
        texts::<Collections>(),
        texts::<Nested>(),
        texts::<ByInt>(),
        texts::<ByLong>(),
        texts::<ByText>(),
        texts::<ByUuid>(),
        texts::<Composite>(),
        texts::<Unkeyed>(),
        texts::<Select>(),
        texts::<Tumbling>(),
        texts::<Hopping>(),
        texts::<Session>(),
    ]
}

fn statements(texts: &Texts) -> Vec<Create> {
    ksql::read(texts.create)
        .unwrap_or_else(|error| panic!("{}: {error}\n{}", texts.model.name, texts.create))
}

#[test]
fn the_ksql_of_every_entity_is_as_it_was() {
    let all: String = all()
        .iter()
        .map(|texts| format!("-- {}\n{}\n\n", texts.model.name, texts.create))
        .collect();
    snapshot::check("create.sql", &all).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn the_avro_of_every_entity_is_as_it_was() {
    let mut out = String::new();
    for texts in all() {
        out.push_str(&format!("{} value\n{}\n", texts.model.name, texts.value));
        if !texts.key.is_empty() {
            out.push_str(&format!("{} key\n{}\n", texts.model.name, texts.key));
        }
        out.push('\n');
    }
    snapshot::check("schemas.txt", &out).unwrap_or_else(|difference| panic!("{difference}"));
}

/// A fingerprint stands in stored state: another one for the same definition would throw that state away.
#[test]
fn the_fingerprint_of_every_entity_is_as_it_was() {
    let all: String = all()
        .iter()
        .map(|texts| format!("{} {:016x}\n", texts.model.name, texts.fingerprint))
        .collect();
    snapshot::check("fingerprints.txt", &all).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn constants_are_the_texts_that_are_rendered_at_run_time() {
    for texts in all() {
        let model = texts.model;
        assert_eq!(avro::value_schema(model), texts.value);
        assert_eq!(avro::key_schema(model), texts.key);
        assert_eq!(
            ddl::create(model, &ddl::Operational::of(model)),
            texts.create
        );
        assert_eq!(
            fingerprint::of_all(&[texts.value, texts.key, texts.create]),
            texts.fingerprint
        );
        assert_eq!(texts.value.len(), avro::value_len(model));
        assert_eq!(texts.key.len(), avro::key_len(model));
        assert_eq!(texts.create.len(), ddl::create_len(model));
    }
}

#[test]
fn the_example_has_the_entities_that_are_tested_here() {
    fn columns(source: &str, name: &str) -> Vec<String> {
        let body = source
            .split(&format!("pub struct {name} {{"))
            .nth(1)
            .and_then(|rest| rest.split("\n}").next())
            .unwrap_or_default();
        body.lines()
            .map(str::trim)
            .filter(|line| {
                !line.is_empty() && !line.starts_with("///") && !line.starts_with("#[serde")
            })
            .map(str::to_owned)
            .collect()
    }
    let (example, here) = (
        include_str!("../../examples/flights.rs"),
        include_str!("../src/entities/flights.rs"),
    );
    for name in ["Flight", "Airline", "Plane"] {
        assert_eq!(columns(example, name), columns(here, name), "{name}");
        assert!(!columns(here, name).is_empty(), "{name}");
    }
}

/// The KSQL type of a schema, from Avro's side.
fn sql_type(schema: &Json) -> String {
    if let Some([_, ty]) = schema.as_array().map(Vec::as_slice) {
        return sql_type(ty);
    }
    let name = schema
        .as_str()
        .or(schema["type"].as_str())
        .unwrap_or_default();
    match (name, schema["logicalType"].as_str()) {
        ("boolean", _) => "BOOLEAN".into(),
        ("int", None) => "INTEGER".into(),
        ("int", Some("date")) => "DATE".into(),
        ("int", Some("time-millis")) => "TIME".into(),
        ("long", None) => "BIGINT".into(),
        ("long", Some("timestamp-millis")) => "TIMESTAMP".into(),
        ("float" | "double", _) => "DOUBLE".into(),
        ("string", _) => "STRING".into(),
        ("bytes", None) => "BYTES".into(),
        ("bytes", Some("decimal")) => {
            format!("DECIMAL({}, {})", schema["precision"], schema["scale"])
        }
        ("array", _) => format!("ARRAY<{}>", sql_type(&schema["items"])),
        ("map", _) => format!("MAP<STRING, {}>", sql_type(&schema["values"])),
        ("record", _) => {
            let field = |field: &Json| {
                format!(
                    "{} {}",
                    field["name"].as_str().unwrap_or_default().to_uppercase(),
                    sql_type(&field["type"])
                )
            };
            let fields: Vec<String> = schema["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .map(field)
                .collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        other => panic!("{other:?} is no column type"),
    }
}

#[test]
fn every_statement_is_ksql_and_says_what_the_schemas_say() {
    for texts in all() {
        let model = texts.model;
        let value: Json = serde_json::from_str(texts.value).expect("the schema is JSON");
        let values: Vec<(String, String)> = value["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|field| {
                (
                    field["name"].as_str().unwrap_or_default().to_uppercase(),
                    sql_type(&field["type"]),
                )
            })
            .collect();
        let statements = statements(&texts);
        assert_eq!(
            statements.len(),
            model.window.map_or(1, |window| window.sizes_ms.len())
        );
        for create in statements {
            let found: Vec<_> = create
                .columns
                .iter()
                .filter(|column| !column.key)
                .map(|column| (column.name.clone(), column.ty.clone()))
                .collect();
            assert_eq!(found, values, "{}", model.name);
            let keys: Vec<&str> = create
                .columns
                .iter()
                .filter(|column| column.key)
                .map(|column| column.name.as_str())
                .collect();
            let wanted: Vec<&str> = model
                .columns
                .iter()
                .filter(|column| column.role == Role::Key)
                .map(|column| column.sql_name)
                .collect();
            assert_eq!(keys, wanted);
            let full_name = format!(
                "{}.{}",
                value["namespace"].as_str().unwrap_or_default(),
                value["name"].as_str().unwrap_or_default()
            );
            assert_eq!(create.text("VALUE_SCHEMA_FULL_NAME"), Some(&*full_name));
            if !texts.key.is_empty() {
                assert_eq!(
                    create.text("KEY_SCHEMA_FULL_NAME"),
                    Some(&*format!("{full_name}Key"))
                );
            }
            assert_eq!(
                create.number("PARTITIONS"),
                Some(model.topic.partitions.unwrap_or(1).into())
            );
            assert_eq!(
                create.number("REPLICAS"),
                Some(model.topic.replication.unwrap_or(1).into())
            );
        }
    }
}

#[test]
fn every_schema_is_read_by_apache_avro_as_it_is_declared() {
    use apache_avro::Schema;
    for texts in all() {
        for (text, role) in [(texts.value, Role::Value), (texts.key, Role::Key)] {
            if text.is_empty() {
                continue;
            }
            let Schema::Record(record) = Schema::parse_str(text).expect("apache-avro reads it")
            else {
                panic!("{text} is no record")
            };
            let columns: Vec<_> = texts
                .model
                .columns
                .iter()
                .filter(|column| column.role == role)
                .collect();
            assert_eq!(record.fields.len(), columns.len());
            for (field, column) in record.fields.iter().zip(columns) {
                assert_eq!(
                    field.name,
                    if role == Role::Key {
                        column.sql_name
                    } else {
                        column.name
                    }
                );
                assert_eq!(
                    matches!(field.schema, Schema::Union(_)),
                    column.nullable || role == Role::Key,
                    "{}",
                    field.name
                );
                let default = column
                    .default
                    .map(|text| serde_json::from_str::<Json>(text).expect("a default is JSON"));
                assert_eq!(
                    field.default,
                    default.or((column.nullable || role == Role::Key).then_some(Json::Null))
                );
                let length = field
                    .custom_attributes
                    .get("maxLength")
                    .and_then(Json::as_u64);
                assert_eq!(
                    length,
                    column
                        .max_length
                        .filter(|_| role == Role::Value)
                        .map(u64::from)
                );
            }
        }
    }
}

/// The order of attributes that registries compare texts in, and ksqlDB writes.
const ORDER: [&str; 12] = [
    "type",
    "name",
    "namespace",
    "logicalType",
    "precision",
    "scale",
    "items",
    "values",
    "fields",
    "default",
    "maxLength",
    "connect.name",
];

/// Whether nothing stands between the tokens of a JSON text.
fn compact(text: &str) -> bool {
    let mut inside = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b' ' | b'\n' | b'\t' if !inside => return false,
            _ => {}
        }
    }
    !inside
}

#[test]
fn schemas_are_compact_and_their_attributes_in_one_order() {
    /// The names of an object's attributes as the text has them: every `"name":` at its depth.
    fn names(text: &str) -> Vec<Vec<String>> {
        let (mut open, mut done) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let mut used = first.len_utf8();
            match first {
                '{' => open.push(Vec::new()),
                '}' => done.extend(open.pop()),
                '"' => {
                    let mut string = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                    let found = string.next().expect("a string").expect("a string");
                    used = string.byte_offset();
                    if rest[used..].starts_with(':') {
                        open.last_mut().expect("inside an object").push(found);
                    }
                }
                _ => {}
            }
            rest = &rest[used..];
        }
        done
    }
    for texts in all() {
        for text in [texts.value, texts.key] {
            assert!(compact(text), "{text}");
            for object in names(text) {
                // A field has its name first, a type its type.
                let field = object.first().is_some_and(|first| first == "name");
                let places: Vec<usize> = object
                    .iter()
                    .map(|name| {
                        if field && name == "type" {
                            1
                        } else if field && name == "name" {
                            0
                        } else {
                            ORDER
                                .iter()
                                .position(|known| known == name)
                                .unwrap_or_else(|| panic!("{name} is no attribute of ours"))
                        }
                    })
                    .collect();
                assert!(places.is_sorted(), "{object:?} in {text}");
            }
        }
    }
}

#[test]
fn nested_records_are_named_by_their_path_and_only_the_root_has_a_namespace() {
    for texts in all() {
        let json: Json = serde_json::from_str(texts.value).expect("the schema is JSON");
        assert_eq!(
            texts.value.matches("\"namespace\"").count(),
            1,
            "{}",
            texts.model.name
        );
        let mut names = Vec::new();
        fn collect(json: &Json, names: &mut Vec<String>) {
            match json {
                Json::Array(items) => items.iter().for_each(|item| collect(item, names)),
                Json::Object(object) => {
                    if object.get("type").is_some_and(|ty| ty == "record") {
                        names.push(object["name"].as_str().unwrap_or_default().to_owned());
                    }
                    object.values().for_each(|value| collect(value, names));
                }
                _ => {}
            }
        }
        collect(&json, &mut names);
        let root = names.first().cloned().unwrap_or_default();
        assert!(
            names
                .iter()
                .all(|name| *name == root || name.starts_with(&format!("{root}_"))),
            "{names:?}"
        );
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "each record is defined once");
    }
    assert!(Nested::VALUE_SCHEMA.contains(r#""name":"Nested_line_stops""#));
}

#[test]
fn operational_values_change_the_topic_and_its_settings_only() {
    for texts in all() {
        let own = statements(&texts);
        let operational = ddl::Operational {
            topic_prefix: "dev.",
            partitions: 7,
            replication: 3,
            retention_ms: Some(1234),
        };
        let changed =
            ksql::read(&ddl::create(texts.model, &operational)).expect("the text is KSQL");
        assert_eq!(own.len(), changed.len());
        for (own, changed) in own.iter().zip(&changed) {
            assert_eq!(
                (own.table, &own.name, &own.columns),
                (changed.table, &changed.name, &changed.columns)
            );
            assert_eq!(
                changed.text("KAFKA_TOPIC").map(str::to_owned),
                own.text("KAFKA_TOPIC").map(|topic| format!("dev.{topic}"))
            );
            assert_eq!(
                (changed.number("PARTITIONS"), changed.number("REPLICAS")),
                (Some(7), Some(3))
            );
            assert_eq!(changed.number("RETENTION_MS"), (!own.table).then_some(1234));
            for name in [
                "KEY_FORMAT",
                "KEY_SCHEMA_FULL_NAME",
                "VALUE_SCHEMA_FULL_NAME",
                "TIMESTAMP",
                "TIMESTAMP_FORMAT",
                "WINDOW_TYPE",
                "WINDOW_SIZE",
            ] {
                assert_eq!(own.text(name), changed.text(name));
            }
        }
    }
}
