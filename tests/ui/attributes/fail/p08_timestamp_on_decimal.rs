use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[timestamp]
    #[decimal_precision(9, 0)]
    at: Decimal,
}

fn main() {}
