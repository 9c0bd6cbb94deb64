//! Records of a query's topic, from the bytes ksqlDB writes into values in the form of the cases.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ksql_runtime::codec::{DecodeError, Reader, frame};
use ksql_runtime::entity::Window;
use ksql_schema::model::{Role, WindowKind};
use ksql_schema::{Column, Entity, Type};
use serde_json::{Number, Value};

use super::encode::of_role;

/// A record of a topic.
#[derive(Debug)]
pub struct Row {
    /// The key's columns; nothing where it is NULL.
    pub key: Option<Vec<Value>>,
    /// The value's columns; nothing where it is NULL.
    pub value: Option<Vec<Value>>,
    pub timestamp: i64,
    /// Start and end.
    pub window: Option<(i64, i64)>,
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |values: &Option<Vec<Value>>| match values {
            None => "NULL".to_owned(),
            Some(values) => Value::from(values.clone()).to_string(),
        };
        let (key, value) = (part(&self.key), part(&self.value));
        write!(out, "{key} -> {value} at {}", self.timestamp)?;
        match self.window {
            None => Ok(()),
            Some((start, end)) => write!(out, " in {start}..{end}"),
        }
    }
}

/// A key's columns, and start and end of its window.
type Keyed = (Vec<Value>, Option<(i64, i64)>);

/// The key of a record, and its window; `size` is that of windows whose keys carry their start alone.
pub fn key(model: &Entity<'_>, bytes: &[u8], size: Option<i64>) -> Result<Keyed, DecodeError> {
    let (bytes, window) = match &model.window {
        None => (bytes, None),
        Some(window) => {
            let session = window.kind == WindowKind::Session;
            let (bytes, Window { start, end }) = Window::decode(bytes, session)?;
            let end = match session {
                true => end,
                false => start + size.unwrap_or_default(),
            };
            (bytes, Some((start, end)))
        }
    };
    let columns: Vec<&Column<'_>> = of_role(model, Role::Key).collect();
    let key = match columns.as_slice() {
        [] => Vec::new(),
        [column] => vec![primitive(column.ty, bytes)?],
        columns => {
            let (_, body) = frame::read(bytes)?;
            record(columns, body)?
        }
    };
    Ok((key, window))
}

/// The columns of a value behind its frame.
pub fn value(model: &Entity<'_>, body: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let columns: Vec<&Column<'_>> = of_role(model, Role::Value).collect();
    record(&columns, body)
}

fn record(columns: &[&Column<'_>], body: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let mut input = Reader::new(body);
    let values = columns.iter().map(|column| cell(column.ty, &mut input));
    let values = values.collect::<Result<_, _>>()?;
    input.finish()?;
    Ok(values)
}

fn primitive(ty: Type<'_>, bytes: &[u8]) -> Result<Value, DecodeError> {
    let wrong = || DecodeError::new(format!("{bytes:?} is no key"));
    Ok(match ty {
        Type::Int16 | Type::Int32 => {
            i32::from_be_bytes(bytes.try_into().map_err(|_| wrong())?).into()
        }
        Type::Int64 => i64::from_be_bytes(bytes.try_into().map_err(|_| wrong())?).into(),
        _ => String::from_utf8(bytes.to_vec())
            .map_err(|_| wrong())?
            .into(),
    })
}

/// A nullable value.
fn cell(ty: Type<'_>, input: &mut Reader<'_>) -> Result<Value, DecodeError> {
    if !input.present()? {
        return Ok(Value::Null);
    }
    Ok(match ty {
        Type::Boolean => (input.byte()? != 0).into(),
        Type::Int16 | Type::Int32 | Type::Date | Type::Time => input.int()?.into(),
        Type::Int64 | Type::DateTime => input.long()?.into(),
        Type::Float32 | Type::Float64 => double(f64::from_le_bytes(input.array()?)),
        Type::String | Type::Uuid | Type::Enum => input.text()?.into(),
        Type::Bytes => STANDARD.encode(input.bytes()?).into(),
        Type::Decimal { scale, .. } => decimal(input.bytes()?, scale as usize).into(),
        Type::Array(item) => {
            let mut items = Vec::new();
            loop {
                let count = input.block()?;
                if count == 0 {
                    break;
                }
                for _ in 0..count {
                    items.push(cell(item.ty, input)?);
                }
            }
            items.into()
        }
        Type::Map(item) => {
            let mut entries = serde_json::Map::new();
            loop {
                let count = input.block()?;
                if count == 0 {
                    break;
                }
                for _ in 0..count {
                    let key = match input.present()? {
                        true => input.text()?.to_owned(),
                        false => return Err(DecodeError::new("the key of an entry is NULL")),
                    };
                    entries.insert(key, cell(item.ty, input)?);
                }
            }
            entries.into()
        }
        Type::Struct(record) => {
            let mut fields = serde_json::Map::new();
            for field in record.fields {
                fields.insert(field.sql_name.to_owned(), cell(field.ty, input)?);
            }
            fields.into()
        }
        Type::Unknown => return Err(DecodeError::new("a column has a type of its own")),
    })
}

fn double(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// Big-endian two's complement, as plain digits with the scale's many behind the point.
fn decimal(bytes: &[u8], scale: usize) -> String {
    let mut unscaled: i128 = match bytes.first() {
        Some(first) if first & 0x80 != 0 => -1,
        _ => 0,
    };
    for byte in bytes {
        unscaled = (unscaled << 8) | i128::from(*byte);
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    match scale {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_keep_their_scale() {
        for (bytes, scale, text) in [
            (vec![], 2, "0.00"),
            (vec![0], 0, "0"),
            (vec![0x04, 0xd2], 2, "12.34"),
            (vec![0xff], 2, "-0.01"),
            (vec![0x80], 1, "-12.8"),
            (vec![0x00, 0x80], 3, "0.128"),
        ] {
            assert_eq!(decimal(&bytes, scale), text);
        }
    }
}
