//! Every kind of statement that is generated, accepted twice: created, then found equal.

use ksql_runtime::ksqldb::{Ensured, SourceDefinition};
use ksql_runtime::prelude::*;
use ksql_tests::entities;

use crate::server::{PREFIX, clear, client, operational, turn};

/// Digits in every name, dots and dashes in the topic's.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("v1.2-readings_3", partitions = 2)]
#[table]
#[entity(namespace = "live.v2")]
struct Reading2024 {
    #[key]
    id1: i32,
    v2x_3: Option<f64>,
}

/// Creates an entity's sources, finds them equal, and drops them.
async fn accepted<T: Entity>() {
    let ksql = client();
    let definitions = SourceDefinition::of_model(T::MODEL, &operational(T::MODEL))
        .expect("the entity's own statement");
    let names: Vec<&str> = definitions.iter().map(SourceDefinition::name).collect();
    clear(&ksql, &names).await;
    for definition in &definitions {
        let told = |ensured| format!("{}: {ensured:?}", definition.statement());
        let first = ksql
            .ensure_source(definition)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(first, Ensured::Created { .. }), "{}", told(first));
        let second = ksql
            .ensure_source(definition)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(
            matches!(second, Ensured::Unchanged { .. }),
            "{}",
            told(second)
        );
        let found = ksql
            .describe(definition.name())
            .await
            .expect("an answer")
            .expect("it is there");
        assert!(found.topic.starts_with(PREFIX));
    }
    clear(&ksql, &names).await;
    for name in names {
        assert_eq!(
            ksql.describe(name).await.expect("an answer"),
            None,
            "{name} is dropped"
        );
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident: $($entity:ident),+;)+) => {
        $(
            $(#[doc = $doc])*
            #[tokio::test]
            #[ignore = "needs a ksqlDB: KSQLDB_URL"]
            async fn $name() {
                let _turn = turn().await;
                $(accepted::<entities::$entity>().await;)+
            }
        )+
    };
}

kinds! {
    /// The sources of the flights example.
    the_example_is_accepted: Flight, Airline, Plane;
    /// Source, keys, columns and nested fields; its topic has dots and digits.
    reserved_words_are_accepted: Select;
    /// One key of each type.
    single_keys_are_accepted: ByInt, ByLong, ByText, ByUuid;
    composite_keys_are_accepted: Composite;
    a_stream_without_a_key_is_accepted: Unkeyed;
    scalars_are_accepted: Scalars, OptionalScalars, Limits;
    decimals_are_accepted: Decimals;
    times_are_accepted: Times;
    /// Event times from text by a pattern.
    timestamp_formats_are_accepted: Formatted, OptionalFormatted;
    collections_are_accepted: Collections;
    nested_structs_are_accepted: Nested;
    /// Windowed topics that a query elsewhere writes.
    windows_are_accepted: Tumbling, Hopping, Session;
}

#[tokio::test]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn names_with_digits_are_accepted() {
    let _turn = turn().await;
    accepted::<Reading2024>().await;
}
