//! The `WITH` clause of a `CREATE .. AS`: topic, partitions, replicas, retention, formats, pinned record names, timestamp.
//!
//! Invariant: everything is written out, so that no default of a server decides. The retention is exactly what ksqlDB computes for
//! the topic, since it refuses to write into one with another. Written into the constant text by [`super::text`]; a host
//! that overrides the topic's operation puts its own clause in that one's place.

use crate::avro::push_full_name;
use crate::ddl::{Operational, push_label, render_timestamp};
use crate::model::{Entity, Kind, Window};
use crate::text::Sink;

/// Retention of a result stream where neither it nor its source states one: Kafka's own default.
pub const DEFAULT_RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// The operation of a query's topic as the definitions state it: what the output leaves open the input decides.
pub const fn operational(output: &Entity<'_>, input: &Entity<'_>) -> Operational<'static> {
    Operational {
        topic_prefix: "",
        partitions: match (output.topic.partitions, input.topic.partitions) {
            (Some(partitions), _) | (None, Some(partitions)) => partitions,
            (None, None) => 1,
        },
        replication: match (output.topic.replication, input.topic.replication) {
            (Some(replication), _) | (None, Some(replication)) => replication,
            (None, None) => 1,
        },
        retention_ms: match (output.topic.retention_ms, output.kind, input.kind) {
            (Some(retention), ..) => Some(retention),
            (None, Kind::Stream, Kind::Stream) => match input.topic.retention_ms {
                Some(retention) => Some(retention),
                None => Some(DEFAULT_RETENTION_MS),
            },
            (None, Kind::Stream, Kind::Table) => Some(DEFAULT_RETENTION_MS),
            (None, Kind::Table, _) => None,
        },
    }
}

/// The retention of a result topic in milliseconds: of a windowed table the larger of the window's and the topic's, of a stream
/// the topic's; ksqlDB asks for none on a table without windows.
pub const fn retention_ms(
    output: &Entity<'_>,
    operational: &Operational<'_>,
    statement: usize,
) -> Option<i64> {
    match (sized(output, statement), output.kind) {
        (Some((window, size)), _) => {
            let least = window.effective_retention_ms(size) as i64;
            match operational.retention_ms {
                Some(retention) if retention > least => Some(retention),
                _ => Some(least),
            }
        }
        (None, Kind::Stream) => Some(match operational.retention_ms {
            Some(retention) => retention,
            None => DEFAULT_RETENTION_MS,
        }),
        (None, Kind::Table) => None,
    }
}

/// A window and the size of the statement's number.
pub(crate) const fn sized<'e>(
    entity: &'e Entity<'_>,
    statement: usize,
) -> Option<(&'e Window<'e>, u64)> {
    let Some(of) = &entity.window else {
        return None;
    };
    let mut sizes = of.sizes_ms;
    let mut at = 0;
    while let [size, rest @ ..] = sizes {
        if at == statement {
            return Some((of, *size));
        }
        sizes = rest;
        at += 1;
    }
    None
}

/// Renders the clause of a statement: `WITH (..)`.
pub const fn render(
    output: &Entity<'_>,
    operational: &Operational<'_>,
    statement: usize,
    sink: &mut Sink<'_>,
) {
    sink.push("WITH (KAFKA_TOPIC='");
    sink.push_literal(operational.topic_prefix);
    sink.push_literal(output.topic.name);
    if let Some((window, size)) = sized(output, statement) {
        sink.byte(b'_');
        push_label(window, size, false, sink);
    }
    sink.push("', PARTITIONS=");
    sink.push_number(operational.partitions as i64);
    sink.push(", REPLICAS=");
    sink.push_number(operational.replication as i64);
    if let Some(retention) = retention_ms(output, operational, statement) {
        sink.push(", RETENTION_MS=");
        sink.push_number(retention);
    }
    let keys = output.key_columns();
    if keys > 0 {
        sink.push(if keys > 1 {
            ", KEY_FORMAT='AVRO'"
        } else {
            ", KEY_FORMAT='KAFKA'"
        });
    }
    sink.push(", VALUE_FORMAT='AVRO'");
    if keys > 1 {
        sink.push(", KEY_SCHEMA_FULL_NAME='");
        push_full_name(output, sink);
        sink.push("Key'");
    }
    sink.push(", VALUE_SCHEMA_FULL_NAME='");
    push_full_name(output, sink);
    sink.byte(b'\'');
    render_timestamp(output, sink);
    sink.byte(b')');
}

/// The clause of a statement as text.
pub fn clause(output: &Entity<'_>, operational: &Operational<'_>, statement: usize) -> String {
    super::words::text(|sink| render(output, operational, statement, sink))
}

