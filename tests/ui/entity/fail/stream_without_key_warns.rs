#![deny(deprecated)]
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
struct Order {
    value: i64,
}

fn main() {}
