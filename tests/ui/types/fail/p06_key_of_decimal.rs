use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    #[decimal_precision(9, 2)]
    id: Decimal,
    value: i64,
}

fn main() {}
