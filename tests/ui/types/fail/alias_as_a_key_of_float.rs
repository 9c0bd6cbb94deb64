use ksql_runtime::prelude::*;

type Price = f64;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: Price,
    value: i64,
}

fn main() {}
