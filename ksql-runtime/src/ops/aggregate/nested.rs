//! Arrays, maps and structs that accumulators own: their bytes, which the value's SQL type reads.
//!
//! The bytes are Avro's but for this: everything inside may be `NULL`, and a map stands in the order of its keys. So equal
//! values are equal bytes.

use std::fmt;
use std::marker::PhantomData;

use ksql_schema::query::Sql;

use super::Stored;
use crate::codec::{DecodeError, Reader, write};
use crate::ops::{Any, List, Map, Scratch, Shape, decimal};

/// Names the SQL type of a nested value. Implemented by generated code.
pub trait Nest: Clone + fmt::Debug + Sync + 'static {
    /// The type.
    const SQL: Sql;
}

/// An owned array, map or struct.
pub struct Nested<N> {
    bytes: Box<[u8]>,
    ty: PhantomData<fn() -> N>,
}

impl<N> Clone for Nested<N> {
    fn clone(&self) -> Self {
        Nested::new(self.bytes.clone())
    }
}

impl<N> PartialEq for Nested<N> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<N> fmt::Debug for Nested<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Nested").field(&self.bytes).finish()
    }
}

impl<N> Nested<N> {
    fn new(bytes: Box<[u8]>) -> Self {
        Nested {
            bytes,
            ty: PhantomData,
        }
    }
}

impl<N: Nest> Stored for Nested<N> {
    const SHAPE: Shape = match N::SQL {
        Sql::Array(_) => Shape::Array,
        Sql::Map(_) => Shape::Map,
        Sql::Struct(_) => Shape::Struct,
        _ => Shape::Unknown,
    };

    fn take(any: Any<'_>) -> Option<Self> {
        let mut bytes = Vec::new();
        encode(any, N::SQL, &Scratch::new(), &mut bytes)?;
        Some(Nested::new(bytes.into()))
    }

    fn any<'a>(&'a self, scratch: &'a Scratch) -> Any<'a> {
        // They were checked when they were read.
        decode(&mut Reader::new(&self.bytes), N::SQL, scratch).unwrap_or(Any::Null)
    }

