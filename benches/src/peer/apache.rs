//! `apache-avro`: the library of the Avro project, by serde and by its dynamic `Value`.

use apache_avro::{
    Schema, reader::datum::GenericDatumReader, types::Value, writer::datum::GenericDatumWriter,
};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{millis, some_millis};
use crate::entities;

/// A schema, parsed.
pub fn schema(text: &str) -> Schema {
    Schema::parse_str(text).unwrap_or_else(|error| panic!("schema refused: {error}"))
}

/// A writer that does not validate what it is given.
pub fn writer(schema: &Schema) -> GenericDatumWriter<'_> {
    GenericDatumWriter::builder(schema)
        .validate(false)
        .human_readable(false)
        .build()
        .unwrap_or_else(|error| panic!("refused: {error}"))
}

/// A reader of the same schema.
pub fn reader(schema: &Schema) -> GenericDatumReader<'_> {
    GenericDatumReader::builder(schema)
        .human_readable(false)
        .build()
        .unwrap_or_else(|error| panic!("refused: {error}"))
}

/// By serde, into a reused buffer.
pub fn encode<T: Serialize>(value: &T, writer: &GenericDatumWriter<'_>, out: &mut Vec<u8>) {
    out.clear();
    writer
        .write_ser(out, value)
        .unwrap_or_else(|error| panic!("refused: {error}"));
}

/// By serde, owned.
pub fn decode<T: serde::de::DeserializeOwned>(
    mut body: &[u8],
    reader: &GenericDatumReader<'_>,
) -> T {
    reader
        .read_deser(&mut body)
        .unwrap_or_else(|error| panic!("refused: {error}"))
}

/// A built value into a reused buffer.
pub fn encode_value(value: Value, writer: &GenericDatumWriter<'_>, out: &mut Vec<u8>) {
    out.clear();
    writer
        .write_value(out, value)
        .unwrap_or_else(|error| panic!("refused: {error}"));
}

/// A value.
pub fn decode_value(mut body: &[u8], reader: &GenericDatumReader<'_>) -> Value {
    reader
        .read_value(&mut body)
        .unwrap_or_else(|error| panic!("refused: {error}"))
}

/// The fewest bytes of a mantissa that keep its sign.
fn shortest(mantissa: i128) -> ([u8; 16], usize) {
    let significant = 129 - (mantissa ^ (mantissa >> 127)).leading_zeros();
    (
        mantissa.to_be_bytes(),
        16 - significant.div_ceil(8) as usize,
    )
}

/// A decimal of this scale as bytes, which is what apache-avro's serde takes for the logical type.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixed<const SCALE: u32>(pub Decimal);

impl<const SCALE: u32> Serialize for Fixed<SCALE> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut value = self.0;
        value.rescale(SCALE);
        let (bytes, from) = shortest(value.mantissa());
        to.serialize_bytes(&bytes[from..])
    }
}

impl<'de, const SCALE: u32> Deserialize<'de> for Fixed<SCALE> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes<const SCALE: u32>;
        impl<const SCALE: u32> serde::de::Visitor<'_> for Bytes<SCALE> {
            type Value = Fixed<SCALE>;
            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("the bytes of a decimal")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                let mut value = if bytes.first().is_some_and(|first| first & 0x80 != 0) {
                    -1i64
                } else {
                    0
                };
                for byte in bytes {
                    value = (value << 8) | i64::from(*byte);
                }
                Ok(Fixed(Decimal::new(value, SCALE)))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

fn decimal<const SCALE: u32>(mut value: Decimal) -> Value {
    value.rescale(SCALE);
    let (bytes, from) = shortest(value.mantissa());
    Value::Decimal(apache_avro::Decimal::from(&bytes[from..]))
}

fn option(value: Option<Value>) -> Value {
    match value {
        None => Value::Union(0, Box::new(Value::Null)),
        Some(value) => Value::Union(1, Box::new(value)),
    }
}

fn field(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

/// The value of [`entities::Order`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub customer: String,
    pub amount: Fixed<4>,
    pub qty: i32,
    #[serde(with = "millis")]
    pub ts: DateTime<Utc>,
}

impl From<&entities::Order> for Order {
    fn from(from: &entities::Order) -> Self {
        let entities::Order {
            id: _,
            customer,
            amount,
            qty,
            ts,
        } = from.clone();
        Self {
            customer,
            amount: Fixed(amount),
            qty,
            ts,
        }
    }
}

