use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
#[entity(name = "order-record")]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

#[derive(Entity)]
#[topic("returns")]
#[table]
#[entity(name = " ")]
struct Return {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
