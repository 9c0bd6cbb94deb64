use ksql_runtime::prelude::*;

use chrono::NaiveDateTime;

#[derive(Entity)]
#[topic("my orders", partitons = 3, retention = "7d")]
#[table]
struct Order {
    #[key]
    id: f64,
    price: Decimal,
    #[max_length(3)]
    size: i64,
    #[timestamp]
    at: NaiveDateTime,
    letter: char,
}

fn main() {}
