//! Every kind of statement that is generated, accepted twice: created, then found equal.

use std::collections::BTreeSet;

use ksql_runtime::ksqldb::{Ensured, SourceDefinition};
use ksql_runtime::prelude::*;
use ksql_runtime::schema::Type;
use ksql_runtime::schema::ddl::{Operational, create_stream_of_window};
use ksql_tests::entities;

use crate::server::Place;
use crate::shapes::Shapes;

/// Digits in every name, dots and dashes in the topic's.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("v1.2-readings_3", partitions = 2)]
#[table]
#[entity(namespace = "live.v2")]
struct Reading2024 {
    #[key]
    id1: i32,
    v2x_3: Option<f64>,
    level_2b: Option<Level4>,
}

#[derive(Debug, Clone, PartialEq, Struct)]
struct Level4 {
    x_1: Option<i64>,
    y2: Option<String>,
}

/// One composite key of numbers only.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("live.by.numbers")]
#[table]
#[entity(namespace = "live")]
struct ByNumbers {
    #[key]
    shop: i32,
    #[key]
    number: i64,
    paid: bool,
}

/// What is sent and found, twice, and dropped.
async fn accepted(place: Place, definitions: &[SourceDefinition]) {
    let names: Vec<&str> = definitions.iter().map(SourceDefinition::name).collect();
    place.clear(&names).await;
    for definition in definitions {
        let told = |ensured| format!("{}: {ensured:?}", definition.statement());
        let first = place
            .ksql
            .ensure_source(definition)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(first, Ensured::Created { .. }), "{}", told(first));
        let second = place
            .ksql
            .ensure_source(definition)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(
            matches!(second, Ensured::Unchanged { .. }),
            "{}",
            told(second)
        );
        let found = place
            .ksql
            .describe(definition.name())
            .await
            .expect("an answer")
            .expect("it is there");
        assert!(found.topic.starts_with(&place.prefix), "{}", found.topic);
    }
    place.leave(&names).await;
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident: $($entity:path),+;)+) => {
        $(
            $(#[doc = $doc])*
            #[tokio::test]
            #[ignore = "needs a ksqlDB: KSQLDB_URL"]
            async fn $name() {
                $(
                    let place = Place::new().await;
                    let definitions = place.definitions::<$entity>();
                    accepted(place, &definitions).await;
                )+
            }
        )+

        /// Everything with a case.
        const MODELS: &[&ksql_runtime::schema::Entity<'static>] = &[$($(<$entity as Entity>::MODEL),+),+];
    };
}

kinds! {
    /// Source, keys, columns and nested fields; its topic has dots and digits.
    reserved_words_are_accepted: entities::Select;
    /// One key of each type.
    single_keys_are_accepted: entities::ByInt, entities::ByLong, entities::ByText, entities::ByUuid;
    composite_keys_are_accepted: entities::Composite, ByNumbers;
    a_stream_without_a_key_is_accepted: entities::Unkeyed;
    scalars_are_accepted: entities::Scalars, entities::OptionalScalars, entities::Limits;
    decimals_are_accepted: entities::Decimals;
    times_are_accepted: entities::Times;
    /// Event times from text by a pattern.
    timestamp_formats_are_accepted: entities::Formatted, entities::OptionalFormatted;
    collections_are_accepted: entities::Collections;
    nested_structs_are_accepted: entities::Nested, Shapes;
    /// Windowed topics that a query elsewhere writes.
    windows_are_accepted: entities::Tumbling, entities::Hopping, entities::Session;
    names_with_digits_are_accepted: Reading2024;
}

/// What queries read of a window's topic: a stream with a name of its own.
#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn streams_of_windows_are_accepted() {
    for model in [
        entities::Tumbling::MODEL,
        entities::Hopping::MODEL,
        entities::Session::MODEL,
    ] {
        let place = Place::new().await;
        let definitions = streams_of_windows(model, &place.operational(model));
        accepted(place, &definitions).await;
    }
}

/// One of each size.
fn streams_of_windows(
    model: &ksql_runtime::schema::Entity<'_>,
    operational: &Operational<'_>,
) -> Vec<SourceDefinition> {
    let window = model.window.as_ref().expect("a window");
    let sizes = window.sizes_ms.iter();
    let texts = sizes.map(|size| create_stream_of_window(model, operational, window, *size));
    texts
        .map(|text| SourceDefinition::parse(&text).expect("a definition"))
        .collect()
}

#[test]
fn every_kind_of_window_has_a_stream() {
    let names = |model| -> Vec<String> {
        let definitions = streams_of_windows(model, &Operational::of(model));
        let names = definitions.iter().map(SourceDefinition::name);
        names.map(str::to_owned).collect()
    };
    assert_eq!(
        [
            names(entities::Tumbling::MODEL),
            names(entities::Hopping::MODEL),
            names(entities::Session::MODEL),
        ]
        .concat(),
        [
            "TUMBLING_1MIN_STREAM",
            "TUMBLING_5MIN_STREAM",
            "HOPPING_1440MIN_BY_360MIN_STREAM",
            "HOPPING_43200MIN_BY_360MIN_STREAM",
            "SESSION_90S_SESSION_STREAM",
        ]
    );
}