    fn owned(&self) -> usize {
        self.bytes.len()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::bytes(&self.bytes, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.bytes()?;
        let mut inside = Reader::new(bytes);
        let scratch = Scratch::new();
        decode(&mut inside, N::SQL, &scratch)?;
        inside.finish()?;
        Ok(Nested::new(bytes.into()))
    }
}

/// Appends a value of a type; nothing where it is none of it.
fn encode(any: Any<'_>, ty: Sql, scratch: &Scratch, out: &mut Vec<u8>) -> Option<()> {
    match (ty, any) {
        (Sql::Boolean, Any::Boolean(value)) => out.push(value.into()),
        (Sql::Integer, any) => write::long(any.integer()?.into(), out),
        (Sql::Bigint, any) => write::long(any.bigint()?, out),
        (Sql::Double, any) => {
            let value = any.double()?;
            // Java knows one NaN.
            let value = if value.is_nan() { f64::NAN } else { value };
            out.extend_from_slice(&value.to_le_bytes());
        }
        (Sql::Decimal { precision, scale }, any) => {
            let (unscaled, from) = any.decimal()?;
            let unscaled = decimal::rescale(unscaled, from, scale)?;
            if !decimal::has_at_most(unscaled, precision) {
                return None;
            }
            write::decimal(unscaled, out);
        }
        (Sql::String, any) => write::bytes(any.text(scratch)?.as_bytes(), out),
        (Sql::Bytes, Any::Bytes(bytes)) => write::bytes(bytes, out),
        (Sql::Date, Any::Date(value)) | (Sql::Time, Any::Time(value)) => {
            write::long(value.into(), out);
        }
        (Sql::Timestamp, Any::Timestamp(millis)) => write::long(millis, out),
        (Sql::Array(element), Any::List(list)) => {
            let items = list.items(scratch);
            write::long(items.len() as i64, out);
            for item in items {
                encode_optional(*item, element.ty(), scratch, out)?;
            }
        }
        (Sql::Map(element), Any::Map(map)) => {
            let entries = map.entries(scratch);
            write::long(entries.len() as i64, out);
            for (key, value) in entries {
                write::bytes(key.as_bytes(), out);
                encode_optional(*value, element.ty(), scratch, out)?;
            }
        }
        (Sql::Struct(record), Any::Struct(fields)) => {
            for field in record.fields {
                let found = fields.iter().find(|(name, _)| *name == field.sql_name);
                let value = found.map_or(Any::Null, |(_, value)| *value);
                encode_optional(value, Sql::of(&field.ty), scratch, out)?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn encode_optional(any: Any<'_>, ty: Sql, scratch: &Scratch, out: &mut Vec<u8>) -> Option<()> {
    if matches!(any, Any::Null | Any::Failed) {
        out.push(0);
        return Some(());
    }
    out.push(2);
    encode(any, ty, scratch, out)
}

fn decode<'a>(
    input: &mut Reader<'a>,
    ty: Sql,
    scratch: &'a Scratch,
) -> Result<Any<'a>, DecodeError> {
    Ok(match ty {
        Sql::Boolean => Any::Boolean(input.byte()? != 0),
        Sql::Integer => Any::Integer(input.int()?),
        Sql::Bigint => Any::Bigint(input.long()?),
        Sql::Double => Any::Double(f64::from_le_bytes(input.array()?)),
        Sql::Decimal { scale, .. } => Any::Decimal(unscaled(input.bytes()?)?, scale),
        Sql::String => Any::String(input.text()?),
        Sql::Bytes => Any::Bytes(input.bytes()?),
        Sql::Date => Any::Date(input.int()?),
        Sql::Time => Any::Time(input.int()?),
        Sql::Timestamp => Any::Timestamp(input.long()?),
        Sql::Array(element) => {
            let mut items = Vec::new();
            for _ in 0..input.long()? {
                items.push(decode_optional(input, element.ty(), scratch)?);
            }
            Any::List(List::new(scratch.list(&items)))
        }
        Sql::Map(element) => {
            let mut entries = Vec::new();
            for _ in 0..input.long()? {
                let key = input.text()?;
                entries.push((key, decode_optional(input, element.ty(), scratch)?));
            }
            Any::Map(Map::new(scratch.list(&entries)))
        }
        Sql::Struct(record) => {
            let mut fields: Vec<(&'a str, Any<'a>)> = Vec::with_capacity(record.fields.len());
            for field in record.fields {
                let value = decode_optional(input, Sql::of(&field.ty), scratch)?;
                fields.push((field.sql_name, value));
            }
            Any::Struct(scratch.list(&fields))
        }
        Sql::Unknown | Sql::Null => return Err(DecodeError::new("a value has no type")),
    })
}

fn decode_optional<'a>(
    input: &mut Reader<'a>,
    ty: Sql,
    scratch: &'a Scratch,
) -> Result<Any<'a>, DecodeError> {
    if input.present()? {
        decode(input, ty, scratch)
    } else {
        Ok(Any::Null)
    }
}

/// Big-endian two's complement, as short as it gets.
fn unscaled(bytes: &[u8]) -> Result<i128, DecodeError> {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut whole = [if negative { 0xff } else { 0 }; 16];
    let from = 16_usize.checked_sub(bytes.len());
    match from.and_then(|from| whole.get_mut(from..)) {
        Some(end) => end.copy_from_slice(bytes),
        None => return Err(DecodeError::new("a decimal has more than 38 digits")),
    }
    Ok(i128::from_be_bytes(whole))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use ksql_schema::query::Elem;
    use ksql_schema::{Field, Item, Struct, Type};

    use super::super::{Accumulator, Attr, CollectSet, Latest};
    use super::*;

    #[derive(Debug, Clone)]
    struct OfAll;

    impl Nest for OfAll {
        const SQL: Sql = {
            const fn field(sql_name: &'static str, ty: Type<'static>) -> Field<'static> {
                Field {
                    name: sql_name,
                    sql_name,
                    ty,
                    nullable: true,
                }
            }
            const DECIMAL: Type<'static> = Type::Decimal {
                precision: 4,
                scale: 1,
            };
            const DOUBLES: Type<'static> = Type::Map(&Item {
                ty: Type::Float64,
                nullable: true,
            });
            const FIELDS: &[Field<'static>] = &[
                field("A", Type::String),
                field("M", DOUBLES),
                field("D", DECIMAL),
                field("B", Type::Boolean),
                field("Y", Type::Bytes),
                field("T", Type::DateTime),
            ];
            Sql::Array(Elem::new(
                Sql::Struct(&Struct {
                    name: "S",
                    fields: FIELDS,
                }),
                true,
            ))
        };
    }

    fn list<'a>(scratch: &'a Scratch, text: &'a str, decimal: i128, double: f64) -> Any<'a> {
        let entries = scratch.list(&[("x", Any::Double(double)), ("y", Any::Null)]);
        let fields = scratch.list(&[
            ("A", Any::String(text)),
            ("M", Any::Map(Map::new(entries))),
            ("D", Any::Decimal(decimal, 1)),
            ("B", Any::Boolean(true)),
            ("Y", Any::Bytes(&[0, 255])),
            ("T", Any::Timestamp(-1)),
        ]);
        Any::List(List::new(scratch.list(&[Any::Struct(fields), Any::Null])))
    }

    #[test]
    fn a_nested_value_is_read_as_it_was_written_and_no_part_of_it_is() {
        let scratch = Scratch::new();
        for decimal in [-9999, -1, 0, 127, 128, 9999] {
            let given = list(&scratch, "text", decimal, 1.5);
            let kept = Nested::<OfAll>::take(given).unwrap();
            assert_eq!(
                format!("{:?}", kept.any(&scratch)),
                format!("{given:?}"),
                "{decimal}"
            );
            let mut bytes = Vec::new();
            kept.write(&mut bytes);
            assert_eq!(
                Nested::<OfAll>::read(&mut Reader::new(&bytes)).unwrap(),
                kept
            );
            for cut in 0..bytes.len() {
                let cut = bytes.get(..cut).unwrap();
                assert!(Nested::<OfAll>::read(&mut Reader::new(cut)).is_err());
            }
        }
        let wide = list(&scratch, "text", 10_000, 1.5);
        assert_eq!(Nested::<OfAll>::take(wide), None, "too many digits");
    }

    #[test]
    fn aggregates_of_nested_values_tell_them_apart_by_what_is_in_them() {
        let scratch = Scratch::new();
        let (one, other) = (
            list(&scratch, "a", 1, f64::NAN),
            list(&scratch, "a", 1, 2.0),
        );
        let mut set = CollectSet::<Nested<OfAll>, 9>::empty();
        let mut attr = Attr::<Nested<OfAll>>::empty();
        let mut latest = Latest::<Nested<OfAll>>::empty();
        for (at, value) in [one, one, Any::Null].into_iter().enumerate() {
            set.update(value, at as u64).unwrap();
            latest.update(value, at as u64).unwrap();
        }
        attr.update(one, 0).unwrap();
        attr.update(one, 1).unwrap();
        assert_eq!(set.get(&scratch).len(), 2, "one value and NULL");
        let shown = format!("{one:?}");
        assert_eq!(format!("{:?}", attr.get(&scratch)), shown);
        assert_eq!(format!("{:?}", latest.get(&scratch)), shown);
        attr.update(other, 2).unwrap();
        latest.update(other, 3).unwrap();
        assert!(attr.get(&scratch).is_null());
        assert_eq!(format!("{:?}", latest.get(&scratch)), format!("{other:?}"));
    }
}