/// A statement of the constant text with another operation of its topic.
pub fn overridden(
    text: &str,
    output: &Entity<'_>,
    input: &Entity<'_>,
    with: &Operational<'_>,
    statement: usize,
) -> String {
    let own = clause(output, &operational(output, input), statement);
    text.replacen(&own, &clause(output, with, statement), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Column, GapPolicy, KindFrom, Mode, Role, SubjectStrategy, Topic, ValueFormat, WindowKind,
    };
    use crate::query::column::samples::{key, sample};
    use crate::types::Type;

    const fn entity(
        name: &'static str,
        kind: Kind,
        columns: &'static [Column<'static>],
    ) -> Entity<'static> {
        Entity {
            name,
            namespace: "shop",
            record_name: name,
            sql_name: name,
            kind,
            kind_from: KindFrom::Attribute,
            topic: Topic {
                name: "results",
                declared: true,
                partitions: None,
                replication: None,
                retention_ms: None,
                cleanup: None,
            },
            value_format: ValueFormat::Avro,
            subjects: SubjectStrategy::TopicName,
            columns,
            window: None,
            mode: Mode::Strict,
        }
    }

    const ONE: &[Column<'static>] = &[key("id", Type::Int64), sample("n", Type::Int32)];
    const TWO: &[Column<'static>] = &[
        key("a", Type::Int64),
        key("b", Type::String),
        Column {
            timestamp: true,
            quoted: "`AT`",
            sql_name: "AT",
            ..sample("at", Type::DateTime)
        },
        Column {
            role: Role::WindowStart,
            ..sample("start", Type::DateTime)
        },
    ];
    const NONE: &[Column<'static>] = &[sample("n", Type::Int32)];

    fn windowed(retention_ms: Option<u64>) -> Entity<'static> {
        Entity {
            window: Some(Window {
                kind: WindowKind::Tumbling,
                sizes_ms: &[60_000, 300_000],
                advance_ms: None,
                grace_ms: None,
                retention_ms,
                gaps: GapPolicy::None,
                gap_horizon: None,
            }),
            ..entity("Two", Kind::Table, TWO)
        }
    }

    #[test]
    fn what_the_output_leaves_open_the_input_decides() {
        let mut input = entity("In", Kind::Stream, ONE);
        let output = entity("Out", Kind::Stream, ONE);
        assert_eq!(
            clause(&output, &operational(&output, &input), 0),
            "WITH (KAFKA_TOPIC='results', PARTITIONS=1, REPLICAS=1, RETENTION_MS=604800000, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='shop.Out')"
        );
        input.topic.partitions = Some(4);
        input.topic.replication = Some(3);
        input.topic.retention_ms = Some(-1);
        let made = clause(&output, &operational(&output, &input), 0);
        assert!(
            made.contains("PARTITIONS=4, REPLICAS=3, RETENTION_MS=-1"),
            "{made}"
        );
        let mut stated = output;
        stated.topic.partitions = Some(2);
        stated.topic.retention_ms = Some(5);
        let made = clause(&stated, &operational(&stated, &input), 0);
        assert!(
            made.contains("PARTITIONS=2, REPLICAS=3, RETENTION_MS=5"),
            "{made}"
        );
    }

    #[test]
    fn a_table_states_a_retention_only_for_its_windows() {
        let input = entity("In", Kind::Stream, ONE);
        let table = entity("Out", Kind::Table, ONE);
        assert!(!clause(&table, &operational(&table, &input), 0).contains("RETENTION_MS"));
        let mut candles = windowed(Some(86_400_000));
        assert_eq!(
            clause(&candles, &operational(&candles, &input), 1),
            "WITH (KAFKA_TOPIC='results_5min', PARTITIONS=1, REPLICAS=1, RETENTION_MS=86400000, KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO', KEY_SCHEMA_FULL_NAME='shop.TwoKey', VALUE_SCHEMA_FULL_NAME='shop.Two', TIMESTAMP='`AT`')"
        );
        for (topic, expected) in [
            (-1, 86_400_000),
            (1, 86_400_000),
            (100_000_000, 100_000_000),
        ] {
            candles.topic.retention_ms = Some(topic);
            assert_eq!(
                retention_ms(&candles, &operational(&candles, &input), 0),
                Some(expected)
            );
        }
    }

    #[test]
    fn a_stream_without_key_has_no_key_format() {
        let output = entity("Out", Kind::Stream, NONE);
        assert!(!clause(&output, &operational(&output, &output), 0).contains("KEY_"));
    }

    #[test]
    fn another_operation_takes_the_place_of_the_definition_s() {
        let input = entity("In", Kind::Stream, ONE);
        let candles = windowed(None);
        let text = format!(
            "CREATE TABLE `X` {} AS SELECT 'WITH (';",
            clause(&candles, &operational(&candles, &input), 1)
        );
        let with = Operational {
            topic_prefix: "dev.",
            partitions: 9,
            replication: 2,
            retention_ms: None,
        };
        let made = overridden(&text, &candles, &input, &with, 1);
        assert!(made.starts_with("CREATE TABLE `X` WITH (KAFKA_TOPIC='dev.results_5min', PARTITIONS=9, REPLICAS=2, RETENTION_MS=604800000, "), "{made}");
        assert!(made.ends_with(" AS SELECT 'WITH (';"));
    }
}
