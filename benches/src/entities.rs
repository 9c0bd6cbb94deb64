//! The payloads. What every benchmark encodes, stores and reads.

use ksql_runtime::prelude::*;

/// The payload of most benchmarks: 8 bytes of key, about 30 of value.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 4)]
#[table]
#[entity(namespace = "bench")]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer: String,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub qty: i32,
    #[timestamp]
    pub ts: DateTime<Utc>,
}

/// Thirty fields beside the key, of every primitive kind.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("wide", partitions = 4)]
#[table]
#[entity(namespace = "bench")]
pub struct Wide {
    #[key]
    pub id: i64,
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
    #[decimal_precision(18, 4)]
    pub price: Decimal,
    #[decimal_precision(18, 4)]
    pub fee: Decimal,
    #[decimal_precision(18, 2)]
    pub notional: Decimal,
    #[decimal_precision(18, 4)]
    pub rebate: Option<Decimal>,
    #[timestamp]
    pub placed: DateTime<Utc>,
    pub changed: DateTime<Utc>,
    pub expires: Option<DateTime<Utc>>,
}
