use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
struct Order(i64, String);

fn main() {}
