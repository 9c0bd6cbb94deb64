use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders", partitions = "3")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
