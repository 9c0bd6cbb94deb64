use ksql_runtime::prelude::*;

use std::collections::{BTreeMap, HashMap};

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    flag: bool,
    small: i16,
    int: i32,
    long: i64,
    single: f32,
    double: f64,
    text: String,
    id2: Uuid,
    raw: Vec<u8>,
    #[decimal_precision(18, 4)]
    price: Decimal,
    total: Dec<38, 10>,
    at: DateTime<Utc>,
    there: DateTime<FixedOffset>,
    day: NaiveDate,
    time: NaiveTime,
    maybe: Option<i64>,
    list: Vec<Option<String>>,
    map: BTreeMap<String, Dec<9, 2>>,
    other: HashMap<String, Vec<i32>>,
}

fn main() {}
