//! A letter beside what its bytes mean: decoded by the schema whose id stands in them, whatever this program knows.
//!
//! Invariant: a letter can always be shown; what cannot be decoded says why. Decoding is not the codec's of entities, which
//! knows only their own forms: any schema of the registry will do.

use std::collections::BTreeMap;
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{NamesRef, ResolvedSchema};
use apache_avro::types::Value as Avro;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, NaiveDate, NaiveTime};
use serde_json::{Map, Value, json};

use super::error::LetterId;
use super::headers::schema_id;
use super::letter::DeadLetter;
use super::topic::{DeadLetterTopic, KeyForm};
use crate::codec::frame;
use crate::error::{Chain, Error, Result};
use crate::registry::Registry;

/// A letter, and what its key and value mean.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ShownLetter {
    /// The letter, with its bytes.
    pub letter: DeadLetter,
    /// What the key means.
    pub key: Shown,
    /// What the value means.
    pub value: Shown,
}

/// What bytes mean, as far as can be known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Shown {
    /// There are none: no key, or a tombstone.
    Absent,
    /// Avro, by the schema whose id stands before it.
    Avro {
        /// The id.
        schema_id: u32,
        /// The schema's text, as the registry has it.
        schema: Arc<str>,
        /// The value: decimals and times as text, bytes in base64.
        json: Value,
    },
    /// One of Kafka's primitive keys: a number or a text.
    Primitive(Value),
    /// No Avro, but text.
    Text(String),
    /// Not to be decoded.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl ShownLetter {
    /// The letter for programs: its fields, what its key and value mean, and their bytes in base64.
    pub fn to_json(&self) -> Value {
        json!({
            "letter": self.letter.to_json(),
            "key": self.key.to_json(),
            "value": self.value.to_json(),
        })
    }
}

impl Shown {
    /// The value for programs; nothing where there is none or it cannot be decoded.
    pub fn json(&self) -> Option<Value> {
        match self {
            Shown::Avro { json, .. } | Shown::Primitive(json) => Some(json.clone()),
            Shown::Text(text) => Some(Value::String(text.clone())),
            Shown::Absent | Shown::Unreadable { .. } => None,
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Shown::Absent => Value::Null,
            Shown::Avro {
                schema_id, json, ..
            } => json!({"schema_id": schema_id, "avro": json}),
            Shown::Primitive(value) => json!({"primitive": value}),
            Shown::Text(text) => json!({"text": text}),
            Shown::Unreadable { reason } => json!({"unreadable": reason}),
        }
    }

    fn unreadable(reason: impl Into<String>) -> Shown {
        Shown::Unreadable {
            reason: reason.into(),
        }
    }
}

impl DeadLetterTopic {
    /// One letter with its key and value decoded: by the registry's schema whose id stands in the bytes, so that neither the
    /// entity nor the topic need be known here. What cannot be decoded says why.
    ///
    /// # Errors
    /// As [`DeadLetterTopic::get`].
    pub async fn show(&self, letter: impl Into<LetterId> + Send) -> Result<ShownLetter> {
        let letter = self.get(letter).await?;
        let form = letter.topic.as_ref().and_then(|topic| self.keys.get(topic));
        let key = match &letter.key {
            None => Shown::Absent,
            Some(bytes) => self.key(bytes, form.copied()).await,
        };
        let value = match &letter.value {
            None => Shown::Absent,
            Some(bytes) => self.value(bytes).await,
        };
        Ok(ShownLetter { letter, key, value })
    }

    async fn value(&self, bytes: &[u8]) -> Shown {
        match frame::read(bytes) {
            Ok((id, body)) => decoded(&self.registry, id, body).await,
            Err(error) => match text(bytes) {
                Some(text) => Shown::Text(text),
                None => Shown::unreadable(error.to_string()),
            },
        }
    }

    async fn key(&self, bytes: &[u8], form: Option<KeyForm>) -> Shown {
        let long = || {
            let bytes = bytes.try_into().ok();
            bytes.map(|bytes| Value::from(i64::from_be_bytes(bytes)))
        };
        let int = || {
            let bytes = bytes.try_into().ok();
            bytes.map(|bytes| Value::from(i32::from_be_bytes(bytes)))
        };
        let (primitive, expected) = match form {
            Some(KeyForm::Int) => (int(), "4 bytes"),
            Some(KeyForm::Long) => (long(), "8 bytes"),
            Some(KeyForm::Text) => {
                let text = std::str::from_utf8(bytes).ok();
                (text.map(Value::from), "text in UTF-8")
            }
            Some(KeyForm::Record) => return self.value(bytes).await,
            None => return self.guessed(bytes, int().or_else(long)).await,
        };
        match primitive {
            Some(primitive) => Shown::Primitive(primitive),
            None => Shown::unreadable(format!(
                "{} bytes, and a key of its topic is {expected}",
                bytes.len()
            )),
        }
    }

