//! `CAST`: numbers truncate, wrap or saturate as in Java, texts are read as Java reads them, and what fails is `NULL` in place.

use std::fmt::{self, Write};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ksql_schema::query::Sql;

use super::decimal::{self, Digits};
use super::{Any, List, Map, Operand, Output, Scratch, Shape, double, instant, string};

/// Base64 as Java's decoder takes it: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `CAST(a AS T)` for every type but lists and maps.
#[inline]
pub fn cast<'a, T: Output<'a>, A: Operand<'a>>(scratch: &'a Scratch, value: A) -> T {
    T::from_any(to(scratch, value.any_in(scratch), T::SHAPE))
}

/// `CAST` to any type, of a collection element by element and of a struct field by field: one that it has not is `NULL`.
pub fn deep<'a>(scratch: &'a Scratch, any: Any<'a>, ty: Sql) -> Any<'a> {
    match (ty, any) {
        (Sql::Array(elem), Any::List(list)) => {
            let items = list.items(scratch).iter();
            Any::List(List::new(
                scratch.collect(items.map(|item| deep(scratch, *item, elem.ty()))),
            ))
        }
        (Sql::Map(elem), Any::Map(map)) => {
            let entries = map.entries(scratch).iter();
            Any::Map(Map::new(scratch.collect(
                entries.map(|(key, value)| (*key, deep(scratch, *value, elem.ty()))),
            )))
        }
        (Sql::Struct(record), Any::Struct(fields)) => {
            let fields = record.fields.iter().map(|wanted| {
                let found = fields.iter().find(|(name, _)| *name == wanted.sql_name);
                let value = found.map_or(Any::Null, |(_, value)| *value);
                (wanted.sql_name, deep(scratch, value, Sql::of(&wanted.ty)))
            });
            Any::Struct(scratch.collect(fields))
        }
        (Sql::Array(_) | Sql::Map(_) | Sql::Struct(_), _) => Any::Null,
        (ty, any) => to(scratch, any, shape(ty)),
    }
}

const fn shape(ty: Sql) -> Shape {
    match ty {
        Sql::Unknown | Sql::Null => Shape::Unknown,
        Sql::Boolean => Shape::Boolean,
        Sql::Integer => Shape::Integer,
        Sql::Bigint => Shape::Bigint,
        Sql::Double => Shape::Double,
        Sql::Decimal { precision, scale } => Shape::Decimal { precision, scale },
        Sql::String => Shape::String,
        Sql::Bytes => Shape::Bytes,
        Sql::Date => Shape::Date,
        Sql::Time => Shape::Time,
        Sql::Timestamp => Shape::Timestamp,
        Sql::Array(_) => Shape::Array,
        Sql::Map(_) => Shape::Map,
        Sql::Struct(_) => Shape::Struct,
    }
}

#[inline]
pub(crate) fn to<'a>(scratch: &'a Scratch, any: Any<'a>, shape: Shape) -> Any<'a> {
    converted(scratch, any, shape).unwrap_or(Any::Null)
}

#[inline]
fn converted<'a>(scratch: &'a Scratch, any: Any<'a>, shape: Shape) -> Option<Any<'a>> {
    if matches!(any, Any::Null | Any::Failed) {
        return None;
    }
    Some(match shape {
        Shape::Boolean => match any {
            Any::Boolean(_) => any,
            any => Any::Boolean(boolean(any.text(scratch)?)),
        },
        Shape::Integer => Any::Integer(match any {
            Any::Integer(value) => value,
            Any::Bigint(value) => value as i32,
            Any::Double(value) => value as i32,
            Any::Decimal(unscaled, scale) => whole(unscaled, scale) as i32,
            Any::Wide(unscaled, scale) => wide_whole(unscaled, scale)? as i32,
            any => i32::try_from(integer(any.text(scratch)?)?).ok()?,
        }),
        Shape::Bigint => Any::Bigint(match any {
            Any::Integer(value) => value.into(),
            Any::Bigint(value) => value,
            Any::Double(value) => value as i64,
            Any::Decimal(unscaled, scale) => whole(unscaled, scale) as i64,
            Any::Wide(unscaled, scale) => wide_whole(unscaled, scale)? as i64,
            any => integer(any.text(scratch)?)?,
        }),
        Shape::Double => Any::Double(match any.double() {
            Some(value) => value,
            None => double::parse_java(string::trim(any.text(scratch)?))?,
        }),
        Shape::Decimal { precision, scale } => match any {
            Any::Double(value) => Digits::of_double(value, precision)?.cast(precision, scale)?,
            Any::String(text) => Digits::parse(string::trim(text))?.cast(precision, scale)?,
            any => decimal::cast(any, precision, scale)?,
        },
        Shape::String => match any {
            Any::String(_) => any,
            Any::Uuid(_) => Any::String(any.text(scratch)?),
            Any::Bytes(_) => return None,
            any => Any::String(text(scratch, any)),
        },
        Shape::Bytes => match any {
            Any::Bytes(_) => any,
            any => {
                let bytes = BASE64.decode(string::trim(any.text(scratch)?)).ok()?;
                Any::Bytes(scratch.bytes(&bytes))
            }
        },
        Shape::Date => match any {
            Any::Date(_) => any,
            Any::Timestamp(millis) => {
                Any::Date(i32::try_from(millis.div_euclid(instant::DAY)).ok()?)
            }
            any => Any::Date(instant::parse_date(string::trim(any.text(scratch)?))?),
        },
        Shape::Time => match any {
            Any::Time(_) => any,
            Any::Timestamp(millis) => Any::Time(millis.rem_euclid(instant::DAY) as i32),
            any => Any::Time(instant::parse_time(string::trim(any.text(scratch)?))?),
        },
        Shape::Timestamp => match any {
            Any::Timestamp(_) => any,
            Any::Date(days) => Any::Timestamp(i64::from(days) * instant::DAY),
            any => Any::Timestamp(instant::parse_timestamp(string::trim(any.text(scratch)?))?),
        },
        Shape::Array | Shape::Map | Shape::Struct => any,
        Shape::Unknown => return None,
    })
}

