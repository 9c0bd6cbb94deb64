use ksql_runtime::prelude::*;

type Price = Decimal;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: Price,
}

fn main() {}
