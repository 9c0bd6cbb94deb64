//! `CREATE STREAM` and `CREATE TABLE` text, as the grammar of ksqlDB has it: identifiers upper-case in back quotes,
//! formats, partitions and replicas always written out.

use crate::avro::push_full_name;
use crate::model::{Column, Entity, Kind, Role, Window, WindowKind};
use crate::text::Sink;
use crate::types::{Field, Item, Type};

/// Operational values that configuration may change; a schema never is one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operational<'a> {
    /// Put before the topic's name.
    pub topic_prefix: &'a str,
    /// Partitions.
    pub partitions: u32,
    /// Replication factor.
    pub replication: u16,
    /// Retention in milliseconds, where one is set.
    pub retention_ms: Option<i64>,
}

impl<'a> Operational<'a> {
    /// The values as the definition states them.
    pub const fn of(entity: &Entity<'_>) -> Operational<'static> {
        Operational {
            topic_prefix: "",
            partitions: match entity.topic.partitions {
                Some(partitions) => partitions,
                None => 1,
            },
            replication: match entity.topic.replication {
                Some(replication) => replication,
                None => 1,
            },
            retention_ms: entity.topic.retention_ms,
        }
    }
}

/// The length of the definition's own text.
pub const fn create_len(entity: &Entity<'_>) -> usize {
    let mut sink = Sink::new(&mut []);
    render_create(entity, &Operational::of(entity), &mut sink);
    sink.len()
}

/// The definition's own text as bytes of the length [`create_len`] tells.
pub const fn write_create<const N: usize>(entity: &Entity<'_>) -> [u8; N] {
    let mut out = [0; N];
    render_create(entity, &Operational::of(entity), &mut Sink::new(&mut out));
    out
}

/// The text with operational values from a configuration.
pub fn create(entity: &Entity<'_>, operational: &Operational<'_>) -> String {
    let mut sink = Sink::new(&mut []);
    render_create(entity, operational, &mut sink);
    let mut out = vec![0; sink.len()];
    render_create(entity, operational, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// A KSQL type's text.
pub fn ksql_type(ty: &Type<'_>) -> String {
    let mut sink = Sink::new(&mut []);
    render_type(*ty, &mut sink);
    let mut out = vec![0; sink.len()];
    render_type(*ty, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// What the name of the stream over a window's topic has behind the window's label: the name without it is the table's.
pub const STREAM_SUFFIX: &str = "_STREAM";

/// The statement by which queries read a window's topic as a stream; `size` is the window's. Queries that read it say its name.
pub fn create_stream_of_window(
    entity: &Entity<'_>,
    operational: &Operational<'_>,
    window: &Window<'_>,
    size: u64,
) -> String {
    let render = |sink: &mut Sink<'_>| {
        let entity = Entity {
            kind: Kind::Stream,
            ..*entity
        };
        render_statement(&entity, operational, Some((window, size)), sink);
    };
    let mut sink = Sink::new(&mut []);
    render(&mut sink);
    let mut out = vec![0; sink.len()];
    render(&mut Sink::new(&mut out));
    String::from_utf8(out).unwrap_or_default()
}

/// Renders one statement, or one a window, each on a line of its own.
pub const fn render_create(
    entity: &Entity<'_>,
    operational: &Operational<'_>,
    sink: &mut Sink<'_>,
) {
    let Some(window) = &entity.window else {
        render_statement(entity, operational, None, sink);
        return;
    };
    let mut sizes = window.sizes_ms;
    let mut first = true;
    while let [size, rest @ ..] = sizes {
        sizes = rest;
        if !first {
            sink.byte(b'\n');
        }
        first = false;
        render_statement(entity, operational, Some((window, *size)), sink);
    }
}

const fn render_statement(
    entity: &Entity<'_>,
    operational: &Operational<'_>,
    window: Option<(&Window<'_>, u64)>,
    sink: &mut Sink<'_>,
) {
    let table = matches!(entity.kind, Kind::Table);
    sink.push(if table {
        "CREATE TABLE IF NOT EXISTS `"
    } else {
        "CREATE STREAM IF NOT EXISTS `"
    });
    sink.push(entity.sql_name);
    if let Some((window, size)) = window {
        sink.byte(b'_');
        push_label(window, size, true, sink);
        if !table {
            sink.push(STREAM_SUFFIX);
        }
    }
    sink.push("` (");
    render_columns(entity, table, sink);
    sink.push(") WITH (KAFKA_TOPIC='");
    sink.push_literal(operational.topic_prefix);
    sink.push_literal(entity.topic.name);
    if let Some((window, size)) = window {
        sink.byte(b'_');
        push_label(window, size, false, sink);
    }
    sink.push("', PARTITIONS=");
    sink.push_number(operational.partitions as i64);
    sink.push(", REPLICAS=");
    sink.push_number(operational.replication as i64);
    render_retention(operational, table, sink);
    let keys = entity.key_columns();
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
        push_full_name(entity, sink);
        sink.push("Key'");
    }
    sink.push(", VALUE_SCHEMA_FULL_NAME='");
    push_full_name(entity, sink);
    sink.byte(b'\'');
    render_timestamp(entity, sink);
    if let Some((window, size)) = window {
        render_window(window, size, sink);
    }
    sink.push(");");
}

const fn render_columns(entity: &Entity<'_>, table: bool, sink: &mut Sink<'_>) {
    let mut columns = entity.columns;
    let mut first = true;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if !matches!(column.role, Role::Key | Role::Value) {
            continue;
        }
        if !first {
            sink.push(", ");
        }
        first = false;
        sink.push(column.quoted);
        sink.byte(b' ');
        render_type(column_type(column), sink);
        if matches!(column.role, Role::Key) {
            sink.push(if table { " PRIMARY KEY" } else { " KEY" });
        }
    }
}

const fn column_type<'a>(column: &Column<'a>) -> Type<'a> {
    match column.datetime_format {
        Some(_) => Type::String,
        None => column.ty,
    }
}

/// Retention stands where a plain `CREATE` has it: on streams. The server refuses it on every table, windowed or not.
const fn render_retention(operational: &Operational<'_>, table: bool, sink: &mut Sink<'_>) {
    if let (Some(retention), false) = (operational.retention_ms, table) {
        sink.push(", RETENTION_MS=");
        sink.push_number(retention);
    }
}

/// Renders which column is the event time, if one is.
pub(crate) const fn render_timestamp(entity: &Entity<'_>, sink: &mut Sink<'_>) {
    let mut columns = entity.columns;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if column.timestamp && matches!(column.role, Role::Value) {
            sink.push(", TIMESTAMP='");
            // The server parses this text as a column, so that a reserved word needs its quotes here too.
            if crate::names::is_reserved_upper(column.sql_name) {
                sink.push_literal(column.quoted);
            } else {
                sink.push_literal(column.sql_name);
            }
            sink.byte(b'\'');
            if let Some(format) = column.datetime_format {
                sink.push(", TIMESTAMP_FORMAT='");
                sink.push_literal(format);
                sink.byte(b'\'');
            }
        }
    }
}