/// Before the point.
fn whole(unscaled: i128, scale: u32) -> i128 {
    crate::codec::decimal::power(scale).map_or(0, |unit| unscaled / unit)
}

/// As [`whole`]; what Java keeps of a large number are its low 64 bits.
fn wide_whole(unscaled: ethnum::I256, scale: u32) -> Option<i128> {
    Some((unscaled / decimal::wide_power(scale)?).as_i128())
}

/// Any beginning of `true` or `yes` is true.
fn boolean(text: &str) -> bool {
    let text = string::trim(text);
    !text.is_empty()
        && ["true", "yes"].iter().any(|word| {
            word.get(..text.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(text))
        })
}

/// Java's `parseLong`, trimmed; no digits but ASCII.
fn integer(text: &str) -> Option<i64> {
    string::trim(text).parse().ok()
}

/// The text of a value, as Java's `toString` where no rule of ksqlDB's own says otherwise.
pub(crate) fn text<'a>(scratch: &'a Scratch, any: Any<'a>) -> &'a str {
    match any {
        Any::String(text) => text,
        any => scratch.write(|out| write_text(scratch, any, out).unwrap_or_default()),
    }
}

pub(crate) fn write_text<'a>(
    scratch: &'a Scratch,
    any: Any<'a>,
    out: &mut dyn Write,
) -> fmt::Result {
    match any {
        Any::Null | Any::Failed => out.write_str("null"),
        Any::Boolean(value) => write!(out, "{value}"),
        Any::Integer(value) => write!(out, "{value}"),
        Any::Bigint(value) => write!(out, "{value}"),
        Any::Double(value) => double::write_java(value, out),
        Any::Decimal(unscaled, scale) => decimal::write_plain(unscaled.into(), scale, out),
        Any::Wide(unscaled, scale) => decimal::write_plain(unscaled, scale, out),
        Any::String(text) => out.write_str(text),
        Any::Uuid(uuid) => write!(out, "{}", uuid.hyphenated()),
        Any::Bytes(bytes) => out.write_str(&BASE64.encode(bytes)),
        Any::Date(days) => instant::write_date(days, out),
        Any::Time(millis) => instant::write_time(millis, out),
        Any::Timestamp(millis) => instant::write_timestamp(millis, out),
        Any::List(list) => {
            out.write_char('[')?;
            for (index, item) in list.items(scratch).iter().enumerate() {
                out.write_str(if index > 0 { ", " } else { "" })?;
                write_text(scratch, *item, out)?;
            }
            out.write_char(']')
        }
        Any::Map(map) => {
            out.write_char('{')?;
            for (index, (key, value)) in map.entries(scratch).iter().enumerate() {
                write!(out, "{}{key}=", if index > 0 { ", " } else { "" })?;
                write_text(scratch, *value, out)?;
            }
            out.write_char('}')
        }
        Any::Struct(fields) => {
            out.write_str("Struct{")?;
            let present = fields.iter().filter(|(_, value)| !value.is_null());
            for (index, (name, value)) in present.enumerate() {
                write!(out, "{}{name}=", if index > 0 { "," } else { "" })?;
                write_text(scratch, *value, out)?;
            }
            out.write_char('}')
        }
    }
}

#[cfg(test)]
#[path = "cast_tests.rs"]
mod tests;
