//! Rows become entities: values are written in the entity's own Avro form and read by its own decoder, so that there is one
//! way from bytes to an entity, and every check of a field stands in it.

use std::marker::PhantomData;

use ksql_schema::{Column, Role, Type, ordered};
use uuid::Uuid;

use super::error::KsqlDbError;
use super::rows::Row;
use super::sql_type::{SchemaColumn, SqlType};
use super::value::SqlValue;
use crate::codec::{DecodeError, write};
use crate::entity::{Entity, EntityKey};

/// Reads rows of one answer as entities. Made once for its header.
#[derive(Debug)]
pub struct RowDecoder<T> {
    source: String,
    keys: Vec<Place>,
    values: Vec<Place>,
    /// Where the window's start and end stand.
    window: Option<(usize, usize)>,
    entity: PhantomData<fn() -> T>,
}

/// Where a column of the entity stands in a row.
#[derive(Debug)]
struct Place {
    column: &'static Column<'static>,
    ty: Type<'static>,
    at: usize,
}

impl<T: Entity> RowDecoder<T> {
    /// Finds the entity's columns in a header; more columns than those do not matter.
    ///
    /// # Errors
    /// Where one is missing, or has a type that does not fit.
    pub fn new(columns: &[SchemaColumn], source: &str) -> Result<RowDecoder<T>, KsqlDbError> {
        let refuse = |reason: String| KsqlDbError::Schema {
            source_name: source.to_owned(),
            entity: T::MODEL.name,
            reason,
        };
        let find = |name: &str| {
            columns
                .iter()
                .position(|column| column.name == name)
                .ok_or_else(|| {
                    refuse(format!(
                        "column `{name}` is missing: add it to the source, or take the field away"
                    ))
                })
        };
        let place = |column: &'static Column<'static>| {
            let at = find(column.sql_name)?;
            let ty = match column.datetime_format {
                Some(_) => Type::String,
                None => column.ty,
            };
            let expected = SqlType::of(&ty).map_err(refuse)?;
            match columns.get(at) {
                Some(found) if fits(&expected, &found.ty) => Ok(Place { column, ty, at }),
                Some(found) => Err(refuse(format!(
                    "column `{}` is {} and the field `{}` holds {expected}",
                    column.sql_name, found.ty, column.name
                ))),
                None => Err(refuse("a column has no place".to_owned())),
            }
        };
        let of_role = |role: Role| {
            T::COLUMNS
                .iter()
                .filter(move |column| column.role == role)
                .map(place)
        };
        let window = match T::MODEL.window {
            Some(_) => Some((find("WINDOWSTART")?, find("WINDOWEND")?)),
            None => None,
        };
        Ok(RowDecoder {
            source: source.to_owned(),
            keys: of_role(Role::Key).collect::<Result<_, _>>()?,
            values: of_role(Role::Value).collect::<Result<_, _>>()?,
            window,
            entity: PhantomData,
        })
    }

    /// The entity of a row.
    ///
    /// # Errors
    /// Where a value does not fit its field.
    pub fn entity(&self, row: &Row) -> Result<T, KsqlDbError> {
        let key = self.key(row)?;
        let mut body = Vec::new();
        for place in &self.values {
            let value = row.values.get(place.at).unwrap_or(&SqlValue::Null);
            nullable(place.ty, place.column.nullable, value, &mut body)
                .map_err(|error| self.wrong(error.at(place.column.name)))?;
        }
        T::decode(key, &body).map_err(|error| self.wrong(error))
    }

    /// The key of a row; all that a deletion has.
    ///
    /// # Errors
    /// Where a key column is NULL or does not fit.
    pub fn key(&self, row: &Row) -> Result<T::Key, KsqlDbError> {
        let mut bytes = Vec::new();
        for (at, place) in self.keys.iter().enumerate() {
            let last = at + 1 == self.keys.len() && self.window.is_none();
            let value = row.values.get(place.at).unwrap_or(&SqlValue::Null);
            key_part(place.ty, value, last, &mut bytes)
                .map_err(|error| self.wrong(error.at(place.column.name)))?;
        }
        if let Some((start, end)) = self.window {
            for at in [start, end] {
                match row.values.get(at) {
                    Some(SqlValue::Bigint(millis)) => ordered::push_i64(*millis, &mut bytes),
                    _ => {
                        return Err(self.wrong(DecodeError::new("the window's bounds are missing")));
                    }
                }
            }
        }
        T::Key::decode_ordered(&bytes).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, error: DecodeError) -> KsqlDbError {
        KsqlDbError::Row {
            source_name: self.source.clone(),
            entity: T::MODEL.name,
            error,
        }
    }
}

