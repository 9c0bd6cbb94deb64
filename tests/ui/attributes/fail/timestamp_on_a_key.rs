use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    #[timestamp]
    at: i64,
    value: i64,
}

fn main() {}
