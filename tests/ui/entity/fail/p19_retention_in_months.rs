use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders", retention = "1 month")]
#[stream]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
