//! `serde_avro_fast`: the fastest Avro library there is.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_avro_fast::{Schema, ser::SerializerConfig};

use super::{millis, some_millis};
use crate::entities;

/// A schema, parsed.
pub fn schema(text: &str) -> Schema {
    text.parse()
        .unwrap_or_else(|error| panic!("schema refused: {error}"))
}

/// Into a reused buffer.
pub fn encode<T: Serialize>(value: &T, config: &mut SerializerConfig<'_>, out: &mut Vec<u8>) {
    out.clear();
    let buffer = std::mem::take(out);
    *out = serde_avro_fast::to_datum(value, buffer, config)
        .unwrap_or_else(|error| panic!("refused: {error}"));
}

/// Owned or borrowed, as `T` is.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8], schema: &Schema) -> T {
    serde_avro_fast::from_datum_slice(body, schema)
        .unwrap_or_else(|error| panic!("refused: {error}"))
}

/// The value of [`entities::Order`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub customer: String,
    pub amount: Decimal,
    pub qty: i32,
    #[serde(with = "millis")]
    pub ts: DateTime<Utc>,
}

/// The value of [`entities::Order`], text borrowed from the body.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct OrderRef<'a> {
    pub customer: &'a str,
    pub amount: Decimal,
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
            amount,
            qty,
            ts,
        }
    }
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
    pub price: Decimal,
    pub fee: Decimal,
    pub notional: Decimal,
    pub rebate: Option<Decimal>,
    #[serde(with = "millis")]
    pub placed: DateTime<Utc>,
    #[serde(with = "millis")]
    pub changed: DateTime<Utc>,
    #[serde(with = "some_millis")]
    pub expires: Option<DateTime<Utc>>,
}

/// The value of [`entities::Wide`], text borrowed from the body.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WideRef<'a> {
    pub account: &'a str,
    pub symbol: &'a str,
    pub venue: &'a str,
    #[serde(borrow)]
    pub note: Option<&'a str>,
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
    pub price: Decimal,
    pub fee: Decimal,
    pub notional: Decimal,
    pub rebate: Option<Decimal>,
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
            price,
            fee,
            notional,
            rebate,
            placed,
            changed,
            expires,
        }
    }
}
