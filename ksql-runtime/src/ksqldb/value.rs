//! Values of a row, read from their JSON text by the column's type: no number goes through a `f64` that is none.
//!
//! Read are the forms of every version met: times as text or as numbers, text with or without seconds, fraction and zone.
//! What the server has already lost is refused, not repaired: a DECIMAL inside a STRUCT comes through a double.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::value::RawValue;

use super::sql_type::SqlType;
use crate::codec::DecodeError;
use crate::codec::{days, millis_of_day};

/// A value as ksqlDB has it.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue {
    /// NULL of any type.
    Null,
    /// `BOOLEAN`.
    Boolean(bool),
    /// `INTEGER`.
    Integer(i32),
    /// `BIGINT`.
    Bigint(i64),
    /// `DOUBLE`, also one that is not finite.
    Double(f64),
    /// `STRING`.
    String(String),
    /// `BYTES`.
    Bytes(Vec<u8>),
    /// `DECIMAL(p, s)`: the unscaled value at the type's scale.
    Decimal {
        /// All digits as one number.
        unscaled: i128,
        /// How many of them stand after the point.
        scale: u32,
    },
    /// `TIMESTAMP`: milliseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// `DATE`: days since 1970-01-01.
    Date(i32),
    /// `TIME`: milliseconds since midnight. ksqlDB leaves the part below a second out of its answers.
    Time(i32),
    /// `ARRAY`.
    Array(Vec<SqlValue>),
    /// `MAP`, in the order of the answer.
    Map(Vec<(String, SqlValue)>),
    /// `STRUCT`, in the order of the type.
    Struct(Vec<(String, SqlValue)>),
}

/// Below this, digits survive a double: 15 of them always do.
const EXACT_IN_A_DOUBLE: u128 = 1_000_000_000_000_000;

impl SqlValue {
    /// Reads a value of a type.
    ///
    /// # Errors
    /// Where the text is no such value; the error names the path.
    pub fn read(ty: &SqlType, json: &RawValue) -> Result<SqlValue, DecodeError> {
        read(ty, json, false)
    }
}

fn read(ty: &SqlType, json: &RawValue, in_struct: bool) -> Result<SqlValue, DecodeError> {
    let text = json.get();
    if text == "null" {
        return Ok(SqlValue::Null);
    }
    let wrong = || DecodeError::new(format!("{} is no {ty}", excerpt(text)));
    Ok(match ty {
        SqlType::Boolean => match text {
            "true" => SqlValue::Boolean(true),
            "false" => SqlValue::Boolean(false),
            _ => return Err(wrong()),
        },
        SqlType::Integer => SqlValue::Integer(text.parse().map_err(|_| wrong())?),
        SqlType::Bigint => SqlValue::Bigint(text.parse().map_err(|_| wrong())?),
        SqlType::Double => SqlValue::Double(double(text).ok_or_else(wrong)?),
        SqlType::String => SqlValue::String(string(text).ok_or_else(wrong)?),
        SqlType::Bytes => {
            let encoded = string(text).ok_or_else(wrong)?;
            SqlValue::Bytes(STANDARD.decode(encoded).map_err(|_| wrong())?)
        }
        SqlType::Decimal { precision, scale } => {
            // Old servers and map values write decimals as text.
            let digits = if text.starts_with('"') {
                string(text).ok_or_else(wrong)?
            } else {
                text.to_owned()
            };
            let unscaled = unscaled(&digits, *scale);
            if in_struct
                && unscaled.is_none_or(|unscaled| unscaled.unsigned_abs() >= EXACT_IN_A_DOUBLE)
            {
                return Err(DecodeError::new(format!(
                    "{} was a {ty} inside a STRUCT, and ksqlDB sends those through a double: digits are lost; read the topic, or select the field itself",
                    excerpt(text)
                )));
            }
            let unscaled = unscaled
                .filter(|unscaled| fits(*unscaled, *precision))
                .ok_or_else(wrong)?;
            SqlValue::Decimal {
                unscaled,
                scale: *scale,
            }
        }
        SqlType::Timestamp => SqlValue::Timestamp(timestamp(text).ok_or_else(wrong)?),
        SqlType::Date => SqlValue::Date(date(text).ok_or_else(wrong)?),
        SqlType::Time => SqlValue::Time(time(text).ok_or_else(wrong)?),
        SqlType::Array(item) => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| wrong())?;
            let values = items.into_iter().map(|json| read(item, json, in_struct));
            SqlValue::Array(values.collect::<Result<_, _>>()?)
        }
        SqlType::Map(_, item) => SqlValue::Map(
            entries(text)
                .ok_or_else(wrong)?
                .into_iter()
                .map(|(key, json)| {
                    let value = read(item, json, in_struct).map_err(|error| error.at(&key))?;
                    Ok((key, value))
                })
                .collect::<Result<_, DecodeError>>()?,
        ),
        SqlType::Struct(fields) => {
            let found = entries(text).ok_or_else(wrong)?;
            let value = |name: &str, ty| {
                let json = found
                    .iter()
                    .find(|(found, _)| found == name)
                    .map(|(_, json)| *json);
                json.map_or(Ok(SqlValue::Null), |json| read(ty, json, true))
                    .map_err(|error: DecodeError| error.at(name))
            };
            SqlValue::Struct(
                fields
                    .iter()
                    .map(|(name, ty)| Ok((name.clone(), value(name, ty)?)))
                    .collect::<Result<_, DecodeError>>()?,
            )
        }
    })
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push_str("..");
    }
    format!("`{short}`")
}

fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

/// The entries of an object in their order; serde_json's own map would sort them.
fn entries(text: &str) -> Option<Vec<(String, &RawValue)>> {
    struct Entries;
    impl<'de> serde::de::Visitor<'de> for Entries {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(text), Entries)
        .ok()
}

fn double(text: &str) -> Option<f64> {
    let text = text.trim_matches('"');
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// The number of a text at a scale, exactly; with an exponent where the server wrote one.
fn unscaled(text: &str, scale: u32) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let mut number = 0_i128;
    for digit in whole.bytes().chain(part.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    // The number is `number * 10^(exponent - part.len())`; what is asked for is that times `10^scale`.
    let shift = i64::from(exponent) - i64::try_from(part.len()).ok()? + i64::from(scale);
    let power = |exponent: i64| 10_i128.checked_pow(u32::try_from(exponent).ok()?);
    let number = if number == 0 {
        0
    } else if shift >= 0 {
        number.checked_mul(power(shift)?)?
    } else {
        let unit = power(-shift)?;
        (number % unit == 0).then(|| number / unit)?
    };
    Some(if negative { -number } else { number })
}

fn fits(unscaled: i128, precision: u32) -> bool {
    match 10_u128.checked_pow(precision) {
        Some(limit) => unscaled.unsigned_abs() < limit,
        None => true,
    }
}

fn timestamp(text: &str) -> Option<i64> {
    if !text.starts_with('"') {
        return text.parse().ok();
    }
    let text = string(text)?;
    if let Ok(moment) = DateTime::parse_from_rfc3339(&text) {
        return Some(moment.timestamp_millis());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())
        .map(|moment| moment.and_utc().timestamp_millis())
}

fn date(text: &str) -> Option<i32> {
    if !text.starts_with('"') {
        return text.parse().ok();
    }
    NaiveDate::parse_from_str(&string(text)?, "%Y-%m-%d")
        .ok()
        .map(days)
}

fn time(text: &str) -> Option<i32> {
    if !text.starts_with('"') {
        return text
            .parse()
            .ok()
            .filter(|millis| (0..86_400_000).contains(millis));
    }
    let text = string(text)?;
    ["%H:%M:%S%.f", "%H:%M"]
        .into_iter()
        .find_map(|form| NaiveTime::parse_from_str(&text, form).ok())
        .map(millis_of_day)
}
