use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic]
#[table]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