/// Builds the dynamic value.
pub fn order_value(from: &entities::Order) -> Value {
    Value::Record(vec![
        field("customer", Value::String(from.customer.clone())),
        field("amount", decimal::<4>(from.amount)),
        field("qty", Value::Int(from.qty)),
        field("ts", Value::TimestampMillis(from.ts.timestamp_millis())),
    ])
}

/// The value of [`entities::Wide`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wide {
    pub account: String,
    pub symbol: String,
    pub venue: String,
    pub note: Option<String>,
    pub active: bool,
    pub settled: bool,
    pub side: i32,
    pub kind: i32,
    pub flags: i32,
    pub desk: i32,
    pub filled: i32,
    pub open: i32,
    pub seq: i64,
    pub parent: i64,
    pub trader: i64,
    pub book: i64,
    pub latency: i64,
    pub limit: Option<i64>,
    pub hidden: Option<i32>,
    pub strategy: Option<i32>,
    pub delta: f64,
    pub gamma: f64,
    pub vega: f64,
    pub price: Fixed<4>,
    pub fee: Fixed<4>,
    pub notional: Fixed<2>,
    pub rebate: Option<Fixed<4>>,
    #[serde(with = "millis")]
    pub placed: DateTime<Utc>,
    #[serde(with = "millis")]
    pub changed: DateTime<Utc>,
    #[serde(with = "some_millis")]
    pub expires: Option<DateTime<Utc>>,
}

impl From<&entities::Wide> for Wide {
    fn from(from: &entities::Wide) -> Self {
        let entities::Wide {
            id: _,
            account,
            symbol,
            venue,
            note,
            active,
            settled,
            side,
            kind,
            flags,
            desk,
            filled,
            open,
            seq,
            parent,
            trader,
            book,
            latency,
            limit,
            hidden,
            strategy,
            delta,
            gamma,
            vega,
            price,
            fee,
            notional,
            rebate,
            placed,
            changed,
            expires,
        } = from.clone();
        Self {
            account,
            symbol,
            venue,
            note,
            active,
            settled,
            side,
            kind,
            flags,
            desk,
            filled,
            open,
            seq,
            parent,
            trader,
            book,
            latency,
            limit,
            hidden,
            strategy,
            delta,
            gamma,
            vega,
            price: Fixed(price),
            fee: Fixed(fee),
            notional: Fixed(notional),
            rebate: rebate.map(Fixed),
            placed,
            changed,
            expires,
        }
    }
}

/// Builds the dynamic value.
pub fn wide_value(from: &entities::Wide) -> Value {
    Value::Record(vec![
        field("account", Value::String(from.account.clone())),
        field("symbol", Value::String(from.symbol.clone())),
        field("venue", Value::String(from.venue.clone())),
        field(
            "note",
            option(from.note.as_ref().map(|value| Value::String(value.clone()))),
        ),
        field("active", Value::Boolean(from.active)),
        field("settled", Value::Boolean(from.settled)),
        field("side", Value::Int(from.side)),
        field("kind", Value::Int(from.kind)),
        field("flags", Value::Int(from.flags)),
        field("desk", Value::Int(from.desk)),
        field("filled", Value::Int(from.filled)),
        field("open", Value::Int(from.open)),
        field("seq", Value::Long(from.seq)),
        field("parent", Value::Long(from.parent)),
        field("trader", Value::Long(from.trader)),
        field("book", Value::Long(from.book)),
        field("latency", Value::Long(from.latency)),
        field("limit", option(from.limit.map(Value::Long))),
        field("hidden", option(from.hidden.map(Value::Int))),
        field("strategy", option(from.strategy.map(Value::Int))),
        field("delta", Value::Double(from.delta)),
        field("gamma", Value::Double(from.gamma)),
        field("vega", Value::Double(from.vega)),
        field("price", decimal::<4>(from.price)),
        field("fee", decimal::<4>(from.fee)),
        field("notional", decimal::<2>(from.notional)),
        field("rebate", option(from.rebate.map(decimal::<4>))),
        field(
            "placed",
            Value::TimestampMillis(from.placed.timestamp_millis()),
        ),
        field(
            "changed",
            Value::TimestampMillis(from.changed.timestamp_millis()),
        ),
        field(
            "expires",
            option(
                from.expires
                    .map(|value| Value::TimestampMillis(value.timestamp_millis())),
            ),
        ),
    ])
}
