use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    #[default_value(5)]
    id: i64,
    value: i64,
}

fn main() {}