    /// The key of a topic that this program does not know: the first form that fits.
    async fn guessed(&self, bytes: &[u8], number: Option<Value>) -> Shown {
        let framed = match (schema_id(Some(bytes)), frame::read(bytes)) {
            (Some(id), Ok((_, body))) => Some(decoded(&self.registry, id, body).await),
            _ => None,
        };
        match (framed, text(bytes), number) {
            (Some(shown @ Shown::Avro { .. }), ..) => shown,
            (_, Some(text), _) => Shown::Primitive(Value::String(text)),
            (_, None, Some(number)) => Shown::Primitive(number),
            (Some(shown), None, None) => shown,
            (None, None, None) => Shown::unreadable(
                "this program does not know the key's topic, and the bytes are neither Avro, nor text, nor a number",
            ),
        }
    }
}

/// Text that people can read.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let shown = |c: char| !c.is_control() || c.is_whitespace();
    text.chars().all(shown).then(|| text.to_owned())
}

/// Avro by the schema of an id.
async fn decoded(registry: &Registry, id: u32, body: &[u8]) -> Shown {
    let schema = match registry.schema_by_id(id).await {
        Ok(schema) => schema,
        Err(error) => {
            return Shown::unreadable(format!("its schema id is {id}: {}", Chain(&error)));
        }
    };
    let (text, bytes) = (Arc::clone(&schema), body.to_vec());
    // Off the tasks, and where bytes that nobody foresaw can do no harm.
    let json = tokio::task::spawn_blocking(move || decode(&text, &bytes)).await;
    match json.map_err(Error::of_task) {
        Ok(Ok(json)) => Shown::Avro {
            schema_id: id,
            schema,
            json,
        },
        Ok(Err(reason)) => Shown::unreadable(format!("it is no value of schema {id}: {reason}")),
        Err(error) => Shown::unreadable(format!("it is no value of schema {id}: {error}")),
    }
}

fn decode(schema: &str, mut bytes: &[u8]) -> Result<Value, String> {
    let told = |error: apache_avro::Error| Chain(&error).to_string();
    let schema = Schema::parse_str(schema).map_err(told)?;
    let value = GenericDatumReader::builder(&schema)
        .build()
        .and_then(|reader| reader.read_value(&mut bytes))
        .map_err(told)?;
    if !bytes.is_empty() {
        return Err(format!("{} bytes are left over", bytes.len()));
    }
    let resolved = ResolvedSchema::try_from(&schema).map_err(told)?;
    Ok(as_json(value, &schema, resolved.get_names()))
}

