use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: Vec<u8>,
    value: i64,
}

fn main() {}
