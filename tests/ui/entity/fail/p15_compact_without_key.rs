use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders", cleanup = "compact")]
#[stream]
struct Order {
    value: i64,
}

fn main() {}
