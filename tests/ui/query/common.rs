//! The entities of the cases beside this file.
#![allow(dead_code)]

use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Copy, Enum)]
pub enum Side {
    Buy,
    Sell,
}

#[derive(Debug, Clone, Struct)]
pub struct Address {
    pub city: String,
}

#[derive(Debug, Clone, Entity)]
#[topic("orders")]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer_id: i64,
    pub product: String,
    pub note: Option<String>,
    pub pieces: i32,
    pub weight: f64,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub paid: bool,
    pub ordered: NaiveDate,
    pub at: DateTime<Utc>,
    pub side: Side,
    pub to: Address,
    pub tags: Vec<String>,
    pub labels: std::collections::BTreeMap<String, i64>,
}

#[derive(Debug, Clone, Entity)]
#[topic("small")]
pub struct Small {
    #[key]
    pub id: i64,
    pub note: String,
    pub n: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("totals")]
#[table]
pub struct Total {
    #[key]
    pub customer_id: i64,
    pub n: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("pairs")]
#[table]
pub struct Pair {
    #[key]
    pub product: String,
    #[key]
    pub customer_id: i64,
    pub n: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("windows")]
#[window(tumbling, minutes = [1])]
pub struct Windowed {
    #[key]
    pub customer_id: i64,
    #[window_start]
    pub from: DateTime<Utc>,
    pub n: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("accounts")]
#[table]
pub struct Account {
    #[key]
    pub id: i64,
    pub branch: String,
    pub balance: i64,
}

/// No entity.
pub struct Plain {
    pub id: i64,
}
