use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[decimal_precision(9)]
    value: Decimal,
}

fn main() {}
