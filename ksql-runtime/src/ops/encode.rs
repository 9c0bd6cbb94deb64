//! Lists and maps as Avro: how what a function made becomes a column.

use ksql_schema::Type;

use super::{Any, Scratch};
use crate::codec::{Reader, Value, write};

/// Appends a list or map whose elements are of a column's type; nothing where a value has none of that type.
pub(crate) fn value(
    any: Any<'_>,
    element: &Type<'_>,
    nullable: bool,
    scratch: &Scratch,
    out: &mut Vec<u8>,
) -> Option<()> {
    match any {
        Any::List(list) => {
            let items = list.items(scratch);
            if !items.is_empty() {
                write::long(items.len() as i64, out);
            }
            for item in items {
                optional(*item, element, nullable, scratch, out)?;
            }
        }
        Any::Map(map) => {
            let entries = map.entries(scratch);
            if !entries.is_empty() {
                write::long(entries.len() as i64, out);
            }
            for (key, value) in entries {
                write::bytes(key.as_bytes(), out);
                optional(*value, element, nullable, scratch, out)?;
            }
        }
        _ => return None,
    }
    out.push(0);
    Some(())
}

/// The row form of a struct; nothing where a field has no such value.
pub fn record<'a, T: Value>(any: Any<'a>, scratch: &'a Scratch) -> Option<T::Ref<'a>> {
    let bytes = encoded(any, &T::TYPE, scratch)?;
    T::decode_ref(&mut Reader::new(bytes)).ok()
}

/// The Avro binary of a struct.
fn encoded<'a>(any: Any<'a>, ty: &Type<'_>, scratch: &'a Scratch) -> Option<&'a [u8]> {
    let mut bytes = Vec::new();
    plain(any, ty, scratch, &mut bytes)?;
    Some(scratch.bytes(&bytes))
}

fn optional(
    any: Any<'_>,
    ty: &Type<'_>,
    nullable: bool,
    scratch: &Scratch,
    out: &mut Vec<u8>,
) -> Option<()> {
    match (any, nullable) {
        (Any::Null | Any::Failed, true) => out.push(0),
        (Any::Null | Any::Failed, false) => return None,
        (any, true) => {
            out.push(2);
            plain(any, ty, scratch, out)?;
        }
        (any, false) => plain(any, ty, scratch, out)?,
    }
    Some(())
}

fn plain(any: Any<'_>, ty: &Type<'_>, scratch: &Scratch, out: &mut Vec<u8>) -> Option<()> {
    match (ty, any) {
        (Type::Boolean, Any::Boolean(value)) => out.push(value.into()),
        (Type::Int16, any) => write::long(i16::try_from(any.integer()?).ok()?.into(), out),
        (Type::Int32, any) => write::long(any.integer()?.into(), out),
        (Type::Int64, any) => write::long(any.bigint()?, out),
        (Type::Float32, any) => out.extend_from_slice(&(any.double()? as f32).to_le_bytes()),
        (Type::Float64, any) => out.extend_from_slice(&any.double()?.to_le_bytes()),
        (Type::String | Type::Uuid | Type::Enum, Any::String(text)) => {
            write::bytes(text.as_bytes(), out);
        }
        (Type::String | Type::Uuid, Any::Uuid(uuid)) => {
            let mut text = [0; 36];
            write::bytes(uuid.hyphenated().encode_lower(&mut text).as_bytes(), out);
        }
        (Type::Bytes, Any::Bytes(bytes)) => write::bytes(bytes, out),
        (Type::Decimal { precision, scale }, any) => {
            let unscaled = match any {
                Any::Wide(unscaled, from) => {
                    i128::try_from(super::decimal::rescale_wide(unscaled, from, *scale)?).ok()?
                }
                any => {
                    let (unscaled, from) = any.decimal()?;
                    super::decimal::rescale(unscaled, from, *scale)?
                }
            };
            if !super::decimal::has_at_most(unscaled, *precision) {
                return None;
            }
            write::decimal(unscaled, out);
        }
        (Type::DateTime, Any::Timestamp(millis)) => write::long(millis, out),
        (Type::Date, Any::Date(days)) => write::long(days.into(), out),
        (Type::Time, Any::Time(millis)) => write::long(millis.into(), out),
        (Type::Array(item), Any::List(_)) | (Type::Map(item), Any::Map(_)) => {
            value(any, &item.ty, item.nullable, scratch, out)?;
        }
        (Type::Struct(record), Any::Struct(fields)) => {
            for field in record.fields {
                let found = fields.iter().find(|(name, _)| *name == field.sql_name);
                let found = found.map_or(Any::Null, |(_, value)| *value);
                optional(found, &field.ty, field.nullable, scratch, out)?;
            }
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use ksql_schema::{Field, Struct};

    use super::*;

    #[test]
    fn a_struct_is_encoded_by_the_names_of_its_fields() {
        const fn field(
            name: &'static str,
            sql_name: &'static str,
            ty: Type<'static>,
            nullable: bool,
        ) -> Field<'static> {
            Field {
                name,
                sql_name,
                ty,
                nullable,
            }
        }
        const FIELDS: &[Field<'static>] = &[
            field("a", "A", Type::Int32, false),
            field("b", "B", Type::String, true),
            field(
                "c",
                "C",
                Type::Decimal {
                    precision: 4,
                    scale: 2,
                },
                true,
            ),
        ];
        let ty = Type::Struct(&Struct {
            name: "S",
            fields: FIELDS,
        });
        let scratch = Scratch::new();
        let fields = [("C", Any::Integer(1)), ("A", Any::Integer(-1))];
        assert_eq!(
            encoded(Any::Struct(&fields), &ty, &scratch),
            Some(&[1, 0, 2, 2, 100][..])
        );
        let wrong = [("A", Any::Null)];
        assert_eq!(encoded(Any::Struct(&wrong), &ty, &scratch), None);
        let wide = [("A", Any::Integer(1)), ("C", Any::Integer(100))];
        assert_eq!(
            encoded(Any::Struct(&wide), &ty, &scratch),
            None,
            "too many digits"
        );
    }
}
