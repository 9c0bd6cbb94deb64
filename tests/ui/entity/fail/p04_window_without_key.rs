use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[window(tumbling, minutes = [5])]
struct Order {
    value: i64,
}

fn main() {}
