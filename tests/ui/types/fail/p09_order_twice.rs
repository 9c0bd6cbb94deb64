use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key(order = 0)]
    a: i64,
    #[key(order = 0)]
    b: i64,
    value: i64,
}

fn main() {}
