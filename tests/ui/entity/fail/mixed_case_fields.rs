//! ksqlDB reads NULL from a field in mixed case; a key is written in upper case.
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
#[allow(non_snake_case)]
struct Order {
    #[key]
    orderId: i64,
    depDelay: i64,
    Symbol: String,
    UPPER_2: i64,
}

fn main() {}