/// A value as JSON. The schema says what apache-avro's values do not: where a decimal has its point.
fn as_json(value: Avro, schema: &Schema, names: &NamesRef<'_>) -> Value {
    match (value, schema) {
        (value, Schema::Ref { name }) => match names.get(name) {
            Some(Schema::Ref { .. }) | None => Value::Null,
            Some(schema) => as_json(value, schema, names),
        },
        (Avro::Union(index, value), Schema::Union(union)) => {
            let branch = union.variants().get(index as usize);
            branch.map_or(Value::Null, |schema| as_json(*value, schema, names))
        }
        (Avro::Record(fields), Schema::Record(record)) => {
            let fields = fields.into_iter().zip(&record.fields);
            let fields =
                fields.map(|((name, value), field)| (name, as_json(value, &field.schema, names)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        (Avro::Array(items), Schema::Array(array)) => items
            .into_iter()
            .map(|item| as_json(item, &array.items, names))
            .collect(),
        (Avro::Map(entries), Schema::Map(map)) => {
            // In one order, whatever the reader's was.
            let entries: BTreeMap<String, Avro> = entries.into_iter().collect();
            let entries = entries.into_iter();
            let entries = entries.map(|(name, value)| (name, as_json(value, &map.types, names)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        (Avro::Decimal(decimal), Schema::Decimal(of)) => <Vec<u8>>::try_from(&decimal)
            .ok()
            .and_then(|bytes| fixed_point(&bytes, of.scale))
            .map_or(Value::Null, Value::String),
        (value, _) => plain(value),
    }
}

/// A value that needs no schema to be shown.
fn plain(value: Avro) -> Value {
    let float = |number: f64| {
        serde_json::Number::from_f64(number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number)
    };
    let moment = |time: Option<DateTime<chrono::Utc>>, number: i64| {
        time.map_or(Value::from(number), |time| Value::String(time.to_rfc3339()))
    };
    match value {
        Avro::Null => Value::Null,
        Avro::Boolean(flag) => Value::Bool(flag),
        Avro::Int(number) => Value::from(number),
        Avro::Long(number) => Value::from(number),
        Avro::Float(number) => float(f64::from(number)),
        Avro::Double(number) => float(number),
        Avro::String(text) | Avro::Enum(_, text) => Value::String(text),
        Avro::Bytes(bytes) | Avro::Fixed(_, bytes) => Value::String(STANDARD.encode(bytes)),
        Avro::Uuid(uuid) => Value::String(uuid.to_string()),
        Avro::Date(days) => NaiveDate::from_ymd_opt(1970, 1, 1)
            .zip(Duration::try_days(i64::from(days)))
            .and_then(|(first, days)| first.checked_add_signed(days))
            .map_or(Value::from(days), |date| Value::String(date.to_string())),
        Avro::TimeMillis(millis) => time_of_day(i64::from(millis).saturating_mul(1000)),
        Avro::TimeMicros(micros) => time_of_day(micros),
        Avro::TimestampMillis(at) | Avro::LocalTimestampMillis(at) => {
            moment(DateTime::from_timestamp_millis(at), at)
        }
        Avro::TimestampMicros(at) | Avro::LocalTimestampMicros(at) => {
            moment(DateTime::from_timestamp_micros(at), at)
        }
        Avro::TimestampNanos(at) | Avro::LocalTimestampNanos(at) => {
            moment(Some(DateTime::from_timestamp_nanos(at)), at)
        }
        // What only a schema of another kind could say.
        other => Value::String(format!("{other:?}")),
    }
}

fn time_of_day(micros: i64) -> Value {
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).ok();
    let nanos = u32::try_from(micros.rem_euclid(1_000_000).saturating_mul(1000)).ok();
    seconds
        .zip(nanos)
        .and_then(|(seconds, nanos)| NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos))
        .map_or(Value::from(micros), |time| Value::String(time.to_string()))
}

/// A decimal's unscaled bytes, two's complement and big-endian, as text with its point. Nothing beyond 38 digits.
fn fixed_point(bytes: &[u8], scale: usize) -> Option<String> {
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    wide.get_mut(16_usize.checked_sub(bytes.len())?..)?
        .copy_from_slice(bytes);
    let unscaled = i128::from_be_bytes(wide);
    let digits = format!(
        "{:0>width$}",
        unscaled.unsigned_abs(),
        width = scale.saturating_add(1)
    );
    let sign = if unscaled < 0 { "-" } else { "" };
    let (whole, part) = digits.split_at_checked(digits.len().checked_sub(scale)?)?;
    Some(match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_shown_with_its_point_and_every_digit() {
        let shown = |bytes: &[u8], scale| fixed_point(bytes, scale).unwrap_or_default();
        assert_eq!(shown(&[0x2a, 0x5a], 4), "1.0842");
        assert_eq!(shown(&[0xff], 2), "-0.01");
        assert_eq!(shown(&[], 3), "0.000");
        assert_eq!(shown(&[7], 0), "7");
        assert_eq!(
            shown(&i128::MAX.to_be_bytes(), 38),
            "1.70141183460469231731687303715884105727"
        );
        assert_eq!(fixed_point(&[1; 17], 0), None);
    }

    #[test]
    fn what_is_left_over_is_no_value_and_what_is_not_a_number_is_shown_all_the_same() {
        assert_eq!(decode("\"long\"", &[2]), Ok(Value::from(1)));
        assert!(decode("\"long\"", &[2, 2]).is_err());
        assert!(decode("\"long\"", &[]).is_err());
        assert_eq!(
            decode("\"double\"", &f64::NAN.to_le_bytes()),
            Ok(Value::from("NaN"))
        );
        let union = r#"["null",{"type":"int","logicalType":"date"}]"#;
        assert_eq!(decode(union, &[2, 2]), Ok(Value::from("1970-01-02")));
    }
}
