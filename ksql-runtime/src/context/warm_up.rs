//! Records that say nothing, for topics that ksqlDB has not seen a record of (R4.3). Only where a user asks for them.

use ksql_schema::Entity as Model;
use ksql_schema::model::{Column, Role};
use ksql_schema::types::Type;

use crate::codec::{frame, write};
use crate::log::{Log, LogError, Record, dummy};

/// Whether the topic never had a record: others may count those of one that had.
pub(super) async fn is_untouched(log: &Log, topic: &str) -> Result<bool, LogError> {
    let offsets = log.all_offsets(topic).await?;
    Ok(offsets.iter().all(|partition| partition.end == 0))
}

/// Sends one to a topic. The ids are those of the entity's value and key schema.
pub(super) async fn send(
    log: &Log,
    model: &Model<'_>,
    topic: &str,
    (value_schema, key_schema): (u32, u32),
    timestamp: i64,
) -> Result<(), LogError> {
    let (mut key, mut body) = (Vec::new(), Vec::new());
    let has_key = write_key(model, key_schema, &mut key);
    frame::write(value_schema, &mut body);
    for column in columns(model, Role::Value) {
        write_field(column.ty, column.nullable, &mut body);
    }
    let record = Record::new(has_key.then_some(key.as_slice()), Some(&body), timestamp)
        .headers(&[dummy::HEADER]);
    log.produce(topic, record).await.map(drop)
}

fn columns<'a>(model: &Model<'a>, role: Role) -> impl Iterator<Item = &'a Column<'a>> {
    model
        .columns
        .iter()
        .filter(move |column| column.role == role)
}

/// Whether there is a key.
fn write_key(model: &Model<'_>, schema: u32, out: &mut Vec<u8>) -> bool {
    match model.key_columns() {
        0 => false,
        1 => {
            for column in columns(model, Role::Key) {
                // Kafka's own form; an empty text has no bytes.
                match column.ty {
                    Type::Int32 => out.extend_from_slice(&[0; 4]),
                    Type::Int64 => out.extend_from_slice(&[0; 8]),
                    Type::Uuid => out.extend_from_slice(NIL.as_bytes()),
                    _ => {}
                }
            }
            true
        }
        _ => {
            frame::write(schema, out);
            for column in columns(model, Role::Key) {
                // Key columns are nullable in Avro, and never null.
                write::long(1, out);
                write_zero(column.ty, out);
            }
            true
        }
    }
}

const NIL: &str = "00000000-0000-0000-0000-000000000000";

fn write_field(ty: Type<'_>, nullable: bool, out: &mut Vec<u8>) {
    if nullable {
        write::long(0, out);
    } else {
        write_zero(ty, out);
    }
}

/// The value that says least.
fn write_zero(ty: Type<'_>, out: &mut Vec<u8>) {
    match ty {
        Type::Boolean => out.push(0),
        Type::Float32 => out.extend_from_slice(&[0; 4]),
        Type::Float64 => out.extend_from_slice(&[0; 8]),
        Type::Decimal { .. } => write::decimal(0, out),
        Type::Uuid => write::bytes(NIL.as_bytes(), out),
        Type::Struct(nested) => {
            for field in nested.fields {
                write_field(field.ty, field.nullable, out);
            }
        }
        // One zero: a number, the length of a text or of bytes, the end of a list or map.
        Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::String
        | Type::Enum
        | Type::Bytes
        | Type::DateTime
        | Type::Date
        | Type::Time
        | Type::Array(_)
        | Type::Map(_)
        | Type::Unknown => write::long(0, out),
    }
}