/// Every word that KSQL's grammar knows: those it reserves, and those it allows bare.
const WORDS: &str = "ADVANCE ALL AND AS AT BEGINNING BETWEEN BY CASE CAST CATALOG CONNECTOR CONNECTORS CREATE DAYS DECIMAL \
    DELETE DESCRIBE DISTINCT DROP ELSE END EXISTS EXPORT EXTENDED FALSE FROM FULL GROUP HAVING HOPPING HOURS IN INNER INSERT \
    INTO IS JOIN LEFT LIKE LIMIT LIST LOAD MATERIALIZED MILLISECOND MILLISECONDS MINUTES MONTHS NAMESPACE NOT NULL ON OR \
    OUTER PAUSE PRINT PROPERTIES QUERIES QUERY RENAME RESUME RETENTION RIGHT RUN SAMPLE SCRIPT SECONDS SELECT SIZE STREAM \
    STREAMS TABLE TERMINATE THEN TO TOPIC TOPICS TRUE TUMBLING UNSET VALUES VIEW WHEN WHERE WINDOW WITH WITHIN YEARS \
    ADD ALTER ANALYZE ARRAY ASSERT CHANGES COLUMN COLUMNS DATE DAY DEFINE EMIT ESCAPE EXPLAIN FINAL FUNCTION FUNCTIONS \
    GRACE HEADER HEADERS HOUR ID IF INTEGER INTERVAL KEY MAP MINUTE MONTH PARTITION PARTITIONS PERIOD PLUGINS PRIMARY \
    REPLACE RESET SCHEMA SECOND SESSION SET SHOW SINK SOURCE STRING STRUCT SUBJECT SYSTEM TABLES TIME TIMEOUT TIMESTAMP \
    TYPE TYPES UNDEFINE VARIABLES YEAR ZONE";

/// Each as a column and as a field of a struct, as statements quote them.
#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn every_word_of_the_grammar_is_accepted_as_a_name() {
    let place = Place::new().await;
    let listed = |ty: &str| {
        let names = WORDS.split_whitespace();
        let names: Vec<String> = names.map(|word| format!("`{word}` {ty}")).collect();
        names.join(", ")
    };
    let definition = SourceDefinition::parse(&format!(
        "CREATE STREAM IF NOT EXISTS `TABLE` (`_KEY` STRING KEY, {}, `_ALL` STRUCT<{}>) WITH (KAFKA_TOPIC='{}words', PARTITIONS=1, REPLICAS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='live.Words');",
        listed("INTEGER"),
        listed("STRING"),
        place.prefix
    ))
    .expect("a definition");
    accepted(place, &[definition]).await;
}

/// Those of a type and of what is in it.
fn kinds_of(ty: &Type<'_>, nullable: bool, kinds: &mut BTreeSet<String>) {
    let name = match ty {
        Type::Boolean => "bool",
        Type::Int16 => "i16",
        Type::Int32 => "i32",
        Type::Int64 => "i64",
        Type::Float32 => "f32",
        Type::Float64 => "f64",
        Type::String => "text",
        Type::Uuid => "uuid",
        Type::Enum => "enum",
        Type::Bytes => "bytes",
        Type::Decimal { .. } => "decimal",
        Type::DateTime => "moment",
        Type::Date => "date",
        Type::Time => "time",
        Type::Array(item) => {
            kinds_of(&item.ty, item.nullable, kinds);
            "array"
        }
        Type::Map(item) => {
            kinds_of(&item.ty, item.nullable, kinds);
            "map"
        }
        Type::Struct(record) => {
            for field in record.fields {
                kinds_of(&field.ty, field.nullable, kinds);
            }
            "struct"
        }
        Type::Unknown => panic!("a type that the compiler does not know"),
    };
    kinds.insert(if nullable {
        format!("{name}?")
    } else {
        name.to_owned()
    });
}

#[test]
fn every_type_has_a_case_plain_and_optional() {
    let mut found = BTreeSet::new();
    for column in MODELS.iter().flat_map(|model| model.columns) {
        kinds_of(&column.ty, column.nullable, &mut found);
    }
    let all =
        "bool i16 i32 i64 f32 f64 text uuid enum bytes decimal moment date time array map struct";
    for name in all.split(' ') {
        assert!(found.contains(name), "no case has {name}: {found:?}");
        let optional = format!("{name}?");
        assert!(
            found.contains(&optional),
            "no case has {optional}: {found:?}"
        );
    }
}