const fn render_window(window: &Window<'_>, size: u64, sink: &mut Sink<'_>) {
    match window.kind {
        WindowKind::Tumbling => sink.push(", WINDOW_TYPE='TUMBLING', WINDOW_SIZE='"),
        WindowKind::Hopping => sink.push(", WINDOW_TYPE='HOPPING', WINDOW_SIZE='"),
        WindowKind::Session => {
            sink.push(", WINDOW_TYPE='SESSION'");
            return;
        }
    }
    push_duration(size, sink);
    sink.byte(b'\'');
}

/// A duration in KSQL's words, in its largest whole unit.
pub const fn push_duration(millis: u64, sink: &mut Sink<'_>) {
    let (unit, name) = if millis.is_multiple_of(86_400_000) {
        (86_400_000, " DAYS")
    } else if millis.is_multiple_of(3_600_000) {
        (3_600_000, " HOURS")
    } else if millis.is_multiple_of(60_000) {
        (60_000, " MINUTES")
    } else if millis.is_multiple_of(1000) {
        (1000, " SECONDS")
    } else {
        (1, " MILLISECONDS")
    };
    sink.push_number((millis / unit) as i64);
    sink.push(name);
}

/// A duration in KSQL's words.
pub fn duration(millis: u64) -> String {
    let mut sink = Sink::new(&mut []);
    push_duration(millis, &mut sink);
    let mut out = vec![0; sink.len()];
    push_duration(millis, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// A window's label as topics have it.
pub fn label(window: &Window<'_>, size: u64) -> String {
    let mut sink = Sink::new(&mut []);
    push_label(window, size, false, &mut sink);
    let mut out = vec![0; sink.len()];
    push_label(window, size, false, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// A window's label: `5min`, `30s`, `60min_by_15min`, `30min_session`; in upper case for KSQL names.
pub const fn push_label(window: &Window<'_>, size: u64, upper: bool, sink: &mut Sink<'_>) {
    push_size(size, upper, sink);
    match (window.kind, window.advance_ms) {
        (WindowKind::Hopping, Some(advance)) => {
            sink.push(if upper { "_BY_" } else { "_by_" });
            push_size(advance, upper, sink);
        }
        (WindowKind::Session, _) => sink.push(if upper { "_SESSION" } else { "_session" }),
        _ => {}
    }
}

const fn push_size(millis: u64, upper: bool, sink: &mut Sink<'_>) {
    let (number, unit) = if millis.is_multiple_of(60_000) {
        (millis / 60_000, if upper { "MIN" } else { "min" })
    } else if millis.is_multiple_of(1000) {
        (millis / 1000, if upper { "S" } else { "s" })
    } else {
        (millis, if upper { "MS" } else { "ms" })
    };
    sink.push_number(number as i64);
    sink.push(unit);
}

/// Renders a KSQL type.
pub(crate) const fn render_type(ty: Type<'_>, sink: &mut Sink<'_>) {
    match ty {
        Type::Boolean => sink.push("BOOLEAN"),
        Type::Int16 | Type::Int32 => sink.push("INTEGER"),
        Type::Int64 => sink.push("BIGINT"),
        Type::Float32 | Type::Float64 => sink.push("DOUBLE"),
        Type::String | Type::Uuid | Type::Enum | Type::Unknown => sink.push("STRING"),
        Type::Bytes => sink.push("BYTES"),
        Type::Decimal { precision, scale } => {
            sink.push("DECIMAL(");
            sink.push_number(precision as i64);
            sink.push(", ");
            sink.push_number(scale as i64);
            sink.byte(b')');
        }
        Type::DateTime => sink.push("TIMESTAMP"),
        Type::Date => sink.push("DATE"),
        Type::Time => sink.push("TIME"),
        Type::Array(Item { ty, .. }) => {
            sink.push("ARRAY<");
            render_type(*ty, sink);
            sink.byte(b'>');
        }
        Type::Map(Item { ty, .. }) => {
            sink.push("MAP<STRING, ");
            render_type(*ty, sink);
            sink.byte(b'>');
        }
        Type::Struct(record) => {
            sink.push("STRUCT<");
            let mut fields = record.fields;
            let mut first = true;
            while let [Field { sql_name, ty, .. }, rest @ ..] = fields {
                fields = rest;
                if !first {
                    sink.push(", ");
                }
                first = false;
                sink.byte(b'`');
                sink.push(sql_name);
                sink.push("` ");
                render_type(*ty, sink);
            }
            sink.byte(b'>');
        }
    }
}
