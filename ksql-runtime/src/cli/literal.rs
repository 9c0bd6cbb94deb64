//! A value as it is typed, to be compared with a column of its type.
//!
//! Invariant: equal means equal: numbers are compared digit by digit, however many there are, moments whatever their zone, times whether they
//! say their seconds or not. What is no value of the column is an error that says what one looks like. Pure.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use ksql_schema::Type;
use ksql_schema::model::{Column, Role};
use serde_json::Value;
use uuid::Uuid;

/// A value as a column of its type is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Number(Digits),
    Double(f64),
    Text(String),
    Flag(bool),
    Moment(DateTime<Utc>),
    Date(NaiveDate),
    Time(NaiveTime),
}

impl Literal {
    /// A value of a column's type from what was typed.
    pub(super) fn of(column: &Column<'_>, text: &str) -> Result<Literal, String> {
        let name = column.name;
        let wrong = |expected: &str| format!("`{text}` is no value of `{name}`: {expected}");
        let whole = |from: i64, to: i64| match text.parse::<i64>() {
            Ok(number) if (from..=to).contains(&number) => Ok(Literal::Number(Digits::of(text))),
            Ok(_) => Err(wrong(&format!("it is a whole number from {from} to {to}"))),
            Err(_) => Err(wrong("it is a whole number")),
        };
        // A text with a pattern is a text to whoever reads it.
        if column.datetime_format.is_some() {
            return Ok(Literal::Text(text.to_owned()));
        }
        if matches!(column.role, Role::WindowStart | Role::WindowEnd) {
            return moment(text).map_err(wrong);
        }
        match column.ty {
            Type::Boolean => text
                .parse()
                .map(Literal::Flag)
                .map_err(|_| wrong("it is `true` or `false`")),
            Type::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
            Type::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
            Type::Int64 => whole(i64::MIN, i64::MAX),
            // Its digits are those of an f32: 0.1 is what such a column holds where it says so.
            Type::Float32 => text
                .parse::<f32>()
                .map(|number| Literal::Double(number.into()))
                .map_err(|_| wrong("it is a number")),
            Type::Float64 => text
                .parse()
                .map(Literal::Double)
                .map_err(|_| wrong("it is a number")),
            Type::Decimal { .. } => Digits::parse(text)
                .map(Literal::Number)
                .ok_or_else(|| wrong("it is a number like `-12.50`")),
            Type::Uuid => Uuid::try_parse(text)
                .map(|uuid| Literal::Text(uuid.hyphenated().to_string()))
                .map_err(|_| wrong("it is a UUID like `67e55044-10b1-426f-9247-bb680e5fe0c8`")),
            Type::DateTime => moment(text).map_err(wrong),
            Type::Date => text
                .parse()
                .map(Literal::Date)
                .map_err(|_| wrong("it is a day like `2024-05-08`")),
            Type::Time => time_of(text)
                .map(Literal::Time)
                .ok_or_else(|| wrong("it is a time like `11:30` or `11:30:00.250`")),
            Type::Array(_) | Type::Map(_) | Type::Struct(_) => Err(format!(
                "`{name}` is no single value, and cannot be compared"
            )),
            _ => Ok(Literal::Text(text.to_owned())),
        }
    }

    /// How what was found stands to it; nothing where they cannot be compared, as with NULL.
    pub(super) fn compared(&self, found: &Value) -> Option<Ordering> {
        match (self, found) {
            (Literal::Number(number), Value::Number(found)) => {
                Some(Digits::parse(&found.to_string())?.cmp(number))
            }
            (Literal::Number(number), Value::String(found)) => {
                Some(Digits::parse(found)?.cmp(number))
            }
            (Literal::Double(number), Value::Number(found)) => found.as_f64()?.partial_cmp(number),
            (Literal::Text(text), Value::String(found)) => Some(found.as_str().cmp(text)),
            (Literal::Flag(flag), Value::Bool(found)) => Some(found.cmp(flag)),
            (Literal::Moment(moment), Value::String(found)) => Some(moment_of(found)?.cmp(moment)),
            (Literal::Date(date), Value::String(found)) => {
                Some(found.parse::<NaiveDate>().ok()?.cmp(date))
            }
            (Literal::Time(time), Value::String(found)) => Some(time_of(found)?.cmp(time)),
            _ => None,
        }
    }
}

/// A number of any length: without zeros that say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digits {
    negative: bool,
    whole: String,
    part: String,
}

impl Digits {
    /// The digits of a number that is one.
    fn of(text: &str) -> Digits {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
        Digits {
            negative: negative && !(whole.is_empty() && part.is_empty()),
            whole: whole.to_owned(),
            part: part.to_owned(),
        }
    }

    pub(super) fn parse(text: &str) -> Option<Digits> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (number(whole) && number(part)).then(|| Digits::of(text))
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Digits) -> Ordering {
        let larger = self
            .whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| self.part.cmp(&other.part));
        match (self.negative, other.negative) {
            (false, false) => larger,
            (true, true) => larger.reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Digits) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn moment(text: &str) -> Result<Literal, &'static str> {
    moment_of(text)
        .map(Literal::Moment)
        .ok_or("it is a moment like `2024-05-08T11:30:00Z`, or a day like `2024-05-08`")
}

/// A moment as people write it: with a zone, without one in UTC, or a day.
pub(super) fn moment_of(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    let formats = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ];
    let moment = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let moment = moment.or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0));
    moment.map(|moment| moment.and_utc())
}

/// A moment, or that long ago, in milliseconds since 1970.
pub(super) fn moment_or_ago(text: &str, now_ms: i64) -> Option<i64> {
    if let Some(moment) = moment_of(text) {
        return Some(moment.timestamp_millis());
    }
    let ago = ksql_schema::duration::parse(text.strip_suffix(" ago").unwrap_or(text)).ok()?;
    Some(now_ms.saturating_sub(i64::try_from(ago).ok()?))
}

fn time_of(text: &str) -> Option<NaiveTime> {
    let formats = ["%H:%M:%S%.f", "%H:%M"];
    formats
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn digits(text: &str) -> Digits {
        Digits::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_equal_whatever_their_zeros_and_compared_whatever_their_length() {
        for (one, other) in [
            ("1.0800", "1.08"),
            ("-0", "0"),
            ("+007", "7"),
            ("0.0", "-0.00"),
        ] {
            assert_eq!(digits(one), digits(other));
        }
        let long = "12345678901234567890123456789012345678";
        assert!(digits(&format!("{long}.1")) > digits(long));
        assert!(digits(&format!("-{long}.1")) < digits(&format!("-{long}")));
        for text in ["", "-", "1.", ".5", "1e5", "0x1", "1 2"] {
            assert_eq!(Digits::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_the_same_with_and_without_its_seconds() {
        assert_eq!(time_of("08:30"), time_of("08:30:00"));
        assert_eq!(
            time_of("08:30:00.250").unwrap(),
            time_of("08:30:00.25").unwrap()
        );
        assert_eq!(time_of("8.30"), None);
    }

    proptest! {
        #[test]
        fn digits_are_ordered_as_numbers(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, scale in 0_u32..4) {
            let text = |n: i64| rust_decimal::Decimal::new(n, scale).to_string();
            prop_assert_eq!(digits(&text(a)).cmp(&digits(&text(b))), a.cmp(&b));
        }
    }
}
