use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[decimal_precision(4, 9)]
    price: Decimal,
}

fn main() {}
