use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
struct Order;

fn main() {}
