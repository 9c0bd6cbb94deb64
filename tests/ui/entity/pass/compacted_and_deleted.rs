use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders", cleanup = "compact,delete", retention = "unlimited")]
#[stream]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
