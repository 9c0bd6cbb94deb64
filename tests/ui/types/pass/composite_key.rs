use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key(order = 0)]
    carrier: String,
    #[key(order = 1)]
    flight: i32,
    #[key(order = 2)]
    id: Uuid,
    value: i64,
}

fn main() {}
