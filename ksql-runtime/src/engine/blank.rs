//! The key of a result that has no value, made of the key of a record that has none.
//!
//! Mostly it is that key. Where records get another (`PARTITION BY`) it is computed by the query's code, which sees a row: its key
//! columns are those of the record, its other columns are made up and not looked at, for what is computed of them is NULL.

use ksql_schema::model::Role;
use ksql_schema::{Entity as Model, Type};

use crate::codec::{frame, write};
use crate::entity::{Entity, EntityKey};
use crate::query::{At, Project};

/// A value with nothing in it, in an entity's own form.
#[derive(Debug)]
pub(super) struct Blank(Vec<u8>);

impl Blank {
    pub(super) fn of<T: Entity>() -> Blank {
        Blank(body(T::MODEL))
    }

    /// The bytes of the result's key without the frame of a record; nothing where it is NULL.
    pub(super) fn key<E: Entity, Q: Project<Input = E>>(
        &self,
        query: &Q,
        at: &At<'_>,
        key: &E::Key,
    ) -> Option<Vec<u8>> {
        let computed = match E::decode_row(key, &self.0) {
            Ok(row) => {
                let mut out = Vec::new();
                query
                    .new_key(at, row, false, &mut out)
                    .map(|known| known.then_some(out))
            }
            // Nothing stands for nothing in an enum, say: such a row cannot be made up.
            Err(_) => None,
        };
        let there = E::Key::COLUMNS > 0 && !key.is_absent();
        computed.unwrap_or_else(|| there.then(|| of_record(key)))
    }
}

/// The bytes of a key without the frame of a record.
fn of_record<K: EntityKey>(key: &K) -> Vec<u8> {
    let mut wire = Vec::with_capacity(32);
    key.encode(0, &mut wire);
    if K::COLUMNS > 1 {
        wire.drain(..frame::LENGTH.min(wire.len()));
    }
    wire
}

/// NULL where a column may be, else zero or empty.
fn body(model: &Model<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let values = model
        .columns
        .iter()
        .filter(|column| column.role == Role::Value);
    for column in values {
        let ty = match column.datetime_format {
            Some(_) => Type::String,
            None => column.ty,
        };
        value(ty, column.nullable, &mut out);
    }
    out
}

fn value(ty: Type<'_>, nullable: bool, out: &mut Vec<u8>) {
    if nullable {
        out.push(0);
        return;
    }
    match ty {
        Type::Float32 => out.extend_from_slice(&[0; 4]),
        Type::Float64 => out.extend_from_slice(&[0; 8]),
        Type::Decimal { .. } => write::decimal(0, out),
        Type::Uuid => write::bytes(uuid::Uuid::nil().to_string().as_bytes(), out),
        Type::Struct(record) => {
            for field in record.fields {
                value(field.ty, field.nullable, out);
            }
        }
        // A zero: false, no letters, no bytes, the end of a list.
        _ => out.push(0),
    }
}
