use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders", cleanup = "compact,delete")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
