//! What a query needs and makes outside of itself: sinks, topics with their settings, stores, schemas.
//!
//! Invariant: numbers are those start creates topics with and the statements say - a server refuses a result topic whose
//! retention is not exactly what it would choose itself. Operational overrides of a configuration are not known here.

use super::Query;
use super::avro;
use crate::ddl::Operational;
use crate::model::{Cleanup, Entity, Kind, Role, Window};
use crate::names::window_label;
use crate::query::with;

/// A topic, as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFacts {
    /// Its name.
    pub name: String,
    /// Written by the query, else read.
    pub written: bool,
    /// How many partitions.
    pub partitions: u32,
    /// What happens to old records.
    pub cleanup: Cleanup,
    /// How long records are kept, in milliseconds; without end if none is told.
    pub retention_ms: Option<u64>,
}

impl TopicFacts {
    pub(super) fn partitions_text(&self) -> String {
        match self.partitions {
            1 => "1 partition".to_owned(),
            many => format!("{many} partitions"),
        }
    }

    /// Where nothing is deleted by age, the age says nothing.
    pub(super) fn retention_text(&self) -> String {
        match (self.cleanup, self.retention_ms) {
            (Cleanup::Compact, _) => String::new(),
            (_, None) => "kept for ever".to_owned(),
            (_, Some(millis)) => format!("kept for {}", duration_text(millis)),
        }
    }
}

/// Where results go: one a window of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// The KSQL source, without quotes.
    pub source: String,
    /// The topic.
    pub topic: String,
    /// The store, for a table.
    pub store: String,
    /// The window's size in milliseconds.
    pub size_ms: Option<u64>,
}

/// The sinks of an entity.
pub fn sinks(entity: &Entity<'_>) -> Vec<Sink> {
    let Some(window) = &entity.window else {
        return vec![Sink {
            source: entity.sql_name.to_owned(),
            topic: entity.topic.name.to_owned(),
            store: format!("{}_Store", entity.name),
            size_ms: None,
        }];
    };
    let sink = |size: &u64| {
        let label = window_label(window, *size);
        Sink {
            source: format!("{}_{}", entity.sql_name, label.to_ascii_uppercase()),
            topic: format!("{}_{label}", entity.topic.name),
            store: format!("{}_{label}_Store", entity.name),
            size_ms: Some(*size),
        }
    };
    window.sizes_ms.iter().map(sink).collect()
}

/// How a query's result topics are operated, as the definitions state it.
pub fn operation(query: &Query<'_>) -> Operational<'static> {
    match query.inputs.first().filter(|_| query.creates()) {
        Some(input) => with::operational(query.output, input.entity),
        None => Operational::of(query.output),
    }
}

/// What happens to old records of a query's results.
pub fn output_cleanup(query: &Query<'_>) -> Cleanup {
    query
        .output
        .topic
        .cleanup
        .unwrap_or(match (query.kind, query.output.window) {
            (Kind::Stream, _) => Cleanup::Delete,
            (Kind::Table, None) => Cleanup::Compact,
            (Kind::Table, Some(_)) => Cleanup::CompactDelete,
        })
}

/// A negative retention is none.
fn positive(millis: i64) -> Option<u64> {
    u64::try_from(millis).ok()
}

pub(super) fn topics(query: &Query<'_>) -> Vec<TopicFacts> {
    let mut topics = Vec::new();
    for input in query.inputs {
        let topic = &input.entity.topic;
        for sink in sinks(input.entity) {
            topics.push(TopicFacts {
                name: sink.topic,
                written: false,
                partitions: topic.partitions.unwrap_or(1),
                cleanup: topic.cleanup.unwrap_or(match input.entity.kind {
                    Kind::Stream => Cleanup::Delete,
                    Kind::Table => Cleanup::Compact,
                }),
                retention_ms: topic.retention_ms.and_then(positive),
            });
        }
    }
    let operation = operation(query);
    for (statement, sink) in sinks(query.output).into_iter().enumerate() {
        topics.push(TopicFacts {
            name: sink.topic,
            written: true,
            partitions: operation.partitions,
            cleanup: output_cleanup(query),
            retention_ms: with::retention_ms(query.output, &operation, statement)
                .and_then(positive),
        });
    }
    topics
}

pub(super) fn stores(query: &Query<'_>) -> Vec<(String, String)> {
    let kept = if query.aggregates() {
        "what is kept of groups, and how far it has read"
    } else {
        "how far it has read"
    };
    let mut stores = vec![(format!("{}_Query", query.name), kept.to_owned())];
    if query.kind == Kind::Table {
        let rows = sinks(query.output).into_iter();
        stores.extend(rows.map(|sink| (sink.store, format!("rows of {}", sink.topic))));
    }
    stores
}

pub(super) fn schemas(query: &Query<'_>) -> Vec<(String, String)> {
    let key = avro::key_schema(query.output);
    let value = avro::result_schema(query.output);
    sinks(query.output)
        .iter()
        .flat_map(|sink| {
            [("key", &key), ("value", &value)]
                .into_iter()
                .filter(|(_, schema)| !schema.is_empty())
                .map(|(part, schema)| (format!("{}-{part}", sink.topic), schema.clone()))
        })
        .collect()
}

/// Whether these expressions of the statement are the key the input's records have: nothing moves to another partition then.
/// The rows of a table always move when they are grouped.
pub(super) fn is_key(query: &Query<'_>, expressions: &[&str]) -> bool {
    let Some(input) = query
        .inputs
        .first()
        .filter(|input| input.kind == Kind::Stream)
    else {
        return false;
    };
    let keys: Vec<&str> = input
        .entity
        .columns
        .iter()
        .filter(|column| column.role == Role::Key)
        .map(|column| column.quoted)
        .collect();
    !keys.is_empty() && keys == expressions
}

/// The window and the times that go with it.
pub(super) fn window_text(window: &Window<'_>) -> String {
    use crate::model::WindowKind;
    let sizes: Vec<String> = window
        .sizes_ms
        .iter()
        .map(|size| duration_text(*size))
        .collect();
    let sizes = sizes.join(", ");
    let shape = match window.kind {
        WindowKind::Tumbling => format!("tumbling, {sizes}"),
        WindowKind::Hopping => format!(
            "hopping, {sizes} every {}",
            duration_text(window.advance_ms.unwrap_or_default())
        ),
        WindowKind::Session => format!("session, ends after {sizes} of silence"),
    };
    format!(
        "{shape}; grace {}",
        duration_text(window.effective_grace_ms())
    )
}

/// A cleanup policy in Kafka's words.
pub const fn cleanup_text(cleanup: Cleanup) -> &'static str {
    match cleanup {
        Cleanup::Delete => "delete",
        Cleanup::Compact => "compact",
        Cleanup::CompactDelete => "compact,delete",
    }
}

/// A duration in its largest whole unit: `10 seconds`, `1 hour`.
pub fn duration_text(millis: u64) -> String {
    let units = [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1000, "second"),
        (1, "millisecond"),
    ];
    units
        .into_iter()
        .find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit))
        .map_or_else(
            || "0 seconds".to_owned(),
            |(unit, name)| match millis / unit {
                1 => format!("1 {name}"),
                many => format!("{many} {name}s"),
            },
        )
}
