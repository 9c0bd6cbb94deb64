//! Avro schema text of an entity's value and of its composite key.
//!
//! Compact, attributes in Avro's canonical order: a registry tells schemas apart by their text, and ksqlDB looks its
//! own up by it. The value carries the struct's own shape; a key record is the one ksqlDB itself would write.

mod result;

pub use result::result_schema;

use crate::model::{Column, Entity, Role};
use crate::text::Sink;
use crate::types::{Field, Type};

/// Nested records are named by the path that leads to them; this is one step of it.
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

const fn push_path(path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(parent) = path.parent {
        push_path(parent, sink);
        sink.byte(b'_');
    }
    sink.push(path.name);
}

/// The length of the value schema's text.
pub const fn value_len(entity: &Entity<'_>) -> usize {
    let mut sink = Sink::new(&mut []);
    render_value(entity, &mut sink);
    sink.len()
}

/// The value schema as bytes of the length [`value_len`] tells.
pub const fn write_value<const N: usize>(entity: &Entity<'_>) -> [u8; N] {
    let mut out = [0; N];
    render_value(entity, &mut Sink::new(&mut out));
    out
}

/// The value schema's text.
pub fn value_schema(entity: &Entity<'_>) -> String {
    let mut out = vec![0; value_len(entity)];
    render_value(entity, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// The length of the key schema's text; 0 unless the key is a record.
pub const fn key_len(entity: &Entity<'_>) -> usize {
    let mut sink = Sink::new(&mut []);
    render_key(entity, &mut sink);
    sink.len()
}

/// The key schema as bytes of the length [`key_len`] tells.
pub const fn write_key<const N: usize>(entity: &Entity<'_>) -> [u8; N] {
    let mut out = [0; N];
    render_key(entity, &mut Sink::new(&mut out));
    out
}

/// The key schema's text; empty unless the key is a record.
pub fn key_schema(entity: &Entity<'_>) -> String {
    let mut out = vec![0; key_len(entity)];
    render_key(entity, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// The full name of the record of an entity's key: `shop.StockKey`.
pub fn key_name(entity: &Entity<'_>) -> String {
    let mut sink = Sink::new(&mut []);
    push_full_name(entity, &mut sink);
    let mut out = vec![0; sink.len()];
    push_full_name(entity, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned() + "Key"
}

/// Renders the value schema.
pub const fn render_value(entity: &Entity<'_>, sink: &mut Sink<'_>) {
    sink.push("{\"type\":\"record\",\"name\":\"");
    sink.push(entity.record_name);
    render_namespace(entity, sink);
    let root = Path {
        parent: None,
        name: entity.record_name,
    };
    let mut columns = entity.columns;
    let mut first = true;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if matches!(column.role, Role::Value) {
            if !first {
                sink.byte(b',');
            }
            first = false;
            render_column(column, &root, sink);
        }
    }
    sink.push("]}");
}

/// The end of a record's name and its namespace, where it has one.
const fn render_namespace(entity: &Entity<'_>, sink: &mut Sink<'_>) {
    if !entity.namespace.is_empty() {
        sink.push("\",\"namespace\":\"");
        sink.push_namespace(entity.namespace);
    }
    sink.push("\",\"fields\":[");
}

const fn render_column(column: &Column<'_>, root: &Path<'_>, sink: &mut Sink<'_>) {
    sink.push("{\"name\":\"");
    sink.push(column.name);
    sink.push("\",\"type\":");
    let ty = match column.datetime_format {
        Some(_) => Type::String,
        None => column.ty,
    };
    render_nullable(
        ty,
        column.nullable,
        &Path {
            parent: Some(root),
            name: column.name,
        },
        sink,
    );
    match column.default {
        Some(default) => {
            sink.push(",\"default\":");
            crate::default_value::render(ty, default, sink);
        }
        None if column.nullable => sink.push(",\"default\":null"),
        None => {}
    }
    if let Some(length) = column.max_length {
        sink.push(",\"maxLength\":");
        sink.push_number(length as i64);
    }
    sink.byte(b'}');
}

const fn render_nullable(ty: Type<'_>, nullable: bool, path: &Path<'_>, sink: &mut Sink<'_>) {
    if nullable {
        sink.push("[\"null\",");
    }
    render_type(ty, path, sink);
    if nullable {
        sink.byte(b']');
    }
}

const fn render_type(ty: Type<'_>, path: &Path<'_>, sink: &mut Sink<'_>) {
    match ty {
        Type::Boolean => sink.push("\"boolean\""),
        Type::Int16 | Type::Int32 => sink.push("\"int\""),
        Type::Int64 => sink.push("\"long\""),
        Type::Float32 => sink.push("\"float\""),
        Type::Float64 => sink.push("\"double\""),
        Type::String | Type::Uuid | Type::Enum => sink.push("\"string\""),
        Type::Bytes => sink.push("\"bytes\""),
        Type::Decimal { precision, scale } => {
            sink.push("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":");
            sink.push_number(precision as i64);
            sink.push(",\"scale\":");
            sink.push_number(scale as i64);
            sink.byte(b'}');
        }
        Type::DateTime => sink.push("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"),
        Type::Date => sink.push("{\"type\":\"int\",\"logicalType\":\"date\"}"),
        Type::Time => sink.push("{\"type\":\"int\",\"logicalType\":\"time-millis\"}"),
        Type::Array(item) => {
            sink.push("{\"type\":\"array\",\"items\":");
            render_nullable(item.ty, item.nullable, path, sink);
            sink.byte(b'}');
        }
        Type::Map(item) => {
            sink.push("{\"type\":\"map\",\"values\":");
            render_nullable(item.ty, item.nullable, path, sink);
            sink.byte(b'}');
        }
        Type::Struct(record) => {
            sink.push("{\"type\":\"record\",\"name\":\"");
            push_path(path, sink);
            sink.push("\",\"fields\":[");
            render_fields(record.fields, path, sink);
            sink.push("]}");
        }
        Type::Unknown => sink.push("\"null\""),
    }
}

const fn render_fields(fields: &[Field<'_>], path: &Path<'_>, sink: &mut Sink<'_>) {
    let mut fields = fields;
    let mut first = true;
    while let [field, rest @ ..] = fields {
        fields = rest;
        if !first {
            sink.byte(b',');
        }
        first = false;
        sink.push("{\"name\":\"");
        sink.push(field.name);
        sink.push("\",\"type\":");
        render_nullable(
            field.ty,
            field.nullable,
            &Path {
                parent: Some(path),
                name: field.name,
            },
            sink,
        );
        if field.nullable {
            sink.push(",\"default\":null");
        }
        sink.byte(b'}');
    }
}

/// Renders the key schema: nothing unless there are several key columns.
pub const fn render_key(entity: &Entity<'_>, sink: &mut Sink<'_>) {
    if entity.key_columns() < 2 {
        return;
    }
    sink.push("{\"type\":\"record\",\"name\":\"");
    sink.push(entity.record_name);
    sink.push("Key");
    render_namespace(entity, sink);
    let path = Path {
        parent: None,
        name: entity.record_name,
    };
    let mut columns = entity.columns;
    let mut first = true;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if matches!(column.role, Role::Key) {
            if !first {
                sink.byte(b',');
            }
            first = false;
            sink.push("{\"name\":\"");
            sink.push(column.sql_name);
            sink.push("\",\"type\":[\"null\",");
            render_type(column.ty, &path, sink);
            sink.push("],\"default\":null}");
        }
    }
    sink.push("],\"connect.name\":\"");
    push_full_name(entity, sink);
    sink.push("Key\"}");
}

/// Renders `namespace.Record`.
pub const fn push_full_name(entity: &Entity<'_>, sink: &mut Sink<'_>) {
    if !entity.namespace.is_empty() {
        sink.push_namespace(entity.namespace);
        sink.byte(b'.');
    }
    sink.push(entity.record_name);
}
