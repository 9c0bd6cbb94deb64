use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[stream]
struct Order {
    value: i64,
}

fn main() {}
