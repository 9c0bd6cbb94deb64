use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
#[timestamp]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