/// Whether every value of one type is one of another, without loss.
fn fits(expected: &SqlType, found: &SqlType) -> bool {
    match (expected, found) {
        (SqlType::Bigint, SqlType::Integer) => true,
        (
            SqlType::Decimal { precision, scale },
            SqlType::Decimal {
                precision: digits,
                scale: part,
            },
        ) => part <= scale && digits.saturating_sub(*part) <= precision.saturating_sub(*scale),
        (SqlType::Array(expected), SqlType::Array(found)) => fits(expected, found),
        (SqlType::Map(_, expected), SqlType::Map(key, found)) => {
            **key == SqlType::String && fits(expected, found)
        }
        (SqlType::Struct(expected), SqlType::Struct(found)) => expected.iter().all(|(name, ty)| {
            found
                .iter()
                .find(|(other, _)| other == name)
                .is_some_and(|(_, found)| fits(ty, found))
        }),
        (expected, found) => expected == found,
    }
}

fn key_part(
    ty: Type<'_>,
    value: &SqlValue,
    last: bool,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    match (ty, value) {
        (Type::Int32, SqlValue::Integer(number)) => ordered::push_i32(*number, out),
        (Type::Int64, SqlValue::Bigint(number)) => ordered::push_i64(*number, out),
        (Type::Int64, SqlValue::Integer(number)) => ordered::push_i64((*number).into(), out),
        (Type::String, SqlValue::String(text)) => ordered::push_str(text, last, out),
        (Type::Uuid, SqlValue::String(text)) => {
            let uuid = Uuid::try_parse(text)
                .map_err(|_| DecodeError::new(format!("`{text}` is no UUID")))?;
            ordered::push_uuid(uuid.as_bytes(), out);
        }
        (_, SqlValue::Null) => return Err(DecodeError::new("a key column cannot be NULL")),
        _ => return Err(DecodeError::new("the value is no such key")),
    }
    Ok(())
}

fn nullable(
    ty: Type<'_>,
    nullable: bool,
    value: &SqlValue,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    match (value, nullable) {
        (SqlValue::Null, true) => {
            write::long(0, out);
            Ok(())
        }
        (SqlValue::Null, false) => Err(DecodeError::new(
            "it is NULL: ksqlDB has no NOT NULL, so make the field an `Option`",
        )),
        (value, true) => {
            write::long(1, out);
            plain(ty, value, out)
        }
        (value, false) => plain(ty, value, out),
    }
}

fn plain(ty: Type<'_>, value: &SqlValue, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    match (ty, value) {
        (Type::Boolean, SqlValue::Boolean(flag)) => out.push(u8::from(*flag)),
        (Type::Int16 | Type::Int32 | Type::Int64, SqlValue::Integer(number)) => {
            write::long((*number).into(), out)
        }
        (Type::Int64, SqlValue::Bigint(number)) => write::long(*number, out),
        (Type::Float32, SqlValue::Double(number)) => {
            out.extend_from_slice(&(*number as f32).to_le_bytes())
        }
        (Type::Float64, SqlValue::Double(number)) => out.extend_from_slice(&number.to_le_bytes()),
        (Type::String | Type::Uuid | Type::Enum, SqlValue::String(text)) => {
            write::bytes(text.as_bytes(), out)
        }
        (Type::Bytes, SqlValue::Bytes(bytes)) => write::bytes(bytes, out),
        (
            Type::Decimal { scale, .. },
            SqlValue::Decimal {
                unscaled,
                scale: part,
            },
        ) => {
            let rescaled = scale
                .checked_sub(*part)
                .and_then(|zeros| 10_i128.checked_pow(zeros))
                .and_then(|factor| unscaled.checked_mul(factor))
                .ok_or_else(|| DecodeError::new("the decimal has too many digits"))?;
            write::decimal(rescaled, out);
        }
        (Type::DateTime, SqlValue::Timestamp(millis)) => write::long(*millis, out),
        (Type::Date, SqlValue::Date(number)) | (Type::Time, SqlValue::Time(number)) => {
            write::long((*number).into(), out)
        }
        (Type::Array(item), SqlValue::Array(values)) => {
            blocks(values, out, |value, out| {
                nullable(item.ty, item.nullable, value, out)
            })?;
        }
        (Type::Map(item), SqlValue::Map(entries)) => {
            blocks(entries, out, |(key, value), out| {
                write::bytes(key.as_bytes(), out);
                nullable(item.ty, item.nullable, value, out).map_err(|error| error.at(key))
            })?;
        }
        (Type::Struct(record), SqlValue::Struct(entries)) => {
            for field in record.fields {
                let value = entries
                    .iter()
                    .find(|(name, _)| name == field.sql_name)
                    .map_or(&SqlValue::Null, |(_, value)| value);
                nullable(field.ty, field.nullable, value, out)
                    .map_err(|error| error.at(field.name))?;
            }
        }
        _ => return Err(DecodeError::new("the value is of another type")),
    }
    Ok(())
}

/// Items in one block, and the end behind it.
fn blocks<V>(
    items: &[V],
    out: &mut Vec<u8>,
    mut item: impl FnMut(&V, &mut Vec<u8>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if !items.is_empty() {
        let count =
            i64::try_from(items.len()).map_err(|_| DecodeError::new("there are too many items"))?;
        write::long(count, out);
        for value in items {
            item(value, out)?;
        }
    }
    write::long(0, out);
    Ok(())
}
