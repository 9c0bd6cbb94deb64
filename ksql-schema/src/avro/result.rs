//! The value schema of a query's result: exactly what ksqlDB would register, whichever engine writes the topic.
//!
//! Upper-case names, every field nullable at every depth, `connect.*` properties; a map is an array of entries. A registry
//! tells schemas apart by this text, so that engines can be swapped under running consumers.

use super::{Path, push_full_name, push_path, render_namespace};
use crate::model::{Column, Entity, Role};
use crate::text::Sink;
use crate::types::{Field, Type};

/// The value schema's text.
pub fn result_schema(entity: &Entity<'_>) -> String {
    let mut sink = Sink::new(&mut []);
    render(entity, &mut sink);
    let mut out = vec![0; sink.len()];
    render(entity, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

fn render(entity: &Entity<'_>, sink: &mut Sink<'_>) {
    sink.push("{\"type\":\"record\",\"name\":\"");
    sink.push(entity.record_name);
    render_namespace(entity, sink);
    let root = Path {
        parent: None,
        name: entity.record_name,
    };
    let values = entity
        .columns
        .iter()
        .filter(|column| column.role == Role::Value);
    for (index, column) in values.enumerate() {
        if index > 0 {
            sink.byte(b',');
        }
        let path = Path {
            parent: Some(&root),
            name: column.sql_name,
        };
        render_field(column.sql_name, column_type(column), &path, entity, sink);
    }
    sink.push("],\"connect.name\":\"");
    push_full_name(entity, sink);
    sink.push("\"}");
}

const fn column_type<'a>(column: &Column<'a>) -> Type<'a> {
    match column.datetime_format {
        Some(_) => Type::String,
        None => column.ty,
    }
}

fn render_field(
    name: &str,
    ty: Type<'_>,
    path: &Path<'_>,
    entity: &Entity<'_>,
    sink: &mut Sink<'_>,
) {
    sink.push("{\"name\":\"");
    sink.push(name);
    sink.push("\",\"type\":[\"null\",");
    render_type(ty, path, entity, sink);
    sink.push("],\"default\":null}");
}

fn render_type(ty: Type<'_>, path: &Path<'_>, entity: &Entity<'_>, sink: &mut Sink<'_>) {
    match ty {
        Type::Boolean => sink.push("\"boolean\""),
        Type::Int16 | Type::Int32 => sink.push("\"int\""),
        Type::Int64 => sink.push("\"long\""),
        Type::Float32 | Type::Float64 => sink.push("\"double\""),
        Type::String | Type::Uuid | Type::Enum => sink.push("\"string\""),
        Type::Bytes => sink.push("\"bytes\""),
        Type::Decimal { precision, scale } => {
            sink.push("{\"type\":\"bytes\",\"scale\":");
            sink.push_number(scale.into());
            sink.push(",\"precision\":");
            sink.push_number(precision.into());
            sink.push(",\"connect.version\":1,\"connect.parameters\":{\"scale\":\"");
            sink.push_number(scale.into());
            sink.push("\",\"connect.decimal.precision\":\"");
            sink.push_number(precision.into());
            sink.push("\"},\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}");
        }
        Type::DateTime => temporal("long", "Timestamp", "timestamp-millis", sink),
        Type::Date => temporal("int", "Date", "date", sink),
        Type::Time => temporal("int", "Time", "time-millis", sink),
        Type::Array(item) => {
            sink.push("{\"type\":\"array\",\"items\":[\"null\",");
            render_type(item.ty, path, entity, sink);
            sink.push("]}");
        }
        Type::Map(item) => {
            sink.push("{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"");
            push_path(path, sink);
            sink.push("\",\"fields\":[{\"name\":\"key\",\"type\":[\"null\",\"string\"],\"default\":null},");
            let inside = Path {
                parent: Some(path),
                name: "MapValue",
            };
            render_field("value", item.ty, &inside, entity, sink);
            sink.push("],\"connect.internal.type\":\"MapEntry\"},");
            connect_name(path, entity, sink);
        }
        Type::Struct(record) => {
            sink.push("{\"type\":\"record\",\"name\":\"");
            push_path(path, sink);
            sink.push("\",\"fields\":[");
            for (index, field) in record.fields.iter().enumerate() {
                if index > 0 {
                    sink.byte(b',');
                }
                render_nested(field, path, entity, sink);
            }
            sink.push("],");
            connect_name(path, entity, sink);
        }
        Type::Unknown => sink.push("\"null\""),
    }
}

fn render_nested(field: &Field<'_>, path: &Path<'_>, entity: &Entity<'_>, sink: &mut Sink<'_>) {
    let path = Path {
        parent: Some(path),
        name: field.sql_name,
    };
    render_field(field.sql_name, field.ty, &path, entity, sink);
}

/// The end of a nested record or map.
fn connect_name(path: &Path<'_>, entity: &Entity<'_>, sink: &mut Sink<'_>) {
    sink.push("\"connect.name\":\"");
    if !entity.namespace.is_empty() {
        sink.push_namespace(entity.namespace);
        sink.byte(b'.');
    }
    push_path(path, sink);
    sink.push("\"}");
}

fn temporal(base: &str, name: &str, logical: &str, sink: &mut Sink<'_>) {
    sink.push("{\"type\":\"");
    sink.push(base);
    sink.push("\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.");
    sink.push(name);
    sink.push("\",\"logicalType\":\"");
    sink.push(logical);
    sink.push("\"}");
}
