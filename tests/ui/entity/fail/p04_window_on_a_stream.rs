use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[stream]
#[window(tumbling, minutes = [5])]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
